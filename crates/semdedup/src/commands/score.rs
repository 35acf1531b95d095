//! Compares the rows of each cluster, as a command of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use semdedup_core::{Keep, Ranking, RecallSample};
use serde::Serialize;

use crate::arrays::store::EmbeddingStore;
use crate::cluster::clustering::{Clustering, read_centroids};
use crate::commands::clustered::check_clustered;
use crate::commands::guards::{check_free, check_not_input};
use crate::commands::places::places_of;
use crate::commands::stamped::StampedFiles;
use crate::error::{Error, Result};
use crate::memory::{Memory, peak_rss_bytes};
use crate::options::DEFAULT_RECALL_SAMPLE;
use crate::progress::{Progress, Stage};
use crate::recall::{self, Sampling};
use crate::score::columns::ScoreColumns;
use crate::score::scores_file::{NamedRows, write_scores};
use crate::score::stage::{ScoredRows, Scorer};
use crate::storage::{create_dir_all, is_dir, is_file};
use crate::summary::RecallAt;
use crate::workdir::pair_counts::{self, PairCounts};
use crate::workdir::row_index::Ids;

/// The files that [`score()`] reads.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScoreInputs {
    /// The embeddings: `.npy` files of f16 or f32, `rows × dim`, in order.
    pub embeddings: Vec<PathBuf>,
    /// The centroids: a file of f16 or f32, `clusters × dim`.
    pub centroids: PathBuf,
    /// The cluster of each row: a vector of whole numbers, below 0 for a row without a cluster.
    pub assignments: PathBuf,
    /// The other clusters to compare each row in: whole numbers, `rows × any number`. Without this
    /// file a row is compared in its own cluster alone.
    pub probes: Option<PathBuf>,
}

impl ScoreInputs {
    /// Names the files of a clustering in which a row is compared in its own cluster alone.
    pub fn new(
        embeddings: Vec<PathBuf>,
        centroids: impl Into<PathBuf>,
        assignments: impl Into<PathBuf>,
    ) -> Self {
        let (centroids, assignments) = (centroids.into(), assignments.into());
        Self { embeddings, centroids, assignments, probes: None }
    }

    /// Takes the stamps of all files.
    fn stamped(&self) -> Result<StampedFiles> {
        let clustering = [&self.centroids, &self.assignments].into_iter().chain(&self.probes);
        StampedFiles::take(self.embeddings.iter().chain(clustering))
    }
}

/// How [`score()`] works.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ScoreOptions {
    /// Which row of a set of duplicates stays.
    pub ranking: Ranking,
    /// The most memory to hold.
    pub memory: Memory,
    /// The rows of the recall sample; 0 measures no recall.
    pub recall_sample: usize,
    /// The seed of the recall sample.
    pub seed: u64,
    /// Whether an earlier file may be replaced.
    pub overwrite: bool,
}

impl Default for ScoreOptions {
    /// Ranks by [`Keep::Hard`], as the paper does, measures the recall on
    /// [`DEFAULT_RECALL_SAMPLE`] rows, and replaces nothing.
    fn default() -> Self {
        Self {
            ranking: Ranking { keep: Keep::Hard, seed: 0 },
            memory: Memory::default(),
            recall_sample: DEFAULT_RECALL_SAMPLE,
            seed: 0,
            overwrite: false,
        }
    }
}

/// The report of [`score()`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScoreReport {
    /// The rows that were scored.
    pub rows: u64,
    /// Rows with the same embedding as a row that ranks before them.
    pub equal_embeddings: u64,
    /// Rows of zeros, such as those of empty texts. These rows and those of the next two fields are
    /// compared with nothing.
    pub zero_rows: u64,
    /// Rows with a NaN or an infinity.
    pub non_finite_rows: u64,
    /// Rows that have a direction, but no cluster in the assignments. The recall counts the
    /// duplicates that the run misses because of this.
    pub unclustered_rows: u64,
    /// The recall at the sweep's list of ε; empty without a sample.
    pub recall: Vec<RecallAt>,
    /// The rows in the recall sample.
    pub recall_sample: usize,
    /// Floating-point operations of the comparison: 2 × dimension for each pair.
    pub flops: f64,
    /// Floating-point operations of comparing every row with every other.
    pub flops_brute_force: f64,
    /// The seconds that each step took.
    pub seconds: BTreeMap<&'static str, f64>,
    /// The most memory that this process held, in bytes; none if the system does not tell.
    pub peak_rss_bytes: Option<u64>,
}

