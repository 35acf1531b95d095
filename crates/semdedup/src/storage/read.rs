//! Streams objects from a store. A stream continues where a cut connection left it.

use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

use bytes::Bytes;
use fs_err::File;
use futures_util::StreamExt;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStoreExt};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::error::{Error, ErrorKind, Result};
use crate::storage::client::{spawn, wait};
use crate::storage::errors::{AGAIN, MAX_CUTS, StoreError, passing, wait_after_cut};
use crate::storage::location::{Location, is_url};
use crate::storage::stamp::{Stamp, tag};

/// The most pieces of a transfer that wait to be read. A piece has at most some tens of kilobytes.
const MAX_WAITING_PIECES: usize = 64;

impl Location {
    /// Returns the metadata of the object.
    pub(crate) fn head(&self) -> std::result::Result<ObjectMeta, StoreError> {
        let at = self.clone();
        let found = wait(async move { at.store.head(&at.key).await })
            .map_err(|error| StoreError::new(ErrorKind::Usage, &self.text, error.to_string(), "try again"))?;
        found.map_err(|error| StoreError::of(ErrorKind::Input, &self.text, &error))
    }

    /// Reads a small object. Starts again if a connection is cut.
    pub(super) async fn read(&self) -> std::result::Result<Bytes, StoreError> {
        let failed = |error| StoreError::of(ErrorKind::Input, &self.text, &error);
        let mut cuts = 0;
        loop {
            // The store's client has already retried this request.
            let found = self.store.get(&self.key).await.map_err(failed)?;
            match found.bytes().await {
                Ok(bytes) => return Ok(bytes),
                Err(error) if cuts == MAX_CUTS => return Err(failed(error)),
                Err(_) => cuts += 1,
            }
            wait_after_cut(cuts).await;
        }
    }

    /// Streams a range of the object that `meta` describes. Reading fails if the object has
    /// changed.
    pub(super) fn range(&self, meta: &ObjectMeta, range: Range<u64>) -> Result<ObjectStream> {
        let (sender, pieces) = channel(MAX_WAITING_PIECES);
        let left = range.end.saturating_sub(range.start);
        let transfer = Transfer { from: self.clone(), meta: meta.clone(), range };
        spawn(transfer.run(sender))?;
        Ok(ObjectStream { pieces, piece: Bytes::new(), left, place: self.text.clone() })
    }
}

/// Whether two answers are about the same version of an object. The tag tells, or the time to the
/// second for an object without a tag.
fn is_same(a: &ObjectMeta, b: &ObjectMeta) -> bool {
    let seconds = |meta: &ObjectMeta| meta.last_modified.timestamp();
    a.size == b.size && tag(a) == tag(b) && (tag(a).is_some() || seconds(a) == seconds(b))
}

/// Streams a file from its beginning.
///
/// # Errors
/// Fails if the file does not exist, or if it is an object whose stamp is not `stamp`.
pub(crate) fn stream(path: &Path, stamp: &Stamp) -> Result<Box<dyn Read + Send>> {
    if !is_url(path) {
        return Ok(Box::new(File::open(path).map_err(|error| Error::input(path, error))?));
    }
    let location = Location::of(path)?;
    let meta = location.head()?;
    stamp.compare(path, &Stamp::of_object(&meta))?;
    Ok(Box::new(location.range(&meta, 0..meta.size)?))
}

/// Fetches a range of an object over one or more connections.
struct Transfer {
    from: Location,
    meta: ObjectMeta,
    range: Range<u64>,
}

impl Transfer {
    /// Sends all pieces, and the error that ends them if there is one. Ends early if nobody reads
    /// them any more.
    async fn run(mut self, to: Sender<io::Result<Bytes>>) {
        let mut cuts = 0;
        while self.range.start < self.range.end {
            let before = self.range.start;
            let Err(fault) = self.connection(&to).await else { return };
            if self.range.start == self.range.end {
                return;
            }
            cuts = if self.range.start > before { 1 } else { cuts + 1 };
            let ended = || StoreError::new(ErrorKind::Input, &self.from.text, "ends before its end", AGAIN);
            let Cut { fault, again } = fault.unwrap_or_else(|| Cut { fault: ended(), again: true });
            if !again || cuts > MAX_CUTS {
                // An error means that nobody reads the pieces any more.
                let _ = to.send(Err(fault.into())).await;
                return;
            }
            wait_after_cut(cuts).await;
        }
    }

