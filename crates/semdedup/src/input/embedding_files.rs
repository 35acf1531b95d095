//! Finds the files of embeddings that the user names.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use fs_err as fs;

use crate::arrays::matrix::{EXTENSIONS, Matrix};
use crate::arrays::place::{ArrayPlace, Part};
use crate::error::{Error, Result};
use crate::foreign;
use crate::progress::Stage;
use crate::storage::{canonical_url, children, exists, glob, is_dir, is_url, place};
use crate::workdir::manifest::{FinishedStage, finished_stage, is_work_dir};
use crate::workdir::parts::{check_rows, embeddings_path, in_work_dir, whole_records};
use crate::workdir::sums::check_embeddings;

/// Finds the files of embeddings that the user names: files, folders with all their files of
/// embeddings, and globs. The files of a folder or glob are in the order of their names.
///
/// Behind a file of several arrays, `#` names one of them (`shard.npz#l14_img`); behind a file of
/// bare numbers, their type and the dimension (`shard.bin#float32x768`).
///
/// # Errors
/// Fails if an input names no file, or if a file is named twice.
pub fn find_embeddings(inputs: &[String]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for input in inputs {
        let meant = ArrayPlace::of(Path::new(input));
        let path = &place(&meant.file.to_string_lossy())?;
        if is_dir(path)? {
            check_no_folder(path, &meant)?;
        }
        // `embed` writes a work directory. Another program's folder may have a `manifest.json` too.
        if is_work_dir(path)? {
            found.extend(embedded_files(path)?);
            continue;
        }
        let mut paths = if is_dir(path)? {
            matrix_files(path)?
        } else if exists(path)? {
            vec![path.to_path_buf()]
        } else {
            glob(path)?.into_iter().filter(|path| !is_hidden(path)).collect()
        };
        if paths.is_empty() {
            if is_dir(path)?
                && let Some(error) = foreign::named(path)
            {
                return Err(error);
            }
            return Err(Error::input(path, "no .npy, .npz or .safetensors file there")
                .hint("name such files, a folder of them, or a glob"));
        }
        paths.sort();
        found.extend(paths.into_iter().map(|path| meant.in_file(path)));
    }
    check_distinct(&found)?;
    Ok(found)
}

/// Returns the files of embeddings in a work directory, in the order of their numbers. The order of
/// their names differs from 100,000 parts on.
fn embedded_files(work: &Path) -> Result<Vec<PathBuf>> {
    let Some(FinishedStage { folder, fingerprint }) = finished_stage(work, Stage::Embed)? else {
        return Err(Error::work(work, "the embeddings are not finished: rows would be missing")
            .hint("run the same `semdedup embed` or `semdedup run` again: it continues where it was"));
    };
    let mut files = Vec::new();
    for (part, record) in whole_records(&folder, &fingerprint)?.iter().enumerate() {
        let path = embeddings_path(&folder, part);
        let matrix = Matrix::open(&path).map_err(|error| in_work_dir(&path, error))?;
        check_rows(matrix.path(), matrix.rows(), record.rows())?;
        check_embeddings(matrix.path(), record.sum.as_deref())?;
        files.push(matrix.path().to_path_buf());
    }
    Ok(files)
}

/// Fails if a folder is named as bare numbers: which of its files hold them is not known.
fn check_no_folder(path: &Path, meant: &ArrayPlace) -> Result<()> {
    match meant.part {
        Part::Bare { .. } => {
            Err(Error::input(path, "a folder: which of its files hold bare numbers is not known")
                .hint("name the files, or a glob such as 'embeddings/*.bin'"))
        }
        _ => Ok(()),
    }
}

/// Fails if a file is named twice, even under different names.
fn check_distinct(paths: &[PathBuf]) -> Result<()> {
    let (mut seen, mut whole, mut in_part) = (HashSet::new(), HashSet::new(), HashSet::new());
    for path in paths {
        let meant = ArrayPlace::of(path);
        let file = meant.file.as_path();
        let real =
            if is_url(file) { canonical_url(file) } else { fs::canonicalize(file).map_err(Error::io)? };
        // One of the arrays of a file may be the one that is taken of the whole file.
        let is_whole = meant.part == Part::Whole;
        let is_both = if is_whole { in_part.contains(&real) } else { whole.contains(&real) };
        if is_whole {
            whole.insert(real.clone())
        } else {
            in_part.insert(real.clone())
        };
        let real = meant.in_file(real);
        if is_both || !seen.insert(real) {
            return Err(Error::input(path, "is named twice: each of its rows would be a duplicate")
                .hint("name each file once"));
        }
    }
    Ok(())
}

/// The files that [`crate::cluster()`] writes. They are no embeddings.
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
