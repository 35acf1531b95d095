//! A whole run: read and embed, train, assign, score, measure, select, write.

use std::time::Instant;

use crate::comparison::Comparison;
use crate::embed::embedder::Embedder;
use crate::error::Result;
use crate::input::find::Input;
use crate::memory::peak_rss_bytes;
use crate::options::RunOptions;
use crate::pipeline::disk;
use crate::pipeline::fingerprints::Fingerprints;
use crate::pipeline::scored::{Run, check_strict};
use crate::pipeline::summarise::{Notes, summarise};
use crate::progress::{Progress, Stage};
use crate::select::selection::Selection;
use crate::summary::Summary;
use crate::workdir::work_dir::WorkDir;
use crate::write::checks::check_not_inside;
use crate::write::result_dir::{OutputDir, ResultState, ResultTarget};
use crate::write::stage::{self, Results};

/// Removes the semantic duplicates from the input and writes what stays.
///
/// Called again with the same options it goes on where a killed run was, or returns the stored summary of a finished
/// one; with others it does again only what depends on them.
///
/// # Errors
/// Input that cannot be read, an output in the way, options out of range; see each message.
pub fn run(options: &RunOptions, embedder: Embedder, progress: &dyn Progress) -> Result<Summary> {
    let start = Instant::now();
    let work_path = options.output.work_dir();
    let input = Input::find(&options.input, &[options.output.out.clone(), work_path.clone()])?;
    embedder.check(&input)?;
    let outputs = options.outputs.resolve(&input)?;
    outputs.check(&input)?;
    let stages = Fingerprints::of(&input, embedder, (options, &outputs))?;
    check_not_inside(&input, &options.output.out)?;
    check_not_inside(&input, &work_path)?;
    let wanted = ResultTarget {
        out: &options.output.out,
        work: &work_path,
        overwrite: options.output.overwrite,
        fingerprint: &stages.result,
    };
    let out = OutputDir::open(&wanted)?;
    // What a run leaves out is said each time, also where an earlier one had done the work.
    input.warnings().for_each(|warning| progress.warn(&warning));
    let out = match out {
        ResultState::Done(mut summary) => {
            // The same columns may have been found in another way, and earlier versions did not say which they were.
            summary.compared = Comparison::of(&input, embedder);
            check_strict(&input, summary.rows_skipped, || String::from("see skipped.parquet"))?;
            Stage::ALL.into_iter().for_each(|stage| progress.end(stage, true));
            return Ok(*summary);
        }
        ResultState::Ready(out) => out,
    };
    let mut work = WorkDir::open(&work_path)?;
    if !work.has_begun(Stage::Embed, &stages.embed) {
        disk::check_disk(&input, embedder, options)?;
    }
    let run = Run { options, outputs: &outputs, input: &input, embedder, stages: &stages };
    let scored = run.score(&mut work, progress)?;
    progress.begin(Stage::Select, "rows", scored.dataset.row_index.rows());
    let selection = Selection::make(&scored.columns, &scored.scores, options.goal)?;
    progress.advance(scored.dataset.row_index.rows());
    progress.end(Stage::Select, false);
    let notes = Notes::collect(&scored, &selection, &input, progress);
    let mut summary = summarise(&run, &scored, &selection, notes);
    let results =
        Results { input: &input, dataset: &scored.dataset, scores: &scored.scores, selection: &selection };
    let written = stage::write(&out, &results, &outputs, progress)?;
    summary.files = written.files;
    summary.lists = written.lists;
    summary.rows_kept = written.rows_kept;
    summary.peak_rss_bytes = peak_rss_bytes();
    summary.seconds = work.seconds();
    summary.seconds.insert(Stage::Write.name().to_owned(), written.seconds);
    summary.seconds.insert("total".to_owned(), start.elapsed().as_secs_f64());
    summary.reused_stages = work.reused().iter().map(|stage| stage.name().to_owned()).collect();
    out.commit(&summary)?;
    Ok(summary)
}
