//! WebP.

use std::io::Cursor;

use image::RgbImage;
use image::codecs::webp::WebPDecoder;

use super::color::upright;
use super::decoder::to_rgb;
use super::error::ImageError;
use super::exif;
use super::limits::ImageLimits;

const FORMAT: &str = "WebP";
/// The bit that announces Exif data. Without it, libwebp ignores such a part.
const HAS_EXIF: u8 = 0b1000;

/// Decodes a WebP.
///
/// The decoder allocates as much memory as a chunk claims to need. So the chunks must lie inside
/// the file. The first part of Exif data counts.
pub(super) fn decode(bytes: &[u8], limits: &ImageLimits) -> Result<RgbImage, ImageError> {
    let (mut at, mut has_exif, mut exif) = (12, false, None);
    while let Some([name @ .., a, b, c, d]) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let length = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
        let rest = bytes.len() - at - 8;
        if length > rest {
            let name = String::from_utf8_lossy(name);
            let reason = format!("its part {name:?} should have {length} bytes, {rest} are left in the file");
            return Err(ImageError::broken(FORMAT, reason));
        }
        let part = &bytes[at + 8..][..length];
        match name {
            b"VP8X" => has_exif = part.first().is_some_and(|flags| flags & HAS_EXIF != 0),
            b"EXIF" if has_exif => exif = exif.or(Some(part)),
            _ => {}
        }
        at += 8 + length.next_multiple_of(2);
    }
    let image = to_rgb(FORMAT, WebPDecoder::new(Cursor::new(bytes)), limits)?;
    Ok(upright(image, exif::orientation(exif.unwrap_or_default())))
}
