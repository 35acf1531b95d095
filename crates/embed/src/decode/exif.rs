//! The orientation that Exif data gives.
//!
//! It counts as PIL's `ImageOps.exif_transpose` counts it: whatever type of number holds it, and
//! of several directories or tags the first. PIL ignores one of the type BYTE. Other programs turn
//! such a picture, and so does this one.

use image::metadata::Orientation;

use super::directory::Directory;

/// What Exif data begins with in a JPEG. Some programs write it in other formats too.
pub(super) const PREFIX: &[u8] = b"Exif\0\0";

const ORIENTATION: u64 = 274;

/// Returns the orientation of Exif data, or of a TIFF. Without a valid one it is that of an upright
/// image.
pub(super) fn orientation(exif: &[u8]) -> Orientation {
    let exif = exif.strip_prefix(PREFIX).unwrap_or(exif);
    let exif = exif.strip_prefix(PREFIX).unwrap_or(exif);
    let value = Directory::open(exif).and_then(|directory| {
        let mut entries = directory.find(ORIENTATION);
        entries.find_map(|entry| directory.number(&entry))
    });
    let valid = (1..=8).find(|&number| Some(f64::from(number)) == value);
    valid.and_then(Orientation::from_exif).unwrap_or(Orientation::NoTransforms)
}
