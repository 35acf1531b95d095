//! Encodings of one language: a stream is read as UTF-8, and UTF-8 is written in the encoding again.
//!
//! Bytes that are no text, or that the encoding would write in another way, are read as halves of
//! surrogate pairs, as Python's `surrogateescape` does. A row with one is a bad row, and the same
//! bytes are written again.

use std::io::{self, Read};

use crate::formats::encoding::TextEncoding;

const CHUNK_BYTES: usize = 64 << 10;
/// Without a separator in this many bytes, they are taken for no text.
const MOST_BYTES: usize = 64 << 20;
/// Bytes below this one are characters of their own in every encoding: line ends, spaces, quotes,
/// commas. (Digits are not: they end characters of GB 18030.)
const SEPARATORS: u8 = b'0';

/// Reads a text as UTF-8.
pub(crate) struct LegacyReader<R> {
    inner: R,
    encoding: TextEncoding,
    /// The bytes behind the last separator.
    rest: Vec<u8>,
    /// The decoded bytes, and how many of them have been read.
    decoded: Vec<u8>,
    read: usize,
}

impl<R: Read> LegacyReader<R> {
    pub fn new(inner: R, encoding: TextEncoding) -> Self {
        Self { inner, encoding, rest: Vec::new(), decoded: Vec::new(), read: 0 }
    }

    /// Decodes the next bytes; returns whether there are any.
    fn refill(&mut self) -> io::Result<bool> {
        self.read = 0;
        self.decoded.clear();
        while self.decoded.is_empty() {
            let mut new = Vec::with_capacity(CHUNK_BYTES);
            let count = self.inner.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut new)?;
            let searched = self.rest.len();
            self.rest.append(&mut new);
            let last = self.rest[searched..].iter().rposition(|&byte| byte < SEPARATORS);
            let end = match last {
                _ if count == 0 || self.rest.len() > MOST_BYTES => self.rest.len(),
                Some(place) => searched + place + 1,
                None => continue,
            };
            let behind = self.rest.split_off(end);
            let whole = std::mem::replace(&mut self.rest, behind);
            decode(self.encoding, &whole, &mut self.decoded);
            if count == 0 {
                return Ok(!self.decoded.is_empty());
            }
        }
        Ok(true)
    }
}

impl<R: Read> Read for LegacyReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.read == self.decoded.len() {
            if !self.refill()? {
                return Ok(0);
            }
        }
        let count = out.len().min(self.decoded.len() - self.read);
        out[..count].copy_from_slice(&self.decoded[self.read..][..count]);
        self.read += count;
        Ok(count)
    }
}

/// Decodes whole characters.
pub(crate) fn decode(encoding: TextEncoding, bytes: &[u8], decoded: &mut Vec<u8>) {
    if let Some(text) = encoding.decode(bytes) {
        decoded.extend_from_slice(text.as_bytes());
        return;
    }
    // One piece is no text; the others are.
    for piece in bytes.split_inclusive(|&byte| byte < SEPARATORS) {
        match encoding.decode(piece) {
            Some(text) => decoded.extend_from_slice(text.as_bytes()),
            None => piece.iter().for_each(|&byte| match byte {
                0..0x80 => decoded.push(byte),
                _ => decoded.extend_from_slice(&half_of(byte)),
            }),
        }
    }
}

/// Returns the half of a surrogate pair that stands for a byte, U+DC80 to U+DCFF.
fn half_of(byte: u8) -> [u8; 3] {
    [0xed, 0xb0 | (byte >> 6), 0x80 | (byte & 0x3f)]
}

/// Writes what [`LegacyReader`] has read in the encoding again.
pub(crate) struct LegacyEncoder {
    encoding: TextEncoding,
    /// The bytes behind the last separator.
    rest: Vec<u8>,
}

impl LegacyEncoder {
    pub fn new(encoding: TextEncoding) -> Self {
        Self { encoding, rest: Vec::new() }
    }

