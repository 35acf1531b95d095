//! Caches the blocks of objects that were read: each object has an unnamed temporary file, in which
//! a block lies at the offset that it has in the object.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use fs_err::File;
use object_store::ObjectMeta;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::errors::{AGAIN, StoreError};
use crate::storage::local::{free_space, read_exact_at, write_all_at};
use crate::storage::location::Location;
use crate::storage::stamp::tag;

/// The bytes of a block: the least that one request fetches.
const BLOCK_BYTES: u64 = 1 << 20;

/// The largest size that an object may claim to have, in bytes. No store has objects of this size.
const MAX_OBJECT_BYTES: u64 = 1 << 50;

/// The most consecutive blocks that one request fetches.
const MAX_BLOCKS_PER_REQUEST: usize = 16;

/// The most objects in the cache. Each of them is an open file.
const MAX_CACHED_OBJECTS: usize = 64;

/// An object of a store, and the blocks of it that were fetched.
#[derive(Debug)]
pub(super) struct CachedObject {
    location: Location,
    meta: ObjectMeta,
    /// The fetched blocks, each at its offset in the object.
    file: File,
    blocks: Mutex<Vec<Block>>,
    /// Notified when the fetch of a block has ended, with or without success.
    fetch_ended: Condvar,
}

/// The state of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    Missing,
    Fetching,
    Cached,
}

impl CachedObject {
    /// Returns the object from the cache, or adds it without any block.
    ///
    /// # Errors
    /// Fails if the store claims an impossible size, or if no temporary file can be made.
    pub(super) fn open(location: Location, meta: ObjectMeta) -> Result<Arc<Self>> {
        match find(&location.text, &meta) {
            Some(object) => Ok(object),
            None => Ok(add(Self::without_blocks(location, meta)?)),
        }
    }

    /// The size of the object in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.meta.size
    }

    /// Makes an object of which no block was fetched. It is not added to the cache.
    pub(super) fn without_blocks(location: Location, meta: ObjectMeta) -> Result<Self> {
        if meta.size > MAX_OBJECT_BYTES {
            let problem = format!("{} bytes are claimed, more than any object has", meta.size);
            let hint = "check what the server sends";
            return Err(StoreError::new(ErrorKind::Input, &location.text, problem, hint).into());
        }
        let file = tempfile::tempfile().map_err(Error::io)?;
        let file = File::from_parts(file, &location.text);
        Ok(Self::new(location, meta, file, Block::Missing))
    }

    fn new(location: Location, meta: ObjectMeta, file: File, state: Block) -> Self {
        let blocks = vec![state; meta.size.div_ceil(BLOCK_BYTES) as usize];
        Self { location, meta, file, blocks: Mutex::new(blocks), fetch_ended: Condvar::new() }
    }

    fn blocks(&self) -> MutexGuard<'_, Vec<Block>> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fills `bytes` from an offset in the object, after fetching the blocks that are missing.
    pub(super) fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let end = offset + bytes.len() as u64;
        if end > self.meta.size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        for block in offset / BLOCK_BYTES..end.div_ceil(BLOCK_BYTES) {
            self.ensure_cached(block as usize)?;
        }
        read_exact_at(&self.file, bytes, offset)
    }

    /// Ensures that a block is cached. If the blocks before it are cached too, the object is being
    /// read in order, so that the same request fetches blocks after it.
    fn ensure_cached(&self, block: usize) -> io::Result<()> {
        let mut blocks = self.blocks();
        loop {
            match blocks[block] {
                Block::Cached => return Ok(()),
                Block::Fetching => {
                    blocks = self.fetch_ended.wait(blocks).unwrap_or_else(PoisonError::into_inner)
                }
                Block::Missing => break,
            }
        }
        let run = block..block + blocks_to_fetch(&blocks, block);
        blocks[run.clone()].fill(Block::Fetching);
        drop(blocks);
        let end = self.meta.size.min(run.end as u64 * BLOCK_BYTES);
        let fetched = self.fetch(run.start as u64 * BLOCK_BYTES..end);
        self.blocks()[run].fill(if fetched.is_ok() { Block::Cached } else { Block::Missing });
        self.fetch_ended.notify_all();
        fetched
    }

    fn fetch(&self, range: Range<u64>) -> io::Result<()> {
        let mut stream =
            self.location.range(&self.meta, range.clone()).map_err(|error| self.not_fetched(&error))?;
        let mut buffer = vec![0; 256 << 10];
        let mut at = range.start;
        while at < range.end {
            match stream.read(&mut buffer)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => {
                    write_all_at(&self.file, &buffer[..count], at)?;
                    at += count as u64;
                }
            }
        }
        Ok(())
    }

    fn not_fetched(&self, error: &Error) -> io::Error {
        StoreError::new(ErrorKind::Input, &self.location.text, error.to_string(), AGAIN).into()
    }

    /// The bytes of its blocks on the disk.
    fn cached_bytes(&self) -> u64 {
        BLOCK_BYTES * self.blocks().iter().filter(|state| **state != Block::Missing).count() as u64
    }
}

/// Returns how many blocks to fetch together from `block` on, which is missing: as many as are
/// cached before it, but at least one, and none that is not missing.
fn blocks_to_fetch(blocks: &[Block], block: usize) -> usize {
    let before = blocks[..block].iter().rev().take(MAX_BLOCKS_PER_REQUEST);
    let cached = before.take_while(|state| **state == Block::Cached).count();
    let from_here = blocks[block..].iter().take(cached.max(1));
    from_here.take_while(|state| **state == Block::Missing).count()
}

/// The objects that were opened or written most recently, oldest first.
static CACHE: Mutex<VecDeque<Arc<CachedObject>>> = Mutex::new(VecDeque::new());

/// Returns an object that was opened before and has not changed.
fn find(text: &str, meta: &ObjectMeta) -> Option<Arc<CachedObject>> {
    let same = |object: &&Arc<CachedObject>| {
        object.location.text == text
            && object.meta.size == meta.size
            && tag(meta).is_some()
            && tag(&object.meta) == tag(meta)
    };
    CACHE.lock().unwrap_or_else(PoisonError::into_inner).iter().find(same).cloned()
}

/// Adds an object in place of any other version of it. Drops the oldest objects while there are too
/// many, or while their blocks take more bytes than the disk has free.
fn add(object: CachedObject) -> Arc<CachedObject> {
    let object = Arc::new(object);
    let mut cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    cache.retain(|other| other.location.text != object.location.text);
    cache.push_back(object.clone());
    let cached_bytes =
        |cache: &VecDeque<Arc<CachedObject>>| cache.iter().map(|object| object.cached_bytes()).sum::<u64>();
    let free = free_space(&std::env::temp_dir()).unwrap_or(u64::MAX);
    while cache.len() > MAX_CACHED_OBJECTS || (cache.len() > 1 && cached_bytes(&cache) > free) {
        cache.pop_front();
    }
    object
}

/// Adds an object that was just written. `file` holds all of it.
pub(super) fn add_written(location: Location, meta: ObjectMeta, file: File) {
    add(CachedObject::new(location, meta, file, Block::Cached));
}

/// Removes the object of this URL from the cache.
pub(super) fn forget(text: &str) {
    let mut cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    cache.retain(|object| object.location.text != text);
}
