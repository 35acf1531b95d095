//! Bytes cut into rows, with buffers small enough that everything lies across two of them.

use std::io::{Cursor, Read};
use std::path::PathBuf;

use crate::formats::file::{Compression, Format, InputFile, Members};
use crate::formats::text::split::Splitter;

/// Each row's bytes (none if over the limit) and size over the limit, and all bytes that belong to no row; or the error.
pub(crate) type Cut = Result<(Vec<(Vec<u8>, u64)>, Vec<u8>), String>;

/// Hands out one to three bytes at a time.
struct Drip(Cursor<Vec<u8>>, usize);

impl Read for Drip {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        self.1 += 1;
        let most = out.len().min(1 + self.1 % 3);
        self.0.read(&mut out[..most])
    }
}

pub(crate) fn file(format: Format) -> InputFile {
    InputFile {
        path: PathBuf::from("in"),
        name: "in".into(),
        format,
        compression: Compression::None,
        bytes: 1,
        modified_ns: 0,
        identity: [0, 0],
        members: Members::default(),
    }
}

/// Cuts bytes into rows of at most `limit` bytes with buffers of `buffer`.
pub(crate) fn cut(format: Format, bytes: &[u8], limit: usize, buffer: usize) -> Cut {
    let stream = Box::new(Drip(Cursor::new(bytes.to_vec()), 0));
    let mut splitter = Splitter::new(&file(format), stream, limit, buffer);
    let (mut rows, mut between) = (Vec::new(), Vec::new());
    while let Some(records) = splitter.next_records().map_err(|error| error.to_string())? {
        assert_eq!(records.first_row, rows.len() as u64);
        let mut run = records.region.start;
        for (row, span) in records.spans.iter().enumerate() {
            between.extend_from_slice(&records.buffer[run..span.start]);
            run = span.end;
            match records.overlong.iter().find(|(long, _)| *long == row) {
                Some((_, size)) => rows.push((Vec::new(), *size)),
                None => rows.push((records.buffer[span.clone()].to_vec(), 0)),
            }
        }
        between.extend_from_slice(&records.buffer[run..records.region.end]);
    }
    Ok((rows, between))
}

/// Fails where buffers of another size, or another limit, make other rows of the same bytes.
pub fn split(format: Format, bytes: &[u8], (limit, buffer): (usize, usize)) {
    let whole = cut(format, bytes, limit, 1 << 16);
    assert_eq!(cut(format, bytes, limit, buffer), whole);
    if let (Ok((rows, between)), Ok((limited, _))) = (cut(format, bytes, 1 << 30, buffer), whole) {
        assert_eq!(rows.iter().map(|(row, _)| row.len()).sum::<usize>() + between.len(), bytes.len());
        // Of a blank line over the limit nobody knows that it is blank: it is a bad row then.
        assert!(rows.len() <= limited.len());
    }
}
