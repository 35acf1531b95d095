//! Opens Arrow IPC, as a file (Feather version 2) or as a stream, and reads its record batches.
//!
//! One record batch is in memory at a time, and all dictionaries.

use std::collections::HashMap;
use std::io;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_ipc::reader::{RecordBatchDecoder, read_dictionary, read_footer_length};
use arrow_ipc::writer::StreamWriter;
use arrow_ipc::{Block, CompressionType, Footer, MessageHeader, root_as_footer};
use arrow_schema::SchemaRef;

use crate::error::{Error, Result};
use crate::formats::arrow::guard::{damaged, guarded};
use crate::formats::arrow::messages::{
    IpcKind, MessageAt, Messages, Parsed, checked_size, message, problem, schema_of,
};
use crate::formats::arrow::strings::as_bytes;
use crate::formats::file::InputFile;
use crate::storage::Blob;
use crate::storage::errors::with_path;

const FILE_MAGIC: &[u8] = b"ARROW1";
const FEATHER_1_MAGIC: &[u8] = b"FEA1";
/// The size of the footer's length and the magic.
const TRAILER_BYTES: u64 = 10;
/// A batch may have this many rows; more rows need at least one bit of data each.
const MAX_FREE_ROWS: u64 = 1 << 20;

/// An open file or stream.
pub(crate) struct Ipc {
    messages: Messages,
    /// The columns as the file declares them.
    pub schema: SchemaRef,
    /// The columns as they are read, with bytes instead of strings.
    read_schema: SchemaRef,
    /// The pairs that the footer of a file has beside the schema.
    pub metadata: HashMap<String, String>,
    batches: Batches,
    dictionaries: HashMap<i64, ArrayRef>,
}

/// Where the record batches are.
enum Batches {
    /// The footer lists them; `next` is the index of the one to read next.
    Listed { blocks: Vec<Block>, next: usize },
    /// The next message begins at this byte; `None` after the end.
    Following { next: Option<u64> },
}

/// A record batch that has not been read yet.
pub(crate) struct BatchAt {
    message: MessageAt,
    pub rows: u64,
    pub compression: Option<CompressionType>,
}

/// Whether a later dictionary may replace an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Replacing {
    Yes,
    No,
}

impl Ipc {
    /// Opens a file or a stream.
    ///
    /// # Errors
    /// A file of Feather version 1, damaged data, a schema that cannot be written back.
    pub fn open(file: &InputFile) -> Result<Self> {
        let path = &file.path;
        let blob = Blob::open(path)?;
        let mut start = [0; 6];
        let length = file.bytes.min(6) as usize;
        blob.read_exact_at(&mut start[..length], 0).map_err(|error| with_path(path, error))?;
        if start.starts_with(FEATHER_1_MAGIC) {
            let hint = "write it again with a newer pyarrow: pyarrow.feather.write_feather(table, path)";
            return Err(Error::input(path, "Feather version 1 is not read, only version 2").hint(hint));
        }
        guarded(path, 0, || {
            let opened = if start == FILE_MAGIC {
                Self::open_file(blob, file.bytes)
            } else {
                Self::open_stream(blob, file.bytes)
            };
            let opened = opened.map_err(|error| damaged(path, 0, &error))?;
            // A schema that cannot be written back is refused before the work, not after it.
            StreamWriter::try_new(io::sink(), &opened.schema).map_err(|error| Error::input(path, error))?;
            Ok(opened)
        })
    }

    fn open_file(blob: Blob, bytes: u64) -> Parsed<Self> {
        let footer = footer_of(&blob, bytes)?;
        let footer = root_as_footer(&footer)
            .map_err(|error| problem(format!("the footer makes no sense: {error}")))?;
        let schema = footer.schema().ok_or_else(|| problem("the footer has no schema"))?;
        let blocks = footer.recordBatches().ok_or_else(|| problem("the footer lists no batches"))?;
        let schema = schema_of(schema)?;
        let mut opened = Self {
            read_schema: as_bytes(&schema),
            schema,
            metadata: metadata_of(&footer)?,
            batches: Batches::Listed { blocks: blocks.iter().copied().collect(), next: 0 },
            dictionaries: HashMap::new(),
            messages: Messages { blob, bytes, kind: IpcKind::File },
        };
        for block in footer.dictionaries().into_iter().flatten() {
            let found = opened.messages.of_block(block)?;
            opened.take_dictionary(&found, Replacing::No)?;
        }
        Ok(opened)
    }

    fn open_stream(blob: Blob, bytes: u64) -> Parsed<Self> {
        let messages = Messages { blob, bytes, kind: IpcKind::Stream };
        let header = messages.header(0)?.ok_or_else(|| problem("there is no schema"))?;
        let first = message(&header.header)?;
        let schema = first.header_as_schema().ok_or_else(|| problem("it does not begin with a schema"))?;
        let schema = schema_of(schema)?;
        let next = Some(messages.with_body(header)?.body.end);
        Ok(Self {
            read_schema: as_bytes(&schema),
            schema,
            metadata: HashMap::new(),
            batches: Batches::Following { next },
            dictionaries: HashMap::new(),
            messages,
        })
    }

