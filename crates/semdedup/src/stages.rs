//! Each stage by itself, on files that the user brings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use semdedup_core::Ranking;
use serde::Serialize;

use crate::cluster::{self, Clustering, largest, read_centroids, write_assignments, write_centroids};
use crate::compared::Comparison;
use crate::cost::{self, Compared};
use crate::dataset::{Dataset, FileRows, Ids, Places};
use crate::embed::embed_parts;
use crate::embedder::Embedder;
use crate::error::{Error, Result};
use crate::input::Input;
use crate::memory::Memory;
use crate::options::{ClusterOptions, InputOptions, OutputOptions};
use crate::pipeline::embed_fingerprint;
use crate::progress::{Progress, Stage};
use crate::recall::{self, Sampling};
use crate::report::{peak_rss_bytes, skipped_rows, unknown_words, zero_rows};
use crate::score::{ScoredRows, Scorer};
use crate::storage::{create_dir_all, exists, is_dir, is_file, is_url, remove_file, spelled};
use crate::store::EmbeddingStore;
use crate::summary::RecallAt;
use crate::table::{NamedRows, write_scores};
use crate::uncompared::Uncompared;
use crate::work::{WorkDir, finished_stage};

/// What [`embed`] did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EmbedReport {
    /// Rows read, bad ones included; the embeddings have as many rows.
    pub rows: u64,
    /// Rows that could not be read; their embeddings are NaN.
    pub rows_skipped: u64,
    /// Rows whose text is empty; their embeddings are zeros.
    pub empty_rows: u64,
    /// Rows whose embedding is zeros although their text is not empty.
    pub zero_rows: u64,
    /// Texts of which only the first tokens were used.
    pub truncated_texts: u64,
    /// Texts of which most words are not in the model's vocabulary.
    pub unknown_texts: u64,
    /// The dimension.
    pub dim: usize,
    /// What is compared by the embeddings: columns, how they were found, and the model.
    pub compared: Comparison,
    /// The embeddings, in order.
    pub files: Vec<PathBuf>,
}

/// Embeds the rows of the input into a folder, which is a work directory: a killed run goes on where it was. Other
/// embeddings that are there already are replaced only if the second part of `output` says so.
///
/// # Errors
/// Input that cannot be read, a folder that holds other things.
pub fn embed(
    options: &InputOptions,
    embedder: Embedder,
    output: (&Path, bool),
    progress: &dyn Progress,
) -> Result<EmbedReport> {
    let (out, overwrite) = output;
    let input = Input::find(options, &[out.to_path_buf()])?;
    embedder.check(&input)?;
    let fingerprint = embed_fingerprint(&input, embedder)?;
    if finished_stage(out, Stage::Embed)?.is_some_and(|(_, there)| there != fingerprint) && !overwrite {
        return Err(Error::output(out, "holds the embeddings of another input, model or option")
            .hint("--overwrite replaces them; or name another --out"));
    }
    input.warnings().for_each(|warning| progress.warn(&warning));
    let mut work = WorkDir::open(out)?;
    let folder = work.folder(Stage::Embed);
    work.stage(Stage::Embed, &fingerprint, progress, |folder| {
        embed_parts(&input, embedder, folder, progress)
    })?;
    let dataset = Dataset::open(&input, &folder, &fingerprint)?;
    let store = dataset.open_embeddings()?;
    dataset.check_roles(&input)?;
    let zero = match &dataset.zero {
        Some(zero) => zero.clone(),
        None => zero_rows(&dataset, undirected(&store)?.zero),
    };
    let uncompared = Uncompared { zero, ..Uncompared::default() };
    let warnings = skipped_rows(&dataset).into_iter().chain(uncompared.warnings(&dataset.places));
    warnings.chain(unknown_words(&dataset)).for_each(|warning| progress.warn(&warning));
    Ok(EmbedReport {
        rows: dataset.places.rows(),
        rows_skipped: dataset.skipped.len() as u64,
        empty_rows: dataset.empty,
        zero_rows: uncompared.zero.rows,
        truncated_texts: dataset.truncated,
        unknown_texts: dataset.unknown.iter().sum(),
        dim: embedder.dim(&input),
        compared: Comparison::of(&input, embedder),
        files: dataset.embeddings,
    })
}

/// Reads all rows to find those without direction.
fn undirected(store: &EmbeddingStore) -> Result<Uncompared> {
    let mut found = Uncompared::default();
    for range in cluster::blocks(store, Memory::default()) {
        found.add_undirected(range.start, &store.read(range)?);
    }
    Ok(found)
}

