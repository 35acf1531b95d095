//! Reading: a file is cut into chunks in order, and chunks are parsed in parallel.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::Array;

use crate::error::{Error, Result};
use crate::formats::arrow_in::{self, ArrowRows};
use crate::formats::batches::{self, RowBatch};
use crate::formats::columns::{Columns, surprise};
use crate::formats::file::{Format, InputFile, ReadLimits};
use crate::formats::ids::IdSource;
use crate::formats::matrices::{self, MatrixRows};
use crate::formats::parquet_in::{self, ParquetRows};
use crate::formats::rows::{Rows, RowsBuilder};
use crate::formats::samples::{self, Samples};
use crate::formats::split::{Records, Splitter};
use crate::formats::tree::{self, Files, Tree};
use crate::formats::{csv, json};

/// Cuts a file into chunks, one after the other.
pub struct Reader {
    source: Source,
    file: InputFile,
    limit: usize,
    first_row: u64,
}

enum Source {
    Lines { splitter: Box<Splitter>, bytes: Arc<AtomicU64> },
    Parquet(Box<ParquetRows>),
    Tar { samples: Box<Samples>, bytes: Arc<AtomicU64> },
    Tree(Tree),
    Arrow(Box<ArrowRows>),
    Matrix(MatrixRows),
}

impl Reader {
    /// Opens a file to read from row `first_row` on (0 reads all of it).
    ///
    /// # Errors
    /// A file that cannot be opened, a damaged Parquet footer, a limit out of range.
    pub fn open(file: &InputFile, columns: &Columns, limits: &ReadLimits, first_row: u64) -> Result<Self> {
        let source = match file.format {
            Format::Parquet => Source::Parquet(Box::new(ParquetRows::open(file, columns, first_row)?)),
            Format::Arrow => Source::Arrow(Box::new(ArrowRows::open(file, columns, first_row)?)),
            Format::Tar => {
                let (samples, bytes) = Samples::open(file, columns, limits.max_row_bytes, first_row)?;
                Source::Tar { samples: Box::new(samples), bytes }
            }
            Format::Tree | Format::TextTree => Source::Tree(Tree::open(file, first_row)),
            Format::Matrix => Source::Matrix(MatrixRows::open(file, first_row)?),
            _ => {
                let (splitter, bytes) = Splitter::open(file, limits)?;
                Source::Lines { splitter: Box::new(splitter), bytes }
            }
        };
        Ok(Self { source, file: file.clone(), limit: limits.max_row_bytes, first_row })
    }

    /// The next rows, not parsed yet; `None` at the end of the file.
    ///
    /// # Errors
    /// Truncated or damaged data, with the row that was reached.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>> {
        let raw = match &mut self.source {
            Source::Parquet(rows) => rows.next_batch()?.map(Raw::Batch),
            Source::Arrow(rows) => rows.next_batch()?.map(Raw::Batch),
            Source::Matrix(rows) => rows.next_chunk().map(Raw::Numbers),
            Source::Lines { splitter, .. } => next_rows(splitter, self.first_row)?.map(Raw::Records),
            Source::Tar { samples, .. } => samples.next_rows()?.map(|rows| Raw::Parsed(Box::new(rows))),
            Source::Tree(tree) => tree.next_files().map(Raw::Files),
        };
        Ok(raw.map(|raw| Chunk { raw, file: self.file.clone(), limit: self.limit }))
    }

    /// About how many of the file's bytes have been read, for showing progress.
    pub fn bytes_read(&self) -> u64 {
        match &self.source {
            Source::Lines { bytes, .. } | Source::Tar { bytes, .. } => bytes.load(Ordering::Relaxed),
            Source::Tree(tree) => tree.bytes_read(),
            Source::Parquet(rows) => (self.file.bytes as f64 * rows.share_read()) as u64,
            Source::Arrow(rows) => rows.bytes_read(),
            Source::Matrix(rows) => (self.file.bytes as f64 * rows.share_read()) as u64,
        }
    }
}

/// The next records that are rows, from `first_row` on.
fn next_rows(splitter: &mut Splitter, first_row: u64) -> Result<Option<Records>> {
    while let Some(mut records) = splitter.next_records()? {
        let before = first_row.saturating_sub(records.first_row);
        let before =
            usize::try_from(before).map_or(records.spans.len(), |rows| rows.min(records.spans.len()));
        records.drop_rows(before);
        if !records.spans.is_empty() {
            return Ok(Some(records));
        }
    }
    Ok(None)
}

/// Some consecutive rows, not parsed yet (of Parquet and Arrow: decoded).
pub struct Chunk {
    raw: Raw,
    file: InputFile,
    limit: usize,
}

enum Raw {
    Records(Records),
    Batch(RowBatch),
    Parsed(Box<Rows>),
    Files(Files),
    /// Rows that have a number and nothing else.
    Numbers(std::ops::Range<u64>),
}

