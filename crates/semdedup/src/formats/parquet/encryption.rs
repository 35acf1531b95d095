//! Recognises encrypted Parquet files, which are not read.
//!
//! If the footer is encrypted, the file ends with another magic number. If only columns are, the
//! footer says so in fields that the library skips. So these are looked for here, in the compact
//! encoding of Thrift (github.com/apache/thrift, doc/specs/thrift-compact-protocol.md).

use std::path::Path;

use crate::error::{Error, Result};
use crate::storage::Blob;
use crate::storage::errors::with_path;

/// The last bytes of a file whose footer is encrypted, and of any other.
const ENCRYPTED: &[u8] = b"PARE";
const PLAIN: &[u8] = b"PAR1";
/// The length of the footer and the magic number.
const TAIL_BYTES: u64 = 8;

/// `FileMetaData.row_groups`, `RowGroup.columns` and `ColumnChunk.crypto_metadata`.
const CRYPTO_METADATA: [i16; 3] = [4, 1, 8];
/// Values inside values are followed this deep; those of a footer lie at most six deep.
const MAX_DEPTH: u8 = 32;

/// Fails if a file or one of its columns is encrypted. Damage is left to the library.
pub(crate) fn check(path: &Path, blob: &Blob) -> Result<()> {
    let Some(end) = blob.bytes().checked_sub(TAIL_BYTES) else { return Ok(()) };
    let mut tail = [0; TAIL_BYTES as usize];
    blob.read_exact_at(&mut tail, end).map_err(|error| with_path(path, error))?;
    let [l0, l1, l2, l3, magic @ ..] = &tail;
    let length = u32::from_le_bytes([*l0, *l1, *l2, *l3]);
    let problem = match end.checked_sub(length.into()) {
        _ if magic == ENCRYPTED => "is encrypted",
        Some(start) if magic == PLAIN => {
            let mut footer = vec![0; length as usize];
            blob.read_exact_at(&mut footer, start).map_err(|error| with_path(path, error))?;
            match has_encrypted_columns(&footer) {
                true => "has encrypted columns",
                false => return Ok(()),
            }
        }
        _ => return Ok(()),
    };
    Err(Error::input(path, format!("{problem}, and encrypted Parquet is not read")).hint(
        "read it with its keys and write it again without encryption, for example with pyarrow: decryption_properties",
    ))
}

/// Whether a footer says that columns are encrypted.
pub(crate) fn has_encrypted_columns(footer: &[u8]) -> bool {
    Compact { bytes: footer }.has_field(&CRYPTO_METADATA, MAX_DEPTH).unwrap_or(false)
}

/// The kinds of values.
mod kind {
    pub const STOP: u8 = 0;
    pub const TRUE: u8 = 1;
    pub const FALSE: u8 = 2;
    pub const BYTE: u8 = 3;
    pub const I16: u8 = 4;
    pub const I64: u8 = 6;
    pub const DOUBLE: u8 = 7;
    pub const BINARY: u8 = 8;
    pub const LIST: u8 = 9;
    pub const SET: u8 = 10;
    pub const MAP: u8 = 11;
    pub const STRUCT: u8 = 12;
    pub const UUID: u8 = 13;
}

/// Reads values in the compact encoding. Each method returns `None` where the bytes are damaged.
struct Compact<'a> {
    bytes: &'a [u8],
}

