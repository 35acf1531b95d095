//! Names the files that a result consists of, and finds the files that are in their places.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;

use crate::error::Result;
use crate::storage::{files_below, is_file, is_url};
use crate::summary::{FileSum, FileSummary, SUMMARY, Summary};
use crate::workdir::sums::sum_of_file;
use crate::workdir::table_file::read_column;
use crate::write::publish::Files;

/// The folder of the input's files without the removed rows.
pub(crate) const KEPT: &str = "kept";

/// The folder of the input's files with added columns.
pub(crate) const ANNOTATED: &str = "annotated";

/// The list of the files that folders of the input kept.
pub(crate) const KEPT_FILES: &str = "kept-files.parquet";

/// The table of the rows that stand for others.
pub(crate) const REPRESENTATIVES: &str = "representatives.parquet";

/// The table of the pairs of similar rows.
pub(crate) const PAIRS: &str = "pairs.parquet";

/// The names of the files and folders that a result can have, besides the summary.
pub(super) const RESULTS: [&str; 11] = [
    KEPT,
    KEPT_FILES,
    ANNOTATED,
    "ids.txt",
    "ids.parquet",
    "ids.npy",
    "removed.parquet",
    REPRESENTATIVES,
    PAIRS,
    "skipped.parquet",
    "scores.parquet",
];

/// Returns the files that are in the places of results, whoever wrote them.
pub(super) fn present(out: &Path) -> Result<Files> {
    files_below(out, RESULTS.into_iter().chain([SUMMARY]))
}

/// A file of a result, relative to the output folder, with its size and its sum when it was written.
pub(super) struct WrittenFile {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    /// None by earlier versions.
    pub(super) sum: Option<String>,
}

/// Returns the files with rows of the input or with ids.
pub(super) fn written_of(out: &Path, summary: &Summary) -> Vec<WrittenFile> {
    let has_kept = summary.writes_files();
    let kept = || summary.files.iter().filter(|_| has_kept);
    let listed = if has_folder(summary) { kept_files(out, summary) } else { Vec::new() };
    let kept = kept().filter(|file| !file.is_folder);
    let kept = kept.map(|file| (Path::new(KEPT).join(&file.kept), file.bytes_kept));
    let annotated = |file: &FileSummary| Some((Path::new(ANNOTATED).join(&file.kept), file.bytes_annotated?));
    let annotated = summary.files.iter().filter_map(annotated);
    let lists = summary.lists.iter().map(|list| (PathBuf::from(&list.file), list.bytes));
    let written = |(path, bytes): (PathBuf, u64)| {
        let sum = recorded(summary, &path).map(|file| file.sum.clone());
        WrittenFile { path, bytes, sum }
    };
    kept.map(written).chain(listed).chain(annotated.chain(lists).map(written)).collect()
}

/// Returns what the summary says of a file, by its path below the output folder.
pub(super) fn recorded<'a>(summary: &'a Summary, file: &Path) -> Option<&'a FileSum> {
    summary.written.as_ref()?.files.get(&*file.to_string_lossy())
}

/// Whether the result has kept files of a folder, which are in a list of their own.
fn has_folder(summary: &Summary) -> bool {
    summary.writes_files() && summary.files.iter().any(|file| file.is_folder)
}

/// Whether the list of the kept files of folders is there, but not as it was written.
pub(super) fn has_damaged_list(out: &Path, summary: &Summary) -> bool {
    let list = out.join(KEPT_FILES);
    has_folder(summary) && matches!(is_file(&list), Ok(true)) && !is_as_recorded(&list, summary)
}

/// Whether the list of kept files has the sum that was recorded. One by an earlier version has none,
/// and in a bucket the store checks the bytes itself.
fn is_as_recorded(list: &Path, summary: &Summary) -> bool {
    let recorded = recorded(summary, Path::new(KEPT_FILES)).filter(|_| !is_url(list));
    recorded.is_none_or(|recorded| sum_of_file(list).is_ok_and(|sum| sum == recorded.sum))
}

/// Returns the files that folders of the input kept. Returns none if the list of them is gone or
/// damaged, so that the files count as somebody else's.
fn kept_files(out: &Path, summary: &Summary) -> Vec<WrittenFile> {
    let list = out.join(KEPT_FILES);
    if !is_as_recorded(&list, summary) {
        return Vec::new();
    }
    let (Ok(paths), Ok(bytes)) = (read_column(&list, "path"), read_column(&list, "bytes")) else {
        return Vec::new();
    };
    let (Some(paths), Some(bytes)) = (paths.as_string_opt::<i32>(), bytes.as_primitive_opt::<UInt64Type>())
    else {
        return Vec::new();
    };
    let sums = read_column(&list, "sum").ok();
    let sums = sums.as_ref().and_then(|sums| sums.as_string_opt::<i32>());
    let kept = |(row, (path, bytes)): (usize, (Option<&str>, Option<u64>))| {
        let sum = sums.map(|sums| sums.value(row).to_owned());
        Some(WrittenFile { path: Path::new(KEPT).join(path?), bytes: bytes?, sum })
    };
    paths.iter().zip(bytes.iter()).enumerate().filter_map(kept).collect()
}

/// Returns the files of a finished result.
pub(super) fn files_of(out: &Path, summary: &Summary) -> BTreeSet<PathBuf> {
    let written = written_of(out, summary).into_iter().map(|file| file.path);
    written.chain(tables_of(summary).chain([SUMMARY]).map(PathBuf::from)).collect()
}

/// Returns the names of the tables of a result.
pub(super) fn tables_of(summary: &Summary) -> impl Iterator<Item = &'static str> {
    let skipped = (summary.rows_skipped > 0).then_some("skipped.parquet");
    let list = has_folder(summary).then_some(KEPT_FILES);
    let pairs = summary.pairs.map(|_| PAIRS);
    // Earlier versions did not search for representatives.
    let found = summary.without_representative.map(|_| REPRESENTATIVES);
    ["removed.parquet", "scores.parquet"].into_iter().chain(skipped).chain(list).chain(found).chain(pairs)
}
