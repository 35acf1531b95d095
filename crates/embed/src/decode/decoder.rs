//! Decoding with a decoder of the `image` crate.

use image::{DynamicImage, ImageDecoder, ImageResult, RgbImage};

use super::color::rgb;
use super::error::ImageError;
use super::limits::{ImageLimits, check_size, memory};

/// Checks the size, decodes, and converts the result to RGB.
pub(super) fn to_rgb(
    format: &'static str,
    decoder: ImageResult<impl ImageDecoder>,
    limits: &ImageLimits,
) -> Result<RgbImage, ImageError> {
    rgb(format, decoded(format, decoder, limits)?)
}

/// Checks the size and decodes.
pub(super) fn decoded(
    format: &'static str,
    decoder: ImageResult<impl ImageDecoder>,
    limits: &ImageLimits,
) -> Result<DynamicImage, ImageError> {
    let failed = |e: image::ImageError| ImageError::from_image(format, &e);
    let mut decoder = decoder.map_err(failed)?;
    let (width, height) = decoder.dimensions();
    check_size(format, width, height, limits)?;
    decoder.set_limits(memory(width, height)).map_err(failed)?;
    DynamicImage::from_decoder(decoder).map_err(failed)
}
