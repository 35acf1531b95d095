//! Spherical k-means, and the assignment of rows to clusters.
//!
//! From the bottom up: `lloyd` (one level of k-means), `levels` (groups first, then clusters),
//! `assign` (the nearest centroids of each row, with `centroid_groups`, `visits` and
//! `nearest_centroids` as its index), `refine` (k-means over all clusters with the assigner as
//! index), `train` (which of these to use). `probes` and `assignment` are the vocabulary.

pub(crate) mod assign;
pub(crate) mod assignment;
mod centroid_groups;
mod levels;
pub(crate) mod lloyd;
mod nearest_centroids;
pub(crate) mod probes;
mod refine;
pub(crate) mod train;
mod visits;
