//! Arrow IPC files (Feather), and what every format that is read through Arrow shares.

pub(crate) mod batches;
pub(crate) mod binary;
pub(crate) mod columns;
pub(crate) mod format;
pub(crate) mod images;
pub(crate) mod ipc;
pub(crate) mod nested;
pub(crate) mod read;
pub(crate) mod turn_arrays;
pub(crate) mod types;
pub(crate) mod write;
