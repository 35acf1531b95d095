//! Decodes images to RGB: what PIL's `ImageOps.exif_transpose(Image.open(f)).convert("RGB")` gives,
//! except for alpha.
//!
//! Transparent images are blended with a background (`blend`). Palettes are expanded, samples of 16
//! bits are cut to their upper eight, animations give their first frame, and color profiles are not
//! applied. `docs/images.md` lists the differences from PIL. `formats` finds the format; each
//! format has a file of its own.
//!
//! Without the feature `images` there are the formats' signatures, the limits and the error alone.
#[cfg(feature = "images")]
mod blend;
#[cfg(feature = "images")]
mod bmp;
#[cfg(feature = "images")]
mod color;
#[cfg(feature = "images")]
mod decoder;
#[cfg(feature = "images")]
mod directory;
mod error;
#[cfg(feature = "images")]
mod exif;
#[cfg(feature = "images")]
pub(crate) mod formats;
#[cfg(feature = "images")]
mod gif;
#[cfg(feature = "images")]
mod jpeg;
mod limits;
#[cfg(feature = "images")]
mod png;
#[cfg(feature = "images")]
mod pnm;
mod signature;
#[cfg(feature = "images")]
mod tiff;
#[cfg(feature = "images")]
mod webp;

pub use error::ImageError;
#[cfg(feature = "images")]
pub use formats::decode_image;
pub use limits::ImageLimits;
pub use signature::looks_like_image;