/// What [`cluster()`] did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClusterReport {
    /// Rows of all files.
    pub rows: u64,
    /// The dimension.
    pub dim: usize,
    /// Centroids trained.
    pub clusters: usize,
    /// The rows of the largest cluster.
    pub largest_cluster: u64,
    /// Rows of zeros, such as those of empty texts, which are in no cluster.
    pub zero_rows: u64,
    /// Rows with a NaN or an infinity, which are in no cluster.
    pub non_finite_rows: u64,
    /// Floating-point operations of training and assigning: 2 × dimension for each comparison.
    pub flops: f64,
    /// Seconds of each step.
    pub seconds: BTreeMap<&'static str, f64>,
    /// The most memory that this process held, in bytes; none where the system does not tell.
    pub peak_rss_bytes: Option<u64>,
}

/// Clusters embeddings: writes `assignments.npy`, where rows can probe `probes.npy`, and then `centroids.npy` into the
/// output folder.
///
/// # Errors
/// Embeddings that cannot be read, more clusters than rows, results in the way.
pub fn cluster(
    embeddings: &[PathBuf],
    options: &ClusterOptions,
    output: &OutputOptions,
    progress: &dyn Progress,
) -> Result<ClusterReport> {
    let store = EmbeddingStore::open(embeddings)?;
    if store.rows() == 0 {
        return Err(Error::usage("the embeddings have no rows").hint("there is nothing to cluster"));
    }
    check_folder(&output.out)?;
    let file = |name: &str| output.out.join(name);
    let (centroids_path, assignments_path) = (file("centroids.npy"), file("assignments.npy"));
    let probes_path = file("probes.npy");
    for path in [&centroids_path, &assignments_path, &probes_path] {
        check_free(path, output.overwrite)?;
        check_not_input(path, embeddings)?;
    }
    let start = Instant::now();
    let trained = cluster::train(&store, options, progress)?;
    progress.end(Stage::Train, false);
    let train_seconds = start.elapsed().as_secs_f64();
    create_dir_all(&output.out)?;
    // Files of two clusterings must never stand side by side. The centroids come last: with them all is there.
    for path in [&centroids_path, &assignments_path, &probes_path] {
        remove_file(path)?;
    }
    let start = Instant::now();
    let assigned = cluster::assign(&store, &trained.centroids, (options, &probes_path), progress)?;
    write_assignments(&assignments_path, &assigned.clusters)?;
    write_centroids(&centroids_path, &trained.centroids)?;
    progress.end(Stage::Assign, false);
    let assign_seconds = start.elapsed().as_secs_f64();
    let uncompared = &assigned.uncompared;
    uncompared.warnings(&places_of(&store)).iter().for_each(|warning| progress.warn(warning));
    let cost = Compared { train: trained.compared, assign: assigned.compared, score: 0 };
    Ok(ClusterReport {
        rows: store.rows(),
        dim: store.dim(),
        clusters: trained.centroids.len(),
        largest_cluster: largest(&assigned.clusters),
        zero_rows: uncompared.zero.rows,
        non_finite_rows: uncompared.non_finite.rows,
        flops: cost.flops(store.dim()),
        seconds: BTreeMap::from([("train", train_seconds), ("assign", assign_seconds)]),
        peak_rss_bytes: peak_rss_bytes(),
    })
}

fn places_of(store: &EmbeddingStore) -> Places {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Places::new(store.files().map(|(path, rows)| FileRows { name: name(path), rows }).collect())
}

/// What [`score()`] reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoreInputs {
    /// `.npy` files of f16 or f32, rows × dim, in order.
    pub embeddings: Vec<PathBuf>,
    /// Clusters × dim.
    pub centroids: PathBuf,
    /// The cluster of each row, a vector of whole numbers; below 0 for none.
    pub assignments: PathBuf,
    /// The other clusters to compare each row in, rows × any number; none compares a row in its own alone.
    pub probes: Option<PathBuf>,
}

/// How [`score()`] works.
#[derive(Debug, Clone, Copy)]
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

/// What [`score()`] did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScoreReport {
    /// Rows scored.
    pub rows: u64,
    /// Rows with the same embedding as a row that ranks before them.
    pub exact_duplicates: u64,
    /// Rows of zeros, such as those of empty texts. They are compared with nothing, and so are those of the next two.
    pub zero_rows: u64,
    /// Rows with a NaN or an infinity.
    pub non_finite_rows: u64,
    /// Rows that have a direction, but no cluster in the assignments. The recall counts what is missed by that.
    pub unclustered_rows: u64,
    /// The recall at the sweep's list of ε; empty without a sample.
    pub recall: Vec<RecallAt>,
    /// The rows in the recall sample.
    pub recall_sample: usize,
    /// Floating-point operations of the comparison: 2 × dimension for each pair.
    pub flops: f64,
    /// The same for comparing every row with every other.
    pub flops_brute_force: f64,
    /// Seconds of each step.
    pub seconds: BTreeMap<&'static str, f64>,
    /// The most memory that this process held, in bytes; none where the system does not tell.
    pub peak_rss_bytes: Option<u64>,
}

