//! Leaves out links to files that are read anyway.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::formats::compression::Compression;
use crate::formats::discover::argument::InputArgument;
use crate::formats::discover::found_file::{FoundFile, Layout};
use crate::formats::discover::ignored::Folders;
use crate::formats::discover::left_out::Cause;
use crate::formats::discover::survey::Survey;
use crate::formats::file::InputFile;

/// A file and how it is read.
#[derive(PartialEq, Eq, Hash)]
struct ReadFile {
    /// The path, with the real folder.
    path: PathBuf,
    layout: Layout,
}

impl Survey<'_> {
    /// Leaves out the links to files that are read themselves, as the same kind of rows.
    ///
    /// They would be duplicates of these files. A user who then deletes a file because its link is
    /// kept would lose both.
    pub(crate) fn leave_out_links(&mut self, arguments: &mut [InputArgument]) {
        if self.links.is_empty() {
            return;
        }
        let read = files_read(arguments);
        let links: HashMap<PathBuf, PathBuf> =
            self.links.drain(..).map(|link| (link.path, link.target)).collect();
        let is_read = |path: &Path, layout: Layout| {
            let target = links.get(path).cloned();
            target.is_some_and(|path| read.contains(&ReadFile { path, layout }))
        };
        let skipped = &mut self.skipped;
        let mut stays = |is_read: bool, name: &str| {
            if is_read {
                skipped.add(Cause::Link, name);
            }
            !is_read
        };
        for argument in arguments.iter_mut() {
            argument
                .files
                .retain(|FoundFile { file, name }| stays(is_read(&file.path, layout_of(file)), name));
            if let Some(folder) = &argument.row_folder {
                let layout = Layout { format: folder.format, compression: Compression::None };
                argument
                    .row_files
                    .retain(|file| stays(is_read(&folder.path.join(&file.name), layout), &file.name));
            }
            argument.row_folder.take_if(|_| argument.row_files.is_empty());
        }
    }
}

/// Returns all files that are read, by where they really are.
fn files_read(arguments: &[InputArgument]) -> HashSet<ReadFile> {
    let mut folders = Folders::default();
    let mut read = HashSet::new();
    for argument in arguments {
        for FoundFile { file, .. } in &argument.files {
            let layout = layout_of(file);
            read.extend(folders.real(&file.path).map(|path| ReadFile { path, layout }));
        }
        if let Some(folder) = &argument.row_folder {
            let layout = Layout { format: folder.format, compression: Compression::None };
            let paths = argument.row_files.iter().map(|file| folder.path.join(&file.name));
            let real = paths.filter_map(|path| folders.real(&path));
            read.extend(real.map(|path| ReadFile { path, layout }));
        }
    }
    read
}

fn layout_of(file: &InputFile) -> Layout {
    Layout { format: file.format, compression: file.compression }
}
