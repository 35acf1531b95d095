//! Writes the ids of the rows that stay, as lists that other programs read.

use std::collections::BTreeSet;
use std::io::{BufWriter, Write};
use std::path::Path;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_cast::display::{ArrayFormatter, FormatOptions};

use crate::arrays::npy_writer::NpyWriter;
use crate::error::{Error, ErrorKind, Result};
use crate::formats::arrow::display::printable;
use crate::outputs::{IdsFormat, Outputs};
use crate::score::scores_file::ScoresFile;
use crate::select::row_lists::{ListedRows, RowList};
use crate::select::selection::{Outcome, Selection};
use crate::storage::Blob;
use crate::storage::atomic::PendingFile;
use crate::summary::ListSummary;
use crate::workdir::row_index::{Ids, RowIndex};

/// Writes the ids of the kept rows into a folder, in each of these formats.
///
/// # Errors
/// An id that a format cannot hold, or a folder that cannot be written.
pub(crate) fn write_ids<'a>(
    folder: &Path,
    formats: impl IntoIterator<Item = &'a IdsFormat>,
    scores: &ScoresFile,
    selection: &Selection,
) -> Result<Vec<ListSummary>> {
    let mut lists = Vec::new();
    for format in formats {
        let path = folder.join(format.file_name());
        let rows = match format {
            IdsFormat::Txt => write_text(&path, scores, selection)?,
            IdsFormat::Parquet => {
                let (outcome, columns) = (Outcome::Kept, &["id", "file", "row"]);
                RowList { scores, selection, rows: ListedRows::Outcome(outcome), columns }.write(&path)?
            }
            IdsFormat::Datacomp => write_pairs(&path, scores, selection)?,
        };
        let bytes = Blob::open(&path)?.bytes();
        lists.push(ListSummary { file: format.file_name().to_owned(), rows, bytes });
    }
    Ok(lists)
}

/// Fails if the ids of the kept rows cannot be written in these formats.
pub(crate) fn check_kept(
    formats: &BTreeSet<IdsFormat>,
    scores: &ScoresFile,
    selection: &Selection,
) -> Result<()> {
    if formats.contains(&IdsFormat::Txt) {
        each_kept(scores, selection, &mut |row, id| line_of(scores, row, id))?;
    }
    if formats.contains(&IdsFormat::Datacomp) {
        sorted_uids(scores, selection)?;
    }
    Ok(())
}

/// Fails if an id cannot be a line of its own.
fn line_of(scores: &ScoresFile, row: u64, id: &str) -> Result<()> {
    check_line(id).map_err(|problem| no_line(&scores.row_index.name(row), id, problem))
}

/// Writes `ids.txt`, and returns the number of ids.
fn write_text(path: &Path, scores: &ScoresFile, selection: &Selection) -> Result<u64> {
    let mut out = BufWriter::new(PendingFile::create(path)?);
    let mut rows = 0;
    each_kept(scores, selection, &mut |row, id| {
        line_of(scores, row, id)?;
        rows += 1;
        out.write_all(id.as_bytes()).and_then(|()| out.write_all(b"\n")).map_err(Error::io)
    })?;
    out.into_inner().map_err(|error| Error::io(error.into_error()))?.commit()?;
    Ok(rows)
}

/// Writes `ids.npy`: the uids as pairs of u64, ascending, because DataComp finds them by bisection.
fn write_pairs(path: &Path, scores: &ScoresFile, selection: &Selection) -> Result<u64> {
    let uids = sorted_uids(scores, selection)?;
    let mut file = NpyWriter::pairs(path)?;
    uids.iter().try_for_each(|uid| file.write(&uid.halves))?;
    file.finish()?;
    Ok(uids.len() as u64)
}

/// The uid of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct RowUid {
    /// The 128 bits of the uid, upper half first.
    halves: [u64; 2],
    /// The number of the row.
    row: u64,
}

/// Returns the uids of the kept rows, ascending.
///
/// # Errors
/// An id that is not a uid, or two rows with the same uid.
fn sorted_uids(scores: &ScoresFile, selection: &Selection) -> Result<Vec<RowUid>> {
    let mut uids = Vec::new();
    each_kept(scores, selection, &mut |row, id| {
        let halves = uid(id).ok_or_else(|| no_uid(&scores.row_index.name(row), id))?;
        uids.push(RowUid { halves, row });
        Ok(())
    })?;
    uids.sort_unstable();
    // Ids that differ only in upper and lower case are the same uid.
    if let Some(same) = uids.windows(2).find(|pair| pair[0].halves == pair[1].halves) {
        let [first, second] = [0, 1].map(|side| scores.row_index.name(same[side].row));
        let [high, low] = same[0].halves;
        let problem = format!("rows {first} and {second} have one uid, {high:016x}{low:016x}");
        return Err(Error::new(ErrorKind::Input, problem)
            .hint("DataComp would take both for either: name a column that is unique"));
    }
    Ok(uids)
}