/// Compares the rows of each cluster, writes `scores.parquet`, and measures the recall; the ids are the row numbers.
///
/// # Errors
/// Files that cannot be read or do not fit together, a result in the way.
pub fn score(
    inputs: &ScoreInputs,
    options: &ScoreOptions,
    out: &Path,
    progress: &dyn Progress,
) -> Result<ScoreReport> {
    let store = EmbeddingStore::open(&inputs.embeddings)?;
    let centroids = read_centroids(&inputs.centroids, store.dim())?;
    let probes = inputs.probes.as_deref();
    let clustering = Clustering::open(&inputs.assignments, probes, store.rows(), centroids.len())?;
    check_free(out, options.overwrite)?;
    if !is_file(out)? && is_dir(out)? {
        return Err(
            Error::output(out, "is a folder, the scores need a file").hint("--out DIR/scores.parquet")
        );
    }
    let files = [&inputs.centroids, &inputs.assignments];
    check_not_input(out, inputs.embeddings.iter().chain(files).chain(&inputs.probes))?;
    if let Some(folder) = out.parent() {
        create_dir_all(folder)?;
    }
    let start = Instant::now();
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let scorer =
        Scorer { ranking: &options.ranking, memory: options.memory, folder, resumes: None, progress };
    let ScoredRows { columns, uncompared, compared } = scorer.score(&store, &centroids, clustering)?;
    progress.end(Stage::Score, false);
    let mut seconds = BTreeMap::from([("score", start.elapsed().as_secs_f64())]);
    uncompared.warnings(&places_of(&store)).iter().for_each(|warning| progress.warn(warning));
    let start = Instant::now();
    let numbers = arrow::array::UInt64Array::from_iter_values(0..store.rows());
    let ids = Ids::Column(std::sync::Arc::new(numbers));
    let named = NamedRows { ids: &ids, places: &places_of(&store), skipped: &[], by: None, compared: None };
    write_scores(out, &columns, &named, &options.ranking)?;
    seconds.insert("write", start.elapsed().as_secs_f64());
    let start = Instant::now();
    let ScoreOptions { ranking, memory, recall_sample, seed, .. } = *options;
    let mut samples = Vec::new();
    if recall_sample > 0 {
        let sampling = Sampling { rows: recall_sample, seed, ranking, memory };
        samples = recall::measure(&store, &columns, &sampling, progress)?;
        progress.end(Stage::Recall, false);
        seconds.insert("recall", start.elapsed().as_secs_f64());
    }
    Ok(ScoreReport {
        rows: store.rows(),
        exact_duplicates: columns.exact_duplicates(),
        zero_rows: uncompared.zero.rows,
        non_finite_rows: uncompared.non_finite.rows,
        unclustered_rows: uncompared.unclustered.rows,
        recall: recall::report(&samples, None),
        recall_sample: samples.len(),
        flops: Compared { score: compared, ..Compared::default() }.flops(store.dim()),
        flops_brute_force: cost::brute_force_flops(store.rows(), store.dim()),
        seconds,
        peak_rss_bytes: peak_rss_bytes(),
    })
}

/// What is read is never replaced, whatever the options.
pub(crate) fn check_not_input<'a>(out: &Path, inputs: impl IntoIterator<Item = &'a PathBuf>) -> Result<()> {
    let real = |path: &Path| match is_url(path) {
        true => Some(spelled(path)),
        false => fs_err::canonicalize(path).ok(),
    };
    let Some(there) = real(out) else { return Ok(()) };
    match inputs.into_iter().find(|input| real(input).is_some_and(|input| input == there)) {
        Some(_) => Err(Error::output(out, "this is one of the inputs").hint("name another --out")),
        None => Ok(()),
    }
}

/// A folder can be made, or is there.
pub(crate) fn check_folder(out: &Path) -> Result<()> {
    if is_file(out)? {
        return Err(Error::output(out, "this is a file, the results need a folder")
            .hint("name a new folder with --out"));
    }
    Ok(())
}

/// Nothing existing is replaced unless the user says so.
pub(crate) fn check_free(path: &Path, overwrite: bool) -> Result<()> {
    if !overwrite && exists(path)? {
        return Err(
            Error::output(path, "exists already").hint("--overwrite replaces it; or name another --out")
        );
    }
    Ok(())
}
