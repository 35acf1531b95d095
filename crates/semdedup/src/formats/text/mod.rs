//! Formats of lines and bytes: JSONL, JSON lists, CSV, TSV, plain text.

pub(crate) mod annotate;
pub(crate) mod columns;
pub(crate) mod csv;
pub(crate) mod delimiters;
pub(crate) mod encoded;
pub(crate) mod fields;
pub(crate) mod fit;
pub(crate) mod format;
pub(crate) mod guess;
pub(crate) mod json;
pub(crate) mod json_array;
pub(crate) mod json_columns;
pub(crate) mod json_object;
pub(crate) mod json_row;
pub(crate) mod json_shape;
pub(crate) mod json_text;
pub(crate) mod legacy;
pub(crate) mod read;
pub(crate) mod records;
pub(crate) mod sniff;
pub(crate) mod split;
pub(crate) mod utf16;
pub(crate) mod write;
