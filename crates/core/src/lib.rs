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

mod clustering;
mod exhaustive;
mod random;
mod ranking;
mod recall;
mod scoring;
mod select;
mod similarity;

pub use clustering::assign::Assigner;
pub use clustering::assignment::{Assignment, centroid_similarity, is_compared};
pub use clustering::lloyd::{Trained, Training};
pub use clustering::probes::{AUTO_CLOSE, AUTO_GAP, NO_CLUSTER, Probes};
pub use clustering::train::train;
pub use exhaustive::ExhaustiveSearch;
pub use random::{SamplePurpose, sample_rows};
pub use ranking::{Keep, RankKey, Ranking};
pub use recall::{Recall, RecallSample, recall};
pub use scoring::part::{Part, part_row_bytes};
pub use scoring::score::{EXACT, NO_ROW, PartScores, Scores, Scoring};
pub use select::{Cut, Epsilon, EpsilonError, Goal, GoalError, Scored, Selection, kept_at, select};
pub use similarity::embeddings::{
    Direction, ShapeError, UnitEmbeddings, UnitRows, UnitScale, half_to_f32, prefetch, scale,
};
pub use similarity::kernels::isa::instruction_set;

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
