//! Chooses the array that holds the embeddings in a file of several arrays.

use std::path::Path;

use crate::error::{Error, Result};

/// The names of the array that holds the embeddings, in order of preference.
const KNOWN_NAMES: [&str; 3] = ["embeddings", "embedding", "emb"];

/// Returns the name of the array that holds the embeddings, of the names in the file.
///
/// # Errors
/// Fails if there is no array, or if there are several and none has a known name.
pub(super) fn embeddings_name<'a>(path: &Path, names: &[&'a str]) -> Result<&'a str> {
    let known = KNOWN_NAMES.iter().find_map(|known| names.iter().find(|&name| name == known));
    match (names, known) {
        ([only], _) => Ok(only),
        ([], _) => Err(Error::input(path, "holds no array").hint("save the embeddings again")),
        (_, Some(known)) => Ok(known),
        _ => Err(Error::input(path, format!("which of {} is meant is not known", names.join(", ")))
            .hint(format!("call one of them `{}`, or keep one alone in the file", KNOWN_NAMES[0]))),
    }
}
