//! Writing into a store: an object is there whole, or not at all.

use std::path::Path;

use bytes::Bytes;
use fs_err::File;
use object_store::{Error as ObjectStoreError, ObjectStoreExt, PutPayload, PutResult, WriteMultipart};

use crate::error::{Error, ErrorKind, Result};
use crate::storage::blob::remember_written;
use crate::storage::client::wait;
use crate::storage::errors::StoreError;
use crate::storage::local::read_exact_at;
use crate::storage::location::Location;
use crate::storage::lock::check_held;

/// What is sent in one request; larger files go in parts of this size, or of a larger one where there would be too many.
const PART: u64 = 8 << 20;

/// Stores take 10,000 parts.
const MOST_PARTS: u64 = 9_000;

/// Parts that are under way at once.
const AT_ONCE: usize = 4;

/// An upload that fails although each of its requests was made again is begun anew so often.
const ATTEMPTS: usize = 3;

/// Sends a file that is whole to a URL, in place of what is there. What was written is here for reading.
///
/// # Errors
/// A store that cannot be written to, or that does not have all of it in the end.
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
            Err(error) if attempt < ATTEMPTS && may_do_better(&error) => {}
            Err(error) => return Err(StoreError::of(ErrorKind::Output, &location.text, &error).into()),
        }
    };
    let meta = location.head()?;
    if meta.size != bytes {
        let problem = format!("{bytes} bytes were sent, the store has {}", meta.size);
        return Err(StoreError::new(
            ErrorKind::Output,
            &location.text,
            problem,
            "run the same command again",
        )
        .into());
    }
    if written.e_tag.is_some() && written.e_tag == meta.e_tag {
        remember_written(location, meta, file);
    }
    Ok(())
}

fn may_do_better(error: &ObjectStoreError) -> bool {
    // An upload in parts whose end was confirmed on a cut connection is not found when it is confirmed again.
    matches!(error, ObjectStoreError::Generic { .. } | ObjectStoreError::NotFound { .. })
}

async fn send(to: &Location, file: &File, bytes: u64) -> object_store::Result<PutResult> {
    let read = |range: std::ops::Range<u64>| {
        let mut part = vec![0; (range.end - range.start) as usize];
        read_exact_at(file, &mut part, range.start)
            .map(|()| Bytes::from(part))
            .map_err(|error| ObjectStoreError::Generic { store: "file", source: Box::new(error) })
    };
    if bytes <= PART {
        return to.store.put(&to.key, PutPayload::from(read(0..bytes)?)).await;
    }
    let size = PART.max(bytes.div_ceil(MOST_PARTS));
    let upload = to.store.put_multipart(&to.key).await?;
    let mut upload = WriteMultipart::new_with_chunk_size(upload, size as usize);
    for start in (0..bytes).step_by(size as usize) {
        let sent = match upload.wait_for_capacity(AT_ONCE).await {
            Ok(()) => read(start..bytes.min(start + size)),
            Err(error) => Err(error),
        };
        match sent {
            Ok(part) => upload.put(part),
            Err(error) => {
                // What was sent stays in the store, invisible, where this fails too.
                let _ = upload.abort().await;
                return Err(error);
            }
        }
    }
    upload.finish().await
}
