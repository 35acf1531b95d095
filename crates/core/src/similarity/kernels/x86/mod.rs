//! The kernels of x86-64. `loops.rs` has the portable implementations that they are tested against.
//!
//! A product kernel keeps all sums of some rows and lanes in registers over the whole dimension. It
//! uses intrinsics, because the compiler does not keep the sums of the portable loop in registers.

pub(super) mod avx2;
pub(super) mod avx512;
pub(super) mod avxvnni;
