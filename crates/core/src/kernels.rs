//! The inner loops, on the widest unit of this CPU.
//!
//! Two kinds. Products of 8-bit codes find candidates: integer sums, the same on every CPU. Products of f32 decide:
//! every pair of rows goes through the one [`Isa::similarity`], whose order of summing is fixed, so that a pair's similarity
//! has the same bits in every stage and at every place, on every CPU with fused multiply-add; without, it differs by
//! rounding.

use std::sync::OnceLock;

use loops::{
    add_loop, dot_loop, encode_loop, estimates_baseline, half_to_f32_baseline, norm_loop, products_baseline,
    scale_loop, squared_distance_loop,
};

/// Columns of a panel of codes: two 512-bit or four 256-bit registers of 32-bit sums.
pub(crate) const LANES: usize = 32;

/// Values of the dimension that one instruction multiplies and adds up; codes are padded to a multiple.
pub(crate) const STEP: usize = 4;

/// Rows to hand to [`Isa::products`] at once: a multiple of every kernel's height, small enough that codes and
/// products stay in the first-level cache while a panel is read from the second.
pub(crate) const BLOCK: usize = 48;

/// The products of a block of rows with a panel.
pub(crate) type Products = [[i32; LANES]; BLOCK];

/// What each lane of a panel adds to an estimate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lanes<'a> {
    pub(crate) scale: &'a [f32; LANES],
    pub(crate) bias: &'a [f32; LANES],
}

/// What a row of products is wanted for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bar {
    /// What a step of the row's code is worth.
    pub(crate) scale: f32,
    /// Estimates below are of no use.
    pub(crate) threshold: f32,
    /// Nor are those that are lower by more than this than another estimate of the same panel.
    pub(crate) window: f32,
    /// The lanes that the row is compared with.
    pub(crate) lanes: u32,
}

/// Products scaled back to what they approximate.
#[derive(Debug)]
pub(crate) struct Reached {
    /// For each row a bit for every lane whose estimate is of use.
    pub(crate) lanes: [u32; BLOCK],
    /// The estimates of the rows that have such a bit; of others they may be old.
    pub(crate) estimates: [[f32; LANES]; BLOCK],
}

impl Reached {
    pub(crate) const NONE: Self = Self { lanes: [0; BLOCK], estimates: [[0.0; LANES]; BLOCK] };
}