/// Compares the rows of each cluster, writes `scores.parquet`, and measures the recall. The ids are
/// the row numbers.
///
/// # Errors
/// Files that cannot be read, that do not fit together or that change meanwhile, or a result in the
/// way.
pub fn score(
    inputs: &ScoreInputs,
    options: &ScoreOptions,
    out: &Path,
    progress: &dyn Progress,
) -> Result<ScoreReport> {
    let stamped = inputs.stamped()?;
    let store = EmbeddingStore::open(&inputs.embeddings)?;
    let probes = inputs.probes.as_deref();
    let centroids = read_centroids(&inputs.centroids, store.dim())?;
    let clustering = Clustering::open(&inputs.assignments, probes, store.rows(), centroids.len())?;
    let others: Vec<&Path> = [inputs.centroids.as_path()].into_iter().chain(probes).collect();
    check_clustered(&inputs.assignments, &others, &store)?;
    check_output(inputs, options, out)?;
    if let Some(folder) = out.parent() {
        create_dir_all(folder)?;
    }
    let start = Instant::now();
    let scorer = Scorer { ranking: options.ranking, memory: options.memory, resumes: None, progress };
    let ScoredRows { columns, uncompared, compared } =
        scorer.score(&store, &centroids, clustering, Vec::new())?;
    progress.end(Stage::Score, false);
    let mut seconds = BTreeMap::from([("score", start.elapsed().as_secs_f64())]);
    uncompared.warnings(&places_of(&store)).iter().for_each(|warning| progress.warn(warning));
    // Each group of rows was read by itself, so a file that changed was read in two versions.
    stamped.check()?;
    let start = Instant::now();
    write(out, &store, &columns, &options.ranking)?;
    seconds.insert("write", start.elapsed().as_secs_f64());
    let start = Instant::now();
    let samples = measure(&store, &columns, options, progress)?;
    if options.recall_sample > 0 {
        stamped.check()?;
        seconds.insert("recall", start.elapsed().as_secs_f64());
    }
    Ok(ScoreReport {
        rows: store.rows(),
        equal_embeddings: columns.equal_embeddings(),
        zero_rows: uncompared.zero.rows,
        non_finite_rows: uncompared.non_finite.rows,
        unclustered_rows: uncompared.unclustered.rows,
        recall: recall::report(&samples, None),
        recall_sample: samples.len(),
        flops: PairCounts { score: compared, ..PairCounts::default() }.flops(store.dim()),
        flops_brute_force: pair_counts::brute_force_flops(store.rows(), store.dim()),
        seconds,
        peak_rss_bytes: peak_rss_bytes(),
    })
}

/// Fails if something is in the way of the score table.
fn check_output(inputs: &ScoreInputs, options: &ScoreOptions, out: &Path) -> Result<()> {
    check_free(out, options.overwrite)?;
    if !is_file(out)? && is_dir(out)? {
        return Err(
            Error::output(out, "is a folder, the scores need a file").hint("--out DIR/scores.parquet")
        );
    }
    let files = [&inputs.centroids, &inputs.assignments];
    check_not_input(out, inputs.embeddings.iter().chain(files).chain(&inputs.probes))
}

/// Writes the score table, with the row numbers as ids.
fn write(out: &Path, store: &EmbeddingStore, columns: &ScoreColumns, ranking: &Ranking) -> Result<()> {
    let row_index = &places_of(store);
    let named =
        NamedRows { ids: &Ids::Numbers, id_type: None, row_index, skipped: &[], by: None, compared: None };
    write_scores(out, columns, &named, ranking)
}

/// Measures the recall, if the options ask for a sample.
fn measure(
    store: &EmbeddingStore,
    columns: &ScoreColumns,
    options: &ScoreOptions,
    progress: &dyn Progress,
) -> Result<Vec<RecallSample>> {
    let ScoreOptions { ranking, memory, recall_sample: rows, seed, .. } = *options;
    if rows == 0 {
        return Ok(Vec::new());
    }
    let samples =
        recall::measure(store, columns, &Sampling { rows, seed, ranking, memory, groups: None }, progress)?;
    progress.end(Stage::Recall, false);
    Ok(samples)
}

#[cfg(test)]
#[path = "score_tests.rs"]
mod tests;
