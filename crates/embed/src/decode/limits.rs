//! What an image may cost.

#[cfg(feature = "images")]
use image::Limits;

#[cfg(feature = "images")]
use super::error::ImageError;

/// The largest cost of decoding an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageLimits {
    /// The largest number of pixels of an image, at least 1. The header is checked before anything
    /// of the size of the image is allocated. Decoding takes at most
    /// [`ImageLimits::BYTES_PER_PIXEL`] bytes for each pixel, and [`ImageLimits::FIXED_BYTES`] in
    /// addition.
    pub max_pixels: u64,
}

impl ImageLimits {
    /// The most that decoders hold for a pixel: four samples of 16 bits twice, for example the
    /// coefficients of a progressive JPEG and its samples.
    pub const BYTES_PER_PIXEL: u64 = 16;
    /// The most that decoders hold for images of any size, for example tables, color profiles and
    /// metadata.
    pub const FIXED_BYTES: u64 = 16 << 20;
}

impl Default for ImageLimits {
    /// 89,478,485 pixels, 256 MiB as RGB. Beyond this number PIL warns of a decompression bomb.
    fn default() -> Self {
        Self { max_pixels: 89_478_485 }
    }
}

/// Fails for an image without pixels or with too many.
#[cfg(feature = "images")]
pub(super) fn check_size(
    format: &'static str,
    width: u32,
    height: u32,
    limits: &ImageLimits,
) -> Result<(), ImageError> {
    if width == 0 || height == 0 {
        return Err(ImageError::broken(format, format!("it has {width}x{height} pixels")));
    }
    if u64::from(width) * u64::from(height) > limits.max_pixels {
        return Err(ImageError::TooLarge { format, width, height, limit: limits.max_pixels });
    }
    Ok(())
}

/// Returns the memory that a decoder may allocate for an image of this size.
#[cfg(feature = "images")]
pub(super) fn memory(width: u32, height: u32) -> Limits {
    let mut memory = Limits::no_limits();
    memory.max_alloc = Some(memory_bytes(width, height));
    memory
}

/// Returns the number of bytes that a decoder may allocate for an image of this size.
#[cfg(feature = "images")]
pub(super) fn memory_bytes(width: u32, height: u32) -> u64 {
    (u64::from(width) * u64::from(height)).saturating_mul(ImageLimits::BYTES_PER_PIXEL)
        + ImageLimits::FIXED_BYTES
}
