//! The last stages: decide which rows go, and write what stays and the record of what went.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, AsArray, BooleanArray, StringArray, UInt64Array};
use arrow::compute::filter;
use arrow::datatypes::{DataType, Field, Schema, UInt64Type};
use semdedup_core::{Cut, Goal, GoalError, Scored as CoreScored};
use walkdir::WalkDir;

use crate::annotate::{Annotations, Given};
use crate::dataset::{Dataset, Places};
use crate::error::{Error, ErrorKind, Result};
use crate::formats::{AddedColumns, Format, InputFile, write_annotated, write_kept};
use crate::ids::write_ids;
use crate::input::Input;
use crate::output::{ANNOTATED, KEPT, KEPT_FILES, OutputDir};
use crate::outputs::{OutputKind, Outputs};
use crate::parts::SkippedRow;
use crate::pipeline::Scored;
use crate::progress::{Progress, Stage};
use crate::score::ScoreColumns;
use crate::storage::fetch;
use crate::summary::{FileSummary, ListSummary};
use crate::table::{ScoresFile, TableWriter, compared_metadata};

/// Which rows go, which could not be read, and the ε that this amounts to.
#[derive(Debug)]
pub(crate) struct Decision {
    pub(crate) fate: Vec<Fate>,
    pub(crate) epsilon: f64,
    /// Which scores go; none where a target removes nothing.
    pub(crate) cut: Option<Cut>,
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
        Ok(Self { fate, epsilon: selection.epsilon, cut: selection.cut })
    }

    /// The lowest score of a row that goes; infinite where none does.
    pub(crate) fn lowest_removed(&self, scores: &[f32]) -> f32 {
        let removed = self.fate.iter().zip(scores).filter(|(fate, _)| **fate == Fate::Removed);
        removed.map(|(_, &score)| score).fold(f32::INFINITY, f32::min)
    }

    /// How many rows of each fate.
    pub(crate) fn counts(&self) -> Given {
        let [kept, removed, skipped] =
            [Fate::Kept, Fate::Removed, Fate::Skipped].map(|fate| self.count(fate));
        Given { kept, removed, skipped }
    }

    /// What becomes of the rows of a file.
    pub(crate) fn of_file(&self, dataset: &Dataset, file: usize) -> &[Fate] {
        let first = dataset.places.number(file, 0) as usize;
        &self.fate[first..first + dataset.places.files[file].rows as usize]
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
    pub(crate) lists: Vec<ListSummary>,
    pub(crate) rows_kept: u64,
    pub(crate) seconds: f64,
}

/// Writes all results into the output's staging folder and counts what it wrote.
pub(crate) fn write(
    out: &OutputDir,
    (scored, outputs): (&Scored, &Outputs),
    decision: &Decision,
    run: (&Input, &dyn Progress),
) -> Result<Written> {
    let (input, progress) = run;
    let start = Instant::now();
    let passes = [OutputKind::Files, OutputKind::Annotate].into_iter().filter(|&kind| outputs.has(kind));
    progress.begin(Stage::Write, "rows", scored.dataset.places.rows() * passes.count() as u64);
    let stage = out.stage()?;
    let mut files = describe_files(input, &scored.dataset, decision);
    let writer = RowWriter { input, dataset: &scored.dataset, decision, progress };
    if outputs.has(OutputKind::Files) {
        writer.write_kept(&stage.join(KEPT), &mut files)?;
        if files.iter().any(|file| file.is_folder) {
            write_kept_files(&stage, &files)?;
        }
    }
    if outputs.has(OutputKind::Annotate) {
        let annotations = Annotations::open(&scored.scores, decision, &outputs.added())?;
        writer.write_annotated(&stage.join(ANNOTATED), annotations, &mut files)?;
    }
    let lists = write_ids(&stage, &outputs.ids, &scored.scores, decision)?;
    for list in &lists {
        check_counts(&Given { kept: list.rows, ..decision.counts() }, decision)?;
    }
    let removed = write_removed(&stage.join("removed.parquet"), &scored.scores, decision)?;
    if !scored.dataset.skipped.is_empty() {
        write_skipped(&stage.join("skipped.parquet"), &scored.dataset)?;
    }
    let scores = stage.join("scores.parquet");
    fetch(&scored.scores.path, &scores)?;
    fs_err::File::open(&scores).and_then(|file| file.sync_all()).map_err(Error::io)?;
    let rows_kept = files.iter().map(|file| file.rows_kept).sum();
    check_counts(&Given { kept: rows_kept, removed, ..decision.counts() }, decision)?;
    progress.end(Stage::Write, false);
    Ok(Written { files, lists, rows_kept, seconds: start.elapsed().as_secs_f64() })
}