/// Partial sums of a dot product.
const PARTS: usize = 64;

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

    /// `products[i][l] = start[l] + Σ_p rows[i][p] · panel[p / 4][l][p % 4]`; at most [`BLOCK`] rows of a multiple of
    /// [`STEP`] unsigned values, a panel of signed ones. Sums wrap around: all kernels agree on every input, and what
    /// they give is right if it fits, whatever the sums on the way.
    #[allow(unsafe_code)]
    pub(crate) fn products(
        self,
        rows: &[&[u8]],
        panel: &[u32],
        start: &[i32; LANES],
        products: &mut Products,
    ) {
        assert!(rows.len() <= BLOCK);
        assert!(rows.iter().all(|row| row.len() / STEP * LANES == panel.len() && row.len() % STEP == 0));
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: this variant exists only where `available` has detected the features.
            Self::Avx512 => unsafe { x86::products_avx512(rows, panel, start, products) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Self::AvxVnni => unsafe { x86::products_avxvnni(rows, panel, start, products) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Self::Avx2 => unsafe { x86::products_avx2(rows, panel, start, products) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: as above.
            Self::Dotprod => unsafe { arm::products_dotprod(rows, panel, start, products) },
            Self::Baseline => products_baseline(rows, panel, start, products),
        }
    }
}

impl Isa {
    /// Converts f16 numbers; exact, so the same on every CPU.
    #[allow(unsafe_code)]
    pub(crate) fn half_to_f32(self, half: &[u16], out: &mut [f32]) {
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: these variants exist only where `available` has detected the features.
            Self::Avx512 | Self::AvxVnni | Self::Avx2 => unsafe { x86::half_to_f32_f16c(half, out) },
            #[cfg(target_arch = "aarch64")]
            Self::Dotprod => arm::half_to_f32_neon(half, out),
            Self::Baseline => half_to_f32_baseline(half, out),
        }
    }

    /// `estimates[i][l] = products[i][l] · scale of lane l · scale of query i + bias of lane l`, where that is of use.
    #[allow(unsafe_code)]
    pub(crate) fn estimate(self, products: &Products, queries: &[Bar], lanes: Lanes, out: &mut Reached) {
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: this variant exists only where `available` has detected the features.
            Self::Avx512 => unsafe { x86::estimates_avx512(products, queries, lanes, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Self::AvxVnni | Self::Avx2 => unsafe { x86::estimates_avx2(products, queries, lanes, out) },
            #[cfg(target_arch = "aarch64")]
            Self::Dotprod => arm::estimates_neon(products, queries, lanes, out),
            Self::Baseline => estimates_baseline(products, queries, lanes, out),
        }
    }
}

/// From this dot product on, the similarity of two rows is computed from their distance.
pub(crate) const CLOSE: f32 = 0.999;

impl Isa {
    /// The cosine similarity of two rows of unit length: their dot product, or for close rows, where that would be lost in
    /// rounding, one minus half their squared distance. So of a crowd of near-equal rows it can be told which are nearest.
    #[inline]
    pub(crate) fn similarity(self, a: &[f32], b: &[f32]) -> f32 {
        let dot = self.dot(a, b);
        if dot < CLOSE { dot } else { 1.0 - self.squared_distance(a, b) / 2.0 }
    }
}

/// Defines methods of [`Isa`] that run a plain loop compiled for each instruction set. The loop's constant says whether
/// multiplications and additions are fused; on plain x86-64 that would be a library call each.
macro_rules! dispatched {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $type:ty),*) $(-> $result:ty)? = $body:ident;)*) => {
        impl Isa {
            $($(#[$doc])*
            #[allow(unsafe_code)]
            #[inline]
            pub(crate) fn $name(self, $($arg: $type),*) $(-> $result)? {
                #[cfg(target_arch = "x86_64")]
                #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma")]
                fn avx512($($arg: $type),*) $(-> $result)? {
                    $body::<true>($($arg),*)
                }
                #[cfg(target_arch = "x86_64")]
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $type),*) $(-> $result)? {
                    $body::<true>($($arg),*)
                }
                match self {
                    #[cfg(target_arch = "x86_64")]
                    // SAFETY: this variant exists only where `available` has detected the features.
                    Self::Avx512 => unsafe { avx512($($arg),*) },
                    #[cfg(target_arch = "x86_64")]
                    // SAFETY: as above.
                    Self::AvxVnni | Self::Avx2 => unsafe { avx2($($arg),*) },
                    #[cfg(target_arch = "aarch64")]
                    Self::Dotprod => $body::<true>($($arg),*),
                    Self::Baseline => $body::<{ cfg!(target_arch = "aarch64") }>($($arg),*),
                }
            })*
        }
    };
}

dispatched! {
    /// The dot product of two rows: 64 partial sums over the dimension, added up in halves.
    fn dot(a: &[f32], b: &[f32]) -> f32 = dot_loop;
    /// The squared distance of two rows; exact for rows that lie close, where 1 − cosine is lost in rounding.
    fn squared_distance(a: &[f32], b: &[f32]) -> f32 = squared_distance_loop;
    /// The length of a row; in f64, where the square of every finite f32 is exact and none overflows.
    fn norm(row: &[f32]) -> f64 = norm_loop;
    /// Multiplies a row by a number, in f64; −0 becomes +0.
    fn scale(row: &mut [f32], by: f64) = scale_loop;
    /// Adds a row to a sum.
    fn add(sum: &mut [f64], row: &[f32]) = add_loop;
    /// Encodes a row; see [`encode_loop`].
    fn encode(row: &[f32], reference: &[f32], origin: &[f32], codes: &mut [u8]) -> Encoded = encode_loop;
}

/// What is known of a row that was encoded.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Encoded {
    /// What a step of the code is worth.
    pub(crate) scale: f32,
    /// The dot product of the origin with the row's difference from its reference.
    pub(crate) bias: f32,
    /// Half the squared length of the difference.
    pub(crate) half_square: f32,
    /// The length of the difference as the codes give it.
    pub(crate) norm: f32,
    /// The length of what the codes lose.
    pub(crate) error: f32,
    /// The sum of the signed codes.
    pub(crate) sum: i32,
}

#[cfg(target_arch = "aarch64")]
#[allow(unsafe_code)]
mod arm;
mod loops;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod x86;

#[cfg(test)]
#[path = "kernels_tests.rs"]
mod tests;
