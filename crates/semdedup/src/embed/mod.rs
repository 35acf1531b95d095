//! The embedding stage: it reads rows and writes one embedding for each row.

pub(crate) mod comparison;
pub(crate) mod dataset;
mod embed_batch;
mod embed_task;
pub(crate) mod embedder;
mod id_check;
mod images;
pub(crate) mod linked;
pub(crate) mod models;
pub(crate) mod not_utf8;
mod outcome;
mod part_writer;
mod refusals;
pub(crate) mod seen;
pub(crate) mod source;
pub(crate) mod stage;
mod stored;
mod tasks;
