//! The names of the kept files: one relative name for each input file, and no two are equal.

use std::collections::{HashMap, HashSet};

use crate::error::{Error, Result};
use crate::formats::discover::argument::InputArgument;
use crate::formats::discover::found_file::FoundFile;
use crate::formats::file::InputFile;

/// Returns the files of all arguments under unique names.
///
/// An argument whose names clash with another's puts the name of its folder before all of them, so
/// that files of one folder stay together.
pub(crate) fn unique(arguments: Vec<InputArgument>) -> Result<Vec<InputFile>> {
    let mut count: HashMap<String, usize> = HashMap::new();
    for found in arguments.iter().flat_map(|argument| &argument.files) {
        *count.entry(found.name.clone()).or_default() += 1;
    }
    let mut files = Vec::new();
    for InputArgument { folder, files: found, .. } in arguments {
        let clashes = found.iter().any(|found| count[&found.name] > 1);
        for FoundFile { mut file, name } in found {
            file.name = if clashes { format!("{folder}/{name}") } else { name };
            files.push(file);
        }
    }
    check(&files)?;
    Ok(files)
}

/// Fails if two names are equal, or if one is a folder of another (`a.txt` beside `a.txt/b.txt`).
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
