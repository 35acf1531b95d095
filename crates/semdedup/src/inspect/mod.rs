//! Looks at a finished run: other thresholds, and pairs of duplicates.

pub(crate) mod pairs;
pub(crate) mod past_run;
pub(crate) mod sweep;
