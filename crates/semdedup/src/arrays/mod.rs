//! Matrices of numbers on disk: numpy's formats and safetensors, read a few rows at a time.

pub(crate) mod matrix;
pub(crate) mod npy;
pub(crate) mod store;
