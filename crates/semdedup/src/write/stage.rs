//! Writes the rows that stay, and the tables of all rows and of the removed and the skipped ones.

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::embed::dataset::Dataset;
use crate::error::{Error, ErrorKind, Result};
use crate::formats::{AddedColumns, Format, InputFile, try_write_kept, write_annotated};
use crate::input::find::Input;
use crate::outputs::{OutputKind, Outputs};
use crate::progress::{Progress, Stage, StopSignal};
use crate::score::columns::ScoreColumns;
use crate::score::scores_file::ScoresFile;
use crate::select::id_lists::write_ids;
use crate::select::row_lists::{
    KeptAs, LIST_COLUMNS, ListedRows, REMOVED_COLUMNS, REPRESENTATIVE_COLUMNS, RowList,
};
use crate::select::selection::{Outcome, RowCounts, Selection};
use crate::storage::fetch;
use crate::summary::{FileSummary, ListSummary};
use crate::write::annotations::{Annotations, Standing};
use crate::write::kept_files::{size_below, size_of_file, write_kept_files};
use crate::write::result_dir::OutputDir;
use crate::write::result_files::{ANNOTATED, KEPT, PAIRS, REPRESENTATIVES};
use crate::write::skipped::write_skipped;

/// The files that were written, and how many rows they have.
pub(crate) struct Written {
    pub(crate) files: Vec<FileSummary>,
    pub(crate) lists: Vec<ListSummary>,
    pub(crate) rows_kept: u64,
    /// The seconds that writing took.
    pub(crate) seconds: f64,
}

/// The results of the other stages, for the stage that writes them.
#[derive(Clone, Copy)]
pub(crate) struct Results<'a> {
    pub(crate) input: &'a Input,
    pub(crate) dataset: &'a Dataset,
    pub(crate) scores: &'a ScoresFile,
    pub(crate) columns: &'a ScoreColumns,
    /// Where the pairs are, if they were asked for.
    pub(crate) pairs: Option<&'a Path>,
    pub(crate) selection: &'a Selection,
}

/// Writes all results into the output's staging folder, and counts the rows that it wrote.
///
/// # Errors
/// A folder that cannot be written, input that has changed, or counts that do not add up.
pub(crate) fn write(
    out: &OutputDir,
    results: &Results,
    outputs: &Outputs,
    progress: &dyn Progress,
) -> Result<Written> {
    let start = Instant::now();
    let passes = [OutputKind::Files, OutputKind::Annotate].into_iter().filter(|&kind| outputs.has(kind));
    // Without files, the ids of the rows that stay are written.
    let (passes, kept) = (passes.count() as u64, results.selection.counts().kept);
    let rows = if passes > 0 { results.dataset.row_index.rows() * passes } else { kept };
    progress.begin(Stage::Write, "rows", rows);
    let stage = out.stage()?;
    // The files keep at most one core busy, so the tables are written on another.
    let (files, tables) = rayon::join(
        || write_files(&stage, results, outputs, progress),
        || write_tables(&stage, results, outputs),
    );
    let (files, Tables { lists, removed }) = (files?, tables?);
    if passes == 0 {
        progress.advance(kept);
    }
    let rows_kept = files.iter().map(|file| file.rows_kept).sum();
    let selection = results.selection;
    check_counts(&RowCounts { kept: rows_kept, removed, ..selection.counts() }, selection)?;
    progress.end(Stage::Write, false);
    Ok(Written { files, lists, rows_kept, seconds: start.elapsed().as_secs_f64() })
}

