//! The work directory keeps the results of each stage, for the next stage and for a run that
//! resumes.

pub(crate) mod contents;
pub(crate) mod counted_rows;
pub(crate) mod embeddings;
pub(crate) mod fingerprint;
pub(crate) mod manifest;
pub(crate) mod pair_counts;
pub(crate) mod parts;
pub(crate) mod row_index;
pub(crate) mod script;
pub(crate) mod sealed;
pub(crate) mod stage_sums;
pub(crate) mod sums;
pub(crate) mod table_file;
pub(crate) mod uncompared;
pub(crate) mod work_dir;
