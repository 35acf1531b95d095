//! Names the files that a result consists of, and finds the files that are in their places.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;

use crate::error::Result;
use crate::storage::files_below;
use crate::summary::{FileSummary, SUMMARY, Summary};
use crate::workdir::table_file::read_column;
use crate::write::publish::Files;

/// The folder of the input's files without the removed rows.
pub(crate) const KEPT: &str = "kept";

/// The folder of the input's files with added columns.
pub(crate) const ANNOTATED: &str = "annotated";

/// The list of the files that folders of the input kept.
pub(crate) const KEPT_FILES: &str = "kept-files.parquet";

/// The names of the files and folders that a result can have, besides the summary.
pub(super) const RESULTS: [&str; 9] = [
    KEPT,
    KEPT_FILES,
    ANNOTATED,
    "ids.txt",
    "ids.parquet",
    "ids.npy",
    "removed.parquet",
    "skipped.parquet",
    "scores.parquet",
];

/// Returns the files that are in the places of results, whoever wrote them.
pub(super) fn present(out: &Path) -> Result<Files> {
    files_below(out, RESULTS.into_iter().chain([SUMMARY]))
}

/// Returns whether the files of a finished result are all there, with the sizes that were written.
pub(super) fn is_whole(out: &Path, summary: &Summary) -> Result<bool> {
    let there = present(out)?;
    Ok(files_of(out, summary).iter().all(|file| there.contains_key(file)) && altered(out, summary)?.is_none())
}

/// Returns a file of the result whose size has changed since: somebody may have edited it, so it
/// may hold their work now.
pub(super) fn altered(out: &Path, summary: &Summary) -> Result<Option<PathBuf>> {
    let there = present(out)?;
    let changed = |file: &WrittenFile| there.get(&file.path).is_some_and(|bytes| *bytes != file.bytes);
    Ok(written_of(out, summary).into_iter().find(changed).map(|file| file.path))
}

/// A file of a result, relative to the output folder, and its size when it was written.
struct WrittenFile {
    path: PathBuf,
    bytes: u64,
}

/// Returns the files with rows of the input or with ids.
fn written_of(out: &Path, summary: &Summary) -> Vec<WrittenFile> {
    let has_kept = summary.writes_files();
    let kept = || summary.files.iter().filter(|_| has_kept);
    let listed = if kept().any(|file| file.is_folder) { kept_files(out) } else { Vec::new() };
    let kept = kept().filter(|file| !file.is_folder);
    let kept = kept.map(|file| (Path::new(KEPT).join(&file.kept), file.bytes_kept));
    let annotated = |file: &FileSummary| Some((Path::new(ANNOTATED).join(&file.kept), file.bytes_annotated?));
    let annotated = summary.files.iter().filter_map(annotated);
    let lists = summary.lists.iter().map(|list| (PathBuf::from(&list.file), list.bytes));
    let written = |(path, bytes)| WrittenFile { path, bytes };
    kept.map(written).chain(listed).chain(annotated.chain(lists).map(written)).collect()
}

/// Returns the files that folders of the input kept. Returns none if the
/// list of them is gone, so that the files count as somebody else's.
fn kept_files(out: &Path) -> Vec<WrittenFile> {
    let list = out.join(KEPT_FILES);
    let (Ok(paths), Ok(bytes)) = (read_column(&list, "path"), read_column(&list, "bytes")) else {
        return Vec::new();
    };
    let (Some(paths), Some(bytes)) = (paths.as_string_opt::<i32>(), bytes.as_primitive_opt::<UInt64Type>())
    else {
        return Vec::new();
    };
    let files = paths.iter().zip(bytes.iter());
    let kept = |(path, bytes): (Option<&str>, Option<u64>)| {
        Some(WrittenFile { path: Path::new(KEPT).join(path?), bytes: bytes? })
    };
    files.filter_map(kept).collect()
}

/// Returns the files of a finished result.
pub(super) fn files_of(out: &Path, summary: &Summary) -> BTreeSet<PathBuf> {
    let written = written_of(out, summary).into_iter().map(|file| file.path);
    let skipped = (summary.rows_skipped > 0).then_some("skipped.parquet");
    let has_folder = summary.files.iter().any(|file| file.is_folder) && summary.writes_files();
    let list = has_folder.then_some(KEPT_FILES);
    let tables = ["removed.parquet", "scores.parquet", SUMMARY].into_iter().chain(skipped).chain(list);
    written.chain(tables.map(PathBuf::from)).collect()
}
