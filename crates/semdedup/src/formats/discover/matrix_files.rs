//! Files of embeddings that are the rows themselves.

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::formats::discover::found_file::{folder_name, matrix};
use crate::formats::discover::names::{self, InputArgument};
use crate::formats::file::InputFile;

/// Files of embeddings as files of rows, in their order; each is named by its file name, and by its folder's too where two
/// have the same.
pub(crate) fn find(paths: Vec<PathBuf>) -> Result<Vec<InputFile>> {
    let mut arguments = Vec::<(PathBuf, InputArgument)>::new();
    for path in paths {
        let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
        let found = matrix(&path, &folder)?;
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
