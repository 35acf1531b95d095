//! Decodes an image by the decoder of its format.

use image::RgbImage;

use super::error::ImageError;
use super::limits::ImageLimits;
use super::signature::Signature;
use super::{bmp, gif, jpeg, png, pnm, tiff, webp};
use crate::file_kind::{kind_of_name, kind_of_whole};

/// The version of decoding, which the fingerprint of every image model includes. Raise it when a
/// file gives other pixels.
pub(crate) const REVISION: u32 = 6;

/// Decodes a JPEG, PNG, WebP, GIF, BMP, TIFF or PNM to RGB and applies its EXIF orientation. The name of
/// the file does not matter.
///
/// A transparent image is blended with white, or with another background if white would hide more
/// of its outline than a dot has.
///
/// # Errors
/// If there are more pixels than `limits` allow, if the bytes are empty, of another format, broken
/// or cut off, or if every pixel is transparent.
pub fn decode_image(bytes: &[u8], limits: &ImageLimits) -> Result<RgbImage, ImageError> {
    if bytes.is_empty() {
        return Err(ImageError::Empty);
    }
    match Signature::of(bytes) {
        Some(Signature::Jpeg) => jpeg::decode(bytes, limits),
        Some(Signature::Png) => png::decode(bytes, limits),
        Some(Signature::WebP) => webp::decode(bytes, limits),
        Some(Signature::Gif) => gif::decode(bytes, limits),
        Some(Signature::Bmp) => bmp::decode(bytes, limits),
        Some(Signature::Tiff) => tiff::decode(bytes, limits),
        Some(Signature::Pnm) => pnm::decode(bytes, limits),
        None => Err(unknown(bytes)),
    }
}

/// The error for bytes that are no image, or one of a format that is not decoded.
fn unknown(bytes: &[u8]) -> ImageError {
    // The mark of a bare JPEG XL stream is too short for files that are not said to be images.
    let bare = || kind_of_name("x.jxl").filter(|_| bytes.starts_with(b"\xff\x0a"));
    match kind_of_whole(bytes).or_else(bare) {
        Some(kind) => ImageError::OtherKind { what: kind.what, remedy: kind.remedy },
        None => {
            let start: Vec<String> = bytes.iter().take(8).map(|b| format!("{b:02x}")).collect();
            ImageError::Unknown { start: start.join(" ") }
        }
    }
}