    /// Encodes more bytes. The end of a character may follow in the next call.
    ///
    /// # Errors
    /// A character that the encoding does not have.
    pub fn encode(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        self.rest.extend_from_slice(bytes);
        let Some(last) = self.rest.iter().rposition(u8::is_ascii) else { return Ok(Vec::new()) };
        let behind = self.rest.split_off(last + 1);
        let whole = std::mem::replace(&mut self.rest, behind);
        encode(self.encoding, &whole)
    }

    /// Encodes what is left.
    ///
    /// # Errors
    /// As [`LegacyEncoder::encode`].
    pub fn finish(&mut self) -> io::Result<Vec<u8>> {
        encode(self.encoding, &std::mem::take(&mut self.rest))
    }
}

fn encode(encoding: TextEncoding, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let (mut encoded, mut rest) = (Vec::with_capacity(bytes.len()), bytes);
    loop {
        let valid = std::str::from_utf8(rest).map_or_else(|error| error.valid_up_to(), str::len);
        let (text, behind) = rest.split_at(valid);
        let text = encoding.encode(&String::from_utf8_lossy(text)).ok_or_else(|| {
            invalid(format!("a text has a character that {} does not have", encoding.name()))
        })?;
        encoded.extend_from_slice(&text);
        rest = match behind {
            [] => return Ok(encoded),
            [0xed, high @ 0xb2..=0xb3, low, behind @ ..] => {
                encoded.push((high << 6) | (low & 0x3f));
                behind
            }
            _ => return Err(invalid("a text is not UTF-8".to_owned())),
        };
    }
}

fn invalid(problem: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn decoded(bytes: &[u8], encoding: TextEncoding) -> Vec<u8> {
        let mut text = Vec::new();
        LegacyReader::new(bytes, encoding).read_to_end(&mut text).unwrap();
        text
    }

    fn written(text: &[u8], encoding: TextEncoding, cut: usize) -> Vec<u8> {
        let mut encoder = LegacyEncoder::new(encoding);
        let mut bytes: Vec<u8> = text.chunks(cut).flat_map(|part| encoder.encode(part).unwrap()).collect();
        bytes.extend(encoder.finish().unwrap());
        bytes
    }

    #[test]
    fn texts_of_every_language_are_read() {
        // Encoded by Python 3.11.
        for (name, bytes, text) in [
            ("cp1252", &b"caf\xe9 \x80\n"[..], "café €\n"),
            ("gbk", b"\xd6\xd0\xce\xc4,\xa1\xa3", "中文,。"),
            ("shift_jis", b"\x93\xfa\x96{\x8c\xea\n", "日本語\n"),
            ("euc-kr", b"\xc7\xd1\xb1\xdb", "한글"),
            ("koi8-r", b"\xd4\xc5\xd3\xd4", "тест"),
            ("gb18030", b"\x810\x8a0 \xd6\xd0", "ã 中"),
        ] {
            let encoding = TextEncoding::named(name).unwrap();
            assert_eq!(decoded(bytes, encoding), text.as_bytes(), "{name}");
            assert_eq!(written(text.as_bytes(), encoding, 2), bytes, "{name}");
        }
    }

    #[test]
    fn a_character_that_the_encoding_does_not_have_is_an_error() {
        let mut encoder = LegacyEncoder::new(TextEncoding::named("latin1").unwrap());
        let error = encoder.encode("中\n".as_bytes()).unwrap_err();
        assert!(error.to_string().contains("windows-1252 does not have"), "{error}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_are_written_as_they_were_read(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), 0x20_u8..0x7f, 0x81_u8..0xff], 0..60),
            name in prop::sample::select(vec![
                "windows-1252", "windows-1253", "gbk", "gb18030", "big5", "shift_jis", "euc-jp", "euc-kr"]),
            cut in 1_usize..9,
        ) {
            let encoding = TextEncoding::named(name).unwrap();
            let text = decoded(&bytes, encoding);
            prop_assert_eq!(written(&text, encoding, cut), bytes, "{}", name);
        }
    }
}
