//! Sends files to a store: an object is complete, or it does not exist.

use std::path::Path;

use bytes::Bytes;
use fs_err::File;
use object_store::{Error as ObjectStoreError, ObjectStoreExt, PutPayload, PutResult, WriteMultipart};

use crate::error::{Error, ErrorKind, Result};
use crate::storage::cached_object::add_written;
use crate::storage::client::wait;
use crate::storage::errors::StoreError;
use crate::storage::local::read_exact_at;
use crate::storage::location::Location;
use crate::storage::lock::check_held;

/// The largest file in bytes that is sent in one request, and the least size of a part of a larger
/// file.
const PART_BYTES: u64 = 8 << 20;

/// The most parts of an upload. Stores take 10,000.
const MAX_PARTS: u64 = 9_000;

/// The most parts that are in progress at the same time.
const MAX_PARTS_IN_PROGRESS: usize = 4;

/// The attempts at an upload. The store's client also retries each request of an attempt.
const MAX_ATTEMPTS: usize = 3;

/// Sends a complete file to a URL and replaces what is there. The object is added to the cache, so
/// that reading it fetches nothing.
///
/// # Errors
/// Fails if the store cannot be written to, or if the object is not complete afterwards.
pub(crate) fn upload(file: File, to: &Path) -> Result<()> {
    let location = Location::of(to)?;
    location.check_writable()?;
    let bytes = file.metadata().map_err(Error::io)?.len();
    let mut attempt = 0;
    let written = loop {
        attempt += 1;
        check_held(&location.text)?;
        let (at, part) = (location.clone(), file.try_clone().map_err(Error::io)?);
        match wait(async move { send(&at, &part, bytes).await })? {
            Ok(written) => break written,
            Err(error) if attempt < MAX_ATTEMPTS && is_worth_a_retry(&error) => {}
            Err(error) => return Err(StoreError::of(ErrorKind::Output, &location.text, &error).into()),
        }
    };
    let meta = location.head()?;
    if meta.size != bytes {
        let problem = format!("{bytes} bytes were sent, the store has {}", meta.size);
        let hint = "run the same command again";
        return Err(StoreError::new(ErrorKind::Output, &location.text, problem, hint).into());
    }
    if written.e_tag.is_some() && written.e_tag == meta.e_tag {
        add_written(location, meta, file);
    }
    Ok(())
}

fn is_worth_a_retry(error: &ObjectStoreError) -> bool {
    // If the connection is cut while an upload in parts is completed, the client completes it again
    // and gets "not found".
    matches!(error, ObjectStoreError::Generic { .. } | ObjectStoreError::NotFound { .. })
}

async fn send(to: &Location, file: &File, bytes: u64) -> object_store::Result<PutResult> {
    let read = |range: std::ops::Range<u64>| {
        let mut part = vec![0; (range.end - range.start) as usize];
        read_exact_at(file, &mut part, range.start)
            .map(|()| Bytes::from(part))
            .map_err(|error| ObjectStoreError::Generic { store: "file", source: Box::new(error) })
    };
    if bytes <= PART_BYTES {
        return to.store.put(&to.key, PutPayload::from(read(0..bytes)?)).await;
    }
    let size = PART_BYTES.max(bytes.div_ceil(MAX_PARTS));
    let upload = to.store.put_multipart(&to.key).await?;
    let mut upload = WriteMultipart::new_with_chunk_size(upload, size as usize);
    for start in (0..bytes).step_by(size as usize) {
        let sent = match upload.wait_for_capacity(MAX_PARTS_IN_PROGRESS).await {
            Ok(()) => read(start..bytes.min(start + size)),
            Err(error) => Err(error),
        };
        match sent {
            Ok(part) => upload.put(part),
            Err(error) => {
                // If this fails too, the parts stay in the store, where nobody sees them.
                let _ = upload.abort().await;
                return Err(error);
            }
        }
    }
    upload.finish().await
}
