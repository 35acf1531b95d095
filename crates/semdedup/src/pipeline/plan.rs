//! Estimates a run without doing it: its rows, memory, disk space and time.

use std::path::{Path, PathBuf};
use std::time::Instant;

use rayon::prelude::*;
use semdedup_core::{Epsilon, ExhaustiveSearch, Keep, RankKey, Ranking, UnitEmbeddings};
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use crate::arrays::matrix::Matrix;
use crate::arrays::store::EmbeddingStore;
use crate::cluster::cost::Cost;
use crate::cluster::train::clusters_for;
use crate::comparison::Comparison;
use crate::embed::embedder::Embedder;
use crate::embed::linked::ParsedRows;
use crate::embed::models::Wanted;
use crate::embed::source::Source;
use crate::error::{Error, Result};
use crate::formats::{Format, Reader, count_rows, folder_of};
use crate::input::find::Input;
use crate::input::provided::check_rows;
use crate::options::{ClusterOptions, RunOptions};
use crate::pipeline::disk::{ROW_BYTES, disk_bytes, existing};
use crate::pipeline::known_outcome::KnownOutcome;
use crate::pipeline::resolved::ResolvedRun;
use crate::score::groups::loaded_row_bytes;
use crate::select::selection::{describe, goal_error};
use crate::storage::local::free_space;

/// The estimate of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// What would be compared: the columns, how they were found, and the model.
    pub compared: Comparison,
    /// The files that would be read.
    pub files: Vec<PlanFile>,
    /// The rows of all files.
    pub rows: u64,
    /// How much would be removed, as `summary.json` says it: `epsilon 0.07`.
    pub goal: String,
    /// The ε; none for a target size, whose ε is known only with the scores.
    pub epsilon: Option<f64>,
    /// The similarity above which rows would go; none for a target size.
    pub similarity: Option<f64>,
    /// The rule by which rows would go.
    pub rule: &'static str,
    /// The rows that rank first and stay.
    pub keep: String,
    /// What would happen to the rows, if scores of this input with these options are there already.
    pub known: Option<KnownOutcome>,
    /// The number of clusters.
    pub clusters: usize,
    /// The memory that the run would hold, in bytes, about.
    pub memory_bytes: u64,
    /// The disk space that the run would fill, in bytes, about: the work directory and the results.
    pub disk_bytes: u64,
    /// The disk space that is free for it, in bytes; none if the system does not tell.
    pub free_bytes: Option<u64>,
    /// The seconds that the run would take on this machine, about.
    pub seconds: f64,
    /// The output folder.
    pub out: PathBuf,
    /// The names in `out` of the results that would be written besides the tables.
    pub written: Vec<&'static str>,
    /// The work directory.
    pub work: PathBuf,
    /// Warnings about the files that would not be read.
    pub warnings: Vec<String>,
}

/// A file that would be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanFile {
    /// The path.
    pub path: PathBuf,
    /// The format of its rows.
    pub format: Format,
    /// Its rows.
    pub rows: u64,
    /// Its size on the disk.
    pub bytes: u64,
    /// The column of the texts.
    pub text_column: Option<String>,
    /// The column of the images.
    pub image_column: Option<String>,
    /// The column of the embeddings.
    pub embedding_column: Option<String>,
    /// The column of the ids.
    pub id_column: Option<String>,
    /// The file of the embeddings of its rows.
    pub embeddings: Option<PathBuf>,
}

/// The most rows on which the rate of embedding is measured.
const TRIAL_ROWS: usize = 4096;

/// The most rows if a row costs much time or money.
const TRIAL_DEAR_ROWS: usize = 256;

/// The seconds after which the rate of a slow model is known well enough.
const TRIAL_SECONDS: f64 = 3.0;

/// The rows that are compared with each other to measure the rate of comparing.
const TRIAL_COMPARED: usize = 4096;

/// The number of trials, of which the fastest counts: the first ones wake threads and fill caches.
const TRIALS: usize = 4;

