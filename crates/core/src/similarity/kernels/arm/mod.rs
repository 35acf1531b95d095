//! The kernels of 64-bit Arm. `loops.rs` has the portable implementations that they are tested
//! against.
//!
//! Only product kernels need features that a CPU may lack: `dotprod` and `i8mm`.

pub(super) mod dotprod;
pub(super) mod i8mm;
pub(super) mod neon;
