//! UTF-16: a stream of it is read as UTF-8, and UTF-8 is written as UTF-16 again.
//!
//! Half a surrogate pair is no character. It is read as the three bytes that UTF-8 would have for
//! it, so that its row is a bad row, and these bytes become the same half again.

use std::io::{self, Read};

const CHUNK_BYTES: usize = 64 << 10;

/// The order of the two bytes of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    /// Returns the order that a byte order mark tells.
    pub fn of_mark(beginning: &[u8]) -> Option<Self> {
        match beginning {
            [0xff, 0xfe, ..] => Some(Self::Little),
            [0xfe, 0xff, ..] => Some(Self::Big),
            _ => None,
        }
    }

    /// Returns the unit that two bytes are.
    pub fn unit(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    fn bytes(self, unit: u16) -> [u8; 2] {
        match self {
            Self::Little => unit.to_le_bytes(),
            Self::Big => unit.to_be_bytes(),
        }
    }
}

/// Reads UTF-16 as UTF-8. The byte order mark becomes that of UTF-8.
pub(crate) struct Utf16Reader<R> {
    inner: R,
    order: ByteOrder,
    /// The first byte of a unit.
    odd: Option<u8>,
    /// The first half of a surrogate pair.
    high: Option<u16>,
    chunk: Vec<u8>,
    /// The decoded bytes, and how many of them have been read.
    decoded: Vec<u8>,
    read: usize,
}

impl<R: Read> Utf16Reader<R> {
    pub fn new(inner: R, order: ByteOrder) -> Self {
        let chunk = vec![0; CHUNK_BYTES];
        Self { inner, order, odd: None, high: None, chunk, decoded: Vec::new(), read: 0 }
    }

    /// Decodes the next bytes; returns whether there are any.
    fn refill(&mut self) -> io::Result<bool> {
        self.read = 0;
        self.decoded.clear();
        let count = self.inner.read(&mut self.chunk)?;
        if count == 0 {
            if self.odd.is_some() {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the UTF-16 text ends within a character; it is truncated",
                ));
            }
            if let Some(high) = self.high.take() {
                push_half(&mut self.decoded, high);
            }
            return Ok(!self.decoded.is_empty());
        }
        for at in 0..count {
            let byte = self.chunk[at];
            match self.odd.take() {
                None => self.odd = Some(byte),
                Some(first) => self.push(self.order.unit([first, byte])),
            }
        }
        Ok(true)
    }

    fn push(&mut self, unit: u16) {
        let high = self.high.take();
        if let (Some(high), 0xdc00..=0xdfff) = (high, unit) {
            let pair = 0x10000 + ((u32::from(high) - 0xd800) << 10) + (u32::from(unit) - 0xdc00);
            self.decoded.extend_from_slice(
                char::from_u32(pair)
                    .unwrap_or(char::REPLACEMENT_CHARACTER)
                    .encode_utf8(&mut [0; 4])
                    .as_bytes(),
            );
            return;
        }
        if let Some(high) = high {
            push_half(&mut self.decoded, high);
        }
        match (unit, char::from_u32(u32::from(unit))) {
            (0xd800..=0xdbff, _) => self.high = Some(unit),
            (_, Some(character)) => {
                self.decoded.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            (_, None) => push_half(&mut self.decoded, unit),
        }
    }
}

/// Appends half a surrogate pair.
fn push_half(bytes: &mut Vec<u8>, unit: u16) {
    let low_bits = |shift: u16| 0x80 | (unit >> shift & 0x3f) as u8;
    bytes.extend_from_slice(&[0xe0 | (unit >> 12) as u8, low_bits(6), low_bits(0)]);
}

impl<R: Read> Read for Utf16Reader<R> {
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

/// Writes what [`Utf16Reader`] has read as UTF-16 again.
pub(crate) struct Utf16Encoder {
    order: ByteOrder,
    /// The beginning of a character.
    begun: Vec<u8>,
    encoded: Vec<u8>,
}

impl Utf16Encoder {
    pub fn new(order: ByteOrder) -> Self {
        Self { order, begun: Vec::new(), encoded: Vec::new() }
    }

    /// Encodes more bytes. The end of a character may follow in the next call.
    pub fn encode(&mut self, bytes: &[u8]) -> &[u8] {
        self.encoded.clear();
        for &byte in bytes {
            if byte < 0x80 && self.begun.is_empty() {
                self.encoded.extend_from_slice(&self.order.bytes(u16::from(byte)));
                continue;
            }
            self.begun.push(byte);
            if self.begun.len() == length(self.begun[0]) {
                self.end_character();
            }
        }
        &self.encoded
    }

    fn end_character(&mut self) {
        let first_bits = match self.begun.len() {
            1 => 0x7f,
            2 => 0x1f,
            3 => 0x0f,
            _ => 0x07,
        };
        let code = self.begun[1..]
            .iter()
            .fold(u32::from(self.begun[0] & first_bits), |code, byte| code << 6 | u32::from(byte & 0x3f));
        self.begun.clear();
        match char::from_u32(code) {
            Some(character) => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    self.encoded.extend_from_slice(&self.order.bytes(*unit));
                }
            }
            // Only half a surrogate pair is no character.
            None => self.encoded.extend_from_slice(&self.order.bytes(code as u16)),
        }
    }
}

/// Returns the number of bytes of a character that begins with this byte.
fn length(first: u8) -> usize {
    match first {
        0xf0.. => 4,
        0xe0.. => 3,
        0xc0.. => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn decoded(bytes: &[u8], order: ByteOrder) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        Utf16Reader::new(bytes, order).read_to_end(&mut text).map(|_| text)
    }

    #[test]
    fn half_a_character_at_the_end_is_an_error() {
        let error = decoded(b"a\0b", ByteOrder::Little).unwrap_err();
        assert!(error.to_string().contains("ends within a character"), "{error}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_units_are_written_as_they_were_read(
            units in prop::collection::vec(
                prop_oneof![any::<u16>(), 0xd800_u16..0xe000, 0_u16..0x80], 0..50),
            cut in 1_usize..9,
            big in any::<bool>(),
        ) {
            let order = if big { ByteOrder::Big } else { ByteOrder::Little };
            let bytes: Vec<u8> = units.iter().flat_map(|unit| order.bytes(*unit)).collect();
            let text = decoded(&bytes, order).unwrap();
            if let Ok(expected) = String::from_utf16(&units) {
                prop_assert_eq!(&text, expected.as_bytes());
            } else {
                prop_assert!(std::str::from_utf8(&text).is_err());
            }
            let mut encoder = Utf16Encoder::new(order);
            let again: Vec<u8> = text.chunks(cut).flat_map(|part| encoder.encode(part).to_vec()).collect();
            prop_assert_eq!(again, bytes);
        }
    }
}
