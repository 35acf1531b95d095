//! A decoded image: that of the crate `image`, or, without the feature `images`, one that cannot be
//! made.

#[cfg(feature = "images")]
pub use image::RgbImage;

/// A decoded image. This build has none: it lacks the feature `images`.
#[cfg(not(feature = "images"))]
#[derive(Debug, Clone)]
pub struct RgbImage(std::convert::Infallible);

#[cfg(not(feature = "images"))]
impl RgbImage {
    /// Returns the width in pixels.
    pub fn width(&self) -> u32 {
        match self.0 {}
    }

    /// Returns the height in pixels.
    pub fn height(&self) -> u32 {
        match self.0 {}
    }
}
