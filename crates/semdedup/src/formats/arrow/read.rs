//! Reads the projected columns of an Arrow IPC file, some rows at a time.

use arrow_array::{Array, RecordBatch};

use crate::error::{Error, Result};
use crate::formats::arrow::batches::{self, ByteRows, RowBatch};
use crate::formats::arrow::guard::{damaged, guarded};
use crate::formats::arrow::ipc::Ipc;
use crate::formats::arrow::nested;
use crate::formats::columns::Columns;
use crate::formats::file::InputFile;

/// A chunk is at most this many rows…
const MAX_ROWS: usize = 2048;
/// …and about this many bytes…
const CHUNK_BYTES: usize = 1 << 20;
/// …but not fewer rows than this: the whole batch is in memory anyway.
const MIN_ROWS: usize = 16;

/// Reads the text, id and embedding columns of a file.
pub(crate) struct ArrowRows {
    pub file: InputFile,
    pub ipc: Ipc,
    projection: Vec<usize>,
    batch: Option<OpenBatch>,
    /// The number of the first row that has not been handed out or skipped.
    next_row: u64,
    /// Rows before this one are skipped.
    wanted: u64,
}

/// A batch that is being cut into chunks.
struct OpenBatch {
    rows: RowBatch,
    done: usize,
    chunk: usize,
}

impl ArrowRows {
    /// Opens a file to read from row `first_row` on; batches before it are skipped.
    pub fn open(file: &InputFile, columns: &Columns, first_row: u64) -> Result<Self> {
        let ipc = Ipc::open(file)?;
        let place = |name: &str| {
            let places = nested::find(ipc.schema.fields(), name);
            places
                .map(|places| places[0])
                .ok_or_else(|| Error::input(&file.path, format!("no column `{name}`")))
        };
        let mut projection = columns.sources().map(place).collect::<Result<Vec<usize>>>()?;
        projection.sort_unstable();
        projection.dedup();
        Ok(Self { file: file.clone(), ipc, projection, batch: None, next_row: 0, wanted: first_row })
    }

    /// Skips the rows before `row`.
    fn skip_to(&mut self, row: u64) {
        self.wanted = self.wanted.max(row);
    }

    /// Returns the next rows; `None` at the end.
    pub fn next_batch(&mut self) -> Result<Option<RowBatch>> {
        loop {
            if let Some(chunk) =
                self.batch.as_mut().and_then(|batch| batch.next_chunk(self.next_row, self.wanted))
            {
                self.next_row = chunk.first_row + chunk.batch.num_rows() as u64;
                return Ok(Some(chunk));
            }
            if let Some(rest) = self.batch.take() {
                self.next_row += (rest.rows.batch.num_rows() - rest.done) as u64;
            }
            if !self.read_on()? {
                return Ok(None);
            }
        }
    }

    /// Reads the batch that holds the wanted row, or the next one. Returns whether there is one.
    fn read_on(&mut self) -> Result<bool> {
        let (path, projection) = (&self.file.path, &self.projection);
        let failed = |row| move |error: arrow_schema::ArrowError| damaged(path, row, &error);
        loop {
            let row = self.next_row;
            let ipc = &mut self.ipc;
            let Some(place) = guarded(path, row, || ipc.next_batch().map_err(failed(row)))? else {
                return Ok(false);
            };
            let Some(end) = row.checked_add(place.rows) else {
                return Err(damaged(path, row, &"there are too many rows"));
            };
            if end <= self.wanted {
                self.next_row = end;
                continue;
            }
            let ipc = &self.ipc;
            let batch = guarded(path, row, || ipc.read(&place, Some(projection)).map_err(failed(row)))?;
            let declared = ipc.schema.fields();
            let rows = ByteRows { path, first_row: row, batch, declared, damaged }.with_strings()?;
            self.batch = Some(OpenBatch::new(rows));
            return Ok(true);
        }
    }
}

impl OpenBatch {
    fn new(rows: RowBatch) -> Self {
        let count = rows.batch.num_rows();
        let bytes: usize = rows.batch.columns().iter().map(|column| column.get_buffer_memory_size()).sum();
        let chunk = count.saturating_mul(CHUNK_BYTES).checked_div(bytes).unwrap_or(MAX_ROWS);
        Self { rows, done: 0, chunk: chunk.clamp(MIN_ROWS, MAX_ROWS) }
    }

    /// Returns the next rows from `wanted` on; `row` is the number of the first one that has not
    /// been handed out or skipped.
    fn next_chunk(&mut self, row: u64, wanted: u64) -> Option<RowBatch> {
        let left = self.rows.batch.num_rows() - self.done;
        let skipped = usize::try_from(wanted.saturating_sub(row)).map_or(left, |rows| rows.min(left));
        if skipped == left {
            return None;
        }
        let start = self.done + skipped;
        let rows = self.chunk.min(self.rows.batch.num_rows() - start);
        self.done = start + rows;
        Some(self.rows.slice(start, rows))
    }
}

/// Reads the first few rows of a file, with all columns, to show what the columns hold.
pub(crate) fn first_rows(file: &InputFile) -> Result<Option<RecordBatch>> {
    let mut ipc = Ipc::open(file)?;
    let failed = |error: arrow_schema::ArrowError| damaged(&file.path, 0, &error);
    let Some(place) = guarded(&file.path, 0, || ipc.next_batch().map_err(failed))? else { return Ok(None) };
    let batch = guarded(&file.path, 0, || ipc.read(&place, None).map_err(failed))?;
    let declared = ipc.schema.fields();
    let rows = ByteRows { path: &file.path, first_row: 0, batch, declared, damaged }.with_strings()?;
    Ok(Some(rows.batch.slice(0, rows.batch.num_rows().min(MIN_ROWS))))
}

/// Counts the rows of a file, by the headers of its batches.
pub(crate) fn count_rows(file: &InputFile) -> Result<u64> {
    let mut ipc = Ipc::open(file)?;
    let mut rows = 0u64;
    let failed = |row| move |error: arrow_schema::ArrowError| damaged(&file.path, row, &error);
    while let Some(batch) = guarded(&file.path, rows, || ipc.next_batch().map_err(failed(rows)))? {
        let more = rows.checked_add(batch.rows);
        rows = more.ok_or_else(|| damaged(&file.path, rows, &"there are too many rows"))?;
    }
    Ok(rows)
}

/// Reads the texts of some rows, in ascending order; `None` where there is no such row.
pub(crate) fn texts_at(file: &InputFile, columns: &Columns, rows: &[u64]) -> Result<Vec<Option<String>>> {
    let mut reader = ArrowRows::open(file, columns, 0)?;
    let mut texts = Vec::with_capacity(rows.len());
    while let Some(&wanted) = rows.get(texts.len()) {
        reader.skip_to(wanted);
        let Some(chunk) = reader.next_batch()? else { break };
        let parsed = batches::parse(&file.path, &chunk, columns)?.texts;
        let inside = |row: u64| row.checked_sub(chunk.first_row).filter(|row| *row < parsed.len() as u64);
        while let Some(row) = rows.get(texts.len()).and_then(|row| inside(*row)) {
            let row = row as usize;
            texts.push(parsed.is_valid(row).then(|| parsed.value(row).to_owned()));
        }
    }
    texts.resize(rows.len(), None);
    Ok(texts)
}
