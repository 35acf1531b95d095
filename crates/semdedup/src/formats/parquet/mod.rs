//! Apache Parquet.

pub(crate) mod compact;
pub(crate) mod encryption;
pub(crate) mod footer;
pub(crate) mod foreign_fields;
pub(crate) mod format;
pub(crate) mod int96;
pub(crate) mod intervals;
pub(crate) mod offsets;
pub(crate) mod read;
pub(crate) mod schema_like;
mod spark;
pub(crate) mod stored_type;
pub(crate) mod strings;
pub(crate) mod tail;
pub(crate) mod unknown;
pub(crate) mod write;