    /// Sends the pieces of one connection. Returns `Ok` if nobody reads them any more, and
    /// `Err(None)` if the connection ended without an error.
    async fn connection(&mut self, to: &Sender<io::Result<Bytes>>) -> std::result::Result<(), Option<Cut>> {
        let failed = |error: &object_store::Error, again| {
            Some(Cut { fault: StoreError::of(ErrorKind::Input, &self.from.text, error), again })
        };
        let result = self.from.store.get_opts(&self.from.key, self.options()).await;
        // The store's client has already retried this request.
        let result = result.map_err(|error| failed(&error, false))?;
        if !is_same(&result.meta, &self.meta) {
            return Err(Some(Cut { fault: StoreError::changed(&self.from.text), again: false }));
        }
        let mut body = result.into_stream();
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|error| {
                Some(Cut { fault: StoreError::of(ErrorKind::Input, &self.from.text, &error), again: true })
            })?;
            let room = usize::try_from(self.range.end - self.range.start).unwrap_or(usize::MAX);
            let piece = piece.slice(..piece.len().min(room));
            self.range.start += piece.len() as u64;
            if to.send(Ok(piece)).await.is_err() {
                return Ok(());
            }
        }
        Err(None)
    }

    fn options(&self) -> GetOptions {
        let whole = self.range == (0..self.meta.size);
        // The store never matches a weak tag. `is_same` compares it afterwards.
        let strong = self.meta.e_tag.clone().filter(|tag| tag.starts_with('"'));
        let range = (!whole).then_some(GetRange::Bounded(self.range.clone()));
        GetOptions { range, if_match: strong, ..GetOptions::default() }
    }
}

/// The reason why a connection ended, and whether another one may succeed.
struct Cut {
    fault: StoreError,
    again: bool,
}

/// Reads the pieces of a transfer.
pub(super) struct ObjectStream {
    pieces: Receiver<io::Result<Bytes>>,
    piece: Bytes,
    /// The bytes that have not been read yet.
    left: u64,
    place: String,
}

impl Read for ObjectStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Ok(0);
        }
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece.map_err(passing)?,
                // The transfer has stopped without an error, but the object has not ended.
                None => return Err(passing(ended_early(&self.place))),
            }
        }
        let piece = self.piece.split_to(buffer.len().min(self.piece.len()));
        buffer[..piece.len()].copy_from_slice(&piece);
        self.left = self.left.saturating_sub(piece.len() as u64);
        Ok(piece.len())
    }
}

fn ended_early(place: &str) -> io::Error {
    let fault = StoreError::new(ErrorKind::Input, place, "ends before its end", AGAIN);
    io::Error::new(io::ErrorKind::UnexpectedEof, fault)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use super::*;
    use crate::storage::errors::fault_of;

    #[test]
    fn a_transfer_that_stops_without_an_error_is_an_error_and_not_the_end() {
        let (sender, pieces) = channel(MAX_WAITING_PIECES);
        let place = "s3://b/a.jsonl".to_owned();
        let mut stream = ObjectStream { pieces, piece: Bytes::new(), left: 7, place };
        sender.try_send(Ok(Bytes::from_static(b"rows"))).unwrap();
        drop(sender);
        let mut read = Vec::new();
        let error = stream.read_to_end(&mut read).unwrap_err();
        assert_eq!((error.kind(), read.as_slice()), (io::ErrorKind::UnexpectedEof, b"rows".as_slice()));
        assert!(fault_of(&error).unwrap().to_string().contains("s3://b/a.jsonl: ends before"), "{error}");
        assert!(stream.read(&mut [0; 4]).is_err(), "the next read fails too");
        let (sender, pieces) = channel(MAX_WAITING_PIECES);
        let mut stream = ObjectStream { pieces, left: 4, ..stream };
        sender.try_send(Ok(Bytes::from_static(b"rows"))).unwrap();
        drop(sender);
        assert_eq!(stream.read_to_end(&mut read).unwrap(), 4);
    }

    #[test]
    fn objects_without_a_tag_are_told_apart_by_their_time() {
        let at = |seconds: i64, tag: Option<&str>| ObjectMeta {
            location: "a".into(),
            last_modified: std::time::SystemTime::UNIX_EPOCH
                .checked_add(Duration::from_secs(seconds as u64))
                .unwrap()
                .into(),
            size: 4,
            e_tag: tag.map(str::to_owned),
            version: None,
        };
        assert!(is_same(&at(1, None), &at(1, None)) && !is_same(&at(1, None), &at(2, None)));
        assert!(is_same(&at(1, Some("x")), &at(2, Some("x"))) && !is_same(&at(1, Some("x")), &at(1, None)));
    }
}
