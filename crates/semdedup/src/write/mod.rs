//! Writes the results: the input's files without the removed rows, added columns, tables, and the
//! folder that holds them.

pub(crate) mod annotations;
mod changes;
pub(crate) mod checks;
mod commit_record;
mod kept_files;
pub(crate) mod lost_summary;
mod publish;
pub(crate) mod result_dir;
pub(crate) mod result_files;
pub(crate) mod result_target;
mod scratch;
pub(crate) mod skipped;
pub(crate) mod stage;
