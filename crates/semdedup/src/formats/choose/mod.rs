//! Which columns are compared: what the user asked for, or what names and values say, or a question.

pub(crate) mod binary;
pub(crate) mod companions;
pub(crate) mod image_tables;
pub(crate) mod images;
pub(crate) mod language;
pub(crate) mod listing;
pub(crate) mod resolve;
pub(crate) mod roles;
pub(crate) mod table;
pub(crate) mod text_column;
pub(crate) mod values;
