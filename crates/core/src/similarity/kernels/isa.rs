//! The instruction sets.

use std::sync::OnceLock;

/// The instruction sets that have kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isa {
    /// With the 8-bit dot products of VNNI.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX2 with 8-bit dot products of 256 bits, on CPUs without AVX-512.
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    /// With fused multiply-add and conversion of f16.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// NEON with 8-bit dot products.
    #[cfg(target_arch = "aarch64")]
    Dotprod,
    /// What the target always has: SSE2 on x86-64, NEON on 64-bit Arm.
    Baseline,
}

/// The name of the instruction set that the kernels use on this CPU.
pub fn instruction_set() -> &'static str {
    Isa::detect().name()
}

impl Isa {
    /// The best one of this CPU. A build with the name of one in `SEMDEDUP_ISA` takes that one, or the baseline where the
    /// CPU lacks it, so that each can be measured and run through all tests.
    pub(crate) fn detect() -> Self {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| {
            let wanted = |isa: &Self| option_env!("SEMDEDUP_ISA").is_none_or(|name| name == isa.name());
            Self::available().into_iter().find(wanted).unwrap_or(Self::Baseline)
        })
    }

    fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni => "avxvnni",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "aarch64")]
            Self::Dotprod => "dotprod",
            Self::Baseline if cfg!(target_arch = "aarch64") => "neon",
            Self::Baseline => "baseline",
        }
    }

    /// All of this CPU, best first.
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
        #[cfg(target_arch = "aarch64")]
        if cfg!(target_endian = "little") && std::arch::is_aarch64_feature_detected!("dotprod") {
            sets.push(Self::Dotprod);
        }
        sets.push(Self::Baseline);
        sets
    }
}
