//! Folders whose files are rows: images, or texts.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use fs_err as fs;

use crate::error::{Error, Result};
use crate::formats::columns::{ColumnChoice, Columns, DEFAULT_TEXT, Found};
use crate::formats::file::{CompareBy, Format, InputFile, Member, Members};
use crate::formats::images::no_images;
use crate::formats::rows::{Rows, RowsBuilder, not_utf8};
use crate::storage::atomic::sync_tree;
use crate::storage::{self, Stamp, is_url};

/// The column of the files' paths.
pub(super) const PATH: &str = "path";

/// A batch is at most this many files…
const MAX_ROWS: usize = 256;
/// …and about this many bytes.
const BATCH_BYTES: u64 = 4 << 20;

/// Some files of a folder, not read yet.
pub(super) struct Files {
    members: Members,
    first: usize,
    count: usize,
}

/// Goes through the files of a folder.
pub(super) struct Tree {
    members: Members,
    next: usize,
    bytes: u64,
}

impl Tree {
    pub fn open(file: &InputFile, first_row: u64) -> Self {
        let first = usize::try_from(first_row).unwrap_or(usize::MAX).min(file.members.len());
        let bytes = file.members.files()[..first].iter().map(|member| member.stamp.bytes).sum();
        Self { members: file.members.clone(), next: first, bytes }
    }

    pub fn next_files(&mut self) -> Option<Files> {
        let (first, mut bytes) = (self.next, 0);
        for member in self.members.files()[first..].iter().take(MAX_ROWS) {
            if bytes >= BATCH_BYTES {
                break;
            }
            bytes += member.stamp.bytes;
            self.next += 1;
        }
        self.bytes += bytes;
        let count = self.next - first;
        (count > 0).then(|| Files { members: self.members.clone(), first, count })
    }

    /// How many bytes of the files have been handed out.
    pub fn bytes_read(&self) -> u64 {
        self.bytes
    }
}

impl Files {
    pub fn first_row(&self) -> u64 {
        self.first as u64
    }

    pub fn rows(&self) -> usize {
        self.count
    }

    /// Reads the files. One that is too large is a bad row; one that the system or a store does not give may be given the
    /// next time, so that is an error.
    pub fn parse(&self, file: &InputFile, limit: usize, columns: &Columns) -> Result<Rows> {
        let mut rows = RowsBuilder::new(self.first_row(), limit, columns);
        let members = &self.members.files()[self.first..self.first + self.count];
        let is_read = columns.image.is_some() || columns.text.is_some();
        let is_wanted = |member: &&Member| is_read && member.stamp.bytes <= limit as u64;
        let mut stored = Vec::new();
        if is_url(&file.path) {
            let paths = members.iter().filter(is_wanted).map(|member| file.path.join(&member.name));
            stored = storage::read_all(&paths.collect::<Vec<_>>())?;
        }
        let mut stored = stored.into_iter();
        for member in members {
            let path = format!("{}/{}", file.name, member.name);
            let bytes = match stored.len() > 0 && is_wanted(&member) {
                true => Ok(stored.next().unwrap_or_default()),
                false => read(&file.path.join(&member.name), member, limit, columns)?.map(Bytes::from),
            };
            match bytes {
                Ok(bytes) if file.format == Format::TextTree => match std::str::from_utf8(&bytes) {
                    Ok(text) => rows.push(strip_bom(text), Some(&path)),
                    Err(error) => rows.push_bad(format!("{path}: {}", not_utf8(&error))),
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

/// The texts of some files; none where there is no such file, or where it cannot be read.
pub(super) fn texts_at(file: &InputFile, limit: usize, rows: &[u64]) -> Vec<Option<String>> {
    let columns = Columns { text: Some(DEFAULT_TEXT.to_owned()), ..Columns::default() };
    let text = |row: &u64| {
        let member = file.members.files().get(usize::try_from(*row).ok()?)?;
        let bytes = read(&file.path.join(&member.name), member, limit, &columns).ok()?.ok()?;
        std::str::from_utf8(&bytes).ok().map(|text| strip_bom(text).to_owned())
    };
    rows.iter().map(text).collect()
}

/// A text without its byte order mark.
fn strip_bom(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// The bytes of a file, or why they make no row.
fn read(
    path: &Path,
    member: &Member,
    limit: usize,
    columns: &Columns,
) -> Result<std::result::Result<Vec<u8>, String>> {
    if columns.image.is_none() && columns.text.is_none() {
        return Ok(Ok(Vec::new()));
    }
    let bytes = member.stamp.bytes;
    if bytes > limit as u64 {
        return Ok(Err(format!("{bytes} bytes are over the limit of {limit} (--max-row-bytes)")));
    }
    storage::read(path).map(Ok).map_err(|error| Error::input(path, error))
}

/// The columns of a folder of texts: `text`, and `path`, which names the rows where nothing else does.
pub(super) fn text_file_columns(
    file: &InputFile,
    choice: &ColumnChoice,
    (by, only_trees): (CompareBy, bool),
) -> Result<Columns> {
    if by.image() && !choice.text_optional {
        return Err(no_images(file));
    }
    let asked = [
        (&choice.text, Some(DEFAULT_TEXT), "--text-column"),
        (&choice.id, Some(PATH), "--id-column"),
        (&choice.embedding, None, "--embedding-column"),
    ];
    for (name, known, option) in asked {
        if let Some(name) = name.as_deref().filter(|name| Some(*name) != known) {
            let problem = format!("no column `{name}`: a folder of texts has `{DEFAULT_TEXT}` and `{PATH}`");
            return Err(Error::input(&file.path, problem)
                .hint(format!("leave out {option}, or the files of plain text")));
        }
    }
    let id = (choice.id.is_some() || only_trees).then(|| PATH.to_owned());
    Ok(Columns { text: Some(DEFAULT_TEXT.to_owned()), id, found: Found::Text, ..Columns::default() })
}

/// Fails where a file is not the one that was found.
pub(super) fn check_unchanged(file: &InputFile) -> Result<()> {
    let stamped = file.members.files().iter().map(|member| (file.path.join(&member.name), member.stamp));
    Stamp::check_all(&stamped.collect::<Vec<_>>())
}

/// Copies the files that `keep` picks into the folder `destination`; see [`crate::formats::write::write_kept`].
pub(super) fn write_kept(
    file: &InputFile,
    destination: &Path,
    keep: &mut dyn FnMut(u64) -> bool,
) -> Result<u64> {
    fs::create_dir_all(destination).map_err(Error::io)?;
    let (mut written, mut folder) = (0, PathBuf::new());
    for (row, member) in file.members.files().iter().enumerate() {
        if !keep(row as u64) {
            continue;
        }
        let (from, to) = (file.path.join(&member.name), destination.join(&member.name));
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
