//! Arrow IPC, as a file (Feather version 2) or as a stream: its messages, with what they promise checked against what is there.
//!
//! Arrow's own readers take lengths at their word and reserve what they say. Here a message lies within the file, its buffers
//! lie within it, and what they unpack to is bounded, before anything is reserved. Only one record batch is in memory at a
//! time, and the dictionaries. (The format: arrow.apache.org/docs/format/Columnar.html.)

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::buffer::{Buffer, MutableBuffer};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::convert::try_fb_to_schema;
use arrow::ipc::reader::{RecordBatchDecoder, read_dictionary, read_footer_length};
use arrow::ipc::writer::StreamWriter;
use arrow::ipc::{
    Block, CompressionType, Message, MessageHeader, RecordBatch as BatchHeader, root_as_footer,
    root_as_message,
};

use crate::error::{Error, Result};
use crate::formats::arrow::batches;
use crate::formats::file::InputFile;
use crate::storage::errors::with_path;
use crate::storage::{Blob, recent_fault};

const FILE_MAGIC: &[u8] = b"ARROW1";
const FEATHER_1_MAGIC: &[u8] = b"FEA1";
const CONTINUATION: [u8; 4] = [0xff; 4];
/// The footer's length and the magic.
const TRAILER_BYTES: u64 = 10;
/// A batch may take this much memory…
const MAX_BATCH_BYTES: u64 = 1 << 30;
/// …or this many times what it takes in the file, if that is more.
const MAX_RATIO: u64 = 256;
/// A batch may have this many rows; more need at least a bit of data each.
const MAX_FREE_ROWS: u64 = 1 << 20;

/// The error for an Arrow file that cannot be read, at the row that was reached.
pub(crate) fn damaged(path: &Path, row: u64, cause: &dyn std::fmt::Display) -> Error {
    if let Some(fault) = recent_fault(path) {
        return fault;
    }
    let cause = cause.to_string().replace('\n', " ");
    Error::input(path, format!("row {row}: the Arrow data cannot be read: {cause}"))
        .hint("the file is truncated, damaged or not Arrow IPC; copy or write it again")
}

/// Runs one step of the Arrow library, which panics on some damaged files where it should give an error.
pub(crate) fn guarded<T>(path: &Path, row: u64, step: impl FnOnce() -> Result<T>) -> Result<T> {
    batches::guarded(damaged, (path, row), step)
}

/// An open file.
pub(crate) struct Ipc {
    file: Blob,
    bytes: u64,
    pub schema: SchemaRef,
    /// What a file's footer says beside the schema.
    pub metadata: HashMap<String, String>,
    layout: Layout,
    dictionaries: HashMap<i64, ArrayRef>,
}

/// Where the record batches lie.
enum Layout {
    File {
        batches: Vec<Block>,
        next: usize,
    },
    /// The next message begins here; none after the end.
    Stream {
        next: Option<u64>,
    },
}

/// A record batch that has not been read yet.
pub(crate) struct BatchAt {
    meta: Vec<u8>,
    start: u64,
    length: u64,
    pub rows: u64,
    pub compression: Option<CompressionType>,
}

/// A message: its header, and where its body begins if it follows right behind.
struct Header {
    meta: Vec<u8>,
    end: u64,
}

type Parsed<T> = std::result::Result<T, ArrowError>;

fn problem(text: impl Into<String>) -> ArrowError {
    ArrowError::IpcError(text.into())
}

fn message(meta: &[u8]) -> Parsed<Message<'_>> {
    root_as_message(meta).map_err(|error| problem(format!("a message makes no sense: {error}")))
}

