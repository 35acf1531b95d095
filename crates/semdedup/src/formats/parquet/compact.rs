//! Finds fields in a footer that the library does not return, in the compact encoding of Thrift
//! (github.com/apache/thrift, doc/specs/thrift-compact-protocol.md).

use std::ops::Range;

/// Values inside values are followed this deep; those of a footer lie at most six deep.
const MAX_DEPTH: u8 = 32;

/// A field of a struct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    /// The kind of its value.
    pub kind: u8,
    /// The bytes of the field with its header.
    pub range: Range<usize>,
}

/// Returns the fields to which `path` leads, from field to field, through structs and lists of
/// structs; none where the bytes are damaged.
pub(crate) fn fields_at(bytes: &[u8], path: &[i16]) -> Option<Vec<Field>> {
    let mut compact = Compact { whole: bytes.len(), bytes, found: Vec::new() };
    compact.read_struct(path, MAX_DEPTH)?;
    Some(compact.found)
}

/// The kinds of values.
pub(crate) mod kind {
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
    /// The number of all bytes.
    whole: usize,
    found: Vec<Field>,
}

impl Compact<'_> {
    /// Reads a struct, and notes the fields to which `path` leads.
    fn read_struct(&mut self, path: &[i16], depth: u8) -> Option<()> {
        let mut id = 0i16;
        loop {
            let start = self.whole - self.bytes.len();
            let header = self.byte()?;
            let kind = header & 15;
            if kind == kind::STOP {
                return Some(());
            }
            id = match header >> 4 {
                0 => i16::try_from(self.zigzag()?).ok()?,
                more => id.checked_add(more.into())?,
            };
            match path {
                [first, rest @ ..] if *first == id && !rest.is_empty() && kind == kind::LIST => {
                    self.read_list(rest, depth)?;
                }
                [first, rest @ ..] if *first == id && !rest.is_empty() && kind == kind::STRUCT => {
                    self.read_struct(rest, depth.checked_sub(1)?)?;
                }
                _ => self.skip(kind, depth)?,
            }
            if path == [id] {
                self.found.push(Field { kind, range: start..self.whole - self.bytes.len() });
            }
        }
    }

    /// Reads a list, and notes the fields of its structs.
    fn read_list(&mut self, path: &[i16], depth: u8) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        let header = self.byte()?;
        let size = match header >> 4 {
            15 => self.varint()?,
            size => size.into(),
        };
        for _ in 0..size {
            match header & 15 {
                kind::STRUCT => self.read_struct(path, depth)?,
                kind => self.skip_item(kind, depth)?,
            }
        }
        Some(())
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
            kind::LIST | kind::SET => self.read_list(&[], depth),
            kind::MAP => self.skip_map(depth),
            kind::STRUCT => self.read_struct(&[], depth),
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
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_with_their_bytes_and_only_in_whole_structs() {
        // 1: i32 7; 2: a list of two structs, each with 3: a struct with 4: "ab".
        let inner = b"\x3c\x48\x02ab\0\0";
        let whole = [&b"\x15\x0e\x19\x2c"[..], inner, inner, b"\0"].concat();
        let found = |path: &[i16]| fields_at(&whole, path);
        assert_eq!(found(&[1]), Some(vec![Field { kind: 5, range: 0..2 }]));
        let text = |start: usize| Field { kind: kind::BINARY, range: start..start + 4 };
        assert_eq!(found(&[2, 3, 4]), Some(vec![text(5), text(12)]));
        assert_eq!(found(&[2, 4]), Some(Vec::new()));
        for length in 0..whole.len() {
            assert_eq!(fields_at(&whole[..length], &[1]), None, "{length}");
        }
    }
}
