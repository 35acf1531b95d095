//! The SemDeDup algorithm (Abbas et al. 2023, arXiv 2303.09540) as pure functions on slices.
//!
//! ```text
//! unit embeddings → train (spherical k-means) → assign → score → select
//! ```
//!
//! The rows of a cluster are ranked ([`Ranking`]). A row's `score` is its highest cosine similarity
//! with any earlier-ranking row of its cluster, and `duplicate_of` is that row. A row is removed at
//! ε if its score is above `1 − ε`, so one column of scores serves every ε and every target size.
//!
//! Nothing here reads files, clocks or the environment, logs, or seeds itself. All threads are
//! those of the calling rayon pool. The same input and seed give the same bits on any number of
//! threads, because no sum of floats depends on the schedule. The stages take [parts](Part) (blocks
//! of rows, groups of clusters), so the caller decides what is in memory.
//!
//! The modules are layers: `similarity` (embeddings and their search), `clustering` (training and
//! assignment) and `scoring`. Above them are `select`, `representatives`, `recall` and `exhaustive`.

mod clustering;
mod earlier_pairs;
mod epsilon;
mod exhaustive;
mod interval;
mod random;
mod ranking;
mod recall;
mod representatives;
mod rule;
mod scoring;
mod select;
mod select_representatives;
mod similarity;
mod stop;

pub use clustering::assign::Assigner;
pub use clustering::assignment::{Assignment, centroid_similarity, is_compared};
pub use clustering::lloyd::{Trained, Training};
pub use clustering::probes::{AUTO_CLOSE, AUTO_GAP, NO_CLUSTER, Probes};
pub use clustering::train::{train, train_until};
pub use earlier_pairs::EarlierPairs;
pub use epsilon::{Epsilon, EpsilonError, Similarity, SimilarityError};
pub use exhaustive::ExhaustiveSearch;
pub use interval::wilson;
pub use random::{SamplePurpose, sample_rows};
pub use ranking::{Keep, RankKey, RankedRows, Ranking};
pub use recall::{Recall, RecallSample, recall};
pub use representatives::{PairSearch, Representatives, ScoredPairs, nearest_kept, representatives};
pub use rule::Rule;
pub use scoring::pairs::{Found, Pairing, RowFilter, pairs_row_bytes};
pub use scoring::part::{Part, PartMatches, part_row_bytes};
pub use scoring::score::{EXACT, NO_ROW, Scores, Scoring};
pub use select::{Cut, Goal, GoalError, Scored, Selection, kept_at, select};
pub use select_representatives::{RuleError, RuleScores, RuleSelection, select_by_rule};
pub use similarity::embeddings::{
    Direction, ShapeError, UnitEmbeddings, UnitRows, UnitScale, half_to_f32, prefetch, scale,
};
pub use similarity::kernels::isa::instruction_set;
pub use similarity::of_pair::similarity;
pub use stop::Stop;

/// The settings of [`semdedup`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// How to train the centroids.
    pub training: Training,
    /// In which clusters to compare a row.
    pub probes: Probes,
    /// Which row of a set of duplicates to keep.
    pub ranking: Ranking,
    /// Which scores, or how many rows, to remove.
    pub goal: Goal,
}

/// The result of [`semdedup`].
#[derive(Debug, Clone, PartialEq)]
pub struct Deduplication {
    /// The score of every row.
    pub scores: Scores,
    /// The rows to remove.
    pub selection: Selection,
}

/// Runs the whole algorithm on rows that fit in memory. Larger data goes through the same functions
/// part by part.
///
/// ```
/// use semdedup_core::{
///     Epsilon, Goal, Keep, Probes, Ranking, Settings, Training, UnitEmbeddings, semdedup,
/// };
///
/// let rows = UnitEmbeddings::new(vec![1.0, 0.0, 0.0, 1.0, 1.0, 0.01, 0.0, 2.0], 2).unwrap();
/// let settings = Settings {
///     training: Training { clusters: 2, iterations: 8, refinements: 0, seed: 0 },
///     probes: Probes::Auto,
///     ranking: Ranking { keep: Keep::Easy, seed: 0 },
///     goal: Goal::Epsilon(Epsilon::new(0.1).unwrap()),
/// };
/// let result = semdedup(&rows, &settings).unwrap();
/// assert_eq!(result.selection.removed, [false, false, true, true]);
/// assert_eq!(result.scores.duplicate_of[2..], [0, 1]);
/// ```
///
/// # Errors
/// If the goal cannot be met (see [`select`]).
pub fn semdedup(rows: &UnitEmbeddings, settings: &Settings) -> Result<Deduplication, GoalError> {
    let Settings { training, probes, ranking, goal } = settings;
    let centroids = train(rows, training).centroids;
    let Assignment { cluster, similarity, probes, .. } = Assigner::new(&centroids).assign(rows, *probes);
    let numbers: Vec<u64> = (0..rows.len() as u64).collect();
    let clusters = 0..centroids.len() as u32;
    let order = RankedRows::new(*ranking, &similarity, &[]);
    let mut scoring = Scoring::new(order, &centroids);
    let part = Part { rows, numbers: &numbers, cluster: &cluster, probes: &probes, clusters };
    scoring.add(&scoring.compare(&part, &mut |_| ()));
    let scores = scoring.finish();
    let selection = select(&Scored { score: &scores.score, order }, *goal)?;
    Ok(Deduplication { scores, selection })
}
