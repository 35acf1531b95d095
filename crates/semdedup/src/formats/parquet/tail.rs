//! The end of a Parquet file as bytes: the footer, its length and the magic number.

use std::path::Path;

use crate::error::Result;
use crate::storage::Blob;
use crate::storage::errors::with_path;

/// The length of the footer and the magic number.
const TAIL_BYTES: u64 = 8;

/// The end of a file.
pub(crate) struct Tail {
    /// The footer, in the compact encoding of Thrift unless it is encrypted.
    pub footer: Vec<u8>,
    /// The place of the footer, behind the data.
    pub start: u64,
    pub magic: [u8; 4],
}

/// Reads the end of a file; none if it is too short for the footer that it promises.
///
/// # Errors
/// A file that cannot be read.
pub(crate) fn tail(path: &Path, blob: &Blob) -> Result<Option<Tail>> {
    let Some(end) = blob.bytes().checked_sub(TAIL_BYTES) else { return Ok(None) };
    let mut bytes = [0; TAIL_BYTES as usize];
    blob.read_exact_at(&mut bytes, end).map_err(|error| with_path(path, error))?;
    let [l0, l1, l2, l3, magic @ ..] = bytes;
    let length = u32::from_le_bytes([l0, l1, l2, l3]);
    let Some(start) = end.checked_sub(length.into()) else { return Ok(None) };
    let mut footer = vec![0; length as usize];
    blob.read_exact_at(&mut footer, start).map_err(|error| with_path(path, error))?;
    Ok(Some(Tail { footer, start, magic }))
}
