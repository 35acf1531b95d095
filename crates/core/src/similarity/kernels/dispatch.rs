//! The kernels as methods of [`Isa`]: each calls the implementation for its instruction set.

#[cfg(target_arch = "aarch64")]
use crate::similarity::kernels::arm::{dotprod, i8mm, neon};
use crate::similarity::kernels::isa::Isa;
use crate::similarity::kernels::loops::{
    add_loop, dot_loop, encode_loop, estimate_all_loop, estimates_portable, half_to_f32_portable, norm_loop,
    products_portable, reaching_portable, scale_loop, squared_distance_loop, two_highest_loop,
};
use crate::similarity::kernels::types::{
    BLOCK, CodeSummary, EstimateFilter, Highest, LANES, LaneTerms, PassedEstimates, Products, RowToEncode,
    STEP,
};
#[cfg(target_arch = "x86_64")]
use crate::similarity::kernels::x86::{avx2, avx512, avxvnni, sse2};
use crate::similarity::thresholds::BY_DISTANCE_MIN_COSINE;

impl Isa {
    /// Computes `products[i][l] = start[l] + Σ_p rows[i][p] · panel[p / 4][l][p % 4]`.
    ///
    /// There are at most [`BLOCK`] rows, each of a multiple of [`STEP`] unsigned values of up to twice
    /// [`levels`](Self::levels). The panel holds signed values of up to that size. Sums wrap around, so all
    /// kernels agree on such input. A result that fits an i32 is correct even if a sum on the way
    /// overflows.
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
            Self::Avx512 => unsafe { avx512::products_avx512(rows, panel, start, products) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Self::AvxVnni => unsafe { avxvnni::products_avxvnni(rows, panel, start, products) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Self::Avx2 => unsafe { avx2::products_avx2(rows, panel, start, products) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: as above.
            Self::I8mm => unsafe { i8mm::products_i8mm(rows, panel, start, products) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: as above.
            Self::Dotprod => unsafe { dotprod::products_dotprod(rows, panel, start, products) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: SSE2 is part of the target.
            Self::Sse2 => unsafe { sse2::products_sse2(rows, panel, start, products) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: NEON is part of the target.
            Self::Neon => unsafe { neon::products_neon(rows, panel, start, products) },
            Self::Portable => products_portable(rows, panel, start, products),
        }
    }
}

impl Isa {
    /// Converts f16 numbers to f32. The conversion is exact, so it is the same on every CPU.
    #[allow(unsafe_code)]
    pub(crate) fn half_to_f32(self, half: &[u16], out: &mut [f32]) {
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: these variants exist only where `available` has detected the features.
            Self::Avx512 | Self::AvxVnni | Self::Avx2 => unsafe { avx2::half_to_f32_f16c(half, out) },
            #[cfg(target_arch = "aarch64")]
            Self::I8mm | Self::Dotprod | Self::Neon => neon::half_to_f32_neon(half, out),
            #[cfg(target_arch = "x86_64")]
            Self::Sse2 => half_to_f32_portable(half, out),
            Self::Portable => half_to_f32_portable(half, out),
        }
    }

    /// Computes `estimates[i][l] = products[i][l] · lanes.scale[l] · filters[i].scale +
    /// lanes.bias[l]`, and marks the lanes whose estimates pass the query's filter.
    #[allow(unsafe_code)]
    pub(crate) fn estimate(
        self,
        products: &Products,
        filters: &[EstimateFilter],
        lanes: LaneTerms,
        out: &mut PassedEstimates,
    ) {
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: this variant exists only where `available` has detected the features.
            Self::Avx512 => unsafe { avx512::estimates_avx512(products, filters, lanes, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Self::AvxVnni | Self::Avx2 => unsafe { avx2::estimates_avx2(products, filters, lanes, out) },
            #[cfg(target_arch = "aarch64")]
            Self::I8mm | Self::Dotprod | Self::Neon => neon::estimates_neon(products, filters, lanes, out),
            #[cfg(target_arch = "x86_64")]
            Self::Sse2 => estimates_portable(products, filters, lanes, out),
            Self::Portable => estimates_portable(products, filters, lanes, out),
        }
    }
}

impl Isa {
    /// Returns the lanes whose estimates reach a threshold, one bit each.
    #[allow(unsafe_code)]
    #[inline]
    pub(crate) fn reaching(self, estimates: &[f32; LANES], threshold: f32) -> u32 {
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: this variant exists only where `available` has detected the features.
            Self::Avx512 => unsafe { avx512::reaching_avx512(estimates, threshold) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Self::AvxVnni | Self::Avx2 => unsafe { avx2::reaching_avx2(estimates, threshold) },
            _ => reaching_portable(estimates, threshold),
        }
    }
}

impl Isa {
    /// Returns the cosine similarity of two rows of unit length.
    ///
    /// It is their dot product. For close rows, where rounding would hide the differences, it is
    /// one minus half their squared distance. This tells apart the rows of a dense group of
    /// near-duplicates.
    #[inline]
    pub(crate) fn similarity(self, a: &[f32], b: &[f32]) -> f32 {
        let dot = self.dot(a, b);
        if dot < BY_DISTANCE_MIN_COSINE { dot } else { 1.0 - self.squared_distance(a, b) / 2.0 }
    }
}

/// Defines methods of [`Isa`] that run a plain loop, compiled for each instruction set. The loop's
/// constant says whether to fuse multiplications and additions. On x86-64 without FMA, each fused
/// operation would be a library call.
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
                    Self::I8mm | Self::Dotprod | Self::Neon => $body::<true>($($arg),*),
                    #[cfg(target_arch = "x86_64")]
                    Self::Sse2 => $body::<false>($($arg),*),
                    Self::Portable => $body::<{ cfg!(target_arch = "aarch64") }>($($arg),*),
                }
            })*
        }
    };
}

dispatched! {
    /// Returns the dot product of two rows: 64 partial sums over the dimension, added up pairwise
    /// in halves.
    fn dot(a: &[f32], b: &[f32]) -> f32 = dot_loop;
    /// Returns the squared distance of two rows. It keeps its precision for close rows, where
    /// rounding would hide 1 − cosine.
    fn squared_distance(a: &[f32], b: &[f32]) -> f32 = squared_distance_loop;
    /// Returns the length of a row, in f64: there the square of every finite f32 is exact and none
    /// overflows.
    fn norm(row: &[f32]) -> f64 = norm_loop;
    /// Multiplies a row by a number, in f64. −0 becomes +0.
    fn scale(row: &mut [f32], by: f64) = scale_loop;
    /// Adds a row to a sum.
    fn add(sum: &mut [f64], row: &[f32]) = add_loop;
    /// Estimates a panel for some queries; see [`estimate_all_loop`].
    fn estimate_all(products: &Products, scales: &[f32], lanes: LaneTerms, stride: usize,
        estimates: &mut [[f32; LANES]], highest: &mut [Highest]) = estimate_all_loop;
    /// Returns the highest and the second highest estimate of a query.
    fn two_highest(of: &Highest) -> (f32, f32) = two_highest_loop;
    /// Encodes a row; see [`encode_loop`].
    fn encode(levels: u8, row: RowToEncode, codes: &mut [u8]) -> CodeSummary = encode_loop;
}

#[cfg(test)]
#[path = "dispatch_tests.rs"]
mod tests;
