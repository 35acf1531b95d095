//! Reads and writes the object by which a process locks a folder in a store.

use object_store::{
    Error as ObjectStoreError, ObjectStoreExt, PutMode, PutOptions, PutPayload, UpdateVersion,
};

use crate::error::{ErrorKind, Result};
use crate::storage::client::wait;
use crate::storage::errors::StoreError;
use crate::storage::location::Location;
use crate::storage::owner::Owner;

/// The outcome of a conditional write.
pub(super) enum Put {
    Done,
    /// The store has another object, or another version of it.
    Refused,
}

/// The owner that a lock object names, and the version of the object.
pub(super) struct StoredOwner {
    pub(super) owner: Owner,
    pub(super) version: UpdateVersion,
}

impl Location {
    /// Writes the lock object if `mode` allows it.
    pub(super) fn put_owner(&self, owner: &Owner, mode: PutMode) -> Result<Put> {
        let (at, owner) = (self.clone(), owner.clone());
        let put = wait(async move { at.put_owner_now(&owner, mode).await })?;
        put.map_err(|error| StoreError::of(ErrorKind::Work, &self.text, &error).into())
    }

    /// Writes the lock object if `mode` allows it, on a network thread.
    pub(super) async fn put_owner_now(&self, owner: &Owner, mode: PutMode) -> object_store::Result<Put> {
        let json = serde_json::to_vec(owner).unwrap_or_default();
        let put = |mode| {
            let options = PutOptions { mode, ..PutOptions::default() };
            self.store.put_opts(&self.key, PutPayload::from(json.clone()), options)
        };
        match put(mode.clone()).await {
            Ok(_) => Ok(Put::Done),
            Err(ObjectStoreError::AlreadyExists { .. } | ObjectStoreError::Precondition { .. }) => {
                Ok(Put::Refused)
            }
            Err(ObjectStoreError::NotFound { .. }) if matches!(mode, PutMode::Update(_)) => Ok(Put::Refused),
            // In a store without conditional writes the user must ensure that one process runs.
            Err(ObjectStoreError::NotImplemented { .. } | ObjectStoreError::NotSupported { .. }) => {
                put(PutMode::Overwrite).await.map(|_| Put::Done)
            }
            Err(error) => Err(error),
        }
    }

    /// Reads the lock object, if it exists.
    pub(super) fn stored_owner(&self) -> Result<Option<StoredOwner>> {
        let at = self.clone();
        let found = wait(async move { at.stored_owner_now().await })?;
        found.map_err(|error| StoreError::of(ErrorKind::Work, &self.text, &error).into())
    }

    /// Reads the lock object, if it exists, on a network thread.
    pub(super) async fn stored_owner_now(&self) -> object_store::Result<Option<StoredOwner>> {
        let found = match self.store.get(&self.key).await {
            Err(ObjectStoreError::NotFound { .. }) => return Ok(None),
            found => found?,
        };
        let version = UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
        let bytes = found.bytes().await?;
        // No living process writes a lock object that cannot be parsed.
        let owner = serde_json::from_slice(&bytes).unwrap_or_else(|_| Owner::nobody());
        Ok(Some(StoredOwner { owner, version }))
    }
}
