//! Runs each stage as a command of its own, on files that the user brings.

pub(crate) mod cluster;
pub(crate) mod clustered;
#[cfg(feature = "transformers")]
pub(crate) mod distill;
pub(crate) mod embed;
pub(crate) mod file_set;
pub(crate) mod guards;
pub(crate) mod places;
pub(crate) mod score;
pub(crate) mod select;
pub(crate) mod stamped;