    /// Returns how many bytes of the file lie before the next batch.
    pub fn bytes_read(&self) -> u64 {
        match &self.batches {
            Batches::Listed { blocks, next } => match next.checked_sub(1).and_then(|last| blocks.get(last)) {
                Some(last) => u64::try_from(last.offset().saturating_add(last.bodyLength())).unwrap_or(0),
                None => 0,
            },
            Batches::Following { next } => next.unwrap_or(self.messages.bytes),
        }
    }

    pub fn is_stream(&self) -> bool {
        self.messages.kind == IpcKind::Stream
    }

    /// Finds the next record batch, and reads the dictionaries before it. `None` at the end.
    pub fn next_batch(&mut self) -> Parsed<Option<BatchAt>> {
        let mut place = match &mut self.batches {
            Batches::Listed { blocks, next } => {
                let Some(block) = blocks.get(*next).copied() else { return Ok(None) };
                *next += 1;
                return batch_at(self.messages.of_block(&block)?).map(Some);
            }
            Batches::Following { next: None } => return Ok(None),
            Batches::Following { next: Some(next) } => *next,
        };
        loop {
            let Some(found) = self.messages.at(place)? else {
                self.batches = Batches::Following { next: None };
                return Ok(None);
            };
            let kind = message(&found.header)?.header_type();
            place = found.body.end;
            self.batches = Batches::Following { next: Some(place) };
            match kind {
                MessageHeader::RecordBatch => return batch_at(found).map(Some),
                MessageHeader::DictionaryBatch => self.take_dictionary(&found, Replacing::Yes)?,
                kind => return Err(problem(format!("a message is {kind:?}, not a batch"))),
            }
        }
    }

    /// Reads a batch: the columns at the positions of `projection`, or all, with bytes instead of
    /// strings.
    pub fn read(&self, batch: &BatchAt, projection: Option<&[usize]>) -> Parsed<RecordBatch> {
        let body = self.messages.read_body(&batch.message.body)?;
        let found = message(&batch.message.header)?;
        let header = found.header_as_record_batch().ok_or_else(|| problem("a batch is none"))?;
        let taken = checked_size(&header, &body)?;
        if batch.rows > MAX_FREE_ROWS.max(taken.saturating_mul(8)) {
            return Err(problem(format!("a batch of {taken} bytes claims {} rows", batch.rows)));
        }
        let version = found.version();
        let decoder = RecordBatchDecoder::try_new(
            &body,
            header,
            self.read_schema.clone(),
            &self.dictionaries,
            &version,
        )?;
        decoder.with_projection(projection).read_record_batch()
    }

    fn take_dictionary(&mut self, at: &MessageAt, replacing: Replacing) -> Parsed<()> {
        let found = message(&at.header)?;
        let header = found.header_as_dictionary_batch().ok_or_else(|| problem("a dictionary is none"))?;
        let id = header.id();
        if replacing == Replacing::No && !header.isDelta() && self.dictionaries.contains_key(&id) {
            return Err(problem(format!("dictionary {id} is there twice, and which is meant is not known")));
        }
        let data = header.data().ok_or_else(|| problem("a dictionary has no data"))?;
        let body = self.messages.read_body(&at.body)?;
        checked_size(&data, &body)?;
        read_dictionary(&body, header, &self.read_schema, &mut self.dictionaries, &found.version())
    }
}

/// Reads the footer of a file, a flatbuffer.
fn footer_of(blob: &Blob, bytes: u64) -> Parsed<Vec<u8>> {
    let Some(trailer) = bytes.checked_sub(TRAILER_BYTES) else {
        return Err(problem("it is shorter than a footer"));
    };
    let mut end = [0; TRAILER_BYTES as usize];
    blob.read_exact_at(&mut end, trailer)?;
    let length = read_footer_length(end)? as u64;
    let start = trailer.checked_sub(length).ok_or_else(|| problem("the footer is longer than the file"))?;
    let mut footer = vec![0; length as usize];
    blob.read_exact_at(&mut footer, start)?;
    Ok(footer)
}

/// Returns the pairs that a footer has beside the schema.
fn metadata_of(footer: &Footer) -> Parsed<HashMap<String, String>> {
    let pairs = footer.custom_metadata().into_iter().flatten();
    let pairs = pairs.map(|pair| {
        let (key, value) =
            pair.key().zip(pair.value()).ok_or_else(|| problem("metadata lacks a key or a value"))?;
        Ok((key.to_owned(), value.to_owned()))
    });
    pairs.collect()
}

/// Takes a message for a record batch, without its body.
fn batch_at(at: MessageAt) -> Parsed<BatchAt> {
    let found = message(&at.header)?;
    let header = found
        .header_as_record_batch()
        .ok_or_else(|| problem(format!("a batch is {:?}", found.header_type())))?;
    let rows = header.length();
    let rows = u64::try_from(rows).map_err(|_| problem(format!("a batch claims {rows} rows")))?;
    let compression = header.compression().map(|compression| compression.codec());
    Ok(BatchAt { message: at, rows, compression })
}
