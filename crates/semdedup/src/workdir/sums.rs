//! Sums of what a run wrote, by which a later one notices that a disk or a copy has changed it.

use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use fs_err::File;
use parquet::file::metadata::KeyValue;
use xxhash_rust::xxh3::Xxh3;

use crate::arrays::npy_writer::HEADER_BYTES;
use crate::error::{Error, Result};
use crate::storage::is_url;

/// What is read at a time.
const BUFFER: usize = 1 << 20;

/// The sum of a file of embeddings on a disk, as [`NpyWriter`] makes it: of the numbers, then of the
/// header, which is written last.
///
/// [`NpyWriter`]: crate::arrays::npy_writer::NpyWriter
pub(crate) fn sum_of_embeddings(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut header = Vec::with_capacity(HEADER_BYTES);
    (&mut file).take(HEADER_BYTES as u64).read_to_end(&mut header)?;
    let (mut hash, mut buffer) = (Xxh3::new(), vec![0; BUFFER]);
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => hash.update(&buffer[..read]),
        }
    }
    hash.update(&header);
    Ok(shown(&hash))
}

/// The sum of all bytes of a file on a disk.
pub(crate) fn sum_of_file(path: &Path) -> io::Result<String> {
    let mut hashing = Hashing::new(io::sink());
    io::copy(&mut BufReader::with_capacity(BUFFER, File::open(path)?), &mut hashing)?;
    Ok(shown(&hashing.hash))
}

/// Returns a hash as it is stored.
pub(crate) fn shown(hash: &Xxh3) -> String {
    format!("{:016x}", hash.digest())
}

/// Fails if a file of embeddings on a disk has another sum than its record says; one by an earlier
/// version has none. An object of a store is not read for it: the store checks its bytes itself.
pub(crate) fn check_embeddings(path: &Path, recorded: Option<&str>) -> Result<()> {
    match recorded.filter(|_| !is_url(path)) {
        Some(recorded) if sum_of_embeddings(path).map_err(Error::io)? != recorded => {
            Err(damaged(path).hint("put the file back as it was, or delete the work directory to begin anew"))
        }
        _ => Ok(()),
    }
}

/// The error for a file whose bytes have changed.
pub(crate) fn damaged(path: &Path) -> Error {
    Error::work(path, "is damaged: its bytes are not those that were written")
}

/// The key of the sum in the metadata of a table.
pub(crate) const SUM_KEY: &str = "semdedup.sum";

/// The sum of the first bytes of a table, which hold its rows, and of what semdedup says in its
/// metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TableSum {
    bytes: u64,
    hash: u64,
}

impl TableSum {
    /// Adds what semdedup says in the metadata to the hash of the first bytes.
    pub(crate) fn new(bytes: u64, mut hash: Xxh3, metadata: &[KeyValue]) -> Self {
        for KeyValue { key, value, .. } in metadata {
            if key.starts_with("semdedup.") && key != SUM_KEY {
                hash.update(key.as_bytes());
                hash.update(value.as_deref().unwrap_or_default().as_bytes());
            }
        }
        Self { bytes, hash: hash.digest() }
    }

    /// Returns the metadata that holds the sum.
    pub(crate) fn metadata(self) -> KeyValue {
        KeyValue::new(SUM_KEY.to_owned(), format!("{} {:016x}", self.bytes, self.hash))
    }

    /// Reads the sum in the metadata of a table; none in one of an earlier version.
    pub(crate) fn of(metadata: &[KeyValue]) -> Option<Self> {
        let value = metadata.iter().find(|pair| pair.key == SUM_KEY)?.value.as_deref()?;
        let (bytes, hash) = value.split_once(' ')?;
        Some(Self { bytes: bytes.parse().ok()?, hash: u64::from_str_radix(hash, 16).ok()? })
    }

    /// Whether a file begins with the bytes of the sum and says the same in its metadata.
    pub(crate) fn is_of(self, file: impl Read, metadata: &[KeyValue]) -> io::Result<bool> {
        let mut hashing = Hashing::new(io::sink());
        io::copy(&mut BufReader::with_capacity(BUFFER, file.take(self.bytes)), &mut hashing)?;
        Ok(Self::new(hashing.bytes, hashing.hash, metadata) == self)
    }
}

/// Hashes what is written through it.
pub(crate) struct Hashing<W> {
    pub(crate) inner: W,
    pub(crate) hash: Xxh3,
    /// The number of bytes so far.
    pub(crate) bytes: u64,
}

impl<W> Hashing<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self { inner, hash: Xxh3::new(), bytes: 0 }
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
