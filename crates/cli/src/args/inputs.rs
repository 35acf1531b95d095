//! Which `.npy` files a list of files, folders and globs means.

use std::path::{Path, PathBuf};

use semdedup::{Error, Result};

/// Files that `semdedup cluster` writes: in a folder of embeddings they are none.
const NOT_EMBEDDINGS: [&str; 2] = ["centroids.npy", "assignments.npy"];

/// The files in the order of the arguments, sorted by name within a folder or a glob.
///
/// # Errors
/// An argument that matches nothing.
pub fn embedding_files(typed: &[String]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for argument in typed {
        let path = Path::new(argument);
        if path.is_dir() {
            let before = files.len();
            files.extend(folder(path)?);
            if files.len() == before {
                return Err(Error::input(path, "no .npy file of embeddings in this folder")
                    .hint("`semdedup embed` writes them, or numpy.save"));
            }
        } else if path.exists() || !argument.contains(['*', '?', '[']) {
            files.push(path.to_path_buf());
        } else {
            files.extend(matches(argument)?);
        }
    }
    Ok(files)
}

fn folder(path: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|error| Error::input(path, error))? {
        let file = entry.map_err(|error| Error::input(path, error))?.path();
        if is_embeddings(&file) {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn matches(pattern: &str) -> Result<Vec<PathBuf>> {
    let invalid = |error| Error::usage(format!("the pattern `{pattern}` is not valid: {error}"));
    let mut files = Vec::new();
    for path in glob::glob(pattern).map_err(invalid)? {
        files.push(path.map_err(|error| Error::input(error.path(), error.error()))?);
    }
    if files.is_empty() {
        return Err(Error::input(pattern, "no file matches")
            .hint("quote a pattern so that the shell leaves it alone"));
    }
    files.sort();
    Ok(files)
}

fn is_embeddings(file: &Path) -> bool {
    let is_npy = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npy"));
    is_npy && !NOT_EMBEDDINGS.iter().any(|&name| file.file_name() == Some(name.as_ref()))
}