impl Chunk {
    /// The number in the file of the first row.
    pub fn first_row(&self) -> u64 {
        match &self.raw {
            Raw::Records(records) => records.first_row,
            Raw::Batch(rows) => rows.first_row,
            Raw::Parsed(rows) => rows.first_row,
            Raw::Files(files) => files.first_row(),
            Raw::Numbers(rows) => rows.start,
        }
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        match &self.raw {
            Raw::Records(records) => records.spans.len(),
            Raw::Batch(rows) => rows.batch.num_rows(),
            Raw::Parsed(rows) => rows.texts.len(),
            Raw::Files(files) => files.rows(),
            Raw::Numbers(rows) => (rows.end - rows.start) as usize,
        }
    }

    /// How the ids of these rows are to be taken by [`crate::formats::ids::unify_ids`].
    pub fn id_source(&self) -> IdSource {
        self.file.format.id_source()
    }

    /// The texts and ids; rows that are not well formed are listed, not fatal.
    ///
    /// # Errors
    /// A column that the file does not have.
    pub fn parse(&self, columns: &Columns) -> Result<Rows> {
        match &self.raw {
            Raw::Records(records) => self.parse_records(records, columns),
            Raw::Batch(rows) => batches::parse(&self.file.path, rows, columns),
            Raw::Parsed(rows) => Ok(rows.as_ref().clone()),
            Raw::Files(files) => files.parse(&self.file, self.limit, columns),
            Raw::Numbers(rows) => Ok(matrices::parse(rows)),
        }
    }

    fn parse_records(&self, records: &Records, columns: &Columns) -> Result<Rows> {
        let bytes = records.spans.iter().map(ExactSizeIterator::len).sum();
        let rows = RowsBuilder::new(records.first_row, self.limit, columns);
        let mut rows = rows.reserve(records.spans.len(), bytes);
        match self.file.format {
            Format::Jsonl | Format::JsonArray => json::parse(records, columns, &mut rows)
                .map_err(|json::Surprise { row, column }| surprise(&self.file, row, (&column, columns)))?,
            Format::Csv { .. } => csv::parse(records, columns, &mut rows)
                .map_err(|problem| Error::input(&self.file.path, problem))?,
            _ => records.for_each(self.limit, |line| {
                match line.and_then(|line| {
                    std::str::from_utf8(line).map_err(|error| crate::formats::rows::not_utf8(&error))
                }) {
                    Ok(text) => rows.push(text, None),
                    Err(reason) => rows.push_bad(reason),
                }
            }),
        }
        Ok(rows.finish())
    }
}

/// The texts of some rows, given in ascending order; `None` for a bad row and for one that the file does not have.
///
/// # Errors
/// As [`Reader::open`] and [`Reader::next_chunk`].
pub fn read_texts(
    file: &InputFile,
    columns: &Columns,
    limits: &ReadLimits,
    rows: &[u64],
) -> Result<Vec<Option<String>>> {
    let Some(first) = rows.first().filter(|_| columns.text.is_some()) else {
        return Ok(vec![None; rows.len()]);
    };
    let columns = &Columns { id: None, embedding: None, image: None, ..columns.clone() };
    match file.format {
        Format::Parquet => return parquet_in::texts_at(file, columns, rows),
        Format::Arrow => return arrow_in::texts_at(file, columns, rows),
        Format::TextTree => return Ok(tree::texts_at(file, limits.max_row_bytes, rows)),
        _ => {}
    }
    let mut reader = Reader::open(file, columns, limits, *first)?;
    let mut texts = Vec::with_capacity(rows.len());
    while texts.len() < rows.len()
        && let Some(chunk) = reader.next_chunk()?
    {
        let wanted = |row: u64| row.checked_sub(chunk.first_row()).filter(|row| *row < chunk.rows() as u64);
        if wanted(rows[texts.len()]).is_none() {
            continue;
        }
        let parsed = chunk.parse(columns)?.texts;
        while let Some(row) = rows.get(texts.len()).and_then(|row| wanted(*row)) {
            let row = row as usize;
            texts.push(parsed.is_valid(row).then(|| parsed.value(row).to_owned()));
        }
    }
    texts.resize(rows.len(), None);
    Ok(texts)
}

/// How many rows a file has: of Parquet and Arrow by what they say, of a matrix by its shape, of anything else by going through
/// it.
///
/// # Errors
/// As [`Reader::open`] and [`Reader::next_chunk`].
pub fn count_rows(file: &InputFile, limits: &ReadLimits) -> Result<u64> {
    if file.format == Format::Arrow {
        return arrow_in::count_rows(file);
    }
    if file.format == Format::Parquet {
        let (_, metadata) = parquet_in::footer(file)?;
        return Ok(parquet_in::group_rows(file, metadata.metadata())?.iter().sum());
    }
    match file.format {
        Format::Tar => return samples::count(file),
        Format::Tree | Format::TextTree => return Ok(file.members.len() as u64),
        Format::Matrix => return matrices::rows(file),
        _ => {}
    }
    let (mut splitter, _) = Splitter::open(file, limits)?;
    let mut rows = 0;
    while let Some(records) = splitter.next_records()? {
        rows = records.first_row + records.spans.len() as u64;
    }
    Ok(rows)
}
