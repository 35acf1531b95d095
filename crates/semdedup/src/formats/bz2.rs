//! Reads bzip2 of any number of streams. Zeros behind the last one are ignored, as those behind gzip
//! are.

use std::io::{self, BufRead, BufReader, Read};

use bzip2::bufread::BzDecoder;

/// The bytes that bzip2 compresses.
pub(crate) struct Bzip2Reader<R> {
    /// The current stream; none behind the last one, or after an error.
    stream: Option<BzDecoder<BufReader<R>>>,
}

impl<R: Read> Bzip2Reader<R> {
    /// Begins to read with a buffer of this many bytes.
    pub fn new(compressed: R, buffer: usize) -> Self {
        Self { stream: Some(BzDecoder::new(BufReader::with_capacity(buffer, compressed))) }
    }
}

impl<R: Read> Read for Bzip2Reader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some(mut stream) = self.stream.take() {
            match stream.read(out) {
                Ok(0) if !out.is_empty() => {
                    let mut rest = stream.into_inner();
                    self.stream = skip_zeros(&mut rest)?.then(|| BzDecoder::new(rest));
                }
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                read => {
                    self.stream = Some(stream);
                    return read;
                }
            }
        }
        Ok(0)
    }
}

/// Skips zeros; returns whether other bytes follow.
fn skip_zeros(source: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let bytes = source.fill_buf()?;
        match bytes.iter().take_while(|byte| **byte == 0).count() {
            0 => return Ok(!bytes.is_empty()),
            zeros => source.consume(zeros),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Write;

    use super::*;

    fn stream(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(compressed: &[u8], buffer: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        Bzip2Reader::new(compressed, buffer).read_to_end(&mut bytes).map(|_| bytes)
    }

    #[test]
    fn streams_are_read_and_zeros_behind_them_are_ignored() {
        for zeros in [0, 1, 9, 600].map(|zeros| vec![0; zeros]) {
            for buffer in [1, 64, 1 << 16] {
                let file = [stream(b"one "), zeros.clone(), stream(b""), stream(b"two"), zeros.clone()];
                assert_eq!(read(&file.concat(), buffer).unwrap(), b"one two");
            }
        }
    }

    #[test]
    fn a_stream_that_is_cut_and_other_bytes_behind_one_are_errors() {
        let (one, two) = (stream(b"one"), stream(b"two"));
        let whole = [one.clone(), two].concat();
        for length in (1..whole.len()).filter(|length| *length != one.len()) {
            assert!(read(&whole[..length], 16).is_err(), "{length}");
        }
        for garbage in [&b"x"[..], b"\0\0x", b"BZh"] {
            assert!(read(&[&one[..], garbage].concat(), 16).is_err(), "{garbage:?}");
        }
    }
}
