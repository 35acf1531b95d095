//! Takes a folder of this disk in which a result for a store is written first.

use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use crate::error::Result;
use crate::storage::marks::STAGED;
use crate::storage::{Lock, create_dir_all};

/// A folder of this disk that no other run writes into.
#[derive(Debug)]
pub(super) struct Scratch {
    pub(super) folder: PathBuf,
    /// Held, but not checked: the lock of the output folder decides whether the run continues.
    _lock: Lock,
}

impl Scratch {
    /// Takes the folder of a result. Each output folder and each user has a folder of its own.
    pub(super) fn take(out: &Path) -> Result<Self> {
        let home = std::env::var_os("HOME").unwrap_or_default();
        let folder = std::env::temp_dir().join(scratch_name(out, Path::new(&home)));
        create_dir_all(&folder)?;
        let _lock = Lock::take(&folder)?;
        Ok(Self { folder, _lock })
    }
}

/// Names the folder by a hash of both paths. Each path is hashed with an end mark, because joined
/// paths would be `home` alone if it is absolute.
fn scratch_name(out: &Path, home: &Path) -> String {
    let mut hash = Xxh3::new();
    for path in [out, home] {
        hash.update(path.as_os_str().as_encoded_bytes());
        hash.update(&[0]);
    }
    format!("{STAGED}{:016x}", hash.digest())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_output_folder_and_each_user_has_a_scratch_folder_of_its_own() {
        let name = |out: &str, home: &str| scratch_name(Path::new(out), Path::new(home));
        let first = name("s3://bucket/a", "/home/one");
        assert_eq!(name("s3://bucket/a", "/home/one"), first);
        let others = [
            name("s3://bucket/b", "/home/one"),
            name("s3://bucket/a", "/home/two"),
            name("s3://bucket/a/home/one", ""),
        ];
        assert!(!others.contains(&first), "{others:?}");
    }
}
