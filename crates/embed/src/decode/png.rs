//! PNG.

use std::io::Cursor;

use image::RgbImage;
use image::codecs::png::PngDecoder;

use super::decoder::to_rgb;
use super::error::ImageError;
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
    to_rgb(FORMAT, decoder, limits)
}
