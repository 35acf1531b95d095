//! The inner loops, compiled for each instruction set and chosen at run time. Sums are integers and
//! conversions are exact, so all of them give the same bits. `portable` is what the others are
//! tested against.

#[cfg(target_arch = "aarch64")]
#[allow(unsafe_code)]
mod arm;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod avx2;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod avx512;
pub(super) mod dispatch;
mod portable;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod sse2;
#[cfg(test)]
mod tests;
pub(super) mod types;