/// Calls `each` with the number and the id of every kept row, in the order of the input.
fn each_kept(
    scores: &ScoresFile,
    selection: &Selection,
    each: &mut dyn FnMut(u64, &str) -> Result<()>,
) -> Result<()> {
    let damaged = |error| Error::input(&scores.path, error);
    let options = FormatOptions::default();
    let mut id = String::new();
    for batch in scores.batches(&["id", "row"])? {
        let batch = batch?;
        let column = |name| {
            batch
                .column_by_name(name)
                .ok_or_else(|| Error::input(&scores.path, format!("no column `{name}`")))
        };
        let (ids, rows) = (column("id")?, column("row")?);
        let printed = printable(ids);
        let ids_as_text = ArrayFormatter::try_new(&printed, &options).map_err(damaged)?;
        for (index, &row) in rows.as_primitive::<UInt64Type>().values().iter().enumerate() {
            if selection.outcome[row as usize] != Outcome::Kept {
                continue;
            }
            if ids.is_null(index) {
                let problem = format!("row {} has no id", scores.row_index.name(row));
                return Err(Error::new(ErrorKind::Input, problem)
                    .hint("--ids-format parquet names it by file and row"));
            }
            id.clear();
            ids_as_text.value(index).write(&mut id).map_err(damaged)?;
            each(row, &id)?;
        }
    }
    Ok(())
}

/// Fails if an id cannot be a line of its own for every program that reads lines.
fn check_line(id: &str) -> std::result::Result<(), &'static str> {
    // Python's splitlines ends a line at more characters than most programs.
    let ends_line =
        |c: char| matches!(c, '\n'..='\r' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    if id.is_empty() {
        Err("is empty")
    } else if id.contains(ends_line) {
        Err("has a line break in it")
    } else {
        Ok(())
    }
}

fn no_line(row: &str, id: &str, problem: &str) -> Error {
    let problem = format!("row {row}: the id {id:?} {problem}, so a list of lines cannot hold it");
    Error::new(ErrorKind::Input, problem).hint("--ids-format parquet holds any id")
}

/// Parses a uid of 32 hexadecimal digits, upper half first.
fn uid(id: &str) -> Option<[u64; 2]> {
    if id.len() != 32 || !id.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let half = |digits: &str| u64::from_str_radix(digits, 16).ok();
    Some([half(&id[..16])?, half(&id[16..])?])
}

fn no_uid(row: &str, id: &str) -> Error {
    let problem = format!("row {row}: the id {id:?} is not a uid of 32 hexadecimal digits");
    Error::new(ErrorKind::Input, problem)
        .hint("name the column of DataComp's uids with --id-column on `semdedup run` (or `embed`), or choose --ids-format txt or parquet")
}

/// Fails, before a stage that takes long, if the ids of the rows cannot be written, whether the
/// rows will be kept or not. The rows in `skipped` (ascending) do not count.
pub(crate) fn check_ids(outputs: &Outputs, ids: &Ids, row_index: &RowIndex, skipped: &[u64]) -> Result<()> {
    let txt = outputs.ids.contains(&IdsFormat::Txt);
    let datacomp = outputs.ids.contains(&IdsFormat::Datacomp);
    let ids = match ids {
        Ids::RowIndex(row_index) => {
            let mut files = row_index.files.iter().filter(|_| txt);
            return files.try_for_each(|file| {
                check_line(&file.name).map_err(|problem| no_line(&file.name, &file.name, problem))
            });
        }
        Ids::Column(ids) => ids,
        Ids::Numbers => return Ok(()),
    };
    let options = FormatOptions::default();
    let printed = printable(ids);
    let as_text =
        ArrayFormatter::try_new(&printed, &options).map_err(|error| Error::usage(error.to_string()))?;
    // Another check finds the rows that have no id at all.
    let named = |row: &usize| ids.is_valid(*row) && skipped.binary_search(&(*row as u64)).is_err();
    for row in (0..ids.len()).filter(named) {
        let id = as_text.value(row).to_string();
        if txt {
            check_line(&id).map_err(|problem| no_line(&row_index.name(row as u64), &id, problem))?;
        }
        if datacomp && uid(&id).is_none() {
            return Err(no_uid(&row_index.name(row as u64), &id));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_is_two_halves_of_sixteen_digits() {
        assert_eq!(uid("00000000000000010000000000000002"), Some([1, 2]));
        assert_eq!(uid("FFffffffffffffff8000000000000000"), Some([u64::MAX, 1 << 63]));
        for wrong in [
            "",
            "1",
            "0000000000000001000000000000000",
            "+0000000000000010000000000000002",
            "é0000000000000001000000000000000",
        ] {
            assert_eq!(uid(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn every_line_end_of_any_program_is_one() {
        for id in ["a\nb", "a\r", "\u{b}", "\u{c}x", "a\u{85}", "\u{2028}", "a\u{1d}", ""] {
            assert!(check_line(id).is_err(), "{id:?}");
        }
        for id in ["a b", "a\tb", "a,\"b\"", " ", "\u{a0}"] {
            assert!(check_line(id).is_ok(), "{id:?}");
        }
    }
}
