//! Names files that are something else than what is read: a pointer instead of the data, an
//! archive, a database. The table of kinds is `file_kind/` of the embedding crate, because images
//! need it too.

use std::path::Path;

use semdedup_embed::{FileKind, Group, kind_of, kind_of_content, kind_of_name, kind_of_whole};

use crate::error::Error;
use crate::storage::Blob;

/// The number of bytes that tell what a file is.
pub(crate) const BEGINNING: u64 = 512;

/// The error for a file of a kind that is not read.
pub(crate) fn not_read(path: &Path, kind: &FileKind) -> Error {
    Error::input(path, format!("is {}", kind.what)).hint(kind.remedy_for(&path.to_string_lossy()))
}

/// Returns the error that says what a file is, by its content or else by its name; none if it is of
/// no known kind.
pub(crate) fn named(path: &Path) -> Option<Error> {
    let beginning = beginning(path).unwrap_or_default();
    let kind = kind_of(&path.to_string_lossy(), &beginning).or_else(|| kind_of_beginning(&beginning));
    kind.map(|kind| not_read(path, kind))
}

/// Returns the error that says what a file is by its content; none if it is of no known kind.
pub(crate) fn named_by_content(path: &Path) -> Option<Error> {
    kind_of_beginning(&beginning(path)?).map(|kind| not_read(path, kind))
}

/// Returns the kind of a file of which these are the first [`BEGINNING`] bytes, or all of them.
pub(crate) fn kind_of_beginning(beginning: &[u8]) -> Option<&'static FileKind> {
    match beginning.len() as u64 {
        BEGINNING.. => kind_of_content(beginning),
        _ => kind_of_whole(beginning),
    }
}

/// Returns the error for a file that was opened as embeddings of the extension `own` and is
/// something else; none if it is not known to be.
pub(crate) fn not_embeddings(path: &Path, own: &str) -> Option<Error> {
    let is_its_name =
        |extension: &str| path.extension().is_some_and(|named| named == extension || own == extension);
    let (name, beginning) = (path.to_string_lossy(), beginning(path)?);
    let kind = match kind_of_beginning(&beginning) {
        // A file that is what its name says, or an archive that cannot be opened, is damaged.
        Some(kind) if kind.group == Group::Matrix && kind.extension().is_some_and(is_its_name) => {
            return None;
        }
        Some(kind) if own == "npz" && kind.extension() == Some("zip") => return None,
        // What is inside an archive, the name may tell: `.pt` is PyTorch's.
        Some(kind) => kind_of(&name, &beginning).filter(|kind| kind.group != Group::Matrix).unwrap_or(kind),
        None => kind_of_name(&name).filter(|kind| kind.group != Group::Matrix)?,
    };
    match kind.extension().filter(|_| kind.group == Group::Matrix) {
        Some(extension) => Some(
            Error::input(path, format!("is a .{extension} file by its content"))
                .hint(format!("give it a name that ends with .{extension}")),
        ),
        None => Some(not_read(path, kind)),
    }
}

/// Returns the first bytes of a file; none if it cannot be read.
fn beginning(path: &Path) -> Option<Vec<u8>> {
    let blob = Blob::open(path).ok()?;
    let mut bytes = vec![0; blob.bytes().min(BEGINNING) as usize];
    blob.read_exact_at(&mut bytes, 0).ok()?;
    Some(bytes)
}
