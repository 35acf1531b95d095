//! PNG.

use std::io::Cursor;

use image::RgbImage;
use image::codecs::png::PngDecoder;

use super::color::upright;
use super::decoder::to_rgb;
use super::error::ImageError;
use super::exif;
use super::limits::{ImageLimits, check_size, memory};

const FORMAT: &str = "PNG";

/// Decodes a PNG.
///
/// The decoder needs its limits before it reads the header, because a color profile may precede the
/// pixels. So the size is read first from its fixed place: the first chunk is `IHDR`.
pub(super) fn decode(bytes: &[u8], limits: &ImageLimits) -> Result<RgbImage, ImageError> {
    let size = |at: usize| bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_be_bytes);
    let (Some(width), Some(height)) = (size(16), size(20)) else {
        return Err(ImageError::broken(FORMAT, format!("it ends after {} bytes", bytes.len())));
    };
    check_size(FORMAT, width, height, limits)?;
    let decoder = PngDecoder::with_limits(Cursor::new(bytes), memory(width, height));
    Ok(upright(to_rgb(FORMAT, decoder, limits)?, exif::orientation(exif_data(bytes))))
}

/// Returns the Exif data. The standard allows one chunk of it, before or after the pixels; of
/// several the last counts, as with PIL.
fn exif_data(bytes: &[u8]) -> &[u8] {
    let (mut at, mut found) = (8, [].as_slice());
    while let Some([a, b, c, d, name @ ..]) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let start = at + 8;
        let end = start.saturating_add(u32::from_be_bytes([*a, *b, *c, *d]) as usize);
        if name == b"eXIf" {
            found = bytes.get(start..end).unwrap_or(found);
        }
        at = end.saturating_add(4);
    }
    found
}
