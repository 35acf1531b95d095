//! Compares only rows that agree on a column (`--within`).

pub(crate) mod divided;
pub(crate) mod groups_of_rows;
pub(crate) mod stage;
