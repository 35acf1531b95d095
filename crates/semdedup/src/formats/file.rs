//! The files of the input: their formats, their compressions, and the limits for reading them.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::error::{Error, Result};
use crate::formats::compression::Compression;
use crate::formats::dialect::Dialect;
use crate::formats::encoding::TextEncoding;
use crate::formats::list::for_each_format;
use crate::storage::Stamp;

/// The longest row that is read by default, in bytes: 64 MiB.
pub const DEFAULT_MAX_ROW_BYTES: usize = 64 << 20;

/// The largest limit that a user can set, in bytes: 1 GiB, so that 32-bit Arrow offsets hold every
/// chunk.
pub const LARGEST_MAX_ROW_BYTES: usize = 1 << 30;

macro_rules! format_enum {
    ($($(#[$doc:meta])* $variant:ident $(($data:ty))? => $($implementation:ident)::+;)*) => {
        /// The form in which a file has its rows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Format {
            $($(#[$doc])* $variant $(($data))?,)*
        }
    };
}

for_each_format!(format_enum);

/// The part of a row that is compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompareBy {
    /// The text.
    #[default]
    Text,
    /// The image.
    Image,
    /// Both, by the mean of the cosine similarities of the texts and of the images.
    Both,
}

impl CompareBy {
    /// Returns the name in options and messages.
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
    /// Whether the format is a folder whose files are rows.
    pub(crate) fn is_tree(self) -> bool {
        matches!(self, Self::Tree | Self::TextTree)
    }
}

/// The rows of a file of plain text (`.txt`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextFiles {
    /// Every line is a row.
    #[default]
    Lines,
    /// The file is one row, as Markdown files always are.
    Whole,
}

/// A file to read, as it was when it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// The path or URL.
    pub path: PathBuf,
    /// The relative name under `kept/`: unique in a run, with parts joined by `/`, without `..`,
    /// never absolute.
    pub name: String,
    /// The form of the rows.
    pub format: Format,
    /// The compression of the whole file.
    pub compression: Compression,
    /// The encoding of a text file, if the user names it. A byte order mark goes before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<TextEncoding>,
    /// The size on the disk in bytes.
    pub bytes: u64,
    /// The modification time, in nanoseconds since 1970.
    pub modified_ns: u128,
    /// On Unix the inode, and the time of the last change of any kind in nanoseconds, which no tool
    /// sets back.
    pub identity: [u64; 2],
    /// The files of a [`Format::Tree`] or [`Format::TextTree`]. Every run finds them again; those
    /// of texts are stored to show the texts.
    #[serde(default, skip_serializing_if = "FolderFiles::is_empty")]
    pub(crate) members: FolderFiles,
}

/// The limits for reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadLimits {
    /// The longest line or CSV record in bytes. A longer one is a bad row and is never held in
    /// memory. Values of Parquet and Arrow are not lines: their page or batch bounds them.
    pub max_row_bytes: usize,
    /// The largest image in pixels. A larger one is a bad row; its header tells the size, and it is
    /// never decoded.
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
    fn from(files: Vec<FolderFile>) -> Self {
        Self::new(files)
    }
}

impl From<FolderFiles> for Vec<FolderFile> {
    fn from(files: FolderFiles) -> Self {
        files.0.to_vec()
    }
}

/// A file that is a row of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FolderFile {
    /// The path below the folder, with parts joined by `/`.
    pub name: String,
    pub stamp: Stamp,
}

impl FolderFiles {
    pub(crate) fn new(files: Vec<FolderFile>) -> Self {
        Self(Arc::new(files))
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

    /// Returns the stamp of all files together: their size in bytes, the latest modification time,
    /// and a hash of their names and stamps.
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
        let modified = self.0.iter().map(|file| file.stamp.modified_ns).max().unwrap_or(0);
        let bytes = self.0.iter().map(|file| file.stamp.bytes).sum();
        Stamp::new(bytes, modified, [hash as u64, (hash >> 64) as u64])
    }
}
