//! Finds the files of embeddings that the user names.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use fs_err as fs;

use crate::arrays::matrix::{EXTENSIONS, Matrix};
use crate::error::{Error, Result};
use crate::progress::Stage;
use crate::storage::{canonical_url, children, exists, glob, is_dir, is_url, place};
use crate::workdir::parts::{check_rows, embeddings_path, whole_records};
use crate::workdir::work_dir::{finished_stage, is_work_dir};

/// The files of embeddings that the user means: files as they are, folders with all of theirs, globs; in order of name
/// within a folder or glob.
///
/// # Errors
/// If one of them names nothing.
pub fn find_embeddings(inputs: &[String]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for input in inputs {
        let path = &place(input)?;
        // What `embed` wrote is a work directory; the manifest.json of another program is none.
        let mut paths = if is_work_dir(path)? {
            let (folder, stage) = finished_stage(path, Stage::Embed)?.ok_or_else(|| {
                Error::work(path, "the embeddings are not finished: rows would be missing")
                    .hint("run the `semdedup embed` or `run` that makes them again, it goes on where it was")
            })?;
            // By their numbers: beyond 99,999 parts the order of names is another one.
            for (part, record) in whole_records(&folder, &stage)?.iter().enumerate() {
                let matrix = Matrix::open(&embeddings_path(&folder, part))?;
                check_rows(matrix.path(), matrix.rows(), record.rows())?;
                found.push(matrix.path().to_path_buf());
            }
            continue;
        } else if is_dir(path)? {
            matrix_files(path)?
        } else if exists(path)? {
            vec![path.to_path_buf()]
        } else {
            glob(path)?.into_iter().filter(|path| !is_hidden(path)).collect()
        };
        if paths.is_empty() {
            return Err(Error::input(path, "no .npy, .npz or .safetensors file there")
                .hint("name such files, a folder of them, or a glob"));
        }
        paths.sort();
        found.extend(paths);
    }
    let mut seen = HashSet::new();
    for path in &found {
        let real =
            if is_url(path) { canonical_url(path) } else { fs::canonicalize(path).map_err(Error::io)? };
        if !seen.insert(real) {
            return Err(Error::input(path, "is named twice: each of its rows would be a duplicate")
                .hint("name each file once"));
        }
    }
    Ok(found)
}

/// What [`crate::cluster()`] writes: beside embeddings, these are none.
const CLUSTER_FILES: [&str; 3] = ["centroids.npy", "assignments.npy", "probes.npy"];

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn matrix_files(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(children(folder)?
        .into_iter()
        .filter(|path| !is_hidden(path))
        .filter(|path| EXTENSIONS.iter().any(|&known| path.extension().is_some_and(|e| e == known)))
        .filter(|path| !CLUSTER_FILES.iter().any(|&name| path.file_name().is_some_and(|file| file == name)))
        .collect())
}
