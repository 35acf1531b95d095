//! Reads and copies folders whose files are rows: images or texts.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use fs_err as fs;
use semdedup_embed::{FileKind, Group};

use crate::error::{Error, Result};
use crate::foreign::{BEGINNING, kind_of_beginning};
use crate::formats::columns::{Columns, DEFAULT_TEXT};
use crate::formats::encoding::TextEncoding;
use crate::formats::file::{FolderFile, FolderFiles, Format, InputFile};
use crate::formats::rows::{Rows, RowsBuilder};
use crate::formats::text::encoded;
use crate::storage::atomic::sync_tree;
use crate::storage::{self, Stamp, is_url};

/// A batch has at most this many files…
const MAX_ROWS: usize = 256;

/// …and about this many bytes.
const BATCH_BYTES: u64 = 4 << 20;

/// Some files of a folder, not read yet.
pub(crate) struct FolderBatch {
    files: FolderFiles,
    first: usize,
    count: usize,
}

/// Some files of a folder, with the facts that are needed to read them.
pub(crate) struct FolderRows {
    pub files: FolderBatch,
    pub file: InputFile,
    pub limit: usize,
}

/// Returns the files of a folder batch by batch.
pub(crate) struct FolderReader {
    pub file: InputFile,
    /// The largest file that is read, in bytes.
    pub limit: usize,
    next: usize,
    /// The number of bytes of the files that have been returned.
    pub bytes: u64,
}

impl FolderReader {
    pub fn open(file: &InputFile, limit: usize, first_row: u64) -> Self {
        let first = usize::try_from(first_row).unwrap_or(usize::MAX).min(file.members.len());
        let bytes = file.members.files()[..first].iter().map(|row_file| row_file.stamp.bytes).sum();
        Self { file: file.clone(), limit, next: first, bytes }
    }

    pub fn next_files(&mut self) -> Option<FolderBatch> {
        let (first, mut bytes) = (self.next, 0);
        for row_file in self.file.members.files()[first..].iter().take(MAX_ROWS) {
            if bytes >= BATCH_BYTES {
                break;
            }
            bytes += row_file.stamp.bytes;
            self.next += 1;
        }
        self.bytes += bytes;
        let count = self.next - first;
        (count > 0).then(|| FolderBatch { files: self.file.members.clone(), first, count })
    }
}

impl FolderBatch {
    pub fn first_row(&self) -> u64 {
        self.first as u64
    }

    pub fn rows(&self) -> usize {
        self.count
    }

    /// Reads the files. A file that is too large is a bad row. A file that the system or a store
    /// does not return now may be readable the next time, so it is an error.
    pub fn parse(&self, file: &InputFile, limit: usize, columns: &Columns) -> Result<Rows> {
        let mut rows = RowsBuilder::new(self.first_row(), limit, columns);
        let row_files = &self.files.files()[self.first..self.first + self.count];
        let is_read = columns.image.is_some() || columns.text.is_some();
        let is_wanted = |row_file: &&FolderFile| is_read && row_file.stamp.bytes <= limit as u64;
        let mut stored = Vec::new();
        if is_url(&file.path) {
            let paths = row_files.iter().filter(is_wanted).map(|row_file| file.path.join(&row_file.name));
            stored = storage::read_all(&paths.collect::<Vec<_>>())?;
        }
        let mut stored = stored.into_iter();
        for row_file in row_files {
            let path = format!("{}/{}", file.name, row_file.name);
            let bytes = match stored.len() > 0 && is_wanted(&row_file) {
                true => Ok(stored.next().unwrap_or_default()),
                false => read(&file.path.join(&row_file.name), row_file, limit, columns)?.map(Bytes::from),
            };
            match bytes {
                Ok(bytes) if file.format == Format::TextTree => match text_of(&bytes, file.encoding) {
                    Ok(text) => rows.push(&text, Some(&path)),
                    Err(problem) => rows.push_bad(format!("{path}: {problem}")),
                },
                Ok(bytes) => {
                    rows.push_image(&bytes);
                    rows.push("", Some(&path));
                }
                Err(problem) => rows.push_bad(format!("{path}: {problem}")),
            }
        }
        Ok(rows.finish())
    }
}

/// Reads the texts of some files; `None` where there is no such file, or where it cannot be read.
pub(crate) fn texts_at(file: &InputFile, limit: usize, rows: &[u64]) -> Vec<Option<String>> {
    let columns = Columns { text: Some(DEFAULT_TEXT.to_owned()), ..Columns::default() };
    let text = |row: &u64| {
        let row_file = file.members.files().get(usize::try_from(*row).ok()?)?;
        let bytes = read(&file.path.join(&row_file.name), row_file, limit, &columns).ok()?.ok()?;
        text_of(&bytes, file.encoding).ok().map(Cow::into_owned)
    };
    rows.iter().map(text).collect()
}

/// Returns the text of a file without its byte order mark, or the reason why it is none. A pointer
/// of Git LFS is a text, but not the one that is meant.
fn text_of(bytes: &[u8], encoding: Option<TextEncoding>) -> std::result::Result<Cow<'_, str>, String> {
    let kind = kind_of_beginning(&bytes[..bytes.len().min(BEGINNING as usize)]);
    let named = |kind: &FileKind| format!("is {}; {}", kind.what, kind.remedy);
    match encoded::text_of(bytes, encoding) {
        Ok(text) => match kind.filter(|kind| kind.group == Group::Pointer) {
            Some(kind) => Err(named(kind)),
            None => Ok(text),
        },
        Err(problem) => Err(kind.map_or(problem, named)),
    }
}

/// Reads the bytes of a file; the inner error says why the row is a bad row.
fn read(
    path: &Path,
    row_file: &FolderFile,
    limit: usize,
    columns: &Columns,
) -> Result<std::result::Result<Vec<u8>, String>> {
    if columns.image.is_none() && columns.text.is_none() {
        return Ok(Ok(Vec::new()));
    }
    let bytes = row_file.stamp.bytes;
    if bytes > limit as u64 {
        return Ok(Err(format!("{bytes} bytes are over the limit of {limit} (--max-row-bytes)")));
    }
    storage::read(path).map(Ok).map_err(|error| Error::input(path, error))
}

/// Fails if a file has changed since it was found.
pub(crate) fn check_unchanged(file: &InputFile) -> Result<()> {
    let stamped =
        file.members.files().iter().map(|row_file| (file.path.join(&row_file.name), row_file.stamp));
    Stamp::check_all(&stamped.collect::<Vec<_>>())
}

/// Copies the files that `keep` picks into the folder `destination`; see
/// [`crate::formats::write::write_kept`].
pub(crate) fn write_kept(
    file: &InputFile,
    destination: &Path,
    keep: &mut dyn FnMut(u64) -> Result<bool>,
) -> Result<u64> {
    fs::create_dir_all(destination).map_err(Error::io)?;
    let (mut written, mut folder) = (0, PathBuf::new());
    for (row, row_file) in file.members.files().iter().enumerate() {
        if !keep(row as u64)? {
            continue;
        }
        let (from, to) = (file.path.join(&row_file.name), destination.join(&row_file.name));
        if let Some(parent) = to.parent().filter(|parent| *parent != folder) {
            fs::create_dir_all(parent).map_err(Error::io)?;
            folder = parent.to_path_buf();
        }
        storage::fetch(&from, &to)?;
        written += 1;
    }
    sync_tree(destination)?;
    Ok(written)
}
