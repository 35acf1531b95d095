//! Compares the rows of each cluster with each other and with the rows that probe it.

pub(crate) mod bulk_copies;
pub(crate) mod checkpoints;
pub(crate) mod columns;
pub(crate) mod compared_rows;
pub(crate) mod each_part;
pub(crate) mod groups;
pub(crate) mod loader;
pub(crate) mod row_bits;
pub(crate) mod scores_file;
pub(crate) mod stage;
