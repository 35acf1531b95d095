//! Reads gzip of any number of members.
//!
//! Behind the last member there may be zeros, with which some programs fill a file up to the size of
//! a block. gzip and Python ignore them. Any other bytes there are an error: they may be data.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;

/// The first byte of a member.
const MAGIC: u8 = 0x1f;

/// The bytes that gzip compresses.
pub(crate) struct GzipReader<R> {
    decoder: GzDecoder<Source<R>>,
    /// Whether the last member has been read, or an error was found.
    is_done: bool,
}

/// The compressed bytes. A decoder is reset with a new source, so there is an empty one.
struct Source<R>(Option<BufReader<R>>);

impl<R: Read> GzipReader<R> {
    /// Begins to read with a buffer of this many bytes.
    pub fn new(compressed: R, buffer: usize) -> Self {
        let source = Source(Some(BufReader::with_capacity(buffer, compressed)));
        Self { decoder: GzDecoder::new(source), is_done: false }
    }

    /// Reads from the current member, and begins the next one at its end.
    fn read_on(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.decoder.read(out)?;
            if read > 0 || out.is_empty() || !self.begin_next()? {
                return Ok(read);
            }
        }
    }

    /// Begins the next member; returns false if there is none.
    fn begin_next(&mut self) -> io::Result<bool> {
        let source = self.decoder.get_mut();
        loop {
            match source.fill_buf()? {
                [] => return Ok(false),
                [MAGIC, ..] => break,
                bytes => match bytes.iter().take_while(|byte| **byte == 0).count() {
                    0 => return Err(io::Error::new(io::ErrorKind::InvalidData, Garbage)),
                    zeros => source.consume(zeros),
                },
            }
        }
        let source = self.decoder.reset(Source(None));
        self.decoder.reset(source);
        Ok(true)
    }
}

impl<R: Read> Read for GzipReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.is_done {
            return Ok(0);
        }
        let read = self.read_on(out);
        self.is_done = match &read {
            Ok(bytes) => *bytes == 0 && !out.is_empty(),
            Err(error) => error.kind() != io::ErrorKind::Interrupted,
        };
        read
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.as_mut().map_or(Ok(0), |source| source.read(out))
    }
}

impl<R: Read> BufRead for Source<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.0.as_mut().map_or(Ok(&[]), BufReader::fill_buf)
    }

    fn consume(&mut self, bytes: usize) {
        if let Some(source) = &mut self.0 {
            source.consume(bytes);
        }
    }
}

/// The error for bytes behind the last member that are neither zeros nor a member.
#[derive(Debug)]
struct Garbage;

impl fmt::Display for Garbage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("bytes that are not gzip follow its end")
    }
}

impl std::error::Error for Garbage {}

/// Whether bytes that are not gzip follow the end of a file that is whole.
pub(crate) fn has_garbage(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|cause| cause.is::<Garbage>())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Write;

    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    fn member(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(compressed: &[u8], buffer: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        GzipReader::new(compressed, buffer).read_to_end(&mut bytes).map(|_| bytes)
    }

    #[test]
    fn zeros_behind_a_member_are_ignored_and_members_behind_them_are_read() {
        for zeros in [0, 1, 7, 9, 10, 600].map(|zeros| vec![0; zeros]) {
            for buffer in [1, 2, 64, 1 << 16] {
                let file = [
                    member(b"one "),
                    zeros.clone(),
                    member(b""),
                    zeros.clone(),
                    member(b"two"),
                    zeros.clone(),
                ];
                assert_eq!(read(&file.concat(), buffer).unwrap(), b"one two");
            }
        }
    }

    #[test]
    fn other_bytes_behind_a_member_are_an_error_after_its_bytes() {
        for garbage in [&b"x"[..], b"\0\0x", b"\0\0\0\0\0\0\0\0\0\0\0\0 ", b"\x1e\x8b\x08"] {
            let file = [&member(b"one")[..], garbage].concat();
            let mut reader = GzipReader::new(&file[..], 8);
            let mut bytes = Vec::new();
            let error = reader.read_to_end(&mut bytes).unwrap_err();
            assert_eq!((&bytes[..], has_garbage(&error)), (&b"one"[..], true));
            assert_eq!(reader.read(&mut [0; 9]).unwrap(), 0, "nothing is read after an error");
        }
    }

    #[test]
    fn a_file_that_ends_within_a_member_is_truncated() {
        let whole = [member(b"one"), member(b"two")].concat();
        for length in (1..whole.len()).filter(|length| *length != member(b"one").len()) {
            let error = read(&whole[..length], 16).unwrap_err();
            assert_eq!(
                (error.kind(), has_garbage(&error)),
                (io::ErrorKind::UnexpectedEof, false),
                "{length}"
            );
        }
    }

    proptest! {
        #[test]
        fn members_are_read_as_the_library_reads_them(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..5), buffer in 1usize..400) {
            let file = parts.iter().map(|part| member(part)).collect::<Vec<_>>().concat();
            let mut expected = Vec::new();
            flate2::bufread::MultiGzDecoder::new(&file[..]).read_to_end(&mut expected).unwrap();
            prop_assert_eq!(read(&file, buffer).unwrap(), expected);
        }
    }
}