/// Writes the files of the input, without the rows that go and with added columns, as asked for.
fn write_files(
    stage: &Path,
    results: &Results,
    outputs: &Outputs,
    progress: &dyn Progress,
) -> Result<Vec<FileSummary>> {
    let Results { input, dataset, scores, columns, selection, .. } = *results;
    let mut files = describe_files(input, dataset, selection);
    let writer = RowWriter { input, dataset, selection, progress };
    if outputs.has(OutputKind::Files) {
        writer.write_kept(&stage.join(KEPT), &mut files)?;
        if files.iter().any(|file| file.is_folder) {
            write_kept_files(stage, &files)?;
        }
    }
    if outputs.has(OutputKind::Annotate) {
        let scores_of = columns.pairs();
        let found = selection.representatives.as_ref().zip(selection.duplicates(&scores_of));
        let unknown = || Error::usage("nothing was searched that stands for the removed rows");
        let (representatives, duplicates) = found.ok_or_else(unknown)?;
        let (ids, duplicates) = (&dataset.ids(input)?, &duplicates[..]);
        let standing = Standing { representatives, scores: scores_of, duplicates, ids };
        let annotations = Annotations::open(scores, selection, standing, &outputs.added())?;
        writer.write_annotated(&stage.join(ANNOTATED), annotations, &mut files)?;
    }
    Ok(files)
}

/// The lists of ids that were written, and the number of rows in `removed.parquet`.
struct Tables {
    lists: Vec<ListSummary>,
    removed: u64,
}

/// Writes the lists of ids, `removed.parquet`, `skipped.parquet` and `scores.parquet`.
fn write_tables(stage: &Path, results: &Results, outputs: &Outputs) -> Result<Tables> {
    let Results { input, dataset, scores, columns, pairs, selection } = *results;
    let lists = write_ids(stage, &outputs.ids, scores, selection)?;
    for list in &lists {
        check_counts(&RowCounts { kept: list.rows, ..selection.counts() }, selection)?;
    }
    let list =
        RowList { scores, selection, rows: ListedRows::Outcome(Outcome::Removed), columns: &LIST_COLUMNS };
    let (path, scores_of) = (stage.join("removed.parquet"), columns.pairs());
    let removed = match (&selection.representatives, selection.duplicates(&scores_of)) {
        (Some(found), Some(duplicates)) => {
            let (rows, columns) = (ListedRows::Representatives(&duplicates), &REPRESENTATIVE_COLUMNS[..]);
            RowList { rows, columns, ..list }.write(&stage.join(REPRESENTATIVES))?;
            let ids = dataset.ids(input)?;
            let rows = ListedRows::Removed(KeptAs { found, scores: scores_of, ids: &ids });
            RowList { rows, columns: &REMOVED_COLUMNS, ..list }.write(&path)?
        }
        _ => list.write(&path)?,
    };
    if !dataset.skipped.is_empty() {
        write_skipped(&stage.join("skipped.parquet"), dataset)?;
    }
    copy(&scores.path, &stage.join("scores.parquet"))?;
    pairs.map_or(Ok(()), |pairs| copy(pairs, &stage.join(PAIRS)))?;
    Ok(Tables { lists, removed })
}

/// Copies a table of the work directory.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fetch(from, to)?;
    fs_err::File::open(to).and_then(|file| file.sync_all()).map_err(Error::io)
}

/// Fails unless kept + removed + skipped = in, with the rows counted as they were written.
fn check_counts(written: &RowCounts, selection: &Selection) -> Result<()> {
    let RowCounts { kept, removed, skipped } = written;
    let rows = selection.outcome.len() as u64;
    if *written == selection.counts() && kept + removed + skipped == rows {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Output,
        format!("{kept} rows kept + {removed} removed + {skipped} skipped are not the {rows} rows read; nothing was replaced"),
    )
    .hint("this is an internal error of semdedup, or an error of the disk: please report it; the input is untouched"))
}

/// Describes the files of the input with the rows that will stay, before anything is written.
fn describe_files(input: &Input, dataset: &Dataset, selection: &Selection) -> Vec<FileSummary> {
    let describe = |(number, file): (usize, &InputFile)| {
        let outcome = selection.of_file(dataset, number);
        let embeddings = input.given.as_ref().and_then(|given| given.file(number));
        FileSummary {
            path: file.path.display().to_string(),
            embeddings: embeddings.map(|path| path.display().to_string()),
            kept: file.name.clone(),
            is_folder: matches!(file.format, Format::Tree | Format::TextTree),
            rows_in: outcome.len() as u64,
            rows_kept: outcome.iter().filter(|&&outcome| outcome == Outcome::Kept).count() as u64,
            rows_removed: outcome.iter().filter(|&&outcome| outcome == Outcome::Removed).count() as u64,
            unknown_texts: dataset.unknown[number],
            bytes_kept: 0,
            bytes_annotated: None,
        }
    };
    input.files.iter().enumerate().map(describe).collect()
}

