//! Reads and writes matrices of numbers on disk, a few rows at a time: numpy's formats,
//! safetensors and bare numbers.

pub(crate) mod array;
mod array_name;
mod bare;
pub(crate) mod bare_type;
mod convert;
pub(crate) mod copy_rows;
pub(crate) mod floats;
pub(crate) mod integers;
pub(crate) mod matrix;
pub(crate) mod npy;
pub(crate) mod npy_writer;
mod npz;
pub(crate) mod place;
pub(crate) mod row_bytes;
mod safetensors;
pub(crate) mod sampled_hash;
mod sizes;
pub(crate) mod store;
