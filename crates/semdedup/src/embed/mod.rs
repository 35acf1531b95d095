//! The embedding stage: rows in, one embedding a row out.

pub(crate) mod comparison;
pub(crate) mod dataset;
pub(crate) mod embedder;
pub(crate) mod images;
pub(crate) mod source;
pub(crate) mod stage;
