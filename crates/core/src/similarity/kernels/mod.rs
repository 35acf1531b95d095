//! The inner loops, compiled for each instruction set and chosen at run time.
//!
//! There are two kinds. Products of 8-bit codes find candidates: they are sums of integers, so every
//! kernel gives the same ones for the same codes. Products of f32 values decide: the similarity of
//! every pair of rows comes from the one `Isa::similarity`, which sums in a fixed order. So a pair
//! has the same bits in every stage and on every CPU with fused multiply-add. Without fused
//! multiply-add they differ by rounding.

#[cfg(target_arch = "aarch64")]
#[allow(unsafe_code)]
mod arm;
mod dispatch;
pub(crate) mod isa;
mod loops;
mod tiles;
pub(crate) mod types;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod x86;

#[cfg(test)]
mod estimate_all_tests;
