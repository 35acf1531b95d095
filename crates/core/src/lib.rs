//! The SemDeDup algorithm (Abbas et al. 2023, arXiv 2303.09540) as pure functions on slices.
//!
//! ```text
//! unit embeddings → train (spherical k-means) → assign → score → select
//! ```
//!
//! Rows of a cluster are ranked ([`Ranking`]); a row's `score` is its highest cosine similarity with any row of its
//! cluster that ranks before it, and `duplicate_of` is the row that reaches it. A row is removed at ε if its score
//! is above `1 − ε`, so one score column serves every ε and every target size.
//!
//! Nothing here reads files, clocks or the environment, logs, or seeds itself; threads are those of the calling
//! rayon pool. The same input and seed give the same bits on any number of threads, because no float is ever
//! reduced in an order that depends on the schedule. Stages take *parts* (blocks of rows, groups of clusters), so
//! the caller decides what is in memory.

mod assign;
mod codes;
mod compare;
mod copies;
mod embeddings;
mod encodings;
mod exhaustive;
mod groups;
mod hits;
mod kernels;
mod kmeans;
mod lists;
mod nearest;
mod random;
mod rank;
mod recall;
mod score;
mod search;
mod select;

pub use assign::{
    AUTO_CLOSE, AUTO_GAP, Assigner, Assignment, NO_CLUSTER, Probes, centroid_similarity, is_compared,
};
pub use embeddings::{
    Direction, ShapeError, UnitEmbeddings, UnitRows, half_to_f32, prefetch, scale, unit_factor,
};
pub use exhaustive::ExhaustiveSearch;
pub use kernels::instruction_set;
pub use kmeans::{Trained, Training, train};
pub use random::{SamplePurpose, sample_rows};
pub use rank::{Keep, RankKey, Ranking};
pub use recall::{Recall, RecallSample, recall};
pub use score::{EXACT, NO_ROW, Part, PartScores, Scores, Scoring, part_row_bytes};
pub use select::{Cut, Epsilon, EpsilonError, Goal, GoalError, Scored, Selection, kept_at, select};

/// The whole algorithm on rows that fit in memory; larger data goes through the same functions part by part.
///
/// ```
/// use semdedup_core::{Epsilon, Goal, Keep, NO_ROW, Probes, Ranking, Training, UnitEmbeddings, semdedup};
///
/// let rows = UnitEmbeddings::new(vec![1.0, 0.0, 0.0, 1.0, 1.0, 0.01, 0.0, 2.0], 2).unwrap();
/// let clustering = (Training { clusters: 2, iterations: 8, refinements: 0, seed: 0 }, Probes::Auto);
/// let ranking = Ranking { keep: Keep::Easy, seed: 0 };
/// let goal = Goal::Epsilon(Epsilon::new(0.1).unwrap());
/// let (scores, selection) = semdedup(&rows, clustering, &ranking, goal).unwrap();
/// assert_eq!(selection.removed, [false, false, true, true]);
/// assert_eq!(scores.duplicate_of[2..], [0, 1]);
/// ```
///
/// # Errors
/// If the goal cannot be met (see [`select`]).
pub fn semdedup(
    rows: &UnitEmbeddings,
    (training, probes): (Training, Probes),
    ranking: &Ranking,
    goal: Goal,
) -> Result<(Scores, Selection), GoalError> {
    let centroids = train(rows, &training).centroids;
    let Assignment { cluster, similarity, probes, .. } = Assigner::new(&centroids).assign(rows, probes);
    let numbers: Vec<u64> = (0..rows.len() as u64).collect();
    let clusters = 0..centroids.len() as u32;
    let mut scoring = Scoring::new(*ranking, &centroids, &similarity);
    let part = Part { rows, numbers: &numbers, cluster: &cluster, probes: &probes, clusters };
    scoring.add(&scoring.compare(&part, &mut |_| ()));
    let scores = scoring.finish();
    let selection = select(&Scored { score: &scores.score, similarity: &similarity }, ranking, goal)?;
    Ok((scores, selection))
}
