//! Chooses the columns that are compared: those that the user names, or those that names and values
//! tell. Where these leave a doubt, an error asks.

pub(crate) mod binary;
pub(crate) mod candidates;
pub(crate) mod companions;
pub(crate) mod embedding_column;
pub(crate) mod fine_tuning;
pub(crate) mod image_column;
pub(crate) mod image_tables;
pub(crate) mod images;
pub(crate) mod language;
pub(crate) mod list_texts;
pub(crate) mod listing;
pub(crate) mod named_text;
pub(crate) mod resolve;
pub(crate) mod roles;
pub(crate) mod table;
pub(crate) mod text_column;
pub(crate) mod value_column;
pub(crate) mod values;