/// Reads the input and estimates a run; writes nothing.
///
/// # Errors
/// Input that cannot be read, or options out of range, as for [`crate::run`].
pub fn plan(options: &RunOptions, embedder: Embedder) -> Result<Plan> {
    let run = &ResolvedRun::new(options, embedder)?;
    run.target().inspect()?;
    let start = Instant::now();
    let counts = count(&run.input)?;
    let reading = start.elapsed().as_secs_f64();
    let rows: u64 = counts.iter().sum();
    options.goal.check(rows).map_err(goal_error)?;
    let (cluster, dim) = (&options.cluster, run.dim());
    let clusters = clusters_for(cluster, rows, dim)?;
    let known = KnownOutcome::find(run)?;
    let seconds = match known {
        // The rows are read once more, and written.
        Some(_) => 2.0 * reading,
        None => 2.0 * reading + seconds_to_score(run, rows, clusters)?,
    };
    let epsilon = options.goal.epsilon();
    let row_bytes = loaded_row_bytes(4 * dim as u64, dim, cluster.probes.most() - 1);
    Ok(Plan {
        compared: run.comparison(),
        files: (0..counts.len()).map(|file| PlanFile::of(&run.input, file, counts[file])).collect(),
        rows,
        goal: describe(options.goal),
        epsilon: epsilon.map(Epsilon::get),
        similarity: epsilon.map(Epsilon::similarity),
        rule: options.rule.name(),
        keep: options.keep.to_string(),
        known,
        clusters,
        memory_bytes: cluster.memory.estimate(rows, dim, row_bytes),
        disk_bytes: disk_bytes(run, rows),
        free_bytes: free_space(existing(&run.work)),
        seconds,
        out: options.output.out.clone(),
        written: run.outputs.places(),
        work: run.work.clone(),
        warnings: run.input.warnings().map(|warning| warning.to_string()).collect(),
    })
}

/// Estimates the seconds that embedding, clustering and comparing the rows take, with the recall.
fn seconds_to_score(run: &ResolvedRun, rows: u64, clusters: usize) -> Result<f64> {
    let (options, dim) = (run.options, run.dim());
    let compared = Cost::of(rows, dim, clusters, options.cluster.probes).total()
        + (options.recall_sample as f64).min(rows as f64) * rows as f64;
    let embedding = embedding_seconds_per_row(&run.input, run.embedder)?;
    Ok(rows as f64 * embedding + compared * comparison_seconds(dim)?)
}

/// Counts the rows of each file. If its embeddings are given, there must be one for each row.
fn count(input: &Input) -> Result<Vec<u64>> {
    let counts = input.files.par_iter().map(|file| count_rows(file, &input.limits));
    let counts = counts.collect::<Result<Vec<u64>>>()?;
    for (number, (file, &rows)) in input.files.iter().zip(&counts).enumerate() {
        if let Some(path) = input.given.as_ref().and_then(|given| given.file(number)) {
            check_rows(&Matrix::open(path)?, file, rows)?;
        }
    }
    Ok(counts)
}

impl PlanFile {
    fn of(input: &Input, number: usize, rows: u64) -> Self {
        let (file, columns) = (&input.files[number], &input.columns[number]);
        let embeddings = input.given.as_ref().and_then(|given| given.file(number));
        Self {
            path: file.path.clone(),
            format: file.format,
            rows,
            bytes: file.bytes,
            text_column: columns.text.is_some().then(|| columns.texts().collect::<Vec<_>>().join(",")),
            image_column: columns.images().cloned(),
            embedding_column: columns.embedding.clone(),
            id_column: columns.id.clone(),
            embeddings: embeddings.map(Path::to_path_buf),
        }
    }
}

/// The estimate of clustering and scoring embeddings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClusterPlan {
    /// The rows of all files.
    pub rows: u64,
    /// The dimension of the embeddings.
    pub dim: usize,
    /// The number of clusters.
    pub clusters: usize,
    /// The disk space that the results would fill, in bytes, about.
    pub disk_bytes: u64,
    /// The seconds that clustering and then scoring would take on this machine, about, without
    /// measuring the recall.
    pub seconds: f64,
}

