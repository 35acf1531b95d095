//! Conversions of colors and orientations.

use image::metadata::Orientation;
use image::{DynamicImage, RgbImage, RgbaImage};

use super::blend;
use super::error::ImageError;

/// Converts an image to RGB: blends alpha with a background and drops the lower half of 16-bit
/// samples.
pub(super) fn rgb(format: &'static str, image: DynamicImage) -> Result<RgbImage, ImageError> {
    let (width, height) = (image.width(), image.height());
    let high = |sample: u16| (sample >> 8) as u8;
    let opaque: Vec<u8> = match image {
        DynamicImage::ImageRgb8(image) => return Ok(image),
        DynamicImage::ImageLuma8(image) => image.iter().flat_map(|&l| [l; 3]).collect(),
        DynamicImage::ImageLuma16(image) => image.iter().flat_map(|&l| [high(l); 3]).collect(),
        DynamicImage::ImageRgb16(image) => image.iter().map(|&s| high(s)).collect(),
        image => return blend::over_background(format, &rgba(format, image)?),
    };
    RgbImage::from_raw(width, height, opaque)
        .ok_or_else(|| ImageError::broken(format, "its pixels do not fill the image"))
}

/// Converts an image with alpha to four samples of eight bits.
fn rgba(format: &'static str, image: DynamicImage) -> Result<RgbaImage, ImageError> {
    let (width, height) = (image.width(), image.height());
    let high = |sample: u16| (sample >> 8) as u8;
    let pixels: Vec<u8> = match image {
        DynamicImage::ImageRgba8(image) => return Ok(image),
        DynamicImage::ImageLumaA8(image) => {
            image.as_chunks().0.iter().flat_map(|&[l, a]| [l, l, l, a]).collect()
        }
        DynamicImage::ImageLumaA16(image) => {
            image.as_chunks().0.iter().flat_map(|&[l, a]| [l, l, l, a].map(high)).collect()
        }
        DynamicImage::ImageRgba16(image) => image.iter().map(|&s| high(s)).collect(),
        _ => return Err(ImageError::unsupported(format, "samples of floating point")),
    };
    RgbaImage::from_raw(width, height, pixels)
        .ok_or_else(|| ImageError::broken(format, "its pixels do not fill the image"))
}

/// Applies an orientation.
pub(super) fn upright(image: RgbImage, orientation: Orientation) -> RgbImage {
    let mut image = DynamicImage::ImageRgb8(image);
    image.apply_orientation(orientation);
    image.into_rgb8()
}

/// Converts CMYK as PIL's `cmyk2rgb` does: each channel is the white that black and the ink leave,
/// with rounding.
pub(super) fn cmyk_to_rgb([c, m, y, k]: [u8; 4]) -> [u8; 3] {
    let left = 255 - u32::from(k);
    [c, m, y].map(|ink| {
        let product = u32::from(ink) * left + 128;
        (left - (((product >> 8) + product) >> 8)) as u8
    })
}

/// Converts YCbCr as JPEG defines it (BT.601, values from 0 to 255), with the rounding of libjpeg.
pub(super) fn ycc_to_rgb([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    const HALF: i32 = 1 << 15;
    let (y, cb, cr) = (i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128);
    let red = y + ((91_881 * cr + HALF) >> 16);
    let green = y + ((-22_554 * cb - 46_802 * cr + HALF) >> 16);
    let blue = y + ((116_130 * cb + HALF) >> 16);
    [red, green, blue].map(|sample| sample.clamp(0, 255) as u8)
}
