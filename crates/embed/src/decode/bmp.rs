//! BMP.

use std::io::Cursor;

use image::codecs::bmp::BmpDecoder;
use image::{DynamicImage, RgbImage};

use super::color::rgb;
use super::decoder::decoded;
use super::error::ImageError;
use super::limits::ImageLimits;

const FORMAT: &str = "BMP";

/// The header of most bitmaps: 40 bytes, of which the first four are their number.
const INFO_HEADER: [u8; 4] = [40, 0, 0, 0];

/// Whether bytes are a bitmap without the header of a file (DIB), as `.dib` files often are: one plane
/// of a known number of bits behind the width and the height.
pub(super) fn is_bare(bytes: &[u8]) -> bool {
    bytes.starts_with(&INFO_HEADER)
        && bytes.get(12..14) == Some(&[1, 0])
        && matches!(bytes.get(14..16), Some([1 | 4 | 8 | 16 | 24 | 32, 0]))
}

/// Decodes a BMP, also without the header of a file.
///
/// Many programs write a BMP that announces alpha and leave it at zero. Windows and browsers show
/// such a file as opaque.
pub(super) fn decode(bytes: &[u8], limits: &ImageLimits) -> Result<RgbImage, ImageError> {
    let decoder = match is_bare(bytes) {
        true => BmpDecoder::new_without_file_header(Cursor::new(bytes)),
        false => BmpDecoder::new(Cursor::new(bytes)),
    };
    let mut image = decoded(FORMAT, decoder, limits)?;
    if let DynamicImage::ImageRgba8(image) = &mut image
        && image.pixels().all(|pixel| pixel[3] == 0)
    {
        image.pixels_mut().for_each(|pixel| pixel[3] = u8::MAX);
    }
    rgb(FORMAT, image)
}
