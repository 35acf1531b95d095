//! Chooses the array that holds the embeddings in a file of several arrays.

use std::path::Path;

use crate::error::{Error, Result};

/// The names of the array that holds the embeddings, in order of preference.
const KNOWN_NAMES: [&str; 3] = ["embeddings", "embedding", "emb"];

/// Returns the name of the array that holds the embeddings, of the names in the file. `asked` is
/// the one that the user names.
///
/// # Errors
/// Fails if there is no such array, or if there are several and none has a known name.
pub(super) fn embeddings_name<'a>(path: &Path, names: &[&'a str], asked: Option<&str>) -> Result<&'a str> {
    if let Some(asked) = asked {
        return names.iter().find(|name| **name == asked).copied().ok_or_else(|| {
            Error::input(path, format!("has no array `{asked}`; its arrays are {}", names.join(", ")))
                .hint("name one of them behind the #")
        });
    }
    let known = KNOWN_NAMES.iter().find_map(|known| names.iter().find(|&name| name == known));
    match (names, known) {
        ([only], _) => Ok(only),
        ([], _) => Err(Error::input(path, "holds no array").hint("save the embeddings again")),
        (_, Some(known)) => Ok(known),
        (all, None) => Err(Error::input(path, format!("which of {} is meant is not known", all.join(", ")))
            .hint(format!("name it behind the file: '{}#{}'", path.display(), all[0]))),
    }
}
