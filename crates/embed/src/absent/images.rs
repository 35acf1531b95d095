//! Images in a build without the feature `images`: the built-in model cannot be loaded, so nothing
//! is decoded.

use std::convert::Infallible;

use crate::decode::{ImageError, ImageLimits};
use crate::error::ModelError;
use crate::model::{ImageModel, MOBILENET_EPSILON};
use crate::rgb_image::RgbImage;

/// Returns the error that this program decodes no images: it was built without the feature
/// `images`.
///
/// # Errors
/// Always.
pub fn decode_image(bytes: &[u8], _limits: &ImageLimits) -> Result<RgbImage, ImageError> {
    let start: Vec<String> = bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Err(ImageError::Unknown { start: start.join(" ") })
}

/// The built-in image model. This build has none: it lacks the feature `images`.
pub struct MobileNet(Infallible);

impl MobileNet {
    /// The ε of images unless the user names one.
    pub const DEFAULT_EPSILON: f64 = MOBILENET_EPSILON;

    /// Returns the error that this program knows no images.
    ///
    /// # Errors
    /// Always.
    pub fn load() -> Result<Self, ModelError> {
        Err(ModelError::missing_feature("images cannot be compared", "images"))
    }
}

impl ImageModel for MobileNet {
    fn name(&self) -> &str {
        match self.0 {}
    }

    fn dim(&self) -> usize {
        match self.0 {}
    }

    fn fingerprint(&self) -> String {
        match self.0 {}
    }

    fn embed(&self, _images: &[RgbImage], _out: &mut [f32]) -> Result<(), ModelError> {
        match self.0 {}
    }
}