impl Compact<'_> {
    /// Reads a struct. Returns whether the field is there to which `path` leads, from field to
    /// field; lists of structs lie between.
    fn has_field(&mut self, path: &[i16], depth: u8) -> Option<bool> {
        let (mut id, mut found) = (0i16, false);
        loop {
            let header = self.byte()?;
            let kind = header & 15;
            if kind == kind::STOP {
                return Some(found);
            }
            id = match header >> 4 {
                0 => i16::try_from(self.zigzag()?).ok()?,
                more => id.checked_add(more.into())?,
            };
            match path {
                [first, rest @ ..] if *first == id && kind == kind::LIST => {
                    found |= self.list_has_field(rest, depth)?;
                }
                _ => {
                    found |= path == [id];
                    self.skip(kind, depth)?;
                }
            }
        }
    }

    /// Reads a list. Returns whether one of its structs has a field.
    fn list_has_field(&mut self, path: &[i16], depth: u8) -> Option<bool> {
        let depth = depth.checked_sub(1)?;
        let header = self.byte()?;
        let size = match header >> 4 {
            15 => self.varint()?,
            size => size.into(),
        };
        let mut found = false;
        for _ in 0..size {
            match header & 15 {
                kind::STRUCT => found |= self.has_field(path, depth)?,
                kind => self.skip_item(kind, depth)?,
            }
        }
        Some(found)
    }

    /// Skips the value of a field. That of a boolean is its kind.
    fn skip(&mut self, kind: u8, depth: u8) -> Option<()> {
        match kind {
            kind::TRUE | kind::FALSE => Some(()),
            kind => self.skip_item(kind, depth),
        }
    }

    /// Skips a value in a list.
    fn skip_item(&mut self, kind: u8, depth: u8) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match kind {
            kind::TRUE | kind::FALSE | kind::BYTE => self.take(1),
            kind::I16..=kind::I64 => self.varint().map(drop),
            kind::DOUBLE => self.take(8),
            kind::BINARY => {
                let length = self.varint()?;
                self.take(length)
            }
            kind::LIST | kind::SET => self.list_has_field(&[], depth).map(drop),
            kind::MAP => self.skip_map(depth),
            kind::STRUCT => self.has_field(&[], depth).map(drop),
            kind::UUID => self.take(16),
            _ => None,
        }
    }

    fn skip_map(&mut self, depth: u8) -> Option<()> {
        let size = self.varint()?;
        let kinds = if size == 0 { 0 } else { self.byte()? };
        for _ in 0..size {
            self.skip_item(kinds >> 4, depth)?;
            self.skip_item(kinds & 15, depth)?;
        }
        Some(())
    }

    fn zigzag(&mut self) -> Option<i64> {
        let number = self.varint()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Some(number);
            }
        }
        None
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    fn take(&mut self, count: u64) -> Option<()> {
        self.bytes = self.bytes.get(usize::try_from(count).ok()?..)?;
        Some(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A footer of every kind of value, with one row group of one column, to which `crypto` is
    /// added.
    fn footer(crypto: &[u8]) -> Vec<u8> {
        // 1: i32, 2: list of two structs, 3: i64 (the id is spelled out), 4: list of row groups.
        let start = b"\x15\x02\x19\x2c\x48\x01a\x00\x17\0\0\0\0\0\0\0\0\x00\x06\x06\xc8\x01\x19\x1c";
        // A row group: 1: list of columns. A column: 2: i64, 3: a struct, 7: true.
        let column = b"\x19\x1c\x26\x08\x1c\x15\x02\x00\x41";
        // The ends of the column and the row group; 5: map, 6: list of booleans, 7: set of bytes.
        let end = b"\0\0\x1b\x01\x85\x01b\x02\x19\x21\x01\x02\x1a\x13\x05\0";
        [&start[..], column, crypto, end].concat()
    }

    #[test]
    fn a_column_with_crypto_metadata_is_encrypted() {
        assert!(!has_encrypted_columns(&footer(b"")));
        assert!(has_encrypted_columns(&footer(b"\x1c\x1c\x00\x00")));
        // Field 9 alone, and a field 8 of a struct inside the column.
        assert!(!has_encrypted_columns(&footer(b"\x28\x01x")));
        assert!(!has_encrypted_columns(&footer(b"\x3c\x8c\x00\x00")));
    }

    #[test]
    fn the_end_of_a_footer_is_reached() {
        let whole = footer(b"");
        let mut compact = Compact { bytes: &whole };
        assert_eq!(compact.has_field(&CRYPTO_METADATA, MAX_DEPTH), Some(false));
        assert_eq!(compact.bytes, b"");
        for length in 0..whole.len() {
            assert_eq!(Compact { bytes: &whole[..length] }.has_field(&CRYPTO_METADATA, MAX_DEPTH), None);
        }
    }

    #[test]
    fn values_inside_values_are_followed_to_a_limit() {
        assert!(!has_encrypted_columns(&b"\x1c".repeat(1_000_000)));
        assert!(!has_encrypted_columns(&[b"\x19".as_slice(), &b"\x19".repeat(1_000_000)].concat()));
    }

    proptest! {
        #[test]
        fn any_bytes_have_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            has_encrypted_columns(&bytes);
        }
    }
}
