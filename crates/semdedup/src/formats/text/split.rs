//! Finds where rows begin and end: cuts a stream of bytes into records, for reading and for
//! writing.
//!
//! Nothing is parsed here, and only the unfinished end of a buffer is copied: [`Records`] points
//! into a shared buffer. Bytes of a region that belong to no row (a byte order mark, a CSV header,
//! blank lines) are between the rows, so that a writer can copy them. A row over the limit is
//! counted, but never held in memory.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};
use crate::formats::file::{Format, InputFile, ReadLimits};
use crate::formats::stream::{self, OpenFile};
use crate::formats::text::csv::{CsvRecords, FirstRecord};
use crate::formats::text::encoded::{Coding, OpenText, open_text};
use crate::formats::text::guess::{likely_encoding, not_text};
use crate::formats::text::json_array::{Elements, Problem};
use crate::formats::text::line_ends::LineEnds;
use crate::formats::text::records::{Overlong, Records, is_blank, over_limit, without_line_end};

const BUFFER_BYTES: usize = 1 << 20;

const MAX_ROWS: usize = 2048;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The rule by which the end of a record is found.
enum Boundary {
    Lines { blank_is_row: bool, ends: LineEnds },
    Csv(Box<CsvRecords>),
    Elements(Box<Elements>),
}

/// Cuts a stream into records.
pub(crate) struct Splitter {
    file: InputFile,
    stream: Box<dyn Read + Send>,
    /// The number of the file's own bytes that have been read.
    bytes_read: Arc<AtomicU64>,
    coding: Option<Coding>,
    boundary: Boundary,
    limit: usize,
    buffer_bytes: usize,
    buffer: Arc<Vec<u8>>,
    /// Where the bytes begin that have not been returned.
    region: usize,
    /// Where the current record begins.
    start: usize,
    /// Where the search for its end continues.
    scanned: usize,
    /// The bytes of the record that were over the limit and dropped.
    dropped: u64,
    next_row: u64,
    state: Stream,
}

/// The state of the stream.
enum Stream {
    Unread,
    Open,
    Ended,
    Failed(io::Error),
}

impl Splitter {
    /// Opens a file.
    ///
    /// # Errors
    /// A limit that is out of range; a file that cannot be opened, or in an encoding that is not read;
    /// a plain text whose lines end in several ways.
    pub fn open(file: &InputFile, limits: &ReadLimits) -> Result<Self> {
        limits.check()?;
        let OpenText { open: OpenFile { stream, bytes_read }, coding } = open_text(file)?;
        if file.format != Format::Text {
            let splitter = Self::new(file, stream, limits.max_row_bytes, BUFFER_BYTES);
            return Ok(Self { bytes_read, coding, ..splitter });
        }
        let (ends, stream) = LineEnds::of(file, stream)?;
        let splitter = Self::new(file, stream, limits.max_row_bytes, BUFFER_BYTES);
        Ok(Self { bytes_read, coding, boundary: Boundary::Lines { blank_is_row: true, ends }, ..splitter })
    }

    /// Cuts a stream with buffers of `buffer_bytes`, which must be at least 3 for the byte order
    /// mark.
    pub fn new(file: &InputFile, stream: Box<dyn Read + Send>, limit: usize, buffer_bytes: usize) -> Self {
        let boundary = match file.format {
            Format::Csv(dialect) => Boundary::Csv(Box::new(CsvRecords::new(dialect))),
            Format::JsonArray => Boundary::Elements(Box::new(Elements::new())),
            format => Boundary::Lines { blank_is_row: format == Format::Text, ends: LineEnds::LineFeed },
        };
        Self {
            file: file.clone(),
            stream,
            bytes_read: Arc::default(),
            coding: None,
            boundary,
            limit,
            buffer_bytes,
            buffer: Arc::default(),
            region: 0,
            start: 0,
            scanned: 0,
            dropped: 0,
            next_row: 0,
            state: Stream::Unread,
        }
    }

    /// Returns the next records, at most 2,048 rows out of about 1 MiB. There may be none, if a
    /// region has only other bytes.
    pub fn next_records(&mut self) -> Result<Option<Records>> {
        loop {
            let mut records = self.empty_records();
            while records.spans.len() < MAX_ROWS
                && let Some(end) = self.find_end()?
            {
                self.take_record(end, &mut records)?;
            }
            if self.start == self.region && matches!(self.state, Stream::Ended) {
                self.take_unended(&mut records)?;
            }
            if self.start > self.region {
                return Ok(Some(self.hand_out(records)));
            }
            if matches!(self.state, Stream::Ended) {
                return Ok(None);
            }
            self.fill()?;
        }
    }

    /// Returns how many of the file's own bytes have been read.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// Returns the encoding of the file if it is not UTF-8. The records are in UTF-8.
    pub fn coding(&self) -> Option<Coding> {
        self.coding
    }

    /// Returns the longest row that is read, in bytes.
    pub fn limit(&self) -> usize {
        self.limit
    }

    fn empty_records(&self) -> Records {
        let (buffer, region, first_row) = (Arc::clone(&self.buffer), self.region..self.region, self.next_row);
        let (spans, overlong) = (Vec::new(), Vec::new());
        Records { buffer, region, first_row, spans, overlong, header: None, header_span: None }
    }

