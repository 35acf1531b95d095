//! Reads a column of all files of the input, in the order of the rows.

use arrow_array::{Array, new_null_array};
use arrow_schema::DataType;
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::formats::{Chunk, Columns, IdPart, IdSource, InputFile, Reader, Rows, check_unchanged};
use crate::input::find::Input;
use crate::progress::{Progress, StopSignal};
use crate::workdir::row_index::RowIndex;

/// The chunks for each thread that are parsed at once.
const CHUNKS_PER_THREAD: usize = 4;

/// Some consecutive rows of a file.
pub(crate) struct ReadRows<'a> {
    pub(crate) file: &'a InputFile,
    pub(crate) rows: Rows,
    source: IdSource,
}

impl ReadRows<'_> {
    /// Returns the values of the column that is read as if it were that of the ids.
    pub(crate) fn column(&self) -> IdPart {
        let none = || new_null_array(&DataType::Utf8, self.rows.texts.len());
        IdPart { source: self.source, values: self.rows.ids.clone().unwrap_or_else(none) }
    }
}

/// Reads columns of all files.
pub(crate) struct ColumnReader<'a> {
    pub(crate) input: &'a Input,
    /// The columns to read of each file.
    pub(crate) columns: &'a [Columns],
}

impl ColumnReader<'_> {
    /// Takes the rows of all files in order. Returns the number of rows of each file.
    ///
    /// # Errors
    /// Input that cannot be read, or that has changed since it was found; the error of `take`.
    pub(crate) fn read(
        &self,
        progress: &dyn Progress,
        take: &mut dyn FnMut(ReadRows) -> Result<()>,
    ) -> Result<Vec<u64>> {
        let stop = StopSignal::new(progress);
        let mut counts = Vec::with_capacity(self.input.files.len());
        for (file, columns) in self.input.files.iter().zip(self.columns) {
            let mut reader = Reader::open(file, columns, &self.input.limits, 0)?;
            let (mut count, mut shown) = (0, 0);
            loop {
                stop.check()?;
                let chunks = next_chunks(&mut reader)?;
                if chunks.is_empty() {
                    break;
                }
                let parsed: Vec<Result<Rows>> = chunks.par_iter().map(|chunk| chunk.parse(columns)).collect();
                for (chunk, rows) in chunks.iter().zip(parsed) {
                    count += chunk.rows() as u64;
                    take(ReadRows { file, rows: rows?, source: chunk.id_source() })?;
                }
                let bytes = reader.bytes_read().min(file.bytes);
                progress.advance(bytes.saturating_sub(shown));
                shown = bytes.max(shown);
            }
            check_unchanged(file)?;
            progress.advance(file.bytes - shown);
            counts.push(count);
        }
        Ok(counts)
    }

    /// Fails if the files do not have the numbers of rows that were embedded. `read` has the number of
    /// rows of each file.
    pub(crate) fn check_rows(&self, read: &[u64], row_index: &RowIndex) -> Result<()> {
        let mut counts = self.input.files.iter().zip(read).zip(&row_index.files);
        match counts.find(|((_, now), before)| **now != before.rows) {
            None => Ok(()),
            Some(((file, now), before)) => {
                let problem = format!("has {now} rows, and had {} when they were embedded", before.rows);
                Err(Error::input(&file.path, problem).hint("start again when the file stays as it is"))
            }
        }
    }

    /// Takes the first rows of the first file that has rows.
    ///
    /// # Errors
    /// Input that cannot be read; the error of `take`.
    pub(crate) fn read_first(&self, take: &mut dyn FnMut(ReadRows) -> Result<()>) -> Result<()> {
        for (file, columns) in self.input.files.iter().zip(self.columns) {
            let mut reader = Reader::open(file, columns, &self.input.limits, 0)?;
            if let Some(chunk) = reader.next_chunk()? {
                let source = chunk.id_source();
                return take(ReadRows { file, rows: chunk.parse(columns)?, source });
            }
        }
        Ok(())
    }
}

/// Returns the next chunks, as many as are parsed at once.
fn next_chunks(reader: &mut Reader) -> Result<Vec<Chunk>> {
    let most = CHUNKS_PER_THREAD * rayon::current_num_threads();
    let mut chunks = Vec::with_capacity(most);
    while chunks.len() < most
        && let Some(chunk) = reader.next_chunk()?
    {
        chunks.push(chunk);
    }
    Ok(chunks)
}
