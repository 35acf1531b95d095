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
mod asked;
mod batches;
mod beside;
mod binary;
mod columns;
mod companions;
mod csv;
mod discover;
mod file;
mod found_file;
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
mod unchanged;
mod usual_names;
mod values;
mod write;

pub(crate) use annotate::check as check_annotated;
pub use annotate::{AddedColumns, NextRows, write_annotated};
pub use asked::Asked;
pub(crate) use columns::resolve_by;
pub use columns::{ColumnChoice, Columns, Found, resolve_columns};
pub(crate) use discover::inside_output;
pub use discover::{Discovered, discover, survey};
pub use file::{
    CompareBy, Compression, DEFAULT_MAX_ROW_BYTES, Format, InputFile, LARGEST_MAX_ROW_BYTES, ReadLimits,
    TextFiles,
};
pub use ids::{IdPart, IdSource, typed_json_ids, unify_ids};
pub use images::rows_by;
pub(crate) use left_out::describe as describe_left_out;
pub use left_out::{Cause, LeftOut, Skipped};
pub(crate) use matrices::{check_kept, find as find_matrices};
pub use read::{Chunk, Reader, count_rows, read_texts};
pub use rows::{BadRow, Rows, Vectors};
pub(crate) use unchanged::check_all_unchanged;
pub use unchanged::check_unchanged;
pub use write::write_kept;
