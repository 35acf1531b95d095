//! Loading pretrained models in a build without the feature `transformers`.

use crate::error::ModelError;
use crate::load_options::{LoadOptions, Loaded};

/// Returns the error that this program cannot load pretrained models: it was built without the
/// feature `transformers`.
///
/// # Errors
/// Always.
pub fn load(source: &str, _options: &LoadOptions) -> Result<Loaded, ModelError> {
    Err(ModelError::missing_feature(
        &format!("{source}: a pretrained model cannot be loaded"),
        "transformers",
    ))
}
