//! BMP.

use std::io::Cursor;

use image::codecs::bmp::BmpDecoder;
use image::{DynamicImage, RgbImage};

use super::color::rgb;
use super::decoder::decoded;
use super::error::ImageError;
use super::limits::ImageLimits;
use super::signature::is_bare_bitmap;

const FORMAT: &str = "BMP";

/// Decodes a BMP, also without the header of a file.
///
/// Many programs write a BMP that announces alpha and leave it at zero. Windows and browsers show
/// such a file as opaque.
pub(super) fn decode(bytes: &[u8], limits: &ImageLimits) -> Result<RgbImage, ImageError> {
    let decoder = match is_bare_bitmap(bytes) {
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
