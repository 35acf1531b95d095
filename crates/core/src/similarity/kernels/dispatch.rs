//! The inner loops, on the widest unit of this CPU.
//!
//! Two kinds. Products of 8-bit codes find candidates: integer sums, the same on every CPU. Products of f32 decide:
//! every pair of rows goes through the one [`Isa::similarity`], whose order of summing is fixed, so that a pair's similarity
//! has the same bits in every stage and at every place, on every CPU with fused multiply-add; without, it differs by
//! rounding.

#[cfg(target_arch = "aarch64")]
use crate::similarity::kernels::arm;
use crate::similarity::kernels::isa::Isa;
use crate::similarity::kernels::loops::{
    add_loop, dot_loop, encode_loop, estimates_baseline, half_to_f32_baseline, norm_loop, products_baseline,
    scale_loop, squared_distance_loop,
};
use crate::similarity::kernels::types::{BLOCK, Bar, Encoded, LANES, Lanes, Products, Reached, STEP};
#[cfg(target_arch = "x86_64")]
use crate::similarity::kernels::x86;
use crate::similarity::thresholds::CLOSE;

impl Isa {
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

#[cfg(test)]
#[path = "dispatch_tests.rs"]
mod tests;
