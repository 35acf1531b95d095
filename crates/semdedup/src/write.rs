//! The last stages: decide which rows go, and write what stays and the record of what went.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, AsArray, BooleanArray, StringArray, UInt64Array};
use arrow::compute::filter;
use arrow::datatypes::{DataType, Field, Schema, UInt64Type};
use semdedup_core::{Goal, GoalError, Scored as CoreScored};

use crate::dataset::{Dataset, Places};
use crate::embed::SkippedRow;
use crate::formats::write_kept;
use crate::input::Input;
use crate::output::OutputDir;
use crate::pipeline::Scored;
use crate::progress::{Progress, Stage};
use crate::score::ScoreColumns;
use crate::summary::FileSummary;
use crate::table::{ScoresFile, TableWriter};
use crate::{Error, ErrorKind, Result};

/// Which rows go, which could not be read, and the ε that this amounts to.
#[derive(Debug)]
pub(crate) struct Decision {
    pub(crate) fate: Vec<Fate>,
    pub(crate) epsilon: f64,
}

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Kept,
    Removed,
    Skipped,
}

impl Decision {
    /// Decides over the rows that could be read.
    pub(crate) fn make(columns: &ScoreColumns, scores: &ScoresFile, goal: Goal) -> Result<Self> {
        let read: Vec<usize> = (0..columns.score.len()).filter(|&row| !columns.score[row].is_nan()).collect();
        let score: Vec<f32> = read.iter().map(|&row| columns.score[row]).collect();
        let similarity: Vec<f32> = read.iter().map(|&row| columns.similarity[row]).collect();
        let scored = CoreScored { score: &score, similarity: &similarity };
        let selection = semdedup_core::select(&scored, &scores.ranking, goal).map_err(unmet)?;
        let mut fate = vec![Fate::Skipped; columns.score.len()];
        for (&row, &removed) in read.iter().zip(&selection.removed) {
            fate[row] = if removed { Fate::Removed } else { Fate::Kept };
        }
        Ok(Self { fate, epsilon: selection.epsilon })
    }

    /// How many rows have this fate.
    pub(crate) fn count(&self, fate: Fate) -> u64 {
        self.fate.iter().filter(|&&f| f == fate).count() as u64
    }
}

/// Says that the goal cannot be met.
pub(crate) fn unmet(error: GoalError) -> Error {
    Error::usage(error.to_string()).hint("`semdedup sweep` shows how many rows each epsilon keeps")
}

/// What was written.
pub(crate) struct Written {
    pub(crate) files: Vec<FileSummary>,
    pub(crate) rows_kept: u64,
    pub(crate) seconds: f64,
}

/// Writes all results into the output's staging folder and counts what it wrote.
pub(crate) fn write(
    out: &OutputDir,
    scored: &Scored,
    decision: &Decision,
    run: (&Input, &dyn Progress),
) -> Result<Written> {
    let (input, progress) = run;
    let start = Instant::now();
    progress.begin(Stage::Write, "rows", scored.dataset.places.rows());
    let stage = out.stage()?;
    let files = write_files(&stage.join("kept"), (input, &scored.dataset), decision, progress)?;
    write_removed(&stage.join("removed.parquet"), &scored.scores, decision)?;
    if !scored.dataset.skipped.is_empty() {
        write_skipped(&stage.join("skipped.parquet"), &scored.dataset)?;
    }
    let scores = stage.join("scores.parquet");
    fs_err::copy(&scored.scores.path, &scores).map_err(Error::io)?;
    fs_err::File::open(&scores).and_then(|file| file.sync_all()).map_err(Error::io)?;
    let rows_kept = files.iter().map(|file| file.rows_kept).sum();
    check_counts(rows_kept, decision)?;
    progress.end(Stage::Write, false);
    Ok(Written { files, rows_kept, seconds: start.elapsed().as_secs_f64() })
}

/// kept + removed + skipped = in, with the kept rows counted as they were written.
fn check_counts(kept: u64, decision: &Decision) -> Result<()> {
    let (removed, skipped) = (decision.count(Fate::Removed), decision.count(Fate::Skipped));
    let rows = decision.fate.len() as u64;
    if kept + removed + skipped == rows {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Output,
        format!("{kept} rows kept + {removed} removed + {skipped} skipped are not the {rows} rows read; nothing was replaced"),
    )
    .hint("this is a fault of semdedup or of the disk: please report it; the input is untouched"))
}

