//! Reads files: a file is cut into chunks in order, and chunks are parsed in parallel.

use arrow_array::Array;
use parquet::schema::types::TypePtr;
use rayon::prelude::*;

use crate::error::Result;
use crate::formats::columns::Columns;
use crate::formats::file::{InputFile, ReadLimits};
use crate::formats::ids::IdSource;
use crate::formats::parquet::stored_type::is_same_type;
use crate::formats::row_format::{RowSource, UnparsedRows};
use crate::formats::rows::Rows;

/// Cuts a file into consecutive chunks.
pub struct Reader {
    source: Box<dyn RowSource>,
    id_source: IdSource,
}

impl Reader {
    /// Opens a file to read from row `first_row` on (0 reads all of it).
    ///
    /// # Errors
    /// A file that cannot be opened, a damaged Parquet footer, a limit out of range.
    pub fn open(file: &InputFile, columns: &Columns, limits: &ReadLimits, first_row: u64) -> Result<Self> {
        let source = file.format.rows().open(file, columns, limits, first_row)?;
        Ok(Self { source, id_source: file.format.id_source() })
    }

    /// Returns the next rows, not parsed yet; `None` at the end of the file.
    ///
    /// # Errors
    /// Truncated or damaged data, with the row that was reached.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>> {
        let id_source = self.id_source;
        Ok(self.source.next_rows()?.map(|rows| Chunk { rows, id_source }))
    }

    /// Returns about how many of the file's bytes have been read, for showing progress.
    pub fn bytes_read(&self) -> u64 {
        self.source.bytes_read()
    }
}

/// Some consecutive rows, not parsed yet. Those of Parquet and Arrow are already decoded.
pub struct Chunk {
    rows: Box<dyn UnparsedRows>,
    id_source: IdSource,
}

impl Chunk {
    /// Returns the number of the first row in the file.
    pub fn first_row(&self) -> u64 {
        self.rows.first_row()
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.rows.rows()
    }

    /// Returns how [`crate::formats::ids::unify_ids`] has to take the ids of these rows.
    pub fn id_source(&self) -> IdSource {
        self.id_source
    }

    /// Parses the rows. Bad rows are listed and are no error.
    ///
    /// # Errors
    /// A column that the file does not have.
    pub fn parse(&self, columns: &Columns) -> Result<Rows> {
        self.rows.parse(columns)
    }
}

/// Reads the texts of some rows, given in ascending order; `None` for a bad row and for a row that
/// the file does not have.
///
/// # Errors
/// Fails as [`Reader::open`] and [`Reader::next_chunk`] do.
pub fn read_texts(
    file: &InputFile,
    columns: &Columns,
    limits: &ReadLimits,
    rows: &[u64],
) -> Result<Vec<Option<String>>> {
    let Some(columns) = of_texts(columns).filter(|_| !rows.is_empty()) else {
        return Ok(vec![None; rows.len()]);
    };
    match file.format.rows().texts_at(file, &columns, limits, rows) {
        Some(texts) => texts,
        None => scan_texts(file, &columns, limits, &WantedTexts { rows, take: &str::to_owned }),
    }
}

/// The texts to read, and what to keep of each.
#[derive(Clone, Copy)]
pub(crate) struct WantedTexts<'a, T> {
    /// The rows, in ascending order.
    pub(crate) rows: &'a [u64],
    /// Returns what to keep of a text.
    pub(crate) take: &'a (dyn Fn(&str) -> T + Sync),
}

/// The most whole texts that [`take_texts`] holds at once, where a format reads them row by row.
const TEXTS_AT_ONCE: usize = 16;

/// The most rows that [`take_texts`] reads row by row. For more of them, reading the file from the
/// first to the last takes less time than finding each.
const READ_ROW_BY_ROW: usize = 1024;

/// Reads the texts of some rows as [`read_texts`] does, but keeps only a part of each, so that long
/// texts take little memory.
pub(crate) fn take_texts<T: Send>(
    file: &InputFile,
    columns: &Columns,
    limits: &ReadLimits,
    wanted: &WantedTexts<T>,
) -> Result<Vec<Option<T>>> {
    let Some(columns) = of_texts(columns) else { return Ok(nothing(wanted.rows.len())) };
    if wanted.rows.len() > READ_ROW_BY_ROW {
        return scan_texts(file, &columns, limits, wanted);
    }
    let mut taken = Vec::with_capacity(wanted.rows.len());
    for rows in wanted.rows.chunks(TEXTS_AT_ONCE) {
        let Some(texts) = file.format.rows().texts_at(file, &columns, limits, rows) else {
            return scan_texts(file, &columns, limits, wanted);
        };
        taken.extend(texts?.into_iter().map(|text| text.map(|text| (wanted.take)(&text))));
    }
    Ok(taken)
}

/// Returns the columns without all that is no text, or none if there is no text.
pub(crate) fn of_texts(columns: &Columns) -> Option<Columns> {
    let texts = || Columns { id: None, embedding: None, image: None, ..columns.clone() };
    columns.text.is_some().then(texts)
}

/// Reads a file from the first of the rows to the last, and takes from their texts what is wanted,
/// from several at once.
fn scan_texts<T: Send>(
    file: &InputFile,
    columns: &Columns,
    limits: &ReadLimits,
    wanted: &WantedTexts<T>,
) -> Result<Vec<Option<T>>> {
    let WantedTexts { rows, take } = wanted;
    let Some(&first) = rows.first() else { return Ok(Vec::new()) };
    let mut reader = Reader::open(file, columns, limits, first)?;
    let mut texts = Vec::with_capacity(rows.len());
    while texts.len() < rows.len()
        && let Some(chunk) = reader.next_chunk()?
    {
        let (start, rest) = (chunk.first_row(), &rows[texts.len()..]);
        let inside = &rest[..rest.partition_point(|row| *row < start + chunk.rows() as u64)];
        if inside.is_empty() {
            continue;
        }
        let parsed = chunk.parse(columns)?.texts;
        let text = |row: usize| parsed.is_valid(row).then(|| take(parsed.value(row)));
        texts.par_extend(inside.par_iter().map(|row| text((row - start) as usize)));
    }
    texts.extend(nothing(rows.len() - texts.len()));
    Ok(texts)
}

/// Returns that nothing is known of some rows.
fn nothing<T>(rows: usize) -> Vec<Option<T>> {
    std::iter::repeat_with(|| None).take(rows).collect()
}

/// Returns the type with which all files store their ids, if Arrow loses a part of it.
pub(crate) fn stored_id_type(files: &[InputFile], columns: &[Columns]) -> Result<Option<TypePtr>> {
    let mut common: Option<TypePtr> = None;
    for (file, columns) in files.iter().zip(columns) {
        let Some(id) = &columns.id else { return Ok(None) };
        let Some(stored) = file.format.rows().stored_type(file, id)? else { return Ok(None) };
        if common.as_ref().is_some_and(|common| !is_same_type(common, &stored)) {
            return Ok(None);
        }
        common = Some(stored);
    }
    Ok(common)
}

/// Counts the rows of a file. Parquet and Arrow store the number, the shape of a matrix tells it,
/// and any other file is read to its end.
///
/// # Errors
/// Fails as [`Reader::open`] and [`Reader::next_chunk`] do.
pub fn count_rows(file: &InputFile, limits: &ReadLimits) -> Result<u64> {
    file.format.rows().count_rows(file, limits)
}