    fn hand_out(&mut self, mut records: Records) -> Records {
        records.region.end = self.start;
        self.region = self.start;
        if let Boundary::Csv(csv) = &self.boundary {
            records.header = csv.header();
        }
        records
    }

    /// Returns where the current record ends in the buffer; `None` if it does not end there.
    fn find_end(&mut self) -> Result<Option<usize>> {
        let found = match &mut self.boundary {
            Boundary::Lines { ends, .. } => ends.find(&self.buffer[self.scanned..]),
            Boundary::Csv(csv) => {
                if self.start == self.scanned && self.dropped == 0 {
                    let blank = self.buffer[self.start..].iter().take_while(|byte| b"\r\n".contains(byte));
                    self.start += blank.count();
                    self.scanned = self.start;
                }
                csv.find_end(&self.buffer[self.scanned..])
            }
            Boundary::Elements(elements) => {
                let mut find = || {
                    if !elements.is_inside() {
                        self.start += elements.gap(&self.buffer[self.start..])?;
                        self.scanned = self.start;
                    }
                    elements.find_end(&self.buffer[self.scanned..])
                };
                find().map_err(|problem| not_a_list(&self.file, self.next_row, &problem))?
            }
        };
        self.scanned = found.map_or(self.buffer.len(), |length| self.scanned + length);
        Ok(found.map(|_| self.scanned))
    }

    /// Takes the complete record from `start` to `end`, as a row or as bytes between rows.
    fn take_record(&mut self, end: usize, records: &mut Records) -> Result<()> {
        let span = self.start..end;
        let bytes = &self.buffer[span.clone()];
        let line_end = bytes.len() - without_line_end(bytes).len();
        let length = self.dropped + (bytes.len() - line_end) as u64;
        let overlong = length > self.limit as u64;
        let is_row = match &mut self.boundary {
            Boundary::Lines { blank_is_row, .. } => *blank_is_row || overlong || !is_blank(bytes),
            Boundary::Csv(csv) if csv.header().is_none() => {
                if overlong {
                    return Err(Error::input(
                        &self.file.path,
                        format!("header: {}", over_limit(length, self.limit)),
                    ));
                }
                let first = csv.take_first(&self.file, bytes)?;
                if first == FirstRecord::Header {
                    records.header_span = Some(span.clone());
                }
                first == FirstRecord::Row
            }
            Boundary::Csv(_) | Boundary::Elements(_) => true,
        };
        if is_row {
            if overlong {
                records.overlong.push(Overlong { index: records.spans.len(), bytes: length });
            }
            records.spans.push(span);
            self.next_row += 1;
        }
        (self.start, self.scanned, self.dropped) = (end, end, 0);
        Ok(())
    }

    /// Takes the rest of the stream, a record without a line end.
    fn take_unended(&mut self, records: &mut Records) -> Result<()> {
        if let Boundary::Elements(elements) = &self.boundary {
            elements.check_end().map_err(|problem| not_a_list(&self.file, self.next_row, &problem))?;
        }
        if self.start == self.buffer.len() && self.dropped == 0 {
            return Ok(());
        }
        if let Boundary::Csv(csv) = &mut self.boundary
            && !csv.can_end()
        {
            return Err(csv.not_closed(&self.file, self.next_row));
        }
        self.take_record(self.buffer.len(), records)
    }

    /// Reads the next bytes, and keeps the unfinished record unless it is over the limit.
    fn fill(&mut self) -> Result<()> {
        let first = match std::mem::replace(&mut self.state, Stream::Open) {
            Stream::Failed(error) => return Err(stream::damaged(&self.file, self.next_row, &error)),
            state => matches!(state, Stream::Unread),
        };
        let mut tail = &self.buffer[self.start..];
        // A line end may be half read: of two bytes over the limit, at least one is not part of it.
        if self.dropped > 0 || tail.len() > self.limit + 1 {
            let gone = tail.len().saturating_sub(1); // the last byte may be the first half of a line end
            self.dropped += gone as u64;
            tail = &tail[gone..];
        }
        // Doubling keeps the copying of a long record linear. Nothing is kept above the limit.
        let wanted = self.buffer_bytes.max(tail.len().min((self.limit + 2).saturating_sub(tail.len())));
        let mut buffer = Vec::with_capacity(tail.len() + wanted);
        buffer.extend_from_slice(tail);
        let kept = buffer.len();
        match (&mut self.stream).take(wanted as u64).read_to_end(&mut buffer) {
            Ok(read) if read < wanted => self.state = Stream::Ended,
            Ok(_) => {}
            Err(error) => self.state = Stream::Failed(error),
        }
        let mark = if first && buffer.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        self.buffer = Arc::new(buffer);
        (self.region, self.start, self.scanned) = (0, mark, kept.max(mark));
        Ok(())
    }
}

fn not_a_list(file: &InputFile, row: u64, problem: &Problem) -> Error {
    // In some encodings, the second byte of a character may be a bracket or a backslash.
    if file.encoding.is_none() && likely_encoding(file).is_some() {
        return not_text(file, &format!("row {row}: not a JSON list: {}", problem.what));
    }
    Error::input(&file.path, format!("row {row}: not a JSON list: {}", problem.what)).hint(problem.hint)
}
