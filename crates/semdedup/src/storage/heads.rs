//! Requests the metadata of many objects at the same time.

use futures_util::StreamExt;
use object_store::{ObjectMeta, ObjectStoreExt};

use crate::error::{ErrorKind, Result};
use crate::storage::client::wait;
use crate::storage::errors::StoreError;
use crate::storage::location::Location;

/// The most requests of one kind that are in progress at the same time.
pub(crate) const MAX_REQUESTS: usize = 32;

/// Returns the metadata of objects, in the given order.
///
/// # Errors
/// Fails if an object does not exist or cannot be read.
pub(crate) fn heads(locations: Vec<Location>) -> Result<Vec<ObjectMeta>> {
    Ok(try_heads(locations)?.into_iter().collect::<std::result::Result<_, _>>()?)
}

/// Returns the metadata of each object, or why there is none, in the given order.
pub(crate) fn try_heads(
    locations: Vec<Location>,
) -> Result<Vec<std::result::Result<ObjectMeta, StoreError>>> {
    wait(async move {
        let heads = locations.into_iter().map(|at| async move {
            let head = at.store.head(&at.key).await;
            head.map_err(|error| StoreError::of(ErrorKind::Input, &at.text, &error))
        });
        futures_util::stream::iter(heads).buffered(MAX_REQUESTS).collect::<Vec<_>>().await
    })
}
