//! The results: the input's files without the removed rows, added columns, tables, and the folder that holds them.

pub(crate) mod annotations;
pub(crate) mod checks;
pub(crate) mod publish;
pub(crate) mod result_dir;
pub(crate) mod stage;
