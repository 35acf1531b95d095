//! Reads rows out of files and writes the kept ones back in the same form.
//!
//! Four nouns: an [`InputFile`] is a file that [`discover`] found, [`Columns`] names its columns of
//! texts and ids ([`resolve_columns`]), a [`Reader`] cuts it into consecutive [`Chunk`]s, and a
//! chunk is parsed into [`Rows`], in parallel with others. [`write_kept`] reads the file once more
//! and copies the kept rows; [`write_annotated`] copies all rows with columns added.
//!
//! `text/split.rs` alone decides what a row of JSON, CSV or text is, for reading and for writing.
//! Row numbers start at 0 in each file. The bytes between the elements of a JSON list, a CSV
//! header, an empty CSV line and a JSONL line of white space are not rows, and they are copied
//! unchanged. Every line of a plain text file is a row. The longest allowed row bounds the memory,
//! not the size of the file.

mod added_columns;
mod annotate;
pub(crate) mod arrow;
mod avro;
#[cfg(feature = "bz2-xz")]
mod bz2;
mod choose;
mod columns;
mod compression;
mod content;
mod dialect;
mod discover;
mod embedding_form;
mod encoding;
mod file;
mod folder;
pub(crate) mod fuzz;
mod gzip;
mod ids;
mod image_columns;
mod image_links;
mod list;
mod list_path;
mod loose_json;
mod matrix;
mod number_list;
pub(crate) mod parquet;
mod read;
mod registry;
pub(crate) mod row_format;
mod rows;
mod stream;
mod tar;
#[cfg(test)]
mod tests;
mod text;
mod turns;
mod unchanged;
mod usual_names;
mod write;

pub use added_columns::{AddedColumns, NextRows};
pub(crate) use annotate::check_annotated;
pub use annotate::write_annotated;
pub(crate) use choose::binary::first_bytes;
pub use choose::images::rows_by;
pub(crate) use choose::listing::shortened;
pub(crate) use choose::resolve::resolve_by;
pub use choose::resolve::resolve_columns;
pub(crate) use choose::value_column::value_columns;
pub use columns::{ColumnChoice, Columns, Found};
pub use compression::Compression;
pub use dialect::{Dialect, DialectChoice, Escape, Quirks, Quote};
pub use discover::asked::Asked;
pub use discover::find::{Discovered, discover, survey};
pub(crate) use discover::left_out::describe as describe_left_out;
pub use discover::left_out::{Cause, LeftOut, Skipped};
pub(crate) use discover::matrix_files::find as find_matrices;
pub(crate) use discover::survey::inside_output;
pub use embedding_form::{EmbeddingForm, FloatType};
pub use encoding::TextEncoding;
pub use file::{
    CompareBy, DEFAULT_MAX_ROW_BYTES, Format, InputFile, LARGEST_MAX_ROW_BYTES, ReadLimits, TextFiles,
};
pub(crate) use ids::unquoted as unquoted_json;
pub use ids::{IdPart, IdSource, typed_json_ids, unify_ids};
pub(crate) use ids::{json_text, unquoted};
pub(crate) use image_links::{folder_of, linked_files, read_image, shortened_link};
pub use read::{Chunk, Reader, count_rows, read_texts};
pub(crate) use read::{WantedTexts, of_texts, stored_id_type, take_texts};
pub use registry::known_extensions;
pub use rows::{BadRow, Rows, Vectors};
pub(crate) use text::guess::{check_no_utf8, encoding_hint, likely_encoding};
pub use text::likely::LikelyEncoding;
pub(crate) use unchanged::check_all_unchanged;
pub use unchanged::check_unchanged;
pub use write::write_kept;
pub(crate) use write::{check_kept, try_write_kept};
