//! A file that is read here and there: one on the disk, or an object of which the blocks that were asked for are kept in
//! a file without a name.

use std::collections::VecDeque;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use fs_err::File;
use object_store::ObjectMeta;
use parquet::file::reader::{ChunkReader, Length};

use crate::error::{Error, ErrorKind, Result};
use crate::storage::errors::{AGAIN, StoreError, passing};
use crate::storage::local::{free_space, read_exact_at, write_all_at};
use crate::storage::location::{Location, is_url};
use crate::storage::stamp::tag;

/// What is fetched at least.
const BLOCK: u64 = 1 << 20;

/// No store has objects of this size.
const MOST: u64 = 1 << 50;

/// The most blocks that are fetched in one go, where one follows the other.
const RUN: usize = 16;

/// Objects that are remembered, at most: each is an open file.
const REMEMBERED: usize = 64;

/// A file of which any bytes can be read, by any thread.
#[derive(Debug, Clone)]
pub(crate) struct Blob {
    bytes: u64,
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    File(Arc<File>),
    Object(Arc<Object>),
}

impl Blob {
    /// Opens a file or an object.
    ///
    /// # Errors
    /// There is none, or it may not be read.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        if !is_url(path) {
            return Self::of_file(File::open(path).map_err(Error::io)?);
        }
        let location = Location::of(path)?;
        let meta = location.head()?;
        let object = match remembered(&location.text, &meta) {
            Some(object) => object,
            None => remember(Object::unread(location, meta)?),
        };
        Ok(Self { bytes: object.meta.size, source: Source::Object(object) })
    }

    /// A file that is open already.
    pub(crate) fn of_file(file: File) -> Result<Self> {
        let bytes = file.metadata().map_err(Error::io)?.len();
        Ok(Self { bytes, source: Source::File(Arc::new(file)) })
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Fills `bytes` from a place in the file.
    pub(crate) fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        match &self.source {
            Source::File(file) => read_exact_at(file, bytes, offset),
            Source::Object(object) => object.read_exact_at(bytes, offset).map_err(passing),
        }
    }

    /// Reads on from a place.
    pub(crate) fn reader(&self, at: u64) -> BlobReader {
        BlobReader { blob: self.clone(), at }
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

/// A blob with a place in it.
#[derive(Debug)]
pub(crate) struct BlobReader {
    blob: Blob,
    at: u64,
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.blob.bytes.saturating_sub(self.at);
        let count = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        self.blob.read_exact_at(&mut buffer[..count], self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for BlobReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.blob.bytes.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// An object and what of it is here.
#[derive(Debug)]
struct Object {
    location: Location,
    meta: ObjectMeta,
    /// The blocks that are here lie where they lie in the object.
    here: File,
    blocks: Mutex<Vec<Block>>,
    /// Told when a block has come, or has failed to.
    come: Condvar,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    Away,
    Coming,
    Here,
}

impl Object {
    fn unread(location: Location, meta: ObjectMeta) -> Result<Self> {
        if meta.size > MOST {
            let problem = format!("{} bytes are claimed, more than any object has", meta.size);
            return Err(StoreError::new(
                ErrorKind::Input,
                &location.text,
                problem,
                "look what the server sends",
            )
            .into());
        }
        let here = tempfile::tempfile().map_err(Error::io)?;
        let here = File::from_parts(here, &location.text);
        Ok(Self::new(location, meta, here, Block::Away))
    }

    fn new(location: Location, meta: ObjectMeta, here: File, state: Block) -> Self {
        let blocks = vec![state; meta.size.div_ceil(BLOCK) as usize];
        Self { location, meta, here, blocks: Mutex::new(blocks), come: Condvar::new() }
    }

    fn blocks(&self) -> MutexGuard<'_, Vec<Block>> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let end = offset + bytes.len() as u64;
        if end > self.meta.size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        for block in offset / BLOCK..end.div_ceil(BLOCK) {
            self.bring(block as usize)?;
        }
        read_exact_at(&self.here, bytes, offset)
    }

    /// Sees to it that a block is here. Where those before it are, more of those after it come along.
    fn bring(&self, block: usize) -> io::Result<()> {
        let mut blocks = self.blocks();
        loop {
            match blocks[block] {
                Block::Here => return Ok(()),
                Block::Coming => blocks = self.come.wait(blocks).unwrap_or_else(PoisonError::into_inner),
                Block::Away => break,
            }
        }
        let before =
            blocks[..block].iter().rev().take(RUN).take_while(|state| **state == Block::Here).count();
        let away =
            blocks[block..].iter().take(before.max(1)).take_while(|state| **state == Block::Away).count();
        let run = block..block + away;
        blocks[run.clone()].fill(Block::Coming);
        drop(blocks);
        let fetched = self.fetch(run.start as u64 * BLOCK..self.meta.size.min(run.end as u64 * BLOCK));
        self.blocks()[run].fill(if fetched.is_ok() { Block::Here } else { Block::Away });
        self.come.notify_all();
        fetched
    }

    fn fetch(&self, range: std::ops::Range<u64>) -> io::Result<()> {
        let mut stream =
            self.location.range(&self.meta, range.clone()).map_err(|error| self.unread_because(&error))?;
        let mut buffer = vec![0; 256 << 10];
        let mut at = range.start;
        while at < range.end {
            match stream.read(&mut buffer)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => {
                    write_all_at(&self.here, &buffer[..count], at)?;
                    at += count as u64;
                }
            }
        }
        Ok(())
    }

    fn unread_because(&self, error: &Error) -> io::Error {
        StoreError::new(ErrorKind::Input, &self.location.text, error.to_string(), AGAIN).into()
    }

    /// The disk that it takes.
    fn bytes_here(&self) -> u64 {
        BLOCK * self.blocks().iter().filter(|state| **state != Block::Away).count() as u64
    }
}

/// The objects that were opened or written last: what is here need not be fetched again.
static MEMORY: Mutex<VecDeque<Arc<Object>>> = Mutex::new(VecDeque::new());

/// An object that was opened before and is the same still.
fn remembered(text: &str, meta: &ObjectMeta) -> Option<Arc<Object>> {
    let same = |object: &&Arc<Object>| {
        object.location.text == text
            && object.meta.size == meta.size
            && tag(meta).is_some()
            && tag(&object.meta) == tag(meta)
    };
    MEMORY.lock().unwrap_or_else(PoisonError::into_inner).iter().find(same).cloned()
}

/// Remembers an object in place of others of its name, and of the oldest ones where the disk gets short.
fn remember(object: Object) -> Arc<Object> {
    let object = Arc::new(object);
    let mut memory = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    memory.retain(|other| other.location.text != object.location.text);
    memory.push_back(object.clone());
    let here = |memory: &VecDeque<Arc<Object>>| memory.iter().map(|object| object.bytes_here()).sum::<u64>();
    let free = free_space(&std::env::temp_dir()).unwrap_or(u64::MAX);
    while memory.len() > REMEMBERED || (memory.len() > 1 && here(&memory) > free) {
        memory.pop_front();
    }
    object
}

/// Remembers what was just written: `here` holds all of it.
pub(super) fn remember_written(location: Location, meta: ObjectMeta, here: File) {
    remember(Object::new(location, meta, here, Block::Here));
}

/// Forgets what is no more.
pub(super) fn forget(text: &str) {
    let mut memory = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    memory.retain(|object| object.location.text != text);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use object_store::memory::InMemory;
    use object_store::{ObjectStoreExt, PutPayload};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;
    use crate::storage::client::{Kind, wait};
    use crate::storage::errors::recent_fault;

    #[test]
    fn what_a_store_refuses_is_known_to_the_thread_that_reads_through_a_library() {
        let (text, root) = ("s3://b/a.parquet".to_owned(), "s3://b".to_owned());
        let store = Arc::new(InMemory::new());
        let location = Location { store, key: "a.parquet".into(), text, root, kind: Kind::Amazon };
        let at = location.clone();
        wait(async move { at.store.put(&at.key, PutPayload::from(vec![1; 100])).await }).unwrap().unwrap();
        // Another version than the one that is there.
        let meta = ObjectMeta { e_tag: Some("another".to_owned()), ..location.head().unwrap() };
        let object = Arc::new(Object::unread(location, meta).unwrap());
        let blob = Blob { bytes: 100, source: Source::Object(object) };
        assert!(ParquetRecordBatchReaderBuilder::try_new(blob).is_err());
        let fault = recent_fault(Path::new("s3://b/a.parquet")).unwrap();
        assert!(fault.to_string().contains("changed while it was being read"), "{fault}");
    }
}
