//! Lists the objects below a key.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use object_store::path::Path as Key;
use object_store::{Error as ObjectStoreError, ObjectMeta, ObjectStore};

use crate::error::{Error, ErrorKind, Result};
use crate::storage::client::wait;
use crate::storage::errors::{MAX_CUTS, NO_BUCKET, StoreError, all_of, wait_after_cut};
use crate::storage::heads::try_heads;
use crate::storage::kind::Kind;
use crate::storage::location::Location;
use crate::storage::odd_keys::collecting;

/// A request that fails after this time has already been retried by the store's client.
const CLIENT_RETRY_TIME: Duration = Duration::from_secs(15);

/// The objects below a key.
#[derive(Debug)]
pub(super) struct Listed {
    pub objects: Vec<ObjectMeta>,
    /// The keys that no path can have.
    pub odd: Vec<String>,
}

impl Listed {
    /// Fails if one of `odd` keys is meant.
    pub(super) fn check_odd(&self, place: &str, is_meant: impl Fn(&str) -> bool) -> Result<()> {
        match self.odd.iter().find(|key| is_meant(key)).map(Key::parse) {
            Some(Err(source)) => {
                let error = ObjectStoreError::InvalidPath { source };
                Err(StoreError::of(ErrorKind::Input, place, &error).into())
            }
            _ => Ok(()),
        }
    }
}

impl Location {
    /// Lists all objects below this key, in the order of their keys.
    ///
    /// # Errors
    /// A key among them that no path can have.
    pub(crate) fn objects(&self) -> Result<Vec<ObjectMeta>> {
        let listed = self.listed()?;
        listed.check_odd(&self.text, |_| true)?;
        Ok(listed.objects)
    }

    /// Lists all objects below this key, in the order of their keys.
    pub(super) fn listed(&self) -> Result<Listed> {
        if self.kind == Kind::Http {
            return Err(Error::input(&self.text, "no such file, and a web server has no list of its files")
                .hint("name each file"));
        }
        let at = self.clone();
        let found = wait(async move { at.list(usize::MAX).await })?;
        let mut listed = found.map_err(|error| StoreError::of(ErrorKind::Input, &self.text, &error))?;
        let found = &mut listed.objects;
        // Beside an object there may be an empty one whose key ends with a slash, which the list
        // here cuts off.
        found.sort_by(|a, b| a.location.cmp(&b.location).then(b.size.cmp(&a.size)));
        found.dedup_by(|b, a| a.location == b.location);
        Ok(listed)
    }

    /// Lists the objects below this key, at most `most` of them. Starts again if a connection is
    /// cut. (It does not continue after the last object: some stores do not list in the order of
    /// the keys, and no object may be missed.)
    pub(super) async fn list(&self, most: usize) -> object_store::Result<Listed> {
        let prefix = (!self.key.as_ref().is_empty()).then_some(&self.key);
        let mut cuts = 0;
        loop {
            let (mut found, mut last) = (Vec::new(), Instant::now());
            let mut objects = self.store.list(prefix).take(most);
            let (failure, odd) = collecting(async {
                loop {
                    match objects.next().await {
                        Some(Ok(object)) => found.push(object),
                        Some(Err(error)) => break Some(error),
                        None => break None,
                    }
                    last = Instant::now();
                }
            })
            .await;
            let Some(failure) = failure else { return Ok(Listed { objects: found, odd }) };
            cuts += 1;
            if cuts > MAX_CUTS || !is_cut(&failure, last.elapsed()) {
                return Err(failure);
            }
            wait_after_cut(cuts).await;
        }
    }

    /// Returns the metadata of listed objects, because a list may leave out what tells versions
    /// apart. Skips an empty object that does not exist: it is the mark of a folder (Hadoop's),
    /// whose key ends with a slash that the list here does not have.
    pub(crate) fn heads(&self, listed: Vec<ObjectMeta>) -> Result<Vec<ObjectMeta>> {
        let locations = listed.iter().map(|object| self.at(object.location.clone())).collect();
        let found = listed.iter().zip(try_heads(locations)?);
        let there = found
            .filter(|(listed, head)| listed.size > 0 || !head.as_ref().is_err_and(|fault| fault.not_found));
        Ok(there.map(|(_, head)| head).collect::<std::result::Result<_, _>>()?)
    }
}

/// Whether a failure after this time is a cut connection that is worth another request.
fn is_cut(failure: &object_store::Error, after: Duration) -> bool {
    matches!(failure, object_store::Error::Generic { .. }) && after < CLIENT_RETRY_TIME && !is_answer(failure)
}

/// Whether a failure is the store's answer, which another request does not change.
fn is_answer(failure: &object_store::Error) -> bool {
    let text = all_of(failure);
    NO_BUCKET.iter().chain(&["illegal character"]).any(|said| text.contains(said))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use object_store::memory::InMemory;
    use object_store::{ObjectStoreExt, PutPayload};

    use super::*;

    #[test]
    fn the_mark_of_a_folder_is_skipped_and_an_object_that_has_gone_is_an_error() {
        let (text, root) = ("s3://b/in".to_owned(), "s3://b".to_owned());
        let location =
            Location { store: Arc::new(InMemory::new()), key: "in".into(), text, root, kind: Kind::Amazon };
        let at = location.clone();
        wait(async move { at.store.put(&"in/a.jsonl".into(), PutPayload::from(vec![1; 3])).await })
            .unwrap()
            .unwrap();
        let there = location.objects().unwrap();
        let listed = |name: &str, size| ObjectMeta { location: name.into(), size, ..there[0].clone() };
        let found = location.heads(vec![there[0].clone(), listed("in/mark.jsonl", 0)]).unwrap();
        assert_eq!(found, there);
        let error = location.heads(vec![listed("in/gone.jsonl", 7)]).unwrap_err();
        assert!(error.to_string().contains("s3://b/in/gone.jsonl: no such object"), "{error}");
    }
}
