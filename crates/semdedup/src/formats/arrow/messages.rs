//! The messages of Arrow IPC, with the lengths that they promise checked against the file.
//!
//! Arrow's own readers trust lengths and reserve as much memory as these say. Here a message must
//! lie within the file, its buffers within the message, and the size of the unpacked buffers is
//! bounded, before anything is reserved. (The format: arrow.apache.org/docs/format/Columnar.html.)

use std::ops::Range;
use std::sync::Arc;

use arrow_buffer::{Buffer, MutableBuffer};
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::{Block, Message, RecordBatch as BatchHeader, root_as_message};
use arrow_schema::ArrowError;
use arrow_schema::SchemaRef;

use crate::storage::Blob;

const CONTINUATION: [u8; 4] = [0xff; 4];
/// A batch may take this many bytes of memory…
const MAX_BATCH_BYTES: u64 = 1 << 30;
/// …or this many times its size in the file, if that is more.
const MAX_RATIO: u64 = 256;

/// The result of parsing Arrow IPC.
pub(crate) type Parsed<T> = std::result::Result<T, ArrowError>;

/// How the messages of an IPC file are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IpcKind {
    /// A footer lists them.
    File,
    /// They follow one another.
    Stream,
}

/// A file of messages.
pub(crate) struct Messages {
    pub blob: Blob,
    /// The size of the file in bytes.
    pub bytes: u64,
    pub kind: IpcKind,
}

/// A message that has been found; its body has not been read.
pub(crate) struct MessageAt {
    /// The header, a flatbuffer.
    pub header: Vec<u8>,
    /// The bytes of the file that hold the body.
    pub body: Range<u64>,
}

/// The header of a message.
pub(crate) struct HeaderAt {
    /// A flatbuffer.
    pub header: Vec<u8>,
    /// The byte of the file behind the header.
    end: u64,
}

/// The error for data that breaks the format.
pub(crate) fn problem(text: impl Into<String>) -> ArrowError {
    ArrowError::IpcError(text.into())
}

/// Parses the header of a message.
pub(crate) fn message(header: &[u8]) -> Parsed<Message<'_>> {
    root_as_message(header).map_err(|error| problem(format!("a message makes no sense: {error}")))
}

impl Messages {
    /// Finds the message at the byte `place`; `None` at the end of the stream.
    pub fn at(&self, place: u64) -> Parsed<Option<MessageAt>> {
        self.header(place)?.map(|found| self.with_body(found)).transpose()
    }

    /// Finds the body of a message, which follows its header.
    pub fn with_body(&self, HeaderAt { header, end }: HeaderAt) -> Parsed<MessageAt> {
        let length = message(&header)?.bodyLength();
        match u64::try_from(length).ok().filter(|length| *length <= self.bytes - end) {
            Some(length) => Ok(MessageAt { header, body: end..end + length }),
            None => Err(problem(format!(
                "a batch of {length} bytes does not fit the {} that are left of the file",
                self.bytes - end
            ))),
        }
    }

    /// Finds the message of a block that the footer lists.
    pub fn of_block(&self, block: &Block) -> Parsed<MessageAt> {
        let nonsense = || problem("a block lies outside the file");
        let number = |number: i64| u64::try_from(number).map_err(|_| nonsense());
        let start = number(block.offset())?;
        let body = start.checked_add(number(block.metaDataLength().into())?).ok_or_else(nonsense)?;
        let length = number(block.bodyLength())?;
        let end = body.checked_add(length).filter(|end| *end <= self.bytes).ok_or_else(nonsense)?;
        let header = self.header(start)?.ok_or_else(|| problem("a block is empty"))?.header;
        Ok(MessageAt { header, body: body..end })
    }

    /// Reads the body of a message.
    pub fn read_body(&self, body: &Range<u64>) -> Parsed<Buffer> {
        let length = usize::try_from(body.end - body.start).map_err(|error| problem(error.to_string()))?;
        let mut bytes = MutableBuffer::try_from_len_zeroed(length)
            .map_err(|error| ArrowError::MemoryError(error.to_string()))?;
        self.blob.read_exact_at(&mut bytes, body.start)?;
        Ok(bytes.into())
    }

    /// Reads the header at the byte `place`; `None` at the end of the stream.
    pub fn header(&self, place: u64) -> Parsed<Option<HeaderAt>> {
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
            return match (self.kind, self.bytes - start) {
                (IpcKind::Stream, more) if more > 0 => {
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
        let mut header = vec![0; (end - start) as usize];
        self.blob.read_exact_at(&mut header, start)?;
        Ok(Some(HeaderAt { header, end }))
    }

    fn four_bytes(&self, place: u64) -> Parsed<[u8; 4]> {
        if place.checked_add(4).is_none_or(|end| end > self.bytes) {
            return Err(problem("it ends inside a message"));
        }
        let mut bytes = [0; 4];
        self.blob.read_exact_at(&mut bytes, place)?;
        Ok(bytes)
    }
}

/// Converts a schema of the byte order of this machine.
pub(crate) fn schema_of(schema: arrow_ipc::Schema) -> Parsed<SchemaRef> {
    if !schema.endianness().equals_to_target_endianness() {
        return Err(problem("the byte order is not that of this machine"));
    }
    try_fb_to_schema(schema).map(Arc::new)
}

/// Returns how many bytes the unpacked buffers of a batch will take.
///
/// # Errors
/// A buffer outside the body; buffers that would take too much memory.
pub(crate) fn checked_size(batch: &BatchHeader, body: &Buffer) -> Parsed<u64> {
    let mut taken = 0u64;
    for buffer in batch.buffers().into_iter().flatten() {
        let start = usize::try_from(buffer.offset()).ok();
        let length = usize::try_from(buffer.length()).ok();
        let range = start.zip(length).and_then(|(start, length)| Some(start..start.checked_add(length)?));
        let bytes = range.and_then(|range| body.get(range));
        let bytes = bytes.ok_or_else(|| problem("a buffer lies outside its batch"))?;
        let unpacked = match (batch.compression(), bytes.first_chunk::<8>()) {
            // −1 says that this buffer is not compressed.
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
