//! The images of a folder, by name, for finding the files that belong to them.

use std::collections::HashSet;

use xxhash_rust::xxh3::Xxh3;

use crate::formats::discover::file_names::{file_name, folder, stem};

/// A folder name that stands for any folder; no path has it.
const OPEN: &str = "\0";

/// From this many captions on, their lengths do not matter: nobody plots that many files of rows.
pub(crate) const MANY: usize = 16;

/// The images of a folder, by the names that other files use for them.
#[derive(Default)]
pub(crate) struct Pictures<'a> {
    /// The paths below the folder.
    paths: HashSet<&'a str>,
    /// The paths without extensions.
    stems: HashSet<&'a str>,
    /// The folders that the images are in.
    pub(crate) folders: HashSet<&'a str>,
    /// Hashes of the paths and stems with one folder replaced by [`OPEN`].
    opened: HashSet<u64>,
    /// Hashes of the paths and stems with one folder left out.
    shortened: HashSet<u64>,
    /// The names of the files.
    file_names: HashSet<&'a str>,
    /// The names of the files without their extensions.
    file_stems: HashSet<&'a str>,
}

impl<'a> Pictures<'a> {
    pub fn new(paths: impl Iterator<Item = &'a str>) -> Self {
        let mut pictures = Self::default();
        for path in paths {
            pictures.paths.insert(path);
            pictures.stems.insert(stem(path));
            pictures.folders.insert(folder(path));
            for name in [path, stem(path)] {
                pictures.opened.extend(with_each_folder(name, Some(OPEN)));
                pictures.shortened.extend(with_each_folder(name, None));
            }
            pictures.file_names.insert(file_name(path));
            pictures.file_stems.insert(file_name(stem(path)));
        }
        pictures
    }

    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// Returns the paths, in order.
    pub fn paths(&self) -> Vec<&'a str> {
        let mut paths: Vec<&str> = self.paths.iter().copied().collect();
        paths.sort_unstable();
        paths
    }

    /// Returns the names of the files, without their folders.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        self.file_names.iter().copied()
    }

    /// Whether a path ends in the name of an image.
    pub fn has_name(&self, path: &str) -> bool {
        self.file_names.contains(file_name(path))
    }

    /// Whether a path ends in the name of an image without its extension.
    pub fn has_stem(&self, path: &str) -> bool {
        self.file_stems.contains(file_name(path))
    }

    /// Whether there is an image of this name in the same folder, or in a folder beside it
    /// (`labels/0.txt`, `images/0.jpg`).
    pub fn pair(&self, path: &str) -> bool {
        let name = stem(path);
        let is_there = |path: &str| self.stems.contains(path) || self.paths.contains(path);
        if is_there(name) {
            return true;
        }
        // The folders of the two differ in one part, or one of the two has one part more.
        with_each_folder(name, Some(OPEN)).any(|hash| self.opened.contains(&hash))
            || self.shortened.contains(&hash_of(name.split('/')))
            || (0..name.matches('/').count()).any(|place| is_there(&without_folder(name, place)))
    }
}

/// Returns hashes of a path with each of its folders in turn replaced or left out.
fn with_each_folder<'p>(path: &'p str, by: Option<&'p str>) -> impl Iterator<Item = u64> + 'p {
    (0..path.matches('/').count()).map(move |place| {
        let parts = path.split('/').enumerate();
        hash_of(parts.filter_map(|(number, part)| if number == place { by } else { Some(part) }))
    })
}

fn without_folder(path: &str, place: usize) -> String {
    let parts = path.split('/').enumerate().filter(|(number, _)| *number != place);
    parts.map(|(_, part)| part).collect::<Vec<_>>().join("/")
}

/// Hashes the parts of a path.
fn hash_of<'p>(parts: impl Iterator<Item = &'p str>) -> u64 {
    let mut hash = Xxh3::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update(b"/");
    }
    hash.digest()
}
