//! Leaves out what is hidden below a folder: names that begin with a dot or with `_`, as Spark,
//! Hadoop and Arrow hide them, and what systems put beside data. A folder such as `_day=1` is a part
//! of a table, so it is data.

use std::io::Read;
use std::path::Path;

use glob::Pattern;
use walkdir::WalkDir;

use crate::arrays::matrix::EXTENSIONS;
use crate::formats::discover::file_names::{extension, file_name};
use crate::formats::discover::found_file::{layout, layout_by_content};
use crate::formats::discover::ignored::is_document;
use crate::formats::discover::left_out::{Cause, LeftFile};
use crate::formats::discover::survey::{Survey, shown};
use crate::storage::marks;

/// At most this many files of a hidden folder on a disk are looked at, to count those with data: it
/// may be a snapshot of the whole disk.
const MOST_COUNTED: usize = 100_000;

/// The folders in which jobs write before they finish, ours too.
const UNFINISHED: [&str; 5] =
    ["_temporary", ".spark-staging", ".hive-staging", marks::UNFINISHED, marks::WRITING];

/// The folders in which tables keep logs, whose JSON is about the files of rows.
const LOGS: [&str; 3] = ["_delta_log", "_change_data", "_spark_metadata"];

/// The first bytes of what macOS keeps about a file on a disk of another system, as `._a.jsonl`.
const RESOURCE_FORK: [u8; 4] = [0, 5, 0x16, 7];

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
        if hidden_part(&shown(folder, base), spelled_out).is_none() {
            return false;
        }
        for LeftFile { cause, path, name } in self.hidden_files(folder, base, spelled_out) {
            self.leave(cause, &path, &name);
        }
        true
    }

    /// Returns the files of a folder on the disk if it is hidden.
    pub(crate) fn hidden_files(&self, folder: &Path, base: &Path, spelled_out: &SpelledOut) -> Vec<LeftFile> {
        let name = shown(folder, base);
        let Some(part) = hidden_part(&name, spelled_out) else { return Vec::new() };
        let files = WalkDir::new(folder).sort_by_file_name().into_iter().filter_map(std::result::Result::ok);
        let files = files.filter(|entry| !entry.file_type().is_dir()).take(MOST_COUNTED);
        let left = |file: walkdir::DirEntry| {
            let name = shown(file.path(), base);
            LeftFile { cause: cause_of(&name, part, self.is_data(&name)), path: file.into_path(), name }
        };
        files.map(left).collect()
    }

    /// Returns why a file or a folder that is named beside others is left out, if it is hidden. What
    /// may hold rows is read as it is named: a shell does not find names with a dot for `*`.
    pub(crate) fn hidden_among_named(&self, path: &Path, name: &str) -> Option<Cause> {
        let part = hidden_part(name, &SpelledOut::default())?;
        if path.is_dir() {
            let is_unfinished = UNFINISHED.iter().any(|start| name.starts_with(start));
            let is_no_data = is_unfinished || LOGS.contains(&name) || is_of_system(name);
            return is_no_data.then(|| cause_of(name, part, true));
        }
        let is_data = self.is_data(name) || layout_by_content(path).is_some();
        match is_data && !is_resource_fork(path) {
            true => None,
            // Marks such as `_SUCCESS` are told of as what they are.
            false if part.starts_with('_') => None,
            false => Some(Cause::Hidden),
        }
    }

    /// Whether a file of this name may hold rows or embeddings.
    fn is_data(&self, name: &str) -> bool {
        let is_matrix = || EXTENSIONS.contains(&extension(name).as_str());
        (layout(name).is_some() || self.row_format(name).is_some() || is_matrix()) && !is_document(name)
    }
}

/// Whether macOS keeps in this file what it knows about another one.
fn is_resource_fork(path: &Path) -> bool {
    let mut beginning = [0; RESOURCE_FORK.len()];
    let read = fs_err::File::open(path).and_then(|mut file| file.read_exact(&mut beginning));
    read.is_ok() && beginning == RESOURCE_FORK
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
