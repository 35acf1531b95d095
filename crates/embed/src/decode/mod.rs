//! Decodes images to RGB: what PIL's `ImageOps.exif_transpose(Image.open(f)).convert("RGB")` gives,
//! except for alpha.
//!
//! Transparent images are blended with a background (`blend`). Palettes are expanded, samples of 16
//! bits are cut to their upper eight, animations give their first frame, and color profiles are not
//! applied. `docs/images.md` lists the differences from PIL. `formats` finds the format; each
//! format has a file of its own.
mod blend;
mod bmp;
mod color;
mod decoder;
mod directory;
mod error;
mod exif;
pub(crate) mod formats;
mod gif;
mod jpeg;
mod limits;
mod png;
mod pnm;
mod tiff;
mod webp;

pub use error::ImageError;
pub use formats::{decode_image, looks_like_image};
pub use limits::ImageLimits;
