//! The work directory: what each stage leaves there for the next one and for a run that resumes.

pub(crate) mod counted;
pub(crate) mod pair_counts;
pub(crate) mod parts;
pub(crate) mod row_index;
pub(crate) mod script;
pub(crate) mod table_file;
pub(crate) mod uncompared;
pub(crate) mod work_dir;
