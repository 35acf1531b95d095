//! A hash of all files that decide about the embeddings.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use super::config::unreadable;
use super::failure::Result;
use super::{sentence, weights};

/// The version of the computation. Raise it when the same weights give other embeddings.
pub(super) const REVISION: u32 = 3;

/// Files beside the weights that change the embeddings, besides those of [`sentence::NAMES`].
const READ: [&str; 4] =
    ["config.json", "tokenizer.json", "tokenizer_config.json", "preprocessor_config.json"];

/// Returns a hash of the files of the transformer's folder `root` that were read, and of `extra`
/// files.
pub(super) fn hash(root: &Path, extra: &[PathBuf]) -> Result<u64> {
    let mut hash = Xxh3::new();
    let beside =
        READ.iter().chain(&sentence::NAMES).map(|name| root.join(name)).filter(|path| path.is_file());
    let mut buffer = vec![0; 1 << 20];
    for path in beside.chain(weights::files(root)?).chain(extra.iter().cloned()) {
        let unreadable = |error: std::io::Error| unreadable(&path, &error);
        let mut file = File::open(&path).map_err(unreadable)?;
        hash.update(&file.metadata().map_err(unreadable)?.len().to_le_bytes());
        loop {
            match file.read(&mut buffer).map_err(unreadable)? {
                0 => break,
                read => hash.update(&buffer[..read]),
            }
        }
    }
    Ok(hash.digest())
}
