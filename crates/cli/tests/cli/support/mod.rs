//! What the tests share.
//!
//! `sandbox` is a folder in which to run the command, `finished` the output of a command, `data`
//! texts with known duplicates in several formats, `npy` arrays.

mod data;
mod finished;
mod npy;
mod sandbox;

pub use data::{Random, csv, gunzip, gzip, jsonl, parquet, texts, zstd};
pub use finished::{Finished, number, signal};
pub use npy::{npy, npy_f32, npy_i32, read_npy_i32};
#[allow(unused_imports, reason = "the tests of storage use it")]
pub use sandbox::files_below;
pub use sandbox::{SEMDEDUP, Sandbox};
