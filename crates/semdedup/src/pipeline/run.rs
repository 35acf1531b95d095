//! Runs all stages: read and embed, train, assign, score, measure the recall, select, write.

use std::time::Instant;

use crate::embed::embedder::Embedder;
use crate::error::Result;
use crate::memory::peak_rss_bytes;
use crate::options::RunOptions;
use crate::pipeline::close_rows::indistinct_warning;
use crate::pipeline::disk::check_disk;
use crate::pipeline::resolved::ResolvedRun;
use crate::pipeline::scored::check_strict;
use crate::pipeline::summarise::{Alike, Findings, summarise};
use crate::pipeline::watch::{watched, watched_in_result};
use crate::progress::{Progress, Stage};
use crate::summary::Summary;
use crate::warning::Warning;
use crate::workdir::work_dir::WorkDir;
use crate::write::result_dir::{OutputDir, ResultState};
use crate::write::result_files::PAIRS;
use crate::write::stage::{Results, write};

/// Removes the semantic duplicates from the input and writes the rows that stay.
///
/// Called again with the same options, it continues where a killed run stopped, or returns the
/// stored summary of a finished run. With other options, it repeats only the stages that depend on
/// them.
///
/// # Errors
/// Input that cannot be read, an output in the way, or options out of range; see each message.
pub fn run(options: &RunOptions, embedder: Embedder, progress: &dyn Progress) -> Result<Summary> {
    let start = Instant::now();
    let run = ResolvedRun::new(options, embedder)?;
    let out = OutputDir::open(&run.target())?;
    // Report the files that are left out each time, even if an earlier run has done the work; and texts
    // that the model cannot tell apart, because they are gone once the data is used.
    run.input.warnings().for_each(|warning| progress.warn(&warning));
    let out = match out {
        ResultState::Done(mut summary) => {
            // This time the same columns may have been found in another way, and summaries of
            // earlier versions do not name them.
            summary.compared = run.comparison();
            check_strict(&run.input, summary.rows_skipped, || String::from("see skipped.parquet"))?;
            let read = summary.rows_in.saturating_sub(summary.rows_skipped);
            let indistinct = indistinct_warning(summary.indistinct_texts.as_ref(), read);
            let watched = watched_in_result(&run.input, options)?;
            indistinct.iter().chain(&watched).for_each(|warning| progress.warn(warning));
            let stages = Stage::ALL.into_iter().filter(|stage| run.stages.has(*stage));
            stages.for_each(|stage| progress.end(stage, true));
            return Ok(*summary);
        }
        ResultState::Ready(out) => out,
    };
    if let Some(problem) = out.repairs.clone() {
        progress.warn(&Warning::DamagedResult { problem });
    }
    let mut work = WorkDir::open(&run.work)?;
    if !work.has_begun(Stage::Embed, &run.stages.embed) {
        check_disk(&run)?;
    }
    let scored = run.score(&mut work, progress)?;
    let pairs = run.find_pairs(&mut work, &scored, progress)?;
    let selection = run.decide(&mut work, &scored, progress)?;
    let (dataset, scores, columns) = (&scored.dataset, &scored.scores, &scored.columns);
    let table = pairs.map(|_| work.folder(Stage::Pairs).join(PAIRS));
    // If a column cannot be watched, nothing is written.
    let watched = watched(&run.input, &options.watch, &dataset.row_index, &selection.outcome)?;
    let (input, selection) = (&run.input, &selection);
    let results = Results { input, dataset, scores, columns, pairs: table.as_deref(), selection };
    // Nothing that is written depends on the rows that are alike, so they are counted meanwhile.
    let (written, alike) =
        rayon::join(|| write(&out, &results, &run.outputs, progress), || Alike::find(&run.input, &scored));
    let (written, alike) = (written?, alike?);
    let findings = Findings { scored: &scored, selection, alike, pairs, watched };
    let mut summary = summarise(&run, &findings, progress);
    summary.files = written.files;
    summary.lists = written.lists;
    summary.rows_kept = written.rows_kept;
    summary.peak_rss_bytes = peak_rss_bytes();
    summary.seconds = work.seconds();
    // The work directory may have stages of other runs.
    let is_other =
        |name: &str| Stage::ALL.iter().any(|stage| stage.name() == name && !run.stages.has(*stage));
    summary.seconds.retain(|name, _| !is_other(name));
    summary.seconds.insert(Stage::Write.name().to_owned(), written.seconds);
    summary.seconds.insert("total".to_owned(), start.elapsed().as_secs_f64());
    summary.reused_stages = work.reused().iter().map(|stage| stage.name().to_owned()).collect();
    out.commit(&mut summary)?;
    Ok(summary)
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
