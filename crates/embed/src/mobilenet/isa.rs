//! The instruction sets that have kernels, and which of them this processor has.

use std::sync::OnceLock;

/// The name of the instruction set that the build was told to use.
const WANTED: Option<&str> = option_env!("SEMDEDUP_ISA");

const _: () = assert!(
    match WANTED {
        Some(name) => is_name(name),
        None => true,
    },
    "SEMDEDUP_ISA is not the name of an instruction set"
);

/// An instruction set that this processor has.
///
/// Only this file can make one, and it makes one only if the processor has been found to have it.
/// The calls in `kernels::dispatch` are sound because of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Isa(Set);

/// An instruction set that has kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Set {
    /// AVX-512 with the 8-bit dot products of VNNI.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX2 with the 8-bit dot products of VNNI, for processors without AVX-512.
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    /// AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// SSE2, which every x86-64 processor has.
    #[cfg(target_arch = "x86_64")]
    Sse2,
    /// NEON with 8-bit dot products.
    #[cfg(target_arch = "aarch64")]
    Dotprod,
    /// Plain Rust, which the compiler turns into what every processor of the target has.
    Portable,
}

/// What the weights of one step of a dense kernel have to keep to, so that no sum saturates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    /// A weight fits in an `i8`.
    Byte,
    /// In addition, the weights of a step that `pmaddubsw` sums in one `i16` have positive parts of
    /// at most 128 in total, and negative parts of at least −128: 128 · 255 fits.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    SumIn16Bits,
}

impl Isa {
    /// Plain Rust, which every processor runs.
    pub(super) const PORTABLE: Self = Self(Set::Portable);

    /// Returns the best instruction set of this processor.
    ///
    /// A build with a name in the environment variable `SEMDEDUP_ISA` uses the instruction set of
    /// that name, or plain Rust if the processor lacks it. This makes it possible to measure and
    /// test each of them.
    pub(super) fn best() -> Self {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| {
            let wanted = |isa: &Self| WANTED.is_none_or(|name| isa.names().contains(&name));
            Self::all().into_iter().find(wanted).unwrap_or(Self::PORTABLE)
        })
    }

    /// Returns which instruction set it is.
    pub(super) fn set(self) -> Set {
        self.0
    }

    /// Lists the names that `semdedup-core` gives to the instruction sets for which these kernels
    /// are used.
    pub(super) fn names(self) -> &'static [&'static str] {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => &["avx512"],
            #[cfg(target_arch = "x86_64")]
            Set::AvxVnni => &["avxvnni"],
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => &["avx2"],
            #[cfg(target_arch = "x86_64")]
            Set::Sse2 => &["sse2"],
            #[cfg(target_arch = "aarch64")]
            Set::Dotprod => &["dotprod", "i8mm"],
            Set::Portable => &["portable", "neon"],
        }
    }

    /// Lists the instruction sets of this processor, the best first.
    pub(super) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vnni")
            {
                all.push(Self(Set::Avx512));
            }
            if is_x86_feature_detected!("avxvnni") {
                all.push(Self(Set::AvxVnni));
            }
            all.push(Self(Set::Avx2));
        }
        #[cfg(target_arch = "x86_64")]
        all.push(Self(Set::Sse2));
        #[cfg(target_arch = "aarch64")]
        if cfg!(target_endian = "little") && std::arch::is_aarch64_feature_detected!("dotprod") {
            all.push(Self(Set::Dotprod));
        }
        all.push(Self::PORTABLE);
        all
    }

    /// Returns the number of output channels whose sums a dense kernel holds in registers.
    pub(super) fn panel(self) -> usize {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => 32,
            _ => 8,
        }
    }

    /// Returns what the weights of a step have to keep to.
    pub(super) fn limit(self) -> Limit {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => Limit::SumIn16Bits,
            _ => Limit::Byte,
        }
    }

    /// Returns what the dense kernel subtracts from each input.
    pub(super) fn input_offset(self) -> i32 {
        match self.0 {
            #[cfg(target_arch = "aarch64")]
            Set::Dotprod => 128,
            _ => 0,
        }
    }

    /// Returns the number of channels that the depthwise kernel computes at once from packed
    /// weights; none if it computes from weights as they are.
    pub(super) fn block(self) -> Option<usize> {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => Some(32),
            #[cfg(target_arch = "x86_64")]
            Set::AvxVnni | Set::Avx2 => Some(16),
            _ => None,
        }
    }
}

/// Whether `semdedup-core` has an instruction set of this name on some processor.
pub(super) const fn is_name(name: &str) -> bool {
    matches!(
        name.as_bytes(),
        b"avx512" | b"avxvnni" | b"avx2" | b"sse2" | b"i8mm" | b"dotprod" | b"neon" | b"portable"
    )
}
