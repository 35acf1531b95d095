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
mod embeddings;
mod exhaustive;
mod kernels;
mod kmeans;
mod random;
mod rank;
mod recall;
mod score;
mod select;

pub use assign::{Assignment, NO_CLUSTER, assign, centroid_similarity};
pub use embeddings::{ShapeError, UnitEmbeddings};
pub use exhaustive::ExhaustiveSearch;
pub use kernels::instruction_set;
pub use kmeans::{Training, train};
pub use random::{SamplePurpose, sample_rows};
pub use rank::{Keep, RankKey, Ranking};
pub use recall::{Recall, RecallSample, recall};
pub use score::{EXACT, Part, Scores, score};
pub use select::{Epsilon, EpsilonError, Goal, GoalError, Scored, Selection, kept_at, select};

/// The whole algorithm on rows that fit in memory; larger data goes through the same four functions part by part.
///
/// ```
/// use semdedup_core::{Epsilon, Goal, Keep, Ranking, Training, UnitEmbeddings, semdedup};
///
/// let rows = UnitEmbeddings::new(vec![1.0, 0.0, 0.0, 1.0, 1.0, 0.01, 0.0, 2.0], 2).unwrap();
/// let training = Training { clusters: 2, iterations: 8, seed: 0 };
/// let ranking = Ranking { keep: Keep::Easy, seed: 0 };
/// let goal = Goal::Epsilon(Epsilon::new(0.1).unwrap());
/// let (scores, selection) = semdedup(&rows, &training, &ranking, goal).unwrap();
/// assert_eq!(selection.removed, [false, false, true, true]);
/// assert_eq!(scores.duplicate_of, [None, None, Some(0), Some(1)]);
/// ```
///
/// # Errors
/// If the goal cannot be met (see [`select`]).
pub fn semdedup(
    rows: &UnitEmbeddings,
    training: &Training,
    ranking: &Ranking,
    goal: Goal,
) -> Result<(Scores, Selection), GoalError> {
    let centroids = train(rows, training);
    let Assignment { cluster, similarity } = assign(rows, &centroids);
    let numbers: Vec<u64> = (0..rows.len() as u64).collect();
    let scores =
        score(&Part { rows, numbers: &numbers, cluster: &cluster, similarity: &similarity }, ranking);
    let selection = select(&Scored { score: &scores.score, similarity: &similarity }, ranking, goal)?;
    Ok((scores, selection))
}
