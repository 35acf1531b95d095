//! The instruction sets that have kernels, and which of them this CPU has.

use std::sync::OnceLock;

#[cfg(target_arch = "x86_64")]
use crate::similarity::kernels::types::LEVELS;

/// An instruction set that has kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isa {
    /// AVX-512 with the 8-bit dot products of VNNI.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX2 with 256-bit VNNI dot products, for CPUs without AVX-512.
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    /// AVX2 with fused multiply-add and f16 conversion.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// SSE2, which every x86-64 CPU has.
    #[cfg(target_arch = "x86_64")]
    Sse2,
    /// NEON with 8-bit matrix products.
    #[cfg(target_arch = "aarch64")]
    I8mm,
    /// NEON with 8-bit dot products.
    #[cfg(target_arch = "aarch64")]
    Dotprod,
    /// NEON, which every 64-bit Arm CPU has.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// The portable loops, for other targets.
    Portable,
}

/// The name of the instruction set that the build was told to use.
const WANTED: Option<&str> = option_env!("SEMDEDUP_ISA");

const _: () = assert!(
    match WANTED {
        Some(name) => is_name(name),
        None => true,
    },
    "SEMDEDUP_ISA is not the name of an instruction set"
);

/// Whether an instruction set has this name, on any target.
const fn is_name(name: &str) -> bool {
    matches!(
        name.as_bytes(),
        b"avx512" | b"avxvnni" | b"avx2" | b"sse2" | b"i8mm" | b"dotprod" | b"neon" | b"portable"
    )
}

/// Returns the name of the instruction set that the kernels use on this CPU, for example `avx512`.
pub fn instruction_set() -> &'static str {
    Isa::detect().name()
}

impl Isa {
    /// Returns the best instruction set of this CPU.
    ///
    /// A build with a name in the environment variable `SEMDEDUP_ISA` uses the instruction set of
    /// that name, or the portable loops if the CPU lacks it. This makes it possible to measure and test
    /// each of them.
    pub(crate) fn detect() -> Self {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| {
            let wanted = |isa: &Self| WANTED.is_none_or(|name| name == isa.name());
            Self::available().into_iter().find(wanted).unwrap_or(Self::Portable)
        })
    }

    /// Returns the largest size of a signed code that the product kernel can multiply.
    pub(crate) fn levels(self) -> u8 {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => LEVELS,
            _ => 127,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni => "avxvnni",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Sse2 => "sse2",
            #[cfg(target_arch = "aarch64")]
            Self::I8mm => "i8mm",
            #[cfg(target_arch = "aarch64")]
            Self::Dotprod => "dotprod",
            #[cfg(target_arch = "aarch64")]
            Self::Neon => "neon",
            Self::Portable => "portable",
        }
    }

    /// Lists the instruction sets of this CPU, best first.
    pub(crate) fn available() -> Vec<Self> {
        let mut sets = Vec::new();
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c")
        {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vnni")
            {
                sets.push(Self::Avx512);
            }
            if is_x86_feature_detected!("avxvnni") {
                sets.push(Self::AvxVnni);
            }
            sets.push(Self::Avx2);
        }
        #[cfg(target_arch = "x86_64")]
        sets.push(Self::Sse2);
        #[cfg(target_arch = "aarch64")]
        if cfg!(target_endian = "little") {
            if std::arch::is_aarch64_feature_detected!("i8mm") {
                sets.push(Self::I8mm);
            }
            if std::arch::is_aarch64_feature_detected!("dotprod") {
                sets.push(Self::Dotprod);
            }
            sets.push(Self::Neon);
        }
        sets.push(Self::Portable);
        sets
    }
}
