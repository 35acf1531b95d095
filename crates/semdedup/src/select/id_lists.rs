//! The ids of the rows that stay, as lists that other programs take.

use std::collections::BTreeSet;
use std::io::{BufWriter, Write};
use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::datatypes::UInt64Type;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::arrays::npy_writer::NpyWriter;
use crate::error::{Error, ErrorKind, Result};
use crate::outputs::{IdsFormat, Outputs};
use crate::score::scores_file::ScoresFile;
use crate::select::row_lists::write_rows;
use crate::select::selection::{Outcome, Selection};
use crate::storage::Blob;
use crate::storage::atomic::PendingFile;
use crate::summary::ListSummary;
use crate::workdir::row_index::{Ids, RowIndex};

/// Writes the ids of the kept rows in these formats into a folder.
///
/// # Errors
/// An id that a format has no form for; a folder that cannot be written.
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
                write_rows(&path, scores, (selection, Outcome::Kept), &["id", "file", "row"])?
            }
            IdsFormat::Datacomp => write_pairs(&path, scores, selection)?,
        };
        let bytes = Blob::open(&path)?.bytes();
        lists.push(ListSummary { file: format.file_name().to_owned(), rows, bytes });
    }
    Ok(lists)
}

/// Fails where the ids of the kept rows cannot be written in these formats.
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

fn line_of(scores: &ScoresFile, row: u64, id: &str) -> Result<()> {
    check_line(id).map_err(|problem| no_line(&scores.row_index.name(row), id, problem))
}

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

/// Pairs of u64, ascending: DataComp looks uids up by bisection.
fn write_pairs(path: &Path, scores: &ScoresFile, selection: &Selection) -> Result<u64> {
    let uids = sorted_uids(scores, selection)?;
    let mut file = NpyWriter::pairs(path)?;
    uids.iter().try_for_each(|(pair, _)| file.write(pair))?;
    file.finish()?;
    Ok(uids.len() as u64)
}

/// The uids of the kept rows, each once, with the rows' numbers.
fn sorted_uids(scores: &ScoresFile, selection: &Selection) -> Result<Vec<([u64; 2], u64)>> {
    let mut uids = Vec::new();
    each_kept(scores, selection, &mut |row, id| {
        uids.push((uid(id).ok_or_else(|| no_uid(&scores.row_index.name(row), id))?, row));
        Ok(())
    })?;
    uids.sort_unstable();
    // Of strings, capitals can tell two apart that are one number.
    if let Some(same) = uids.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        let [first, second] = [0, 1].map(|side| scores.row_index.name(same[side].1));
        let [high, low] = same[0].0;
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
        let batch = batch.map_err(damaged)?;
        let column = |name| {
            batch
                .column_by_name(name)
                .ok_or_else(|| Error::input(&scores.path, format!("no column `{name}`")))
        };
        let (ids, rows) = (column("id")?, column("row")?);
        let ids_as_text = ArrayFormatter::try_new(ids.as_ref(), &options).map_err(damaged)?;
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

/// Whether an id makes a line of its own, whatever program reads the lines.
fn check_line(id: &str) -> std::result::Result<(), &'static str> {
    // What Python's splitlines takes for the end of a line is more than most programs do.
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

/// The number that a uid of 32 hexadecimal digits stands for, its upper half first.
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
        .hint("name the column of DataComp's uids with --id-column, or choose --ids-format txt or parquet")
}

/// Fails, before anything takes long, where the ids of the rows cannot be written down; those that are not in `skipped`
/// (ascending), whether they will be kept or not.
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
    };
    let options = FormatOptions::default();
    let as_text = ArrayFormatter::try_new(ids, &options).map_err(|error| Error::usage(error.to_string()))?;
    // That a row has no id at all is found elsewhere.
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
    fn whatever_some_program_takes_for_a_line_end_is_one() {
        for id in ["a\nb", "a\r", "\u{b}", "\u{c}x", "a\u{85}", "\u{2028}", "a\u{1d}", ""] {
            assert!(check_line(id).is_err(), "{id:?}");
        }
        for id in ["a b", "a\tb", "a,\"b\"", " ", "\u{a0}"] {
            assert!(check_line(id).is_ok(), "{id:?}");
        }
    }
}
