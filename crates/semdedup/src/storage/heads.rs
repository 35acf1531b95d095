//! Asks stores what they know of objects, many at once.

use futures_util::StreamExt;
use object_store::{ObjectMeta, ObjectStoreExt};

use crate::error::{ErrorKind, Result};
use crate::storage::client::wait;
use crate::storage::errors::StoreError;
use crate::storage::location::Location;

/// Requests of one kind that are under way at once.
pub(crate) const AT_ONCE: usize = 32;

/// What the stores say of some objects.
pub(crate) fn heads(locations: Vec<Location>) -> Result<Vec<ObjectMeta>> {
    Ok(ask(locations)?.into_iter().collect::<std::result::Result<_, _>>()?)
}

pub(crate) fn ask(locations: Vec<Location>) -> Result<Vec<std::result::Result<ObjectMeta, StoreError>>> {
    wait(async move {
        let heads = locations.into_iter().map(|at| async move {
            let head = at.store.head(&at.key).await;
            head.map_err(|error| StoreError::of(ErrorKind::Input, &at.text, &error))
        });
        futures_util::stream::iter(heads).buffered(AT_ONCE).collect::<Vec<_>>().await
    })
}
