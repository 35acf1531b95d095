//! Cuts bytes into rows, with buffers so small that everything lies across two of them.

use std::io::{Cursor, Read};
use std::path::PathBuf;

use crate::formats::compression::Compression;
use crate::formats::file::{FolderFiles, Format, InputFile};
use crate::formats::text::split::Splitter;

/// A row that was cut out of bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CutRow {
    /// The bytes of the row; none if it is over the limit.
    pub bytes: Vec<u8>,
    /// The length of a row over the limit, in bytes; otherwise 0.
    pub overlong: u64,
}

/// Bytes that were cut into rows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CutBytes {
    pub rows: Vec<CutRow>,
    /// All bytes that belong to no row.
    pub between: Vec<u8>,
}

/// Hands out one to three bytes at a time.
struct Drip {
    bytes: Cursor<Vec<u8>>,
    /// How many times it was read.
    reads: usize,
}

impl Read for Drip {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        self.reads += 1;
        let most = out.len().min(1 + self.reads % 3);
        self.bytes.read(&mut out[..most])
    }
}

pub(crate) fn file(format: Format) -> InputFile {
    InputFile {
        path: PathBuf::from("in"),
        name: "in".into(),
        format,
        compression: Compression::None,
        encoding: None,
        bytes: 1,
        modified_ns: 0,
        identity: [0, 0],
        members: FolderFiles::default(),
    }
}

/// Cuts bytes into rows of at most `limit` bytes with buffers of `buffer` bytes.
pub(crate) fn cut(format: Format, bytes: &[u8], limit: usize, buffer: usize) -> Result<CutBytes, String> {
    let stream = Box::new(Drip { bytes: Cursor::new(bytes.to_vec()), reads: 0 });
    let mut splitter = Splitter::new(&file(format), stream, limit, buffer);
    let (mut rows, mut between) = (Vec::new(), Vec::new());
    while let Some(records) = splitter.next_records().map_err(|error| error.to_string())? {
        assert_eq!(records.first_row, rows.len() as u64);
        let mut run = records.region.start;
        for (row, span) in records.spans.iter().enumerate() {
            between.extend_from_slice(&records.buffer[run..span.start]);
            run = span.end;
            rows.push(match records.overlong.iter().find(|long| long.index == row) {
                Some(long) => CutRow { bytes: Vec::new(), overlong: long.bytes },
                None => CutRow { bytes: records.buffer[span.clone()].to_vec(), overlong: 0 },
            });
        }
        between.extend_from_slice(&records.buffer[run..records.region.end]);
    }
    Ok(CutBytes { rows, between })
}

/// Fails if buffers of another size, or another limit, cut other rows out of the same bytes.
/// `limit` and `buffer` are in bytes.
pub fn split(format: Format, bytes: &[u8], limit: usize, buffer: usize) {
    let whole = cut(format, bytes, limit, 1 << 16);
    assert_eq!(cut(format, bytes, limit, buffer), whole);
    if let (Ok(cut), Ok(limited)) = (cut(format, bytes, 1 << 30, buffer), whole) {
        let in_rows = cut.rows.iter().map(|row| row.bytes.len()).sum::<usize>();
        assert_eq!(in_rows + cut.between.len(), bytes.len());
        // A blank line over the limit is not known to be blank: it is a bad row.
        assert!(cut.rows.len() <= limited.rows.len());
    }
}
