//! Semantic deduplication of training data.
mod error;
pub mod formats;

pub use error::{Error, ErrorKind, Result};