impl Ipc {
    /// Opens a file or a stream, whichever it is.
    pub fn open(file: &InputFile) -> Result<Self> {
        let path = &file.path;
        let handle = Blob::open(path)?;
        let mut start = [0; 6];
        let length = file.bytes.min(6) as usize;
        handle.read_exact_at(&mut start[..length], 0).map_err(|error| with_path(path, error))?;
        if start.starts_with(FEATHER_1_MAGIC) {
            let hint = "write it again with a newer pyarrow: pyarrow.feather.write_feather(table, path)";
            return Err(Error::input(path, "Feather version 1 is not read, only version 2").hint(hint));
        }
        guarded(path, 0, || {
            let opened = if start == FILE_MAGIC {
                Self::open_file(handle, file.bytes)
            } else {
                Self::open_stream(handle, file.bytes)
            };
            let opened = opened.map_err(|error| damaged(path, 0, &error))?;
            // What cannot be written back is refused before the work, not after it.
            StreamWriter::try_new(io::sink(), &opened.schema).map_err(|error| Error::input(path, error))?;
            Ok(opened)
        })
    }

    fn open_file(file: Blob, bytes: u64) -> Parsed<Self> {
        let Some(trailer) = bytes.checked_sub(TRAILER_BYTES) else {
            return Err(problem("it is shorter than a footer"));
        };
        let mut end = [0; TRAILER_BYTES as usize];
        file.read_exact_at(&mut end, trailer)?;
        let length = read_footer_length(end)? as u64;
        let start =
            trailer.checked_sub(length).ok_or_else(|| problem("the footer is longer than the file"))?;
        let mut footer = vec![0; length as usize];
        file.read_exact_at(&mut footer, start)?;
        let footer = root_as_footer(&footer)
            .map_err(|error| problem(format!("the footer makes no sense: {error}")))?;
        let schema = footer.schema().ok_or_else(|| problem("the footer has no schema"))?;
        let batches = footer.recordBatches().ok_or_else(|| problem("the footer lists no batches"))?;
        let pairs = footer.custom_metadata().into_iter().flatten();
        let pairs = pairs.map(|pair| {
            let pair =
                pair.key().zip(pair.value()).ok_or_else(|| problem("metadata lacks a key or a value"))?;
            Ok((pair.0.to_owned(), pair.1.to_owned()))
        });
        let mut opened = Self {
            schema: schema_of(schema)?,
            metadata: pairs.collect::<Parsed<_>>()?,
            layout: Layout::File { batches: batches.iter().copied().collect(), next: 0 },
            dictionaries: HashMap::new(),
            file,
            bytes,
        };
        for block in footer.dictionaries().into_iter().flatten() {
            let (header, body) = opened.block(block)?;
            opened.take_dictionary(&header.meta, body, Replacing::No)?;
        }
        Ok(opened)
    }

    fn open_stream(file: Blob, bytes: u64) -> Parsed<Self> {
        let mut opened = Self {
            schema: Arc::new(arrow::datatypes::Schema::empty()),
            metadata: HashMap::new(),
            layout: Layout::Stream { next: None },
            dictionaries: HashMap::new(),
            file,
            bytes,
        };
        let header = opened.header(0)?.ok_or_else(|| problem("there is no schema"))?;
        let first = message(&header.meta)?;
        let schema = first.header_as_schema().ok_or_else(|| problem("it does not begin with a schema"))?;
        opened.schema = schema_of(schema)?;
        let (start, length) = opened.body(&first, header.end)?;
        opened.layout = Layout::Stream { next: Some(start + length) };
        Ok(opened)
    }

    /// The size of what has been passed, of the file's size.
    pub fn bytes_read(&self) -> u64 {
        match &self.layout {
            Layout::File { batches, next } => match next.checked_sub(1).and_then(|last| batches.get(last)) {
                Some(last) => u64::try_from(last.offset().saturating_add(last.bodyLength())).unwrap_or(0),
                None => 0,
            },
            Layout::Stream { next } => next.unwrap_or(self.bytes),
        }
    }

    pub fn is_stream(&self) -> bool {
        matches!(self.layout, Layout::Stream { .. })
    }