fn write_files(
    kept: &Path,
    source: (&Input, &Dataset),
    decision: &Decision,
    progress: &dyn Progress,
) -> Result<Vec<FileSummary>> {
    let (input, dataset) = source;
    let mut files = Vec::with_capacity(input.files.len());
    for (number, file) in input.files.iter().enumerate() {
        let rows_in = dataset.places.files[number].rows;
        let first = dataset.places.number(number, 0) as usize;
        let fate = &decision.fate[first..first + rows_in as usize];
        let destination = kept.join(&file.name);
        let folder = destination.parent().unwrap_or(kept);
        fs_err::create_dir_all(folder).map_err(Error::io)?;
        if destination.exists() {
            return Err(Error::output(
                &destination,
                "two inputs have the same name on this file system, which ignores case",
            )
            .hint("rename one of them, or run them one by one"));
        }
        let mut seen = 0u64;
        let rows_kept = write_kept(file, &input.limits, &destination, &mut |row| {
            seen += 1;
            if seen.is_multiple_of(1 << 16) {
                progress.advance(1 << 16);
            }
            fate.get(row as usize) == Some(&Fate::Kept)
        })?;
        if seen != rows_in {
            return Err(Error::input(
                &file.path,
                format!("changed since it was read: {rows_in} rows then, {seen} now"),
            )
            .hint("start again, or put the file back as it was"));
        }
        progress.advance(seen % (1 << 16));
        let path = file.path.display().to_string();
        let bytes_kept = fs_err::metadata(&destination).map_err(Error::io)?.len();
        let embeddings = input.given.as_ref().and_then(|given| given.file(number));
        let embeddings = embeddings.map(|path| path.display().to_string());
        let kept = file.name.clone();
        files.push(FileSummary { path, embeddings, kept, rows_in, rows_kept, bytes_kept });
    }
    Ok(files)
}

/// Writes `removed.parquet`: `id`, `file`, `row` (in that file), `cluster`, `score`, `duplicate_of`.
pub(crate) fn write_removed(path: &Path, scores: &ScoresFile, decision: &Decision) -> Result<()> {
    write_fate(path, scores, decision, Fate::Removed)
}

/// Writes the rows of one fate, in the columns of `removed.parquet`.
pub(crate) fn write_fate(path: &Path, scores: &ScoresFile, decision: &Decision, fate: Fate) -> Result<()> {
    let names = ["id", "row", "cluster", "score", "duplicate_of"];
    let batches = scores.batches(&names)?;
    let schema = batches_schema(&batches);
    let kind =
        |name: &str| schema.field_with_name(name).map(|f| f.data_type().clone()).unwrap_or(DataType::Null);
    let mut table = TableWriter::create(
        path,
        Schema::new(vec![
            Field::new("id", kind("id"), true),
            Field::new("file", DataType::Utf8, false),
            Field::new("row", DataType::UInt64, false),
            Field::new("cluster", DataType::UInt32, true),
            Field::new("score", DataType::Float32, false),
            Field::new("duplicate_of", kind("duplicate_of"), true),
        ]),
        Vec::new(),
    )?;
    let mut first = 0;
    for batch in batches {
        let batch = batch.map_err(|error| Error::input(&scores.path, error))?;
        let fates = &decision.fate[first..first + batch.num_rows()];
        first += batch.num_rows();
        let wanted = BooleanArray::from_iter(fates.iter().map(|&f| Some(f == fate)));
        let column = |name: &str| -> Result<ArrayRef> {
            let column =
                batch.column_by_name(name).ok_or_else(|| Error::input(&scores.path, format!("no {name}")))?;
            filter(column, &wanted).map_err(|error| Error::input(&scores.path, error))
        };
        let (file, row) = locate(&scores.places, &column("row")?);
        table.write(vec![
            column("id")?,
            file,
            row,
            column("cluster")?,
            column("score")?,
            column("duplicate_of")?,
        ])?;
    }
    table.finish()
}

fn batches_schema(batches: &parquet::arrow::arrow_reader::ParquetRecordBatchReader) -> Arc<Schema> {
    use arrow::array::RecordBatchReader;
    batches.schema()
}

fn locate(places: &Places, rows: &ArrayRef) -> (ArrayRef, ArrayRef) {
    let located: Vec<(usize, u64)> =
        rows.as_primitive::<UInt64Type>().values().iter().map(|&row| places.locate(row)).collect();
    let file = StringArray::from_iter_values(located.iter().map(|&(file, _)| &places.files[file].name));
    let row = UInt64Array::from_iter_values(located.iter().map(|&(_, row)| row));
    (Arc::new(file), Arc::new(row))
}

/// Writes `skipped.parquet`: `file`, `row` (in that file), `reason`.
fn write_skipped(path: &Path, dataset: &Dataset) -> Result<()> {
    let schema = Schema::new(vec![
        Field::new("file", DataType::Utf8, false),
        Field::new("row", DataType::UInt64, false),
        Field::new("reason", DataType::Utf8, false),
    ]);
    let mut table = TableWriter::create(path, schema, Vec::new())?;
    let name = |row: &SkippedRow| &dataset.places.files[row.file].name;
    let skipped = &dataset.skipped;
    table.write(vec![
        Arc::new(StringArray::from_iter_values(skipped.iter().map(name))),
        Arc::new(UInt64Array::from_iter_values(skipped.iter().map(|row| row.row))),
        Arc::new(StringArray::from_iter_values(skipped.iter().map(|row| &row.reason))),
    ])?;
    table.finish()
}
