//! Spherical k-means: centroids of unit length, rows assigned by cosine similarity.

use crate::clustering::levels::{FLAT, distinct, train_levels};
use crate::clustering::lloyd::{Trained, Training};
use crate::clustering::refine::refine;
use crate::similarity::embeddings::UnitEmbeddings;

/// Trains `clusters` centroids on rows (all, or a sample of the data).
///
/// There are fewer only where fewer distinct rows have a direction: then each is a centroid of its own. Rows without
/// direction take no part, and of equal rows one. More than 64 clusters are trained in two levels or more: √k
/// groups, then in each group a share of the clusters in proportion to its rows. That takes n·√k comparisons instead of
/// n·k, and a crowd of near-equal rows is divided like any other rows. A centroid that loses all its rows starts again at
/// the row that is least similar to its own centroid.
pub fn train(rows: &UnitEmbeddings, training: &Training) -> Trained {
    let chosen = distinct(rows);
    if training.refinements > 0 && (FLAT + 1..chosen.len()).contains(&training.clusters) {
        return refine(rows, &chosen, training);
    }
    train_levels(rows, &chosen, training)
}

#[cfg(test)]
#[path = "train_tests.rs"]
mod tests;
