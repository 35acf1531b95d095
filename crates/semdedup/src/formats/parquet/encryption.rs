//! Recognises encrypted Parquet files, which are not read.
//!
//! If the footer is encrypted, the file ends with another magic number. If only columns are, the
//! footer says so in fields that the library skips. So these are looked for here.

use std::path::Path;

use crate::error::{Error, Result};
use crate::formats::parquet::compact::fields_at;
use crate::formats::parquet::tail::{Tail, tail};
use crate::storage::Blob;

/// The last bytes of a file whose footer is encrypted, and of any other.
const ENCRYPTED: [u8; 4] = *b"PARE";
const PLAIN: [u8; 4] = *b"PAR1";

/// `FileMetaData.row_groups`, `RowGroup.columns` and `ColumnChunk.crypto_metadata`.
const CRYPTO_METADATA: [i16; 3] = [4, 1, 8];
/// Fails if a file or one of its columns is encrypted. Damage is left to the library.
pub(crate) fn check(path: &Path, blob: &Blob) -> Result<()> {
    let problem = match tail(path, blob)? {
        Some(Tail { magic: ENCRYPTED, .. }) => "is encrypted",
        Some(Tail { magic: PLAIN, footer, .. }) if has_encrypted_columns(&footer) => "has encrypted columns",
        _ => return Ok(()),
    };
    Err(Error::input(path, format!("{problem}, and encrypted Parquet is not read")).hint(
        "read it with its keys and write it again without encryption, for example with pyarrow: decryption_properties",
    ))
}

/// Whether a footer says that columns are encrypted.
pub(crate) fn has_encrypted_columns(footer: &[u8]) -> bool {
    fields_at(footer, &CRYPTO_METADATA).is_some_and(|found| !found.is_empty())
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
