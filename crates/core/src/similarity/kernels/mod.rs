//! The inner loops.

#[cfg(target_arch = "aarch64")]
#[allow(unsafe_code)]
mod arm;
mod dispatch;
pub(crate) mod isa;
mod loops;
pub(crate) mod types;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod x86;