/// kept + removed + skipped = in, with the rows counted as they were written.
fn check_counts(written: &Given, decision: &Decision) -> Result<()> {
    let Given { kept, removed, skipped } = written;
    let rows = decision.fate.len() as u64;
    if *written == decision.counts() && kept + removed + skipped == rows {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Output,
        format!("{kept} rows kept + {removed} removed + {skipped} skipped are not the {rows} rows read; nothing was replaced"),
    )
    .hint("this is a fault of semdedup or of the disk: please report it; the input is untouched"))
}

/// The files of the input with the rows that are to stay; nothing of them is written yet.
fn describe_files(input: &Input, dataset: &Dataset, decision: &Decision) -> Vec<FileSummary> {
    let describe = |(number, file): (usize, &InputFile)| {
        let fate = decision.of_file(dataset, number);
        let embeddings = input.given.as_ref().and_then(|given| given.file(number));
        FileSummary {
            path: file.path.display().to_string(),
            embeddings: embeddings.map(|path| path.display().to_string()),
            kept: file.name.clone(),
            is_folder: matches!(file.format, Format::Tree | Format::TextTree),
            rows_in: fate.len() as u64,
            rows_kept: fate.iter().filter(|&&fate| fate == Fate::Kept).count() as u64,
            rows_removed: fate.iter().filter(|&&fate| fate == Fate::Removed).count() as u64,
            unknown_texts: dataset.unknown[number],
            bytes_kept: 0,
            bytes_annotated: None,
        }
    };
    input.files.iter().enumerate().map(describe).collect()
}

/// Writes rows of the input, file by file.
struct RowWriter<'a> {
    input: &'a Input,
    dataset: &'a Dataset,
    decision: &'a Decision,
    progress: &'a dyn Progress,
}

impl RowWriter<'_> {
    /// The files without the rows that go.
    fn write_kept(&self, folder: &Path, files: &mut [FileSummary]) -> Result<()> {
        for (number, file) in self.input.files.iter().enumerate() {
            let fate = self.decision.of_file(self.dataset, number);
            let destination = self.destination(folder, file)?;
            let mut seen = 0u64;
            let rows_kept = write_kept(file, &self.input.limits, &destination, &mut |row| {
                seen += 1;
                if seen.is_multiple_of(TOLD_ROWS) {
                    self.progress.advance(TOLD_ROWS);
                }
                fate.get(row as usize) == Some(&Fate::Kept)
            })?;
            check_rows(file, fate, seen)?;
            self.progress.advance(seen % TOLD_ROWS);
            files[number].rows_kept = rows_kept;
            files[number].bytes_kept = size_below(&destination)?;
        }
        Ok(())
    }

    /// The files with all of their rows, and what was found about each.
    fn write_annotated(
        &self,
        folder: &Path,
        mut annotations: Annotations,
        files: &mut [FileSummary],
    ) -> Result<()> {
        let schema = annotations.schema();
        for (number, file) in self.input.files.iter().enumerate() {
            let fate = self.decision.of_file(self.dataset, number);
            let destination = self.destination(folder, file)?;
            let mut seen = 0;
            let mut next = |rows: usize| {
                seen += rows as u64;
                if seen > fate.len() as u64 {
                    return check_rows(file, fate, seen).and(annotations.next(0));
                }
                self.progress.advance(rows as u64);
                annotations.next(rows)
            };
            let mut added = AddedColumns { schema: schema.clone(), next: &mut next };
            let written = write_annotated(file, &self.input.limits, &destination, &mut added)?;
            check_rows(file, fate, written)?;
            files[number].bytes_annotated = Some(size_of_file(&destination)?);
        }
        check_counts(&annotations.given, self.decision)
    }

    /// Where a file goes, in a folder that is there.
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

