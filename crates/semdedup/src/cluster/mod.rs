//! The clustering stages: train centroids, then assign every row to its cluster and its probes.

pub(crate) mod assign;
pub(crate) mod clustering;
pub(crate) mod cost;
pub(crate) mod train;
