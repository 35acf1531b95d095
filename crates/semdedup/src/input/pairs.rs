//! Pairs files of embeddings with the files of rows that they belong to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::arrays::place::file_of;
use crate::error::{Error, Result};
use crate::formats::{Compression, InputFile};
use crate::input::embedding_files::find_embeddings;
use crate::storage::is_file;

pub(super) const ONE_EACH: &str = "give each file of rows its own file of embeddings, of the same name or with the same number in it; \
                        or name both sides file by file, in the same order: a.jsonl b.jsonl --embeddings a.npy --embeddings b.npy";

/// Finds the files of embeddings `given` and returns them in the order of the `files` of rows.
/// `inputs` is how the user names the files of rows.
///
/// Names decide. If they do not tell, the order counts, but only if the user names each file on
/// both sides: the order of a folder or glob differs with extensions and zeros.
pub(super) fn pair_files(given: &[String], inputs: &[String], files: &[InputFile]) -> Result<Vec<PathBuf>> {
    let one_by_one =
        given.iter().chain(inputs).all(|name| is_file(&file_of(Path::new(name))).unwrap_or(false));
    let paths = find_embeddings(given)?;
    if paths.len() != files.len() {
        let problem = format!("{} files of embeddings for {} files of rows", paths.len(), files.len());
        return Err(Error::usage(format!("--embeddings: {problem}")).hint(ONE_EACH));
    }
    match by_name(&paths, files) {
        // A shell may have ordered one side differently from the other.
        Some(by_name) if one_by_one && by_name != paths => {
            let (path, file) = (&paths[0], &files[0].path);
            let problem = format!("{} is named first and {} too", path.display(), file.display());
            Err(Error::usage(format!("--embeddings: {problem}, but their names belong to others"))
                .hint("name the files of embeddings in the order of the files of rows"))
        }
        Some(by_name) => Ok(by_name),
        None if one_by_one => Ok(paths),
        None => {
            let (path, file) = (paths[0].display(), files[0].path.display());
            let problem = format!("by their names, such as {path} and {file}");
            Err(Error::usage(format!("--embeddings: which file belongs to which is not known {problem}"))
                .hint(ONE_EACH))
        }
    }
}

/// Returns the files of embeddings in the order of the files of rows with matching names, or none
/// if names do not tell. Names match if they are equal without extensions, or else together with
/// the name of the folder, or else if they have the same numbers in them.
fn by_name(paths: &[PathBuf], files: &[InputFile]) -> Option<Vec<PathBuf>> {
    if paths.len() == 1 {
        return Some(paths.to_vec());
    }
    let stem = |path: &Path| {
        let name = file_of(path).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (name, _) = Compression::of_name(&name);
        name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
    };
    let with_folder = |path: &Path| {
        let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
        format!("{}/{}", folder.to_string_lossy(), stem(path))
    };
    let numbers = |path: &Path| {
        let stem = stem(path);
        let runs = stem.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty());
        let plain = runs.map(|run| match run.trim_start_matches('0') {
            "" => "0",
            run => run,
        });
        plain.collect::<Vec<&str>>().join(" ")
    };
    let keys: [&dyn Fn(&Path) -> String; 3] = [&stem, &with_folder, &numbers];
    keys.into_iter().find_map(|key| {
        let mut by_key: BTreeMap<String, &PathBuf> = paths.iter().map(|path| (key(path), path)).collect();
        files.iter().map(|file| by_key.remove(&key(&file.path)).cloned()).collect()
    })
}