    /// The next record batch, not read yet; dictionaries before it are.
    pub fn next_batch(&mut self) -> Parsed<Option<BatchAt>> {
        let header = match &mut self.layout {
            Layout::File { batches, next } => {
                let Some(block) = batches.get(*next).copied() else { return Ok(None) };
                *next += 1;
                let (header, (start, length)) = self.block(&block)?;
                return self.batch_at(header.meta, (start, length)).map(Some);
            }
            Layout::Stream { next } => *next,
        };
        let Some(mut place) = header else { return Ok(None) };
        loop {
            let Some(header) = self.header(place)? else {
                self.layout = Layout::Stream { next: None };
                return Ok(None);
            };
            let found = message(&header.meta)?;
            let body = self.body(&found, header.end)?;
            let kind = found.header_type();
            place = body.0 + body.1;
            self.layout = Layout::Stream { next: Some(place) };
            match kind {
                MessageHeader::RecordBatch => return self.batch_at(header.meta, body).map(Some),
                MessageHeader::DictionaryBatch => self.take_dictionary(&header.meta, body, Replacing::Yes)?,
                kind => return Err(problem(format!("a message is {kind:?}, not a batch"))),
            }
        }
    }

    /// The columns at `projection` of a batch, or all.
    pub fn read(&self, batch: &BatchAt, projection: Option<&[usize]>) -> Parsed<RecordBatch> {
        let body = self.read_body((batch.start, batch.length))?;
        let found = message(&batch.meta)?;
        let header = found.header_as_record_batch().ok_or_else(|| problem("a batch is none"))?;
        let taken = checked_size(&header, &body)?;
        if batch.rows > MAX_FREE_ROWS.max(taken.saturating_mul(8)) {
            return Err(problem(format!("a batch of {taken} bytes claims {} rows", batch.rows)));
        }
        let version = found.version();
        let decoder =
            RecordBatchDecoder::try_new(&body, header, self.schema.clone(), &self.dictionaries, &version)?;
        decoder.with_projection(projection).read_record_batch()
    }

    fn batch_at(&self, meta: Vec<u8>, (start, length): (u64, u64)) -> Parsed<BatchAt> {
        let found = message(&meta)?;
        let header = found
            .header_as_record_batch()
            .ok_or_else(|| problem(format!("a batch is {:?}", found.header_type())))?;
        let rows = header.length();
        let rows = u64::try_from(rows).map_err(|_| problem(format!("a batch claims {rows} rows")))?;
        let compression = header.compression().map(|compression| compression.codec());
        Ok(BatchAt { meta, start, length, rows, compression })
    }

    fn take_dictionary(&mut self, meta: &[u8], body: (u64, u64), replacing: Replacing) -> Parsed<()> {
        let found = message(meta)?;
        let header = found.header_as_dictionary_batch().ok_or_else(|| problem("a dictionary is none"))?;
        let id = header.id();
        if replacing == Replacing::No && !header.isDelta() && self.dictionaries.contains_key(&id) {
            return Err(problem(format!("dictionary {id} is there twice, and which is meant is not known")));
        }
        let data = header.data().ok_or_else(|| problem("a dictionary has no data"))?;
        let body = self.read_body(body)?;
        checked_size(&data, &body)?;
        read_dictionary(&body, header, &self.schema, &mut self.dictionaries, &found.version())
    }

    /// The message of a block of the footer, and its body.
    fn block(&self, block: &Block) -> Parsed<(Header, (u64, u64))> {
        let nonsense = || problem("a block lies outside the file");
        let number = |number: i64| u64::try_from(number).map_err(|_| nonsense());
        let start = number(block.offset())?;
        let body = start.checked_add(number(block.metaDataLength().into())?).ok_or_else(nonsense)?;
        let length = number(block.bodyLength())?;
        if body.checked_add(length).is_none_or(|end| end > self.bytes) {
            return Err(nonsense());
        }
        let header = self.header(start)?.ok_or_else(|| problem("a block is empty"))?;
        Ok((header, (body, length)))
    }

