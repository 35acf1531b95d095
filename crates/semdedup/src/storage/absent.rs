//! What stands in for the clients of stores in a program that was built without them.

use std::sync::Arc;

use object_store::ObjectStore;

use crate::error::{Error, Result};
use crate::storage::kind::Kind;

/// Fails: the feature is missing.
pub(super) fn connect(_: Kind, root: &str) -> Result<Arc<dyn ObjectStore>> {
    Err(Error::usage(format!("{root}: this program was built without the feature `cloud`"))
        .hint("build it with `--features cloud`, or without `--no-default-features`"))
}
