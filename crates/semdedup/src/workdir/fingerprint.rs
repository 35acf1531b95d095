//! Hashes everything that the result of a stage depends on.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::error::{Error, Result};

/// The version of the work directory. It changes whenever the files in it change their meaning.
pub(super) const FORMAT_VERSION: u32 = 2;

/// The hash of everything that the result of a stage depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fingerprint(String);

impl Fingerprint {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Hashes parameters that serialize to JSON, and the fingerprint of the stage before.
    pub(crate) fn of(parameters: &impl Serialize, before: Option<&Fingerprint>) -> Result<Self> {
        let json = serde_json::to_vec(&(FORMAT_VERSION, parameters, before))
            .map_err(|error| Error::usage(format!("parameters cannot be recorded: {error}")))?;
        Ok(Self(format!("{:032x}", xxh3_128(&json))))
    }
}
