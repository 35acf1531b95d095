//! Records: consecutive rows as spans of a shared buffer.

use std::ops::Range;
use std::sync::Arc;

use crate::formats::dialect::Dialect;

/// Some consecutive rows of a file.
pub(crate) struct Records {
    pub buffer: Arc<Vec<u8>>,
    /// The part of the buffer that has these records and the bytes between them.
    pub region: Range<usize>,
    /// The number in the file of the first row.
    pub first_row: u64,
    /// Each row's bytes, with its line end.
    pub spans: Vec<Range<usize>>,
    /// The rows over the limit, in order. `spans` has only the end of such a row.
    pub overlong: Vec<Overlong>,
    /// The CSV header, once it has been read.
    pub header: Option<Arc<CsvHeader>>,
    /// The bytes of the header with its line end, if it is in this region.
    pub header_span: Option<Range<usize>>,
}

/// A row over the limit.
pub(crate) struct Overlong {
    /// The index of the row among [`Records::spans`].
    pub index: usize,
    /// The length of the row without its line end, in bytes.
    pub bytes: u64,
}

impl Records {
    /// Forgets the first `count` rows.
    pub fn drop_rows(&mut self, count: usize) {
        self.spans.drain(..count);
        self.overlong.retain(|row| row.index >= count);
        self.overlong.iter_mut().for_each(|row| row.index -= count);
        self.first_row += count as u64;
    }

    /// Calls `each` with every row: its bytes without the line end, or the reason why it is a bad
    /// row.
    pub fn for_each(&self, limit: usize, mut each: impl FnMut(std::result::Result<&[u8], String>)) {
        let mut overlong = self.overlong.iter().peekable();
        for (row, span) in self.spans.iter().enumerate() {
            match overlong.next_if(|long| long.index == row) {
                Some(long) => each(Err(over_limit(long.bytes, limit))),
                None => each(Ok(without_line_end(&self.buffer[span.clone()]))),
            }
        }
    }
}

pub(crate) fn over_limit(bytes: u64, limit: usize) -> String {
    format!("row of {bytes} bytes is over the limit of {limit} (--max-row-bytes)")
}

/// A record without its `\n` or `\r\n` (or a lone `\r`, which ends a CSV record).
pub(crate) fn without_line_end(record: &[u8]) -> &[u8] {
    let record = record.strip_suffix(b"\n").unwrap_or(record);
    record.strip_suffix(b"\r").unwrap_or(record)
}

pub(crate) fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| b" \t\r\n".contains(byte))
}

/// The columns of a CSV file: the fields of its header, or their numbers if it has none.
pub(crate) struct CsvHeader {
    pub names: Vec<String>,
    pub dialect: Dialect,
}

impl CsvHeader {
    /// Returns the position of a column among the fields. A name without the spaces around it is as
    /// good as the whole, if it is the only one.
    pub(crate) fn position(&self, name: &str) -> std::result::Result<usize, String> {
        let missing = || format!("no column `{name}` in the header; columns are {}", self.names.join(", "));
        let whole = self.names.iter().position(|column| column == name);
        let mut trimmed = (0..self.names.len()).filter(|&place| self.trimmed(place) == name);
        whole.or_else(|| trimmed.next()).ok_or_else(missing)
    }

    /// Returns the name of a column without the spaces around it, or the whole name if another column
    /// has the same without spaces.
    pub(crate) fn trimmed(&self, place: usize) -> &str {
        let (name, trimmed) = (self.names[place].as_str(), self.names[place].trim());
        let is_taken = |(other, column): (usize, &String)| other != place && column.trim() == trimmed;
        if self.names.iter().enumerate().any(is_taken) { name } else { trimmed }
    }
}
