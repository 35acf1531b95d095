//! Folders whose files are rows: images or texts.

pub(crate) mod columns;
pub(crate) mod format;
pub(crate) mod tree;
