//! Clusters the rows: trains centroids, then finds the cluster of every row and the clusters that
//! it probes.

pub(crate) mod assign;
pub(crate) mod clustering;
pub(crate) mod cost;
pub(crate) mod stored;
pub(crate) mod train;
