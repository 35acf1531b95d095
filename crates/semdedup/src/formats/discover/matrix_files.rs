//! Files of embeddings that are the rows themselves.

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::formats::discover::argument::InputArgument;
use crate::formats::discover::found_file::{FoundFile, folder_name};
use crate::formats::discover::names;
use crate::formats::file::InputFile;

/// Returns files of embeddings as files of rows, in the order of `paths`.
///
/// Each is named by its file name; where two have the same one, the name of the folder is put
/// before it.
pub(crate) fn find(paths: Vec<PathBuf>) -> Result<Vec<InputFile>> {
    let mut arguments = Vec::<(PathBuf, InputArgument)>::new();
    for path in paths {
        let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
        let found = FoundFile::matrix(&path, &folder)?;
        match arguments.last_mut() {
            Some((last, argument)) if *last == folder => argument.files.push(found),
            _ => {
                let argument = InputArgument::new(folder_name(&folder), vec![found]);
                arguments.push((folder, argument));
            }
        }
    }
    names::unique(arguments.into_iter().map(|(_, argument)| argument).collect())
}
