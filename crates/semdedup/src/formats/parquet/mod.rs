//! Apache Parquet.

pub(crate) mod footer;
pub(crate) mod format;
pub(crate) mod int96;
pub(crate) mod intervals;
pub(crate) mod read;
pub(crate) mod schema_like;
pub(crate) mod write;
