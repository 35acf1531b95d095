//! Apache Avro object container files, which are only read. Feature `avro`.

#[cfg(not(feature = "avro"))]
pub(crate) mod absent;
#[cfg(feature = "avro")]
pub(crate) mod blocks;
pub(crate) mod format;
#[cfg(feature = "avro")]
pub(crate) mod read;
#[cfg(feature = "avro")]
pub(crate) mod schema_size;
