//! Files that lie in a bucket or behind a web server, named like any other: a path that begins with `s3://`, `gs://`,
//! `az://`, `http://` or `https://` is a URL, and what is here takes both.
//!
//! Reading a stream goes on where a cut connection left it ([`stream`]); reading here and there fetches blocks once and
//! keeps them in a file without a name ([`Blob`]); writing sends a file that is whole ([`upload`]), so that an object
//! is whole or not there. Credentials come from the environment, as `object_store` reads them, and go nowhere else.

pub(crate) mod atomic;
mod blob;
mod client;
pub(crate) mod errors;
mod folder;
mod heads;
pub(crate) mod local;
mod location;
mod lock;
mod pattern;
mod read;
mod stamp;
mod write;

pub(crate) use blob::Blob;
#[cfg(test)]
pub(crate) use errors::any_fault;
pub(crate) use errors::{fault_of, recent_fault};
pub(crate) use folder::{
    check_writable, children, create_dir_all, exists, fetch, files_below, glob, is_dir, is_file, names, read,
    read_all, remove_all, remove_file,
};
pub use location::place;
pub(crate) use location::{Location, canonical_url, is_url};
pub(crate) use lock::Lock;
pub(crate) use read::stream;
pub(crate) use stamp::Stamp;
pub(crate) use write::upload;
