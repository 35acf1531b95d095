//! Clustering.

pub(crate) mod assign;
pub(crate) mod assignment;
pub(crate) mod centroid_groups;
pub(crate) mod levels;
pub(crate) mod lloyd;
pub(crate) mod nearest_centroids;
pub(crate) mod probes;
pub(crate) mod refine;
pub(crate) mod train;
