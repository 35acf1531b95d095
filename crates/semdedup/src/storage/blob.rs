//! Reads files at any offset: a file on the disk, an object of a store, or bytes in memory.

use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use fs_err::File;
use parquet::file::reader::{ChunkReader, Length};

use crate::error::{Error, Result};
use crate::storage::cached_object::CachedObject;
use crate::storage::errors::passing;
use crate::storage::local::read_exact_at;
use crate::storage::location::{Location, is_url};

/// A file, an object or bytes in memory. Any thread can read any of its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Blob {
    bytes: u64,
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    File(Arc<File>),
    Object(Arc<CachedObject>),
    Memory(Bytes),
}

impl Blob {
    /// Opens a file or an object.
    ///
    /// # Errors
    /// Fails if the file does not exist or cannot be read.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        if !is_url(path) {
            return Self::of_file(File::open(path).map_err(Error::io)?);
        }
        let location = Location::of(path)?;
        let meta = location.head()?;
        let object = CachedObject::open(location, meta)?;
        Ok(Self { bytes: object.bytes(), source: Source::Object(object) })
    }

    /// Reads a file that is already open.
    pub(crate) fn of_file(file: File) -> Result<Self> {
        let bytes = file.metadata().map_err(Error::io)?.len();
        Ok(Self { bytes, source: Source::File(Arc::new(file)) })
    }

    /// Reads bytes that are in memory.
    pub(crate) fn of_bytes(bytes: Vec<u8>) -> Self {
        Self { bytes: bytes.len() as u64, source: Source::Memory(bytes.into()) }
    }

    /// Whether the bytes are in memory.
    pub(crate) fn is_in_memory(&self) -> bool {
        matches!(self.source, Source::Memory(_))
    }

    /// The size in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Fills `bytes` from an offset in the file.
    pub(crate) fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        match &self.source {
            Source::File(file) => read_exact_at(file, bytes, offset),
            Source::Object(object) => object.read_exact_at(bytes, offset).map_err(passing),
            Source::Memory(all) => {
                let start = usize::try_from(offset).ok();
                let range = start.and_then(|start| Some(start..start.checked_add(bytes.len())?));
                let part = range.and_then(|range| all.get(range)).ok_or(io::ErrorKind::UnexpectedEof)?;
                bytes.copy_from_slice(part);
                Ok(())
            }
        }
    }

    /// Returns a reader that begins at an offset.
    pub(crate) fn reader(&self, offset: u64) -> BlobReader {
        BlobReader { blob: self.clone(), offset }
    }
}

impl Length for Blob {
    fn len(&self) -> u64 {
        self.bytes
    }
}

impl ChunkReader for Blob {
    type T = BufReader<BlobReader>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(BufReader::new(self.reader(start)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.bytes) {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        let mut bytes = vec![0; length];
        self.read_exact_at(&mut bytes, start)?;
        Ok(bytes.into())
    }
}

/// Reads a blob from an offset on.
#[derive(Debug)]
pub(crate) struct BlobReader {
    blob: Blob,
    offset: u64,
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.blob.bytes.saturating_sub(self.offset);
        let count = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        self.blob.read_exact_at(&mut buffer[..count], self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}

impl Seek for BlobReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let offset = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(by) => self.blob.bytes.checked_add_signed(by),
            SeekFrom::Current(by) => self.offset.checked_add_signed(by),
        };
        self.offset = offset.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.offset)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use object_store::memory::InMemory;
    use object_store::{ObjectMeta, ObjectStoreExt, PutPayload};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;
    use crate::storage::client::wait;
    use crate::storage::errors::recent_fault;
    use crate::storage::kind::Kind;

    #[test]
    fn a_refusal_of_a_store_reaches_the_thread_that_reads_through_a_library() {
        let (text, root) = ("s3://b/a.parquet".to_owned(), "s3://b".to_owned());
        let store = Arc::new(InMemory::new());
        let location = Location { store, key: "a.parquet".into(), text, root, kind: Kind::Amazon };
        let at = location.clone();
        wait(async move { at.store.put(&at.key, PutPayload::from(vec![1; 100])).await }).unwrap().unwrap();
        // A version other than the one in the store.
        let meta = ObjectMeta { e_tag: Some("another".to_owned()), ..location.head().unwrap() };
        let object = Arc::new(CachedObject::without_blocks(location, meta).unwrap());
        let blob = Blob { bytes: 100, source: Source::Object(object) };
        assert!(ParquetRecordBatchReaderBuilder::try_new(blob).is_err());
        let fault = recent_fault(Path::new("s3://b/a.parquet")).unwrap();
        assert!(fault.to_string().contains("changed while it was being read"), "{fault}");
    }
}
