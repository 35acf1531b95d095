//! Estimates the disk space of a run, and checks that it is free.

use std::path::Path;

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::formats::{Reader, count_rows};
use crate::pipeline::resolved::ResolvedRun;
use crate::storage::is_url;
use crate::storage::local::free_space;

/// The bytes of a row in the score table, and of its share of the bookkeeping in memory.
pub(crate) const ROW_BYTES: u64 = 64;

/// Estimates the disk space that a run fills: the embeddings, clusters and scores, and the results.
pub(crate) fn disk_bytes(run: &ResolvedRun, rows: u64) -> u64 {
    let clusters = 4 * run.options.cluster.probes.most() as u64;
    rows * (run.dim() as u64 * 4 + clusters + ROW_BYTES) + run.outputs.bytes(rows, run.input.bytes())
}

/// Returns the nearest folder above a path that is there already.
pub(crate) fn existing(path: &Path) -> &Path {
    if is_url(path) {
        return path;
    }
    path.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("."))
}

/// The rows of the largest file on which the bytes of a row are measured.
const SAMPLED_ROWS: u64 = 1000;

/// All rows are counted unless the free space is at least this many times the estimate.
const DISK_TO_SPARE: u64 = 4;

/// Fails if the disk is too small for a run, before anything is written. The number of rows is
/// extrapolated from the beginning of the largest file. The rows are counted only if there is not
/// much more space than that needs.
pub(crate) fn check_disk(run: &ResolvedRun) -> Result<()> {
    let ResolvedRun { input, work, .. } = run;
    let largest = input.files.iter().zip(&input.columns).max_by_key(|(file, _)| file.bytes);
    let (Some(free), Some((file, columns))) = (free_space(existing(work)), largest) else { return Ok(()) };
    let mut reader = Reader::open(file, columns, &input.limits, 0)?;
    let mut rows = 0;
    while rows < SAMPLED_ROWS
        && let Some(chunk) = reader.next_chunk()?
    {
        rows += chunk.rows() as u64;
    }
    let bytes = reader.bytes_read().clamp(1, file.bytes.max(1));
    let rows = (rows as f64 * input.bytes() as f64 / bytes as f64) as u64;
    if disk_bytes(run, rows).saturating_mul(DISK_TO_SPARE) <= free {
        return Ok(());
    }
    // Texts at the beginning may be longer or shorter than others, so the rows are counted.
    let counts = input.files.par_iter().map(|file| count_rows(file, &input.limits));
    let rows = counts.collect::<Result<Vec<u64>>>()?.into_iter().sum();
    let needed = disk_bytes(run, rows);
    if needed <= free {
        return Ok(());
    }
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    Err(Error::output(
        existing(work),
        format!("{rows} rows need about {} MiB of disk, {} MiB are free", mib(needed), free >> 20),
    )
    .hint("free some space, or put --work on another disk"))
}
