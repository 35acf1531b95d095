//! The kernels as methods of [`Isa`]: each calls the implementation for its instruction set.

use crate::mobilenet::isa::{Isa, Set};
#[cfg(target_arch = "aarch64")]
use crate::mobilenet::kernels::arm;
use crate::mobilenet::kernels::portable;
use crate::mobilenet::kernels::types::{Job, Pixels, Target};
#[cfg(target_arch = "x86_64")]
use crate::mobilenet::kernels::{avx2, avx512, sse2};
use crate::mobilenet::layers::{Depthwise, Panel};

impl Isa {
    /// Runs a computation, compiled for this instruction set.
    #[allow(unsafe_code)]
    pub(in crate::mobilenet) fn run(self, job: impl Job) {
        match self.set() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: an `Isa` of this set exists only where the processor has the features.
            Set::Avx512 => unsafe { avx512::run(job) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Set::AvxVnni | Set::Avx2 => unsafe { avx2::run(job) },
            _ => job.run(),
        }
    }

    /// Computes a panel of a dense layer, which was packed for this instruction set, for some
    /// pixels.
    #[allow(unsafe_code)]
    pub(in crate::mobilenet) fn dense(self, panel: &Panel, scale: f32, pixels: &Pixels, out: &mut Target) {
        match self.set() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: an `Isa` of this set exists only where the processor has the features.
            Set::Avx512 => unsafe { avx512::dense(panel, scale, pixels, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Set::AvxVnni => unsafe { avx2::dense_vnni(panel, scale, pixels, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Set::Avx2 => unsafe { avx2::dense(panel, scale, pixels, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Set::Sse2 => unsafe { sse2::dense(panel, scale, pixels, out) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: as above.
            Set::Dotprod => unsafe { arm::dense(panel, scale, pixels, out) },
            Set::Portable => portable::dense(panel, scale, pixels, out),
        }
    }

    /// Computes a row of a depthwise layer, which was packed for this instruction set, from three
    /// rows of its input, which have a border of one pixel.
    #[allow(unsafe_code)]
    pub(in crate::mobilenet) fn depthwise(self, layer: &Depthwise, rows: [&[u8]; 3], out: &mut [u8]) {
        match self.set() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: an `Isa` of this set exists only where the processor has the features.
            Set::Avx512 => unsafe { avx512::depthwise(layer, rows, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Set::AvxVnni | Set::Avx2 => unsafe { avx2::depthwise(layer, rows, out) },
            _ => portable::depthwise(layer, rows, out),
        }
    }
}