    /// The message at `place`; none at the end of the stream.
    fn header(&self, place: u64) -> Parsed<Option<Header>> {
        if place == self.bytes {
            return Ok(None);
        }
        let mut start = place;
        let mut length = self.four_bytes(start)?;
        if length == CONTINUATION {
            start += 4;
            length = self.four_bytes(start)?;
        }
        start += 4;
        let length = i32::from_le_bytes(length);
        if length == 0 {
            return match (&self.layout, self.bytes - start) {
                (Layout::Stream { .. }, more) if more > 0 => {
                    Err(problem(format!("{more} bytes follow the end of the stream")))
                }
                _ => Ok(None),
            };
        }
        let end = u64::try_from(length).ok().and_then(|length| start.checked_add(length));
        let Some(end) = end.filter(|end| *end <= self.bytes) else {
            return Err(problem(format!(
                "a message of {length} bytes does not fit what is left of the file"
            )));
        };
        let mut meta = vec![0; (end - start) as usize];
        self.file.read_exact_at(&mut meta, start)?;
        Ok(Some(Header { meta, end }))
    }

    fn four_bytes(&self, place: u64) -> Parsed<[u8; 4]> {
        if place.checked_add(4).is_none_or(|end| end > self.bytes) {
            return Err(problem("it ends inside a message"));
        }
        let mut bytes = [0; 4];
        self.file.read_exact_at(&mut bytes, place)?;
        Ok(bytes)
    }

    /// Start and length of the body that follows a header.
    fn body(&self, message: &Message, start: u64) -> Parsed<(u64, u64)> {
        let length = message.bodyLength();
        match u64::try_from(length).ok().filter(|length| *length <= self.bytes - start) {
            Some(length) => Ok((start, length)),
            None => Err(problem(format!(
                "a batch of {length} bytes does not fit the {} that are left of the file",
                self.bytes - start
            ))),
        }
    }

    fn read_body(&self, (start, length): (u64, u64)) -> Parsed<Buffer> {
        let length = usize::try_from(length).map_err(|error| problem(error.to_string()))?;
        let mut body = MutableBuffer::try_from_len_zeroed(length)
            .map_err(|error| ArrowError::MemoryError(error.to_string()))?;
        self.file.read_exact_at(&mut body, start)?;
        Ok(body.into())
    }
}

/// Whether a later dictionary may take the place of an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Replacing {
    Yes,
    No,
}

fn schema_of(schema: arrow::ipc::Schema) -> Parsed<SchemaRef> {
    if !schema.endianness().equals_to_target_endianness() {
        return Err(problem("the byte order is not that of this machine"));
    }
    try_fb_to_schema(schema).map(Arc::new)
}

/// How many bytes the buffers of a batch will take, if they lie within the body and that is not too much.
fn checked_size(batch: &BatchHeader, body: &Buffer) -> Parsed<u64> {
    let mut taken = 0u64;
    for buffer in batch.buffers().into_iter().flatten() {
        let start = usize::try_from(buffer.offset()).ok();
        let length = usize::try_from(buffer.length()).ok();
        let range = start.zip(length).and_then(|(start, length)| Some(start..start.checked_add(length)?));
        let bytes = range.and_then(|range| body.get(range));
        let bytes = bytes.ok_or_else(|| problem("a buffer lies outside its batch"))?;
        let unpacked = match (batch.compression(), bytes.first_chunk::<8>()) {
            // -1 says that this buffer is not compressed.
            (Some(_), Some(claim)) => u64::try_from(i64::from_le_bytes(*claim)).ok(),
            _ => None,
        };
        taken = taken.saturating_add(unpacked.unwrap_or(bytes.len() as u64));
    }
    let most = MAX_BATCH_BYTES.max((body.len() as u64).saturating_mul(MAX_RATIO));
    if taken > most {
        let text = format!("a batch of {} bytes claims to hold {taken}, the limit is {most}", body.len());
        return Err(problem(text));
    }
    Ok(taken)
}
