//! WebP.

use std::io::Cursor;

use image::RgbImage;
use image::codecs::webp::WebPDecoder;

use super::decoder::to_rgb;
use super::error::ImageError;
use super::limits::ImageLimits;

const FORMAT: &str = "WebP";

/// Decodes a WebP.
///
/// The decoder allocates as much memory as a chunk claims to need. So the chunks must lie inside
/// the file.
pub(super) fn decode(bytes: &[u8], limits: &ImageLimits) -> Result<RgbImage, ImageError> {
    let mut at = 12;
    while let Some([name @ .., a, b, c, d]) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let length = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
        let rest = bytes.len() - at - 8;
        if length > rest {
            let name = String::from_utf8_lossy(name);
            let reason = format!("its part {name:?} should have {length} bytes, {rest} are left in the file");
            return Err(ImageError::broken(FORMAT, reason));
        }
        at += 8 + length.next_multiple_of(2);
    }
    to_rgb(FORMAT, WebPDecoder::new(Cursor::new(bytes)), limits)
}
