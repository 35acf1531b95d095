//! What the kept files are called: one relative name for each input file, no two alike.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use super::tree::Member;
use super::{Format, InputFile};
use crate::{Error, Result};

/// What one INPUT argument stands for.
pub(super) struct Argument {
    /// The name of the folder that the files' names are relative to.
    pub folder: String,
    pub files: Vec<Found>,
    /// Files that are rows each.
    pub members: Vec<Member>,
    /// What kind of rows these are, and the folder that their names are relative to.
    pub tree: Option<(Format, PathBuf)>,
}

impl Argument {
    pub fn new(folder: String, files: Vec<Found>) -> Self {
        Self { folder, files, members: Vec::new(), tree: None }
    }
}

/// A file and its name relative to its argument's folder.
pub(super) struct Found {
    pub file: InputFile,
    pub name: String,
}

/// The files of all arguments under unique names: an argument whose names clash with another's puts its folder's
/// name before all of them, so that what lay together stays together.
pub(super) fn unique(arguments: Vec<Argument>) -> Result<Vec<InputFile>> {
    let mut count: HashMap<String, usize> = HashMap::new();
    for found in arguments.iter().flat_map(|argument| &argument.files) {
        *count.entry(found.name.clone()).or_default() += 1;
    }
    let mut files = Vec::new();
    for Argument { folder, files: found, .. } in arguments {
        let clashes = found.iter().any(|found| count[&found.name] > 1);
        for Found { mut file, name } in found {
            file.name = if clashes { format!("{folder}/{name}") } else { name };
            files.push(file);
        }
    }
    check(&files)?;
    Ok(files)
}

/// No two names are equal, and none is a folder of another (`a.txt` beside `a.txt/b.txt`).
fn check(files: &[InputFile]) -> Result<()> {
    let mut names = HashMap::new();
    for file in files {
        if let Some(other) = names.insert(file.name.as_str(), file) {
            return Err(clash(other, file));
        }
    }
    let mut folders = HashSet::new();
    for file in files {
        for (slash, _) in file.name.match_indices('/') {
            let folder = &file.name[..slash];
            if folders.insert(folder)
                && let Some(other) = names.get(folder)
            {
                return Err(clash(other, file));
            }
        }
    }
    Ok(())
}

fn clash(a: &InputFile, b: &InputFile) -> Error {
    let problem = format!("would be written to the same place as {} (`{}`)", a.path.display(), b.name);
    Error::input(&b.path, problem).hint("give a folder above both, or rename one")
}