/// Writes the rows of the input, file by file.
struct RowWriter<'a> {
    input: &'a Input,
    dataset: &'a Dataset,
    selection: &'a Selection,
    progress: &'a dyn Progress,
}

impl RowWriter<'_> {
    /// Writes the files without the rows that go.
    fn write_kept(&self, folder: &Path, files: &mut [FileSummary]) -> Result<()> {
        let stop = StopSignal::new(self.progress);
        for (number, file) in self.input.files.iter().enumerate() {
            let outcome = self.selection.of_file(self.dataset, number);
            let destination = self.destination(folder, file)?;
            let mut seen = 0u64;
            let rows_kept = try_write_kept(file, &self.input.limits, &destination, &mut |row| {
                seen += 1;
                if seen.is_multiple_of(ROWS_PER_STOP_CHECK) {
                    stop.check()?;
                }
                if seen.is_multiple_of(REPORTED_ROWS) {
                    self.progress.advance(REPORTED_ROWS);
                }
                Ok(outcome.get(row as usize) == Some(&Outcome::Kept))
            })?;
            check_rows(file, outcome, seen)?;
            self.progress.advance(seen % REPORTED_ROWS);
            files[number].rows_kept = rows_kept;
            files[number].bytes_kept = size_below(&destination)?;
        }
        Ok(())
    }

    /// Writes the files with all of their rows and the added columns.
    fn write_annotated(
        &self,
        folder: &Path,
        mut annotations: Annotations,
        files: &mut [FileSummary],
    ) -> Result<()> {
        let schema = annotations.schema();
        let stop = StopSignal::new(self.progress);
        for (number, file) in self.input.files.iter().enumerate() {
            let outcome = self.selection.of_file(self.dataset, number);
            let destination = self.destination(folder, file)?;
            let mut seen = 0;
            let mut next = |rows: usize| {
                seen += rows as u64;
                if seen > outcome.len() as u64 {
                    return check_rows(file, outcome, seen).and(annotations.next(0));
                }
                stop.check()?;
                self.progress.advance(rows as u64);
                annotations.next(rows)
            };
            let mut added = AddedColumns { schema: schema.clone(), next: &mut next };
            let written = write_annotated(file, &self.input.limits, &destination, &mut added)?;
            check_rows(file, outcome, written)?;
            files[number].bytes_annotated = Some(size_of_file(&destination)?);
        }
        check_counts(&annotations.taken, self.selection)
    }

    /// Returns the path that a file is written to, and makes its folder.
    fn destination(&self, folder: &Path, file: &InputFile) -> Result<PathBuf> {
        let destination = folder.join(&file.name);
        fs_err::create_dir_all(destination.parent().unwrap_or(folder)).map_err(Error::io)?;
        if destination.exists() {
            return Err(Error::output(
                &destination,
                "two inputs have the same name on this file system, which ignores case",
            )
            .hint("rename one of them, or run them one by one"));
        }
        Ok(destination)
    }
}

/// The number of rows after which progress is reported.
const REPORTED_ROWS: u64 = 1 << 16;

/// The number of rows after which the caller is asked whether to stop. A folder of images has a file
/// per row.
const ROWS_PER_STOP_CHECK: u64 = 64;

/// Fails if a file had another number of rows when it was first read.
fn check_rows(file: &InputFile, outcome: &[Outcome], now: u64) -> Result<()> {
    let then = outcome.len() as u64;
    if now == then {
        return Ok(());
    }
    Err(Error::input(&file.path, format!("changed since it was read: {then} rows then, {now} now"))
        .hint("start again, or put the file back as it was"))
}
