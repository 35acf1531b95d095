//! Pretrained models that turn texts and images into embeddings.
//!
//! The pipeline asks a [`TextModel`] or an [`ImageModel`]. There are four kinds:
//!
//! - [`StaticModel`] (texts) and [`MobileNet`] (images; feature `images`) are inside this crate.
//!   They need no download, GPU or server.
//! - [`load`] loads a transformer from a folder or from the Hugging Face hub (feature
//!   `transformers`).
//! - [`RemoteModel`] asks a server (feature `server`). Downloads from the hub need this feature
//!   too.
//! - You can implement the traits; see the example at [`TextModel`].
//!
//! All features are on by default. Without one, the same functions return an error that names the
//! feature.
//!
//! ```
//! use semdedup_embed::{StaticModel, TextModel};
//! # fn main() -> Result<(), semdedup_embed::ModelError> {
//! let model = StaticModel::built_in(None)?;
//! let mut rows = vec![0.0; 2 * model.dim()];
//! let stats = model.embed(&["a text", "another one"], &mut rows)?;
//! assert_eq!(stats.truncated, 0);
//! # Ok(())
//! # }
//! ```
#[cfg(not(all(feature = "images", feature = "transformers", feature = "server")))]
mod absent;
mod decode;
#[cfg(feature = "transformers")]
pub mod distill;
mod distilled;
mod error;
mod file_kind;
#[cfg(feature = "server")]
#[doc(hidden)]
pub mod fuzz;
#[cfg(feature = "server")]
mod http;
mod load_options;
#[cfg(feature = "images")]
mod mobilenet;
mod model;
#[cfg(feature = "server")]
mod remote;
mod rgb_image;
mod scheme;
mod server_options;
#[cfg(feature = "transformers")]
mod transformer;

#[cfg(not(feature = "images"))]
pub use absent::images::{MobileNet, decode_image};
#[cfg(not(feature = "transformers"))]
pub use absent::load::load;
#[cfg(not(feature = "server"))]
pub use absent::{
    address::{ServerAddress, ServerKey},
    model::RemoteModel,
};
#[cfg(feature = "images")]
pub use decode::decode_image;
pub use decode::{ImageError, ImageLimits, looks_like_image};
pub use distilled::{StaticModel, WordVectors, is_unspaced, normal_form};
pub use error::ModelError;
pub use file_kind::{FileKind, Group, kind_of, kind_of_content, kind_of_name, kind_of_whole};
pub use load_options::{LoadOptions, Loaded, Place, Precision, Towers};
#[cfg(feature = "images")]
pub use mobilenet::MobileNet;
pub use model::{
    DEFAULT_MAX_TOKENS, EmbedStats, EmbeddedTexts, ImageModel, RefusedText, TextLimit, TextModel,
};
#[cfg(feature = "server")]
pub use remote::{RemoteModel, ServerAddress, ServerKey};
pub use rgb_image::RgbImage;
pub use server_options::{Pause, RemoteOptions};
#[cfg(feature = "transformers")]
pub use transformer::{load, word_pieces};
