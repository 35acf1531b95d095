//! Lists the files that folders of the input kept, each of which is a row.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{StringArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema};
use rayon::prelude::*;
use walkdir::WalkDir;

use crate::error::{Error, Result};
use crate::summary::FileSummary;
use crate::workdir::sums::sum_of_file;
use crate::workdir::table_file::TableWriter;
use crate::write::result_files::{KEPT, KEPT_FILES};

/// Returns the size of a file.
pub(super) fn size_of_file(path: &Path) -> Result<u64> {
    fs_err::metadata(path).map(|file| file.len()).map_err(Error::io)
}

/// A file, and its size in bytes.
struct FoundFile {
    path: PathBuf,
    bytes: u64,
}

/// Lists the files in a folder, or the file itself.
fn files_below(path: &Path) -> impl Iterator<Item = Result<FoundFile>> {
    let entries = WalkDir::new(path).sort_by_file_name().into_iter();
    entries.filter(|entry| entry.as_ref().map_or(true, |entry| !entry.file_type().is_dir())).map(|entry| {
        let entry = entry.map_err(|error| Error::io(error.into()))?;
        size_of_file(entry.path()).map(|bytes| FoundFile { path: entry.path().to_path_buf(), bytes })
    })
}

/// Returns the size of a file, or of all files in a folder.
pub(super) fn size_below(path: &Path) -> Result<u64> {
    files_below(path).map(|file| file.map(|file| file.bytes)).sum()
}

/// Writes `kept-files.parquet`: `path` (below `kept/`), `bytes` and `sum` of every file that a folder
/// of the input kept.
pub(super) fn write_kept_files(stage: &Path, files: &[FileSummary]) -> Result<()> {
    let schema = Schema::new(vec![
        Field::new("path", DataType::Utf8, false),
        Field::new("bytes", DataType::UInt64, false),
        Field::new("sum", DataType::Utf8, false),
    ]);
    let kept = stage.join(KEPT);
    let mut table = TableWriter::create(&stage.join(KEPT_FILES), schema, Vec::new())?;
    for folder in files.iter().filter(|file| file.is_folder) {
        let written = files_below(&kept.join(&folder.kept)).collect::<Result<Vec<_>>>()?;
        let sums = written.par_iter().map(|file| sum_of_file(&file.path).map_err(Error::io));
        let sums = sums.collect::<Result<Vec<_>>>()?;
        let name = |path: &Path| path.strip_prefix(&kept).unwrap_or(path).to_string_lossy().into_owned();
        table.write(vec![
            Arc::new(StringArray::from_iter_values(written.iter().map(|file| name(&file.path)))),
            Arc::new(UInt64Array::from_iter_values(written.iter().map(|file| file.bytes))),
            Arc::new(StringArray::from_iter_values(sums)),
        ])?;
    }
    table.finish()
}
