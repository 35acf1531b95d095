//! Opens a result to compare: which rows it lists, and which of them stay.

use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::inspect::compare::listed::{HINT, ListFile, ListedRow, Visit, each_in_batch};
use crate::inspect::finished_run::FinishedRun;
use crate::select::selection::Outcome;
use crate::select::written::written_outcome;
use crate::storage::{is_dir, is_file};
use crate::summary::read_summary;
use crate::workdir::row_index::RowLocation;
use crate::workdir::table_file::check_table;

/// What a result does with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Kept,
    Removed,
    /// The row could not be read.
    Neither,
}

/// A result to compare.
pub(crate) struct ListedResult {
    /// Where it is, as it was named.
    pub(crate) place: PathBuf,
    pub(crate) rows: Rows,
}

/// The rows of a result.
pub(crate) enum Rows {
    /// All rows of a run, with the fate of each.
    Run { run: Box<FinishedRun>, fates: Vec<Fate> },
    /// All rows of a selection: the kept ones, then the removed ones.
    Selection([ListFile; 2]),
    /// Only the rows of one fate.
    List(ListFile, Fate),
}

impl ListedResult {
    /// Opens the output folder of a run or of a selection, or a list of rows.
    ///
    /// # Errors
    /// A path that is not one of these, or a damaged table.
    pub(crate) fn open(place: &Path) -> Result<Self> {
        let rows = match is_dir(place)? {
            true => Rows::of_folder(place)?,
            false => Rows::of_file(place)?,
        };
        Ok(Self { place: place.to_path_buf(), rows })
    }

    /// The finished run, if this is one.
    pub(crate) fn run(&self) -> Option<&FinishedRun> {
        match &self.rows {
            Rows::Run { run, .. } => Some(run),
            Rows::Selection(_) | Rows::List(..) => None,
        }
    }

    /// Calls `visit` with each row that is listed, and with its fate, in order.
    pub(crate) fn each(&self, visit: &mut dyn FnMut(&ListedRow, Fate) -> Result<()>) -> Result<()> {
        match &self.rows {
            Rows::Run { run, fates } => each_of_run(run, &mut |row| visit(row, fates[row.number])),
            Rows::Selection([kept, removed]) => {
                let first = kept.each(0, &mut |row| visit(row, Fate::Kept))?;
                removed.each(first, &mut |row| visit(row, Fate::Removed)).map(|_| ())
            }
            Rows::List(list, fate) => list.each(0, &mut |row| visit(row, *fate)).map(|_| ()),
        }
    }

    /// Returns the fate of each row that is listed, in order.
    pub(crate) fn fates(&self) -> Result<Vec<Fate>> {
        if let Rows::Run { fates, .. } = &self.rows {
            return Ok(fates.clone());
        }
        let mut fates = Vec::new();
        self.each(&mut |_, fate| {
            fates.push(fate);
            Ok(())
        })?;
        Ok(fates)
    }

    /// Makes an error about this result.
    pub(crate) fn problem(&self, problem: impl std::fmt::Display) -> Error {
        Error::new(ErrorKind::Input, format!("{}: {problem}", self.place.display()))
    }
}

impl Rows {
    fn of_folder(folder: &Path) -> Result<Self> {
        let tables = ["kept.parquet", "removed.parquet"].map(|name| folder.join(name));
        if read_summary(folder)?.is_none() && is_file(&tables[0])? && is_file(&tables[1])? {
            tables.iter().try_for_each(|table| check_table(table))?;
            return Ok(Self::Selection(tables.map(ListFile::Table)));
        }
        let run = FinishedRun::open(folder)?;
        let Some(removed) = run.summary().map(|summary| summary.rows_removed) else {
            let problem = format!("{}: there are scores here, but no result", folder.display());
            return Err(Error::new(ErrorKind::Input, problem).hint(HINT));
        };
        let fates = fates(&run, folder)?;
        let counted = fates.iter().filter(|&&fate| fate == Fate::Removed).count() as u64;
        if counted != removed {
            let problem = format!("removed.parquet lists {counted} rows, summary.json says {removed}");
            return Err(Error::input(folder, problem)
                .hint("run the same `semdedup run` again: it repairs its result"));
        }
        Ok(Self::Run { run: Box::new(run), fates })
    }

    fn of_file(path: &Path) -> Result<Self> {
        let name = path.file_name().map_or(String::new(), |name| name.to_string_lossy().to_lowercase());
        // The table of a finished run says less than the run.
        if let Some(folder) = path.parent().filter(|_| name == "removed.parquet")
            && is_file(&folder.join("scores.parquet"))?
            && read_summary(folder)?.is_some()
        {
            return Self::of_folder(folder);
        }
        let list = ListFile::open(path)?;
        let fate = match ["kept", "removed", "ids"].map(|word| name.contains(word)) {
            [true, false, _] | [false, false, true] => Fate::Kept,
            [false, true, _] => Fate::Removed,
            [true, true, _] | [false, false, false] => {
                let problem =
                    format!("{}: does this list the rows that stay, or those that go?", path.display());
                return Err(Error::new(ErrorKind::Input, problem)
                    .hint("give the file a name with `kept` or `ids` in it, or one with `removed`"));
            }
        };
        if let ListFile::Table(table) = &list {
            check_table(table)?;
        }
        Ok(Self::List(list, fate))
    }
}

/// Calls `visit` with each row of a run, in the order of the input.
fn each_of_run(run: &FinishedRun, visit: &mut Visit) -> Result<()> {
    let (scores, mut first) = (&run.scores, 0);
    for batch in scores.batches(&["id"])? {
        let batch = batch?;
        each_in_batch(&scores.path, &batch, first, &mut |row| {
            let RowLocation { file, row: in_file } = scores.row_index.locate(row.number as u64);
            visit(&ListedRow { place: Some((&scores.row_index.files[file].name, in_file)), ..*row })
        })?;
        first += batch.num_rows();
    }
    Ok(())
}

/// Finds what a run did with each row of its input.
fn fates(run: &FinishedRun, out: &Path) -> Result<Vec<Fate>> {
    let fate = |outcome| match outcome {
        Outcome::Kept => Fate::Kept,
        Outcome::Removed => Fate::Removed,
        Outcome::Skipped => Fate::Neither,
    };
    Ok(written_outcome(&run.scores, &out.join("removed.parquet"))?.into_iter().map(fate).collect())
}
