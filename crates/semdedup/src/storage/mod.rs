//! Reads and writes files on a disk, in a bucket or behind a web server. A path that begins with
//! `s3://`, `gs://`, `az://`, `http://` or `https://` is a URL; the functions here take both.
//!
//! A [`stream`] continues where a cut connection left it. A [`Blob`] is read at any offset: it
//! fetches each block once and caches it in a temporary file. An [`upload`] sends a complete file,
//! so that an object is complete or does not exist. Credentials come from the environment, as
//! `object_store` reads them, and go nowhere else.

#[cfg(not(feature = "cloud"))]
mod absent;
pub(crate) mod atomic;
mod blob;
mod cached_object;
mod client;
#[cfg(feature = "cloud")]
mod connect;
pub(crate) mod errors;
mod file_url;
mod flushed;
mod folder;
mod heads;
mod hub;
mod kind;
mod list;
#[cfg(feature = "cloud")]
mod list_answers;
pub(crate) mod local;
mod location;
mod lock;
mod lock_object;
pub(crate) mod marks;
mod odd_keys;
mod owner;
mod pattern;
mod read;
mod remove;
mod stamp;
mod whole_file;
mod write;

pub(crate) use blob::Blob;
#[cfg(test)]
pub(crate) use errors::any_fault;
pub(crate) use errors::{fault_of, recent_fault};
pub(crate) use file_url::FileUrl;
pub(crate) use flushed::FlushedFile;
pub(crate) use folder::{
    check_writable, children, create_dir_all, exists, files_below, glob, is_dir, is_file, names,
};
pub use location::place;
pub(crate) use location::{Location, canonical_url, is_url};
pub(crate) use lock::Lock;
pub(crate) use pattern::{Matches, climbs};
pub(crate) use read::stream;
pub(crate) use remove::{remove_all, remove_file};
pub(crate) use stamp::{Stamp, changed_ms};
pub(crate) use whole_file::{fetch, read, read_all};
pub(crate) use write::upload;
