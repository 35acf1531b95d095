//! Decoding with a decoder of the `image` crate.

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageResult, RgbImage};

use super::color::{rgb, upright};
use super::error::ImageError;
use super::limits::{ImageLimits, check_size, memory};

/// Checks the size, decodes, and converts the result to upright RGB.
pub(super) fn to_rgb(
    format: &'static str,
    decoder: ImageResult<impl ImageDecoder>,
    limits: &ImageLimits,
) -> Result<RgbImage, ImageError> {
    let (image, orientation) = decoded(format, decoder, limits)?;
    Ok(upright(rgb(format, image)?, orientation))
}

/// Checks the size and decodes.
pub(super) fn decoded(
    format: &'static str,
    decoder: ImageResult<impl ImageDecoder>,
    limits: &ImageLimits,
) -> Result<(DynamicImage, Orientation), ImageError> {
    let failed = |e: image::ImageError| ImageError::from_image(format, &e);
    let mut decoder = decoder.map_err(failed)?;
    let (width, height) = decoder.dimensions();
    check_size(format, width, height, limits)?;
    decoder.set_limits(memory(width, height)).map_err(failed)?;
    let orientation = decoder.orientation().map_err(failed)?;
    Ok((DynamicImage::from_decoder(decoder).map_err(failed)?, orientation))
}
