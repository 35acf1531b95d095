//! JSON objects that end with a sum of what stands before it, by which a later run notices a changed
//! bit.

use std::path::Path;

use serde::Serialize;
use xxhash_rust::xxh3::Xxh3;

use crate::error::{Error, Result};
use crate::storage::atomic::write_atomically;
use crate::workdir::sums::{damaged, shown};

/// What stands before the sum.
const KEY: &[u8] = b",\"record_sum\":\"";

/// What stands behind it.
const END: &[u8] = b"\"}";

/// The digits of the sum.
const DIGITS: usize = 16;

/// Writes an object that has at least one field, with its sum as the last one.
pub(crate) fn write_sealed(path: &Path, object: &impl Serialize) -> Result<()> {
    let json = serde_json::to_vec(object).map_err(|error| Error::work(path, error))?;
    let fields = json.strip_suffix(b"}").unwrap_or(&json);
    write_atomically(path, &[fields, KEY, sum_of(fields).as_bytes(), END].concat())
}

/// Fails if an object is not the one that was written. One by an earlier version has no sum.
pub(crate) fn check_seal(path: &Path, json: &[u8]) -> Result<()> {
    let Some((fields, sum)) = split(json) else { return Ok(()) };
    match sum_of(fields).as_bytes() == sum {
        true => Ok(()),
        false => {
            Err(damaged(path).hint("put the file back as it was, or delete the work directory to begin anew"))
        }
    }
}

/// Splits an object into the fields and their sum.
fn split(json: &[u8]) -> Option<(&[u8], &[u8])> {
    let (rest, sum) = json.strip_suffix(END)?.split_last_chunk::<DIGITS>()?;
    Some((rest.strip_suffix(KEY)?, sum))
}

fn sum_of(bytes: &[u8]) -> String {
    let mut hash = Xxh3::new();
    hash.update(bytes);
    shown(&hash)
}
