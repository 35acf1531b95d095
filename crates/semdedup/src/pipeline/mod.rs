//! Runs every stage in order, and continues where an earlier run stopped.

pub(crate) mod close_rows;
mod clustered;
mod copies;
pub(crate) mod decide;
pub(crate) mod disk;
mod divided;
pub(crate) mod fingerprints;
pub(crate) mod known_outcome;
pub(crate) mod limited_clusters;
mod pairs;
pub(crate) mod plan;
pub(crate) mod recall_advice;
pub(crate) mod resolved;
pub(crate) mod run;
pub(crate) mod scored;
pub(crate) mod summarise;
mod watch;
