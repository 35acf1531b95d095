//! WebDataset shards: tar archives whose members with one key are a sample.

pub(crate) mod archive;
pub(crate) mod columns;
pub(crate) mod first_members;
pub(crate) mod format;
pub(crate) mod member;
pub(crate) mod part;
pub(crate) mod pax;
pub(crate) mod sample;
pub(crate) mod samples;
pub(crate) mod write;
