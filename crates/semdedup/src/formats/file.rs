//! What a file of the input is: its format, its compression, and what reading it may take.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::error::{Error, Result};
use crate::storage::Stamp;

/// The longest row that is read if nothing else is asked for: 64 MiB.
pub const DEFAULT_MAX_ROW_BYTES: usize = 64 << 20;

/// The longest row that can be asked for: 1 GiB, so that 32-bit Arrow offsets hold every chunk.
pub const LARGEST_MAX_ROW_BYTES: usize = 1 << 30;

/// How a file's rows are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// One JSON object a line.
    Jsonl,
    /// One JSON list of objects.
    JsonArray,
    /// Separated values with a header line.
    Csv {
        /// The byte between two fields.
        delimiter: u8,
    },
    /// One text a line.
    Text,
    /// Apache Parquet.
    Parquet,
    /// Arrow IPC (Feather version 2), a file or a stream.
    Arrow,
    /// Embeddings without rows beside them: a row of a matrix (`.npy`, `.npz`, `.safetensors`) is a row.
    Matrix,
    /// A WebDataset shard: a tar archive in which the files of one key are a sample, and a sample is a row.
    Tar,
    /// A folder in which a file is a row, an image.
    Tree,
    /// A folder in which a file is a row, a text.
    TextTree,
}

/// What of a row is compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompareBy {
    /// Its text.
    #[default]
    Text,
    /// Its image.
    Image,
    /// Both: the mean of the cosine similarities of texts and of images.
    Both,
}

impl CompareBy {
    /// As options and messages say it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Image => "image",
            Self::Both => "both",
        }
    }

    /// Whether texts are compared.
    pub fn text(self) -> bool {
        self != Self::Image
    }

    /// Whether images are compared.
    pub fn image(self) -> bool {
        self != Self::Text
    }
}

impl Format {
    /// Whether it is a folder in which a file is a row.
    pub(crate) fn is_tree(self) -> bool {
        matches!(self, Self::Tree | Self::TextTree)
    }
}

/// What a file of plain text (`.txt`) holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextFiles {
    /// A row a line.
    #[default]
    Lines,
    /// One row, as Markdown files always do.
    Whole,
}

/// What a whole file is compressed with (Parquet and Arrow compress inside themselves and count as `None`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// Nothing.
    None,
    /// gzip, one member or many.
    Gzip,
    /// Zstandard, one frame or many.
    Zstd,
}

/// A file to read, as it was when it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Its relative name under `kept/`: unique in a run, parts joined by `/`, no `..`, never absolute.
    pub name: String,
    /// How its rows are laid out.
    pub format: Format,
    /// What it is compressed with.
    pub compression: Compression,
    /// Its size on the disk.
    pub bytes: u64,
    /// Its modification time, in nanoseconds since 1970.
    pub modified_ns: u128,
    /// On Unix the inode and the time in nanoseconds of its last change of any kind, which no tool sets back.
    pub identity: [u64; 2],
    /// The files of a [`Format::Tree`] or [`Format::TextTree`]. A run finds them anew; texts are stored for showing.
    #[serde(default, skip_serializing_if = "FolderFiles::is_empty")]
    pub(crate) members: FolderFiles,
}

/// What reading may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadLimits {
    /// A longer line (or CSV record) is a bad row and is never held in memory. Values of Parquet and Arrow are not
    /// lines: they are already bounded by their page or batch.
    pub max_row_bytes: usize,
    /// An image of more pixels is a bad row, known from its header and never decoded.
    pub max_pixels: u64,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self {
            max_row_bytes: DEFAULT_MAX_ROW_BYTES,
            max_pixels: semdedup_embed::ImageLimits::default().max_pixels,
        }
    }
}

impl ReadLimits {
    pub(crate) fn check(&self) -> Result<()> {
        if (1..=LARGEST_MAX_ROW_BYTES).contains(&self.max_row_bytes) {
            return Ok(());
        }
        Err(Error::usage(format!(
            "--max-row-bytes is {}, it must be between 1 and {LARGEST_MAX_ROW_BYTES}",
            self.max_row_bytes
        )))
    }
}

/// The files that are the rows of a folder, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<FolderFile>", into = "Vec<FolderFile>")]
pub(crate) struct FolderFiles(Arc<Vec<FolderFile>>);

impl From<Vec<FolderFile>> for FolderFiles {
    fn from(members: Vec<FolderFile>) -> Self {
        Self::new(members)
    }
}

impl From<FolderFiles> for Vec<FolderFile> {
    fn from(members: FolderFiles) -> Self {
        members.0.to_vec()
    }
}

/// A file of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FolderFile {
    /// The path below the folder, parts joined by `/`.
    pub name: String,
    pub stamp: Stamp,
}

impl FolderFiles {
    pub(crate) fn new(members: Vec<FolderFile>) -> Self {
        Self(Arc::new(members))
    }

    pub(crate) fn files(&self) -> &[FolderFile] {
        &self.0
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the stamp of all files together: their size in bytes, the latest modification time, and a
    /// hash of their names and stamps.
    pub fn stamp(&self) -> Stamp {
        let mut hash = Xxh3::new();
        for FolderFile { name, stamp } in self.0.iter() {
            hash.update(&(name.len() as u64).to_le_bytes());
            hash.update(name.as_bytes());
            hash.update(&stamp.bytes.to_le_bytes());
            hash.update(&stamp.modified_ns.to_le_bytes());
            stamp.identity.iter().for_each(|part| hash.update(&part.to_le_bytes()));
        }
        let hash = hash.digest128();
        let modified = self.0.iter().map(|member| member.stamp.modified_ns).max().unwrap_or(0);
        let bytes = self.0.iter().map(|file| file.stamp.bytes).sum();
        Stamp::new(bytes, modified, [hash as u64, (hash >> 64) as u64])
    }
}
