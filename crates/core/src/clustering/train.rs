//! Training: spherical k-means, with centroids of unit length and rows assigned by cosine
//! similarity.

use crate::clustering::levels::{MAX_FLAT_CLUSTERS, distinct, train_levels};
use crate::clustering::lloyd::{Trained, Training};
use crate::clustering::refine::refine;
use crate::similarity::embeddings::UnitEmbeddings;
use crate::stop::{NEVER, Stop};

/// Trains `training.clusters` centroids on rows: all rows, or a sample of them.
///
/// Rows without direction are ignored, and rows with the same vector count once. If fewer distinct
/// rows remain than clusters, each of them becomes a centroid.
///
/// More than 64 clusters are trained in two or more levels: √k groups, then in each group a share
/// of the clusters in proportion to its rows. This takes n·√k comparisons instead of n·k, and
/// divides a dense group of near-duplicates like any other rows. A centroid that loses all its rows
/// restarts at the row that is least similar to its own centroid.
pub fn train(rows: &UnitEmbeddings, training: &Training) -> Trained {
    train_or_stop(rows, training, NEVER)
}

/// Trains as [`train`] does, but returns `None` soon after `stop` has returned true.
pub fn train_until(rows: &UnitEmbeddings, training: &Training, stop: &Stop) -> Option<Trained> {
    let trained = train_or_stop(rows, training, stop);
    (!stop()).then_some(trained)
}

fn train_or_stop(rows: &UnitEmbeddings, training: &Training, stop: &Stop) -> Trained {
    let chosen = distinct(rows);
    if training.refinements > 0 && (MAX_FLAT_CLUSTERS + 1..chosen.len()).contains(&training.clusters) {
        return refine(rows, &chosen, training, stop);
    }
    train_levels(rows, &chosen, training, stop)
}

#[cfg(test)]
#[path = "train_tests.rs"]
mod tests;
