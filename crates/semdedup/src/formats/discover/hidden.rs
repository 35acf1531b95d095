//! Leaves out what is hidden below a folder: names that begin with a dot or with `_`, as Spark,
//! Hadoop and Arrow hide them, and what systems put beside data. A folder such as `_day=1` is a part
//! of a table, so it is data.

use std::path::Path;

use glob::Pattern;
use walkdir::WalkDir;

use crate::arrays::matrix::EXTENSIONS;
use crate::formats::discover::file_names::{extension, file_name};
use crate::formats::discover::found_file::layout;
use crate::formats::discover::ignored::is_document;
use crate::formats::discover::left_out::Cause;
use crate::formats::discover::survey::{Survey, shown};
use crate::storage::marks;

/// At most this many files of a hidden folder on a disk are looked at, to count those with data: it
/// may be a snapshot of the whole disk.
const MOST_COUNTED: usize = 100_000;

/// The folders in which jobs write before they finish, ours too.
const UNFINISHED: [&str; 5] =
    ["_temporary", ".spark-staging", ".hive-staging", marks::UNFINISHED, marks::WRITING];

/// The names that Roboflow gives to labels of images, which are told of as such.
const LABELS: [&str; 2] = ["_annotations.", "_classes."];

/// The names, in lower case, of the folders and files that systems, tools and servers put beside
/// data: trash, thumbnails, caches, packages.
const OF_SYSTEMS: [&str; 14] = [
    "$recycle.bin",
    "recycler",
    "system volume information",
    "lost+found",
    "@eadir",
    "@recycle",
    "#recycle",
    "#snapshot",
    "__macosx",
    "__pycache__",
    "node_modules",
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
];

/// The hidden names that a pattern spells out, such as `_old` in `data/_old/*.jsonl`.
#[derive(Default)]
pub(crate) struct SpelledOut(Vec<Pattern>);

impl SpelledOut {
    pub fn by(pattern: &str) -> Self {
        let hidden = pattern.split('/').filter(|part| part.starts_with(['.', '_']) || is_of_system(part));
        Self(hidden.filter_map(|part| Pattern::new(part).ok()).collect())
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|part| part.matches(name))
    }
}

/// Whether a system or a tool puts files and folders of this name beside data.
fn is_of_system(name: &str) -> bool {
    OF_SYSTEMS.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether files and folders of this name are hidden.
fn is_hidden(name: &str) -> bool {
    match name.as_bytes().first() {
        Some(b'.') => ![".", ".."].contains(&name),
        Some(b'_') => !name.contains('=') && !LABELS.iter().any(|start| name.starts_with(start)),
        _ => is_of_system(name),
    }
}

/// Returns the first hidden part of a path below a folder.
fn hidden_part<'a>(path: &'a str, spelled_out: &SpelledOut) -> Option<&'a str> {
    path.split(std::path::is_separator).find(|part| is_hidden(part) && !spelled_out.has(part))
}

/// Whether a path below a folder is hidden.
pub(crate) fn is_hidden_path(path: &str, spelled_out: &SpelledOut) -> bool {
    hidden_part(path, spelled_out).is_some()
}

impl Survey<'_> {
    /// Leaves out a file if it is hidden; returns whether it is. `name` is its path below the
    /// folder of the argument.
    pub(crate) fn leaves_out_hidden(&mut self, name: &str, path: &Path, spelled_out: &SpelledOut) -> bool {
        let Some(part) = hidden_part(name, spelled_out) else { return false };
        let is_data = self.is_data(name);
        // Marks such as `_SUCCESS` are told of as what they are.
        if part.starts_with('_') && part == file_name(name) && !is_data {
            return false;
        }
        self.leave(cause_of(name, part, is_data), path, name);
        true
    }

    /// Leaves out a folder on the disk if it is hidden, with all of its files; returns whether it
    /// is.
    pub(crate) fn leaves_out_hidden_folder(
        &mut self,
        folder: &Path,
        base: &Path,
        spelled_out: &SpelledOut,
    ) -> bool {
        let name = shown(folder, base);
        let Some(part) = hidden_part(&name, spelled_out) else { return false };
        let files = WalkDir::new(folder).sort_by_file_name().into_iter().filter_map(std::result::Result::ok);
        for file in files.filter(|entry| !entry.file_type().is_dir()).take(MOST_COUNTED) {
            let name = shown(file.path(), base);
            let cause = cause_of(&name, part, self.is_data(&name));
            self.leave(cause, file.path(), &name);
        }
        true
    }

    /// Returns why a file or a folder that is named beside others is left out, if it is hidden. No file
    /// that may hold rows is left out without a word.
    pub(crate) fn hidden_among_named(&self, name: &str, is_dir: bool) -> Option<Cause> {
        let part = hidden_part(name, &SpelledOut::default())?;
        let is_data = self.is_data(name);
        match cause_of(name, part, is_data) {
            _ if part.starts_with('_') && !is_data && !is_dir => None,
            Cause::Hidden if is_data => Some(Cause::HiddenData),
            cause => Some(cause),
        }
    }

    /// Whether a file of this name may hold rows or embeddings.
    fn is_data(&self, name: &str) -> bool {
        let is_matrix = || EXTENSIONS.contains(&extension(name).as_str());
        (layout(name).is_some() || self.row_format(name).is_some() || is_matrix()) && !is_document(name)
    }
}

/// Returns why a hidden file is left out. Files that editors and other systems leave beside data
/// are not reported.
fn cause_of(name: &str, part: &str, is_data: bool) -> Cause {
    let file = file_name(name);
    let is_litter = ["._", ".#", ".~"].iter().any(|start| file.starts_with(start));
    match part {
        _ if !is_data || is_litter => Cause::Hidden,
        part if UNFINISHED.iter().any(|start| part.starts_with(start)) => Cause::Unfinished,
        part if part.starts_with('_') && !is_of_system(part) => Cause::Underscore,
        _ => Cause::HiddenData,
    }
}
