//! What the kept files are called: one relative name for each input file, no two alike.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::formats::file::{Format, InputFile, Member};

/// How an argument names its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// One file, by its name.
    Named,
    /// By a glob that says which extension.
    Picked,
    /// By a folder, or by a glob that takes whatever is there.
    Listed,
}

impl How {
    pub fn by(pattern: &str) -> Self {
        let last = pattern.rsplit('/').next().unwrap_or_default();
        match last.rsplit_once('.') {
            Some((_, extension)) if !extension.is_empty() && !extension.contains(['*', '?', '[', ']']) => {
                Self::Picked
            }
            _ => Self::Listed,
        }
    }
}

/// What one INPUT argument stands for.
pub(crate) struct InputArgument {
    pub how: How,
    /// The folder that is listed, as it was typed.
    pub place: PathBuf,
    /// The name of the folder that the files' names are relative to.
    pub folder: String,
    pub files: Vec<Found>,
    /// READMEs and the like, which are read only where there is nothing else.
    pub documents: Vec<Found>,
    /// Files that are rows each.
    pub members: Vec<Member>,
    /// What kind of rows these are, and the folder that their names are relative to.
    pub tree: Option<(Format, PathBuf)>,
}

impl InputArgument {
    pub fn new(folder: String, files: Vec<Found>) -> Self {
        let (documents, members) = (Vec::new(), Vec::new());
        Self { how: How::Named, place: PathBuf::new(), folder, files, documents, members, tree: None }
    }

    /// The same, not named file by file but found in a place.
    pub fn found(mut self, how: How, place: &Path) -> Self {
        let place = if place == Path::new("") { Path::new(".") } else { place };
        (self.how, self.place) = (how, place.to_path_buf());
        self
    }

    /// Whether there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.documents.is_empty() && self.tree.is_none()
    }
}

/// A file and its name relative to its argument's folder.
pub(crate) struct Found {
    pub file: InputFile,
    pub name: String,
}

/// The files of all arguments under unique names: an argument whose names clash with another's puts its folder's
/// name before all of them, so that what lay together stays together.
pub(crate) fn unique(arguments: Vec<InputArgument>) -> Result<Vec<InputFile>> {
    let mut count: HashMap<String, usize> = HashMap::new();
    for found in arguments.iter().flat_map(|argument| &argument.files) {
        *count.entry(found.name.clone()).or_default() += 1;
    }
    let mut files = Vec::new();
    for InputArgument { folder, files: found, .. } in arguments {
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
