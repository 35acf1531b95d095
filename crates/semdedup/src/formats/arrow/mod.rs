//! Arrow IPC files (Feather), and the code that all formats share which are read through Arrow.

pub(crate) mod batches;
pub(crate) mod binary;
pub(crate) mod columns;
pub(crate) mod display;
pub(crate) mod format;
pub(crate) mod guard;
pub(crate) mod images;
pub(crate) mod ipc;
pub(crate) mod list_elements;
pub(crate) mod messages;
pub(crate) mod nested;
pub(crate) mod read;
pub(crate) mod strings;
pub(crate) mod turn_arrays;
pub(crate) mod types;
pub(crate) mod vectors;
pub(crate) mod write;
