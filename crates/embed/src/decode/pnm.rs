//! PPM, PGM, PBM and PAM.

use std::io::Cursor;

use image::RgbImage;
use image::codecs::pnm::PnmDecoder;

use super::decoder::to_rgb;
use super::error::ImageError;
use super::limits::ImageLimits;

/// Decodes a file of the PNM family.
pub(super) fn decode(bytes: &[u8], limits: &ImageLimits) -> Result<RgbImage, ImageError> {
    to_rgb("PNM", PnmDecoder::new(Cursor::new(bytes)), limits)
}
