//! Looks at a finished run: counts what other thresholds keep, and shows pairs of duplicates.

pub(crate) mod compare;
pub(crate) mod differences;
pub(crate) mod finished_run;
pub(crate) mod pairs;
pub(crate) mod rows;
pub(crate) mod stats;
pub(crate) mod sweep;
