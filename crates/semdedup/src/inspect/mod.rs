//! Looks at a finished run: other thresholds, and pairs of duplicates.

pub(crate) mod finished_run;
pub(crate) mod pairs;
pub(crate) mod rows;
pub(crate) mod sweep;
