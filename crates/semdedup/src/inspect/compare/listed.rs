//! Reads lists of rows: tables with a column of ids, and files with an id a line.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{Array, RecordBatch};
use arrow_cast::display::{ArrayFormatter, FormatOptions};

use crate::error::{Error, ErrorKind, Result};
use crate::formats::arrow::display::printable;
use crate::storage::Blob;
use crate::workdir::table_file::open_columns;

/// A row of a list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListedRow<'a> {
    /// Its number in the list, from 0.
    pub(crate) number: usize,
    /// Its id; none if it has none, as a row that could not be read.
    pub(crate) id: Option<&'a str>,
    /// The name of its file and its number there, if the list has them.
    pub(crate) place: Option<(&'a str, u64)>,
}

/// Is called with each row of a list, in order.
pub(crate) type Visit<'a> = dyn FnMut(&ListedRow) -> Result<()> + 'a;

/// A list of rows in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ListFile {
    /// A Parquet table with the column `id`, and perhaps `file` and `row`.
    Table(PathBuf),
    /// A text file with an id a line.
    Lines(PathBuf),
}

/// How a Parquet file begins.
const PARQUET: &[u8] = b"PAR1";

impl ListFile {
    /// Finds what kind of list a file is.
    ///
    /// # Errors
    /// A file that is no list of ids.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = Blob::open(path)?;
        let mut start = vec![0; file.bytes().min(64) as usize];
        file.read_exact_at(&mut start, 0).map_err(Error::io)?;
        let no_list = |what: &str| {
            Err(Error::new(ErrorKind::Input, format!("{}: {what}, not a list of ids", path.display()))
                .hint(HINT))
        };
        match &start[..] {
            start if start.starts_with(PARQUET) => Ok(Self::Table(path.to_path_buf())),
            start if start.starts_with(b"\x93NUMPY") => no_list("an array of numpy"),
            start if start.contains(&0) => no_list("a file of bytes"),
            start if start.starts_with(b"{") || start.starts_with(b"[") => no_list("a file of JSON"),
            _ => Ok(Self::Lines(path.to_path_buf())),
        }
    }

    /// Calls `visit` with each row, in order. `first` is the number of the first row.
    pub(crate) fn each(&self, first: usize, visit: &mut Visit) -> Result<usize> {
        match self {
            Self::Table(path) => each_in_table(path, first, visit),
            Self::Lines(path) => each_line(path, first, visit),
        }
    }
}

/// What can be compared.
pub(crate) const HINT: &str = "give it the --out folder of a `semdedup run` or `semdedup select`, a removed.parquet, \
     kept.parquet or ids.parquet, or a file with an id a line";

/// Calls `visit` with the rows of a table. Returns the number behind the last row.
fn each_in_table(path: &Path, first: usize, visit: &mut Visit) -> Result<usize> {
    let batches = match open_columns(path, &["id", "file", "row"]) {
        Ok(batches) => batches,
        Err(_) => open_columns(path, &["id"]).map_err(|error| error.hint(HINT))?,
    };
    let mut number = first;
    for batch in batches {
        let batch = batch?;
        each_in_batch(path, &batch, number, visit)?;
        number += batch.num_rows();
    }
    Ok(number)
}

/// Calls `visit` with the rows of a batch, of which the first one has the number `first`.
pub(crate) fn each_in_batch(path: &Path, batch: &RecordBatch, first: usize, visit: &mut Visit) -> Result<()> {
    let damaged = |error| Error::input(path, error);
    let Some(ids) = batch.column_by_name("id") else { return Err(Error::input(path, "no column `id`")) };
    let (printed, options) = (printable(ids), FormatOptions::default());
    let as_text = ArrayFormatter::try_new(&printed, &options).map_err(damaged)?;
    let file = batch.column_by_name("file").and_then(|file| file.as_string_opt::<i32>());
    let row = batch.column_by_name("row").and_then(|row| row.as_primitive_opt::<UInt64Type>());
    let mut id = String::new();
    for index in 0..batch.num_rows() {
        id.clear();
        as_text.value(index).write(&mut id).map_err(damaged)?;
        let place = match (file, row) {
            (Some(file), Some(row)) if file.is_valid(index) && row.is_valid(index) => {
                Some((file.value(index), row.value(index)))
            }
            _ => None,
        };
        visit(&ListedRow { number: first + index, id: ids.is_valid(index).then_some(&id), place })?;
    }
    Ok(())
}

/// Calls `visit` with the lines of a file that are not empty. Returns the number behind the last one.
fn each_line(path: &Path, first: usize, visit: &mut Visit) -> Result<usize> {
    let mut lines = BufReader::new(Blob::open(path)?.reader(0));
    let (mut line, mut number, mut of_file) = (Vec::new(), first, 0u64);
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line).map_err(|error| Error::input(path, error))? == 0 {
            return Ok(number);
        }
        of_file += 1;
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let text = if of_file == 1 { text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text) } else { text };
        let id = std::str::from_utf8(text).map_err(|_| {
            Error::input(path, format!("line {of_file} is not UTF-8, so this is no list of ids")).hint(HINT)
        })?;
        if !id.is_empty() {
            visit(&ListedRow { number, id: Some(id), place: None })?;
            number += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn ids(bytes: &[u8]) -> Result<Vec<(usize, String)>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ids.txt");
        std::fs::write(&path, bytes).unwrap();
        let mut found = Vec::new();
        ListFile::open(&path)?.each(5, &mut |row| {
            found.push((row.number, row.id.unwrap().to_owned()));
            Ok(())
        })?;
        Ok(found)
    }

    #[test]
    fn each_line_that_is_not_empty_is_an_id_whatever_the_line_ends() {
        let expected = [(5, "a".to_owned()), (6, " b,c".to_owned()), (7, "é".to_owned())];
        assert_eq!(ids("a\n b,c\n\né".as_bytes()).unwrap(), expected);
        assert_eq!(ids("\u{feff}a\r\n b,c\r\né\r\n\r\n".as_bytes()).unwrap(), expected);
        assert_eq!(ids(b"").unwrap(), []);
    }

    #[test]
    fn files_that_are_no_lists_are_refused_with_what_they_are() {
        for (bytes, what) in [
            (&b"{\"text\": 1}\n"[..], "a file of JSON"),
            (b"\x93NUMPY\x01\x00", "an array of numpy"),
            (b"a\x00b", "a file of bytes"),
            (b"a\n\xff\n", "line 2 is not UTF-8"),
        ] {
            let error = ids(bytes).unwrap_err();
            assert!(error.to_string().contains(what) && error.hint_text().is_some(), "{error}");
        }
    }
}