/// Estimates [`crate::cluster()`] and then [`crate::score()`]; writes nothing.
///
/// # Errors
/// Embeddings that cannot be read, or more clusters than rows.
pub fn plan_clusters(embeddings: &[PathBuf], options: &ClusterOptions) -> Result<ClusterPlan> {
    let store = EmbeddingStore::open(embeddings)?;
    let (rows, dim) = (store.rows(), store.dim());
    let clusters = clusters_for(options, rows, dim)?;
    let most = options.probes.most() as u64;
    let compared = Cost::of(rows, dim, clusters, options.probes).total();
    Ok(ClusterPlan {
        rows,
        dim,
        clusters,
        disk_bytes: clusters as u64 * dim as u64 * 4 + rows * (4 * most + ROW_BYTES),
        seconds: compared * comparison_seconds(dim)?,
    })
}

/// Measures the seconds that embedding a row takes on all threads together, on the first rows of
/// the input.
fn embedding_seconds_per_row(input: &Input, embedder: Embedder) -> Result<f64> {
    // Copying embeddings takes no longer than reading them, and the reading is counted twice.
    if matches!(embedder, Embedder::Provided) {
        return Ok(0.0);
    }
    let source = Source::open(input, embedder)?;
    let (dim, most) =
        (source.dim(), source.rows_per_checkpoint().map_or(TRIAL_ROWS, |rows| rows.min(TRIAL_DEAR_ROWS)));
    let (mut rows, mut seconds) = (0, 0.0);
    for (number, file) in input.files.iter().enumerate() {
        if rows >= most || seconds >= TRIAL_SECONDS {
            break;
        }
        let columns = input.columns_to_embed(number);
        let mut reader = Reader::open(file, &columns, &input.limits, 0)?;
        while rows < most
            && seconds < TRIAL_SECONDS
            && let Some(chunk) = reader.next_chunk()?
        {
            let parsed = ParsedRows::parse(&chunk, &columns)?;
            let count = chunk.rows().min(most - rows);
            let limit = input.limits.max_row_bytes as u64;
            let linked = parsed.with_images(0..count, &folder_of(file), limit)?;
            let parsed = linked.as_ref().unwrap_or(&parsed.rows);
            let together =
                count.div_ceil(rayon::current_num_threads()).clamp(1, source.rows_per_task().max(1));
            let mut values = vec![0.0; count * dim];
            let start = Instant::now();
            values.par_chunks_mut(together * dim).enumerate().try_for_each(|(block, values)| {
                let first = block * together;
                let wanted = Wanted::of(parsed, first..first + values.len() / dim);
                source.embed(number, &wanted, values).map(|_| ())
            })?;
            seconds += start.elapsed().as_secs_f64();
            rows += count;
        }
    }
    Ok(if rows == 0 { 0.0 } else { seconds / rows as f64 })
}

/// Measures the seconds that comparing two rows takes on all threads together.
fn comparison_seconds(dim: usize) -> Result<f64> {
    let value = |i: usize| (xxh3_64(&i.to_le_bytes()) >> 40) as f32 / 8_388_608.0 - 1.0;
    let values = (0..TRIAL_COMPARED * dim).map(value).collect();
    let rows = UnitEmbeddings::new(values, dim).map_err(|error| Error::usage(error.to_string()))?;
    let ranking = Ranking { keep: Keep::Hard, seed: 0 };
    let rank = |similarity| (0..TRIAL_COMPARED as u64).map(move |row| ranking.key(similarity, row));
    let (keys, before): (Vec<RankKey>, Vec<_>) = (rank(1.0).collect(), rank(0.0).map(Some).collect());
    let mut search = ExhaustiveSearch::new(&rows, &keys);
    let mut fastest = f64::INFINITY;
    for _ in 0..TRIALS {
        let start = Instant::now();
        search.compare(&rows, &before);
        fastest = fastest.min(start.elapsed().as_secs_f64());
    }
    Ok(fastest / (TRIAL_COMPARED * TRIAL_COMPARED) as f64)
}
