//! The hashes of what was embedded: later runs find the embedding of a row by its content, whatever
//! its file is called and wherever it lies.

use std::path::Path;

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::error::{Error, Result};
use crate::storage;
use crate::storage::atomic::write_atomically;
use crate::workdir::sums::damaged;

/// What was embedded: the XXH3 hash of a text, an image, or both, and whether the model read it
/// only in part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Content(u128);

impl Content {
    /// The content of rows without an embedding of their own: bad rows, and empty texts.
    pub(crate) const NOTHING: Self = Self(0);

    /// Hashes a text or an image.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        if bytes.is_empty() { Self::NOTHING } else { Self((xxh3_128(bytes) & !TRUNCATED).max(2)) }
    }

    /// Hashes two halves; nothing if one of them is missing.
    pub(crate) fn of_both(one: Self, other: Self) -> Self {
        match one == Self::NOTHING || other == Self::NOTHING {
            true => Self::NOTHING,
            false => Self::of(&[one.0.to_le_bytes(), other.0.to_le_bytes()].concat()),
        }
    }

    /// Marks that the model did not read the end.
    pub(crate) fn truncated(self) -> Self {
        if self == Self::NOTHING { self } else { Self(self.0 | TRUNCATED) }
    }

    /// Whether the model did not read the end.
    pub(crate) fn is_truncated(self) -> bool {
        self.0 & TRUNCATED != 0
    }

    /// The hash and the mark, the least significant byte first.
    pub(crate) fn to_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }

    /// The hash without the mark.
    pub(crate) fn hash(self) -> u128 {
        self.0 & !TRUNCATED
    }
}

/// The bit that marks a truncated text.
const TRUNCATED: u128 = 1;

/// Writes the hashes of a part, 16 bytes for each row, the least significant byte first. Returns the
/// sum of the file.
pub(crate) fn write_contents(path: &Path, contents: &[Content]) -> Result<String> {
    let bytes: Vec<u8> = contents.iter().flat_map(|content| content.to_bytes()).collect();
    write_atomically(path, &bytes)?;
    Ok(sum_of(&bytes))
}

fn sum_of(bytes: &[u8]) -> String {
    format!("{:016x}", xxh3_64(bytes))
}

/// What helps where the file is damaged.
const HINT: &str =
    "put the file back as it was, or delete it: later runs of other rows then embed these rows again";

/// Reads the hashes of a part of this many rows; none if there is no such file.
///
/// # Errors
/// Fails if the file has another length or another sum than its record says; one by an earlier version
/// has no sum.
pub(crate) fn read_contents(path: &Path, rows: u64, sum: Option<&str>) -> Result<Option<Vec<Content>>> {
    let bytes = match storage::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(error)),
    };
    let (contents, rest) = bytes.as_chunks::<16>();
    if contents.len() as u64 != rows || !rest.is_empty() {
        let problem = format!("has {} bytes, the hashes of {rows} rows have {}", bytes.len(), 16 * rows);
        return Err(Error::work(path, problem).hint(HINT));
    }
    if sum.is_some_and(|sum| sum != sum_of(&bytes)) {
        return Err(damaged(path).hint(HINT));
    }
    Ok(Some(contents.iter().map(|bytes| Content(u128::from_le_bytes(*bytes))).collect()))
}
