//! Finds the files that are read: arguments in, a list of files out, with the files that were left
//! out and why.

pub(crate) mod among_named;
pub(crate) mod argument;
pub(crate) mod asked;
pub(crate) mod beside;
pub(crate) mod beside_rows;
pub(crate) mod earlier_results;
pub(crate) mod file_names;
pub(crate) mod find;
pub(crate) mod found_file;
pub(crate) mod globs;
pub(crate) mod hidden;
pub(crate) mod ignored;
pub(crate) mod label_images;
pub(crate) mod left_out;
pub(crate) mod links;
pub(crate) mod local;
pub(crate) mod matrix_files;
pub(crate) mod names;
pub(crate) mod one_object;
pub(crate) mod own_files;
pub(crate) mod pictures;
pub(crate) mod questions;
pub(crate) mod remote;
pub(crate) mod row_files;
pub(crate) mod settle;
pub(crate) mod sidecars;
pub(crate) mod sidecars_content;
pub(crate) mod survey;
pub(crate) mod table_folders;
pub(crate) mod table_formats;