/// Progress is told of so many rows at a time.
const TOLD_ROWS: u64 = 1 << 16;

fn size_of_file(path: &Path) -> Result<u64> {
    fs_err::metadata(path).map(|file| file.len()).map_err(Error::io)
}

/// The files in a folder, or the file itself, and their sizes.
fn files_below(path: &Path) -> impl Iterator<Item = Result<(PathBuf, u64)>> {
    let entries = WalkDir::new(path).sort_by_file_name().into_iter();
    entries.filter(|entry| entry.as_ref().map_or(true, |entry| !entry.file_type().is_dir())).map(|entry| {
        let entry = entry.map_err(|error| Error::io(error.into()))?;
        size_of_file(entry.path()).map(|bytes| (entry.path().to_path_buf(), bytes))
    })
}

fn size_below(path: &Path) -> Result<u64> {
    files_below(path).map(|file| file.map(|(_, bytes)| bytes)).sum()
}

/// Writes `kept-files.parquet`: `path` (below `kept/`) and `bytes` of every file that a folder of the input kept.
fn write_kept_files(stage: &Path, files: &[FileSummary]) -> Result<()> {
    let schema = Schema::new(vec![
        Field::new("path", DataType::Utf8, false),
        Field::new("bytes", DataType::UInt64, false),
    ]);
    let kept = stage.join(KEPT);
    let mut table = TableWriter::create(&stage.join(KEPT_FILES), schema, Vec::new())?;
    for folder in files.iter().filter(|file| file.is_folder) {
        let written = files_below(&kept.join(&folder.kept)).collect::<Result<Vec<_>>>()?;
        let name = |path: &Path| path.strip_prefix(&kept).unwrap_or(path).to_string_lossy().into_owned();
        table.write(vec![
            Arc::new(StringArray::from_iter_values(written.iter().map(|(path, _)| name(path)))),
            Arc::new(UInt64Array::from_iter_values(written.iter().map(|(_, bytes)| *bytes))),
        ])?;
    }
    table.finish()
}

/// Fails where a file had another number of rows when it was read first.
fn check_rows(file: &InputFile, fate: &[Fate], now: u64) -> Result<()> {
    let then = fate.len() as u64;
    if now == then {
        return Ok(());
    }
    Err(Error::input(&file.path, format!("changed since it was read: {then} rows then, {now} now"))
        .hint("start again, or put the file back as it was"))
}

/// Writes `removed.parquet`: `id`, `file`, `row` (in that file), `cluster`, `score`, `duplicate_of`.
fn write_removed(path: &Path, scores: &ScoresFile, decision: &Decision) -> Result<u64> {
    write_fate(path, scores, (decision, Fate::Removed), &FATE_COLUMNS)
}

/// The columns of `removed.parquet`.
pub(crate) const FATE_COLUMNS: [&str; 6] = ["id", "file", "row", "cluster", "score", "duplicate_of"];

/// Writes some of [`FATE_COLUMNS`] for the rows of one fate, and says how many rows there are.
pub(crate) fn write_fate(
    path: &Path,
    scores: &ScoresFile,
    (decision, fate): (&Decision, Fate),
    columns: &[&str],
) -> Result<u64> {
    let stored: Vec<&str> = columns.iter().copied().filter(|&name| name != "file").collect();
    let batches = scores.batches(&stored)?;
    let schema = batches_schema(&batches);
    let field = |&name: &&str| {
        let kind = schema.field_with_name(name).map_or(DataType::Utf8, |field| field.data_type().clone());
        Field::new(name, kind, !["file", "row", "score"].contains(&name))
    };
    let fields: Vec<Field> = columns.iter().map(field).collect();
    let metadata = compared_metadata(path, scores.compared.as_ref())?.into_iter().collect();
    let mut table = TableWriter::create(path, Schema::new(fields), metadata)?;
    let (mut first, mut written) = (0, 0);
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
        let values = columns.iter().map(|&name| match name {
            "file" => Ok(file.clone()),
            "row" => Ok(row.clone()),
            name => column(name),
        });
        written += row.len() as u64;
        table.write(values.collect::<Result<_>>()?)?;
    }
    table.finish().map(|()| written)
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
