//! What a run would do, without doing it: rows, memory, disk, and roughly how long.

use std::path::PathBuf;
use std::time::Instant;

use rayon::prelude::*;
use semdedup_core::{ExhaustiveSearch, Keep, RankKey, Ranking, UnitEmbeddings};
use semdedup_embed::TextModel;
use serde::Serialize;

use crate::cluster::clusters_for;
use crate::cost::Cost;
use crate::formats::{Format, Reader, count_rows};
use crate::input::Input;
use crate::options::RunOptions;
use crate::pipeline;
use crate::{Error, Result};

/// What a run would do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// The files that would be read.
    pub files: Vec<PlanFile>,
    /// Rows of all files.
    pub rows: u64,
    /// Clusters.
    pub clusters: usize,
    /// Memory that it would hold, in bytes, about.
    pub memory_bytes: u64,
    /// Disk that it would fill, in bytes, about: work directory and results.
    pub disk_bytes: u64,
    /// Seconds that it would take on this machine, about.
    pub seconds: f64,
    /// Where the results would go.
    pub out: PathBuf,
    /// Where the intermediate files would go.
    pub work: PathBuf,
}

/// A file that would be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanFile {
    /// The path.
    pub path: PathBuf,
    /// How its rows are laid out.
    pub format: Format,
    /// Its rows.
    pub rows: u64,
    /// Its size on the disk.
    pub bytes: u64,
    /// The column of the texts.
    pub text_column: String,
    /// The column of the ids.
    pub id_column: Option<String>,
}

/// Rows that the rate of embedding is measured on.
const TRIAL_ROWS: usize = 4096;

/// Rows whose comparison with each other shows the rate of comparing.
const TRIAL_COMPARED: usize = 4096;

/// Bytes of a row in the score table and of its share of bookkeeping in memory.
const ROW_BYTES: u64 = 64;

/// Reads the input and estimates; writes nothing.
///
/// # Errors
/// As [`crate::run`] for input that cannot be read and options out of range.
pub fn plan(options: &RunOptions, model: &dyn TextModel) -> Result<Plan> {
    let work = options.output.work_dir();
    let input = Input::find(&options.input, &[options.output.out.clone(), work.clone()])?;
    pipeline::check(&input, model, options)?;
    let start = Instant::now();
    let counts =
        input.files.par_iter().map(|file| count_rows(file, &input.limits)).collect::<Result<Vec<u64>>>()?;
    let reading = start.elapsed().as_secs_f64();
    let rows: u64 = counts.iter().sum();
    let cluster = &options.cluster;
    let clusters = clusters_for(cluster, rows, model.dim())?;
    let compared = Cost::of((rows, model.dim()), clusters, cluster.probes).total()
        + (options.recall_sample as f64).min(rows as f64) * rows as f64;
    let seconds = 2.0 * reading
        + rows as f64 * embedding_seconds_per_row(&input, model)?
        + compared * comparison_seconds(model.dim())?;
    let embeddings = rows * model.dim() as u64 * 4;
    let blocks = cluster.memory.block_rows(model.dim()).min(rows) * model.dim() as u64 * 4 * 4;
    let files =
        input.files.iter().zip(&input.columns).zip(&counts).map(|((file, columns), &rows)| PlanFile {
            path: file.path.clone(),
            format: file.format,
            rows,
            bytes: file.bytes,
            text_column: columns.text.clone(),
            id_column: columns.id.clone(),
        });
    Ok(Plan {
        files: files.collect(),
        rows,
        clusters,
        memory_bytes: (64 << 20) + blocks + rows * ROW_BYTES,
        disk_bytes: embeddings + rows * ROW_BYTES + input.bytes(),
        seconds,
        out: options.output.out.clone(),
        work,
    })
}

/// Seconds of all threads together for a row, from the first rows of the input.
fn embedding_seconds_per_row(input: &Input, model: &dyn TextModel) -> Result<f64> {
    let (mut rows, mut seconds) = (0, 0.0);
    for (file, columns) in input.files.iter().zip(&input.columns) {
        if rows >= TRIAL_ROWS {
            break;
        }
        let mut reader = Reader::open(file, columns, &input.limits, 0)?;
        while rows < TRIAL_ROWS
            && let Some(chunk) = reader.next_chunk()?
        {
            let parsed = chunk.parse(columns)?;
            let texts: Vec<&str> = parsed.texts.iter().map(Option::unwrap_or_default).collect();
            let mut values = vec![0.0; texts.len() * model.dim()];
            let start = Instant::now();
            model.embed(&texts, &mut values);
            seconds += start.elapsed().as_secs_f64();
            rows += texts.len();
        }
    }
    Ok(if rows == 0 { 0.0 } else { seconds / rows as f64 / rayon::current_num_threads() as f64 })
}

/// Seconds of all threads together for a comparison of two rows.
fn comparison_seconds(dim: usize) -> Result<f64> {
    let values = (0..TRIAL_COMPARED * dim).map(|i| ((i * 31 % 97) as f32) - 48.0).collect();
    let rows = UnitEmbeddings::new(values, dim).map_err(|error| Error::usage(error.to_string()))?;
    let ranking = Ranking { keep: Keep::Random, seed: 0 };
    let keys: Vec<RankKey> = (0..TRIAL_COMPARED as u64).map(|row| ranking.key(0.0, row)).collect();
    let before: Vec<Option<RankKey>> = keys.iter().copied().map(Some).collect();
    let mut search = ExhaustiveSearch::new(&rows, &keys);
    search.compare(&rows, &before);
    let start = Instant::now();
    search.compare(&rows, &before);
    // Half of the pairs are in the order in which they are compared.
    Ok(2.0 * start.elapsed().as_secs_f64() / (TRIAL_COMPARED * TRIAL_COMPARED) as f64)
}
