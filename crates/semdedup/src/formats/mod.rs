//! Reading rows out of files and writing the kept ones back in the same form.
//!
//! Four nouns: an [`InputFile`] is what [`discover`] found, [`Columns`] says where its text and ids are
//! ([`resolve_columns`]), a [`Reader`] cuts it into [`Chunk`]s one after the other, and a chunk is parsed into
//! [`Rows`], many at a time. [`write_kept`] goes over the file once more and copies the rows that stay,
//! [`write_annotated`] all of them with columns added.
//!
//! What counts as a row is decided in one place, `split.rs`, for reading and for writing alike: row numbers start at 0
//! in each file; what lies between the elements of a JSON list, a CSV header, an empty CSV line and a JSONL line of white space are no rows (and are copied as they
//! are); every line of a plain text file is one. Memory is bounded by the longest row allowed, never by the file.

mod annotate;
mod arrow_in;
mod arrow_out;
mod batches;
mod beside;
mod binary;
mod columns;
mod companions;
mod csv;
mod discover;
pub(crate) mod fuzz;
mod ids;
mod image_tables;
mod images;
mod int96;
mod intervals;
mod ipc;
mod json;
mod json_array;
mod json_columns;
mod json_row;
mod label_images;
mod language;
mod layout;
mod left_out;
mod listing;
mod matrices;
mod names;
mod nested;
mod parquet_in;
mod parquet_out;
mod passed_over;
mod pax;
mod read;
mod remote;
mod roles;
mod rows;
mod samples;
mod schema;
mod sidecars;
mod sidecars_content;
mod split;
mod stream;
mod tar;
#[cfg(test)]
mod tests;
mod text_column;
mod tree;
mod turn_arrays;
mod turns;
mod usual_names;
mod values;
mod write;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub(crate) use annotate::check as check_annotated;
pub use annotate::{AddedColumns, NextRows, write_annotated};
pub use columns::{ColumnChoice, Columns, Found, resolve_columns};
pub(crate) use discover::inside_output;
pub use discover::{Discovered, discover, survey};
pub use ids::{IdPart, IdSource, typed_json_ids, unify_ids};
pub use images::rows_by;
pub(crate) use left_out::describe as describe_left_out;
pub use left_out::{Cause, LeftOut, Skipped};
pub(crate) use matrices::{check_kept, find as find_matrices};
pub use read::{Chunk, Reader, count_rows, read_texts};
pub use rows::{BadRow, Rows, Vectors};
pub(crate) use write::{Stamp, check_all_unchanged};
pub use write::{check_unchanged, write_kept};

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
pub enum By {
    /// Its text.
    #[default]
    Text,
    /// Its image.
    Image,
    /// Both: the mean of the cosine similarities of texts and of images.
    Both,
}

impl By {
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

    /// Whether a file of it says what columns and how many rows it has, so that nothing has to be gone through.
    pub(crate) fn has_schema(self) -> bool {
        matches!(self, Self::Parquet | Self::Arrow)
    }

    /// How the ids of this format are to be taken by [`unify_ids`].
    pub fn id_source(self) -> IdSource {
        match self {
            Self::Jsonl | Self::JsonArray => IdSource::Json,
            Self::Csv { .. }
            | Self::Text
            | Self::Parquet
            | Self::Arrow
            | Self::Tar
            | Self::Tree
            | Self::TextTree
            | Self::Matrix => IdSource::Typed,
        }
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

/// What the user said, as far as it decides which files of a folder are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// What files of plain text hold.
    pub text_files: TextFiles,
    /// The columns, and what is compared, where the user named them.
    pub columns: ColumnChoice,
    /// Whether files of embeddings are named.
    pub embeddings: bool,
}

impl From<TextFiles> for Asked {
    fn from(text_files: TextFiles) -> Self {
        Self { text_files, ..Self::default() }
    }
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
    #[serde(default, skip_serializing_if = "tree::Members::is_empty")]
    pub(crate) members: tree::Members,
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
    fn check(&self) -> crate::error::Result<()> {
        if (1..=LARGEST_MAX_ROW_BYTES).contains(&self.max_row_bytes) {
            return Ok(());
        }
        Err(crate::error::Error::usage(format!(
            "--max-row-bytes is {}, it must be between 1 and {LARGEST_MAX_ROW_BYTES}",
            self.max_row_bytes
        )))
    }
}
