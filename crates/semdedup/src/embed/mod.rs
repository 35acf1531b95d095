//! The embedding stage: it reads rows and writes one embedding for each row.

pub(crate) mod comparison;
pub(crate) mod dataset;
mod embed_batch;
pub(crate) mod embedder;
mod id_check;
mod images;
pub(crate) mod linked;
mod models;
pub(crate) mod not_utf8;
mod outcome;
mod part_writer;
mod refusals;
pub(crate) mod source;
pub(crate) mod stage;
mod stored;
mod tasks;
