//! The place of an array: a file, and what is meant of it.
//!
//! `metadata.npz#l14_img` is an array of a file of several, `embeddings.bin#float32x768` the bare
//! numbers of a file without a header, in rows of 768. A place is written like a path, so that it
//! goes wherever the path of a file goes.

use std::path::{Path, PathBuf};

use crate::arrays::array::Number;
use crate::storage::is_url;

/// The mark between a file and what is meant of it.
const MARK: char = '#';

/// The extensions of files that hold several arrays.
const OF_SEVERAL: [&str; 2] = [".npz", ".safetensors"];

/// A file, and what is meant of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ArrayPlace {
    /// The path of the file.
    pub(crate) file: PathBuf,
    pub(crate) part: Part,
}

/// The part of a file that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// The only array, or the one that is called as embeddings are.
    Whole,
    /// The array of this name.
    Named(String),
    /// Rows of bare numbers.
    Bare { number: Number, dim: u64 },
}

impl ArrayPlace {
    /// Reads a place. A file of exactly this name goes first.
    pub(crate) fn of(path: &Path) -> Self {
        let whole = || Self { file: path.to_path_buf(), part: Part::Whole };
        let Some((file, part)) = path.to_str().and_then(|path| path.rsplit_once(MARK)) else {
            return whole();
        };
        let lower = file.to_ascii_lowercase();
        let part = match bare(part) {
            _ if OF_SEVERAL.iter().any(|extension| lower.ends_with(extension)) => {
                Part::Named(part.to_owned())
            }
            Some(bare) => bare,
            None => return whole(),
        };
        // A file may have such a name itself.
        if path_is_file(path) {
            return whole();
        }
        Self { file: PathBuf::from(file), part }
    }

    /// Returns the place of the same part in another file.
    pub(crate) fn in_file(&self, file: PathBuf) -> PathBuf {
        let part = match &self.part {
            Part::Whole => return file,
            Part::Named(name) => name.clone(),
            Part::Bare { number, dim } => format!("{}x{dim}", number.name()),
        };
        let mut place = file.into_os_string();
        place.push(format!("{MARK}{part}"));
        PathBuf::from(place)
    }
}

fn path_is_file(path: &Path) -> bool {
    !is_url(path) && path.is_file()
}

/// Reads a type and a dimension: `float32x768`.
fn bare(part: &str) -> Option<Part> {
    let (number, dim) = part.split_once('x')?;
    Some(Part::Bare { number: Number::of_bare(number)?, dim: dim.parse().ok().filter(|dim| *dim > 0)? })
}

/// Returns the file of a place.
pub(crate) fn file_of(path: &Path) -> PathBuf {
    ArrayPlace::of(path).file
}

/// Returns the path by which people call a place: bare numbers are all that their file holds.
pub(crate) fn name_of(path: &Path) -> PathBuf {
    match ArrayPlace::of(path) {
        ArrayPlace { file, part: Part::Bare { .. } } => file,
        _ => path.to_path_buf(),
    }
}

/// Returns the place of the bare numbers in a file, as `run --dim --dtype` names it.
///
/// `dtype` is `float16`, `bfloat16`, `float32` or `float64`, and `dim` the number of values of a row.
pub fn bare_numbers(file: &str, dtype: &str, dim: u64) -> String {
    format!("{file}{MARK}{dtype}x{dim}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_files_with_what_is_meant_of_them() {
        let bare = |number, dim| Part::Bare { number, dim };
        for (path, file, part) in [
            ("a/b.npz#l14_img", "a/b.npz", Part::Named("l14_img".to_owned())),
            ("b.SafeTensors#x#y", "b.SafeTensors#x", Part::Whole),
            ("m.safetensors#layer.0", "m.safetensors", Part::Named("layer.0".to_owned())),
            ("a.npz#float32x768", "a.npz", Part::Named("float32x768".to_owned())),
            ("a.bin#float32x768", "a.bin", bare(Number::F32, 768)),
            ("a.npy#bfloat16x4", "a.npy", bare(Number::Bf16, 4)),
            ("s3://b/a.raw#float16x2", "s3://b/a.raw", bare(Number::F16, 2)),
            ("a#1.npy", "a#1.npy", Part::Whole),
            ("a.npy#x", "a.npy#x", Part::Whole),
            ("a.bin#float32x0", "a.bin#float32x0", Part::Whole),
            ("a.npy", "a.npy", Part::Whole),
        ] {
            let place = ArrayPlace::of(Path::new(path));
            if place.part == Part::Whole {
                assert_eq!(place.file, Path::new(path));
                continue;
            }
            assert_eq!(place, ArrayPlace { file: PathBuf::from(file), part }, "{path}");
            assert_eq!(place.in_file(place.file.clone()), Path::new(path));
        }
    }
}
