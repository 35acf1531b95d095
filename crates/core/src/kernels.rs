//! The one inner loop: dot products of a few rows with a panel of 32 packed rows, on the widest unit of this CPU.
//!
//! Every product is summed over the dimension in order, whatever the tile it falls in, so a pair's similarity has
//! the same bits in every stage and at every place. Between instruction sets it differs by rounding (with or
//! without fused multiply-add).

use std::sync::OnceLock;

/// Columns of a panel: two 512-bit, four 256-bit or eight 128-bit registers of f32.
pub(crate) const LANES: usize = 32;

/// Rows to hand to [`Isa::products`] at once: a multiple of every kernel's height, small enough that rows and
/// products stay in the first-level cache while a panel is read from the second.
pub(crate) const BLOCK: usize = 48;

/// The products of a block of rows with a panel.
pub(crate) type Products = [[f32; LANES]; BLOCK];

/// Rows in panels of [`LANES`]: value `p` of the panel's lane `l` lies at `p * LANES + l`.
pub(crate) struct Panels {
    values: Vec<f32>,
    dim: usize,
    rows: usize,
}

impl Panels {
    /// Packs rows in the order given. The lanes that are left over in the last panel hold zeros.
    pub(crate) fn pack<'a>(rows: impl ExactSizeIterator<Item = &'a [f32]>, dim: usize) -> Self {
        let count = rows.len();
        let mut values = vec![0.0; count.div_ceil(LANES) * LANES * dim];
        for (i, row) in rows.enumerate() {
            let panel = &mut values[i / LANES * LANES * dim..][..LANES * dim];
            for (p, &x) in row.iter().enumerate() {
                panel[p * LANES + i % LANES] = x;
            }
        }
        Self { values, dim, rows: count }
    }

    /// Each panel with the number of its first row and how many of its lanes are rows.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, usize, &[f32])> {
        self.values
            .chunks_exact(LANES * self.dim)
            .enumerate()
            .map(|(i, panel)| (i * LANES, LANES.min(self.rows - i * LANES), panel))
    }
}

/// The instruction sets that have a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isa {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// What the target always has: SSE2 on x86-64, NEON on 64-bit Arm.
    Baseline,
}

/// The name of the instruction set that the kernels use on this CPU.
pub fn instruction_set() -> &'static str {
    match Isa::detect() {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => "avx512",
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => "avx2",
        Isa::Baseline if cfg!(target_arch = "aarch64") => "neon",
        Isa::Baseline => "baseline",
    }
}

impl Isa {
    /// The best one of this CPU.
    pub(crate) fn detect() -> Self {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| Self::available()[0])
    }

    /// All of this CPU, best first.
    pub(crate) fn available() -> Vec<Self> {
        let mut sets = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                sets.push(Self::Avx512);
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                sets.push(Self::Avx2);
            }
        }
        sets.push(Self::Baseline);
        sets
    }

    /// `products[i][l]` = the dot product of `rows[i]` with lane `l` of the panel; at most [`BLOCK`] rows.
    #[allow(unsafe_code)]
    pub(crate) fn products(self, rows: &[&[f32]], panel: &[f32], products: &mut Products) {
        assert!(rows.len() <= BLOCK);
        assert!(rows.iter().all(|row| row.len() * LANES == panel.len()));
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: this variant exists only where `available` has detected the feature.
            Self::Avx512 => unsafe { products_avx512(rows, panel, products) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: this variant exists only where `available` has detected both features.
            Self::Avx2 => unsafe { products_avx2(rows, panel, products) },
            Self::Baseline => products_baseline(rows, panel, products),
        }
    }
}

/// Defines a kernel for one x86 instruction set out of its vector type and its intrinsics: tiles of `$height` rows by
/// two registers of lanes, whose sums stay in registers over the whole dimension, then single rows.
///
/// Intrinsics, because the compiler does not keep the sums of the portable loop in registers (a quarter of the speed).
#[cfg(target_arch = "x86_64")]
macro_rules! x86_kernel {
    ($name:ident, $tile:ident, $features:literal, $height:literal, $width:literal, $zero:ident, $load:ident, $set1:ident, $fma:ident, $store:ident) => {
        #[target_feature(enable = $features)]
        fn $name(rows: &[&[f32]], panel: &[f32], products: &mut Products) {
            let tall = rows.len() / $height * $height;
            for (rows, out) in rows.chunks_exact($height).zip(products.chunks_exact_mut($height)) {
                $tile::<$height>(std::array::from_fn(|i| rows[i]), panel, out);
            }
            for (row, out) in rows[tall..].iter().zip(&mut products[tall..]) {
                $tile::<1>([row], panel, std::slice::from_mut(out));
            }
        }

        #[inline]
        #[target_feature(enable = $features)]
        #[allow(unsafe_code)]
        fn $tile<const HEIGHT: usize>(rows: [&[f32]; HEIGHT], panel: &[f32], out: &mut [[f32; LANES]]) {
            use std::arch::x86_64::*;
            for first in (0..LANES).step_by(2 * $width) {
                let mut sums = [[$zero(); 2]; HEIGHT];
                for (p, lanes) in panel.chunks_exact(LANES).enumerate() {
                    let lanes = &lanes[first..first + 2 * $width];
                    // SAFETY: `lanes` has 2 * $width values.
                    let lanes = unsafe { [$load(lanes.as_ptr()), $load(lanes.as_ptr().add($width))] };
                    for i in 0..HEIGHT {
                        // SAFETY: `Isa::products` has checked that a row has panel.len() / LANES values; p is below.
                        let x = $set1(unsafe { *rows[i].get_unchecked(p) });
                        sums[i] = [$fma(x, lanes[0], sums[i][0]), $fma(x, lanes[1], sums[i][1])];
                    }
                }
                for (out, sums) in out.iter_mut().zip(sums) {
                    for (out, sum) in out[first..].chunks_exact_mut($width).zip(sums) {
                        // SAFETY: the chunk has $width values.
                        unsafe { $store(out.as_mut_ptr(), sum) };
                    }
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
x86_kernel! { products_avx512, tile_avx512, "avx512f", 12, 16, _mm512_setzero_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_storeu_ps }
#[cfg(target_arch = "x86_64")]
x86_kernel! { products_avx2, tile_avx2, "avx2,fma", 6, 8, _mm256_setzero_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_storeu_ps }

/// The kernel of every other target, a row at a time, shaped for the compiler's vectoriser.
fn products_baseline(rows: &[&[f32]], panel: &[f32], products: &mut Products) {
    for (row, sums) in rows.iter().zip(products) {
        *sums = [0.0; LANES];
        for (&x, lanes) in row.iter().zip(panel.chunks_exact(LANES)) {
            for (sum, &y) in sums.iter_mut().zip(lanes) {
                // Fused where the hardware always has it; on plain x86-64 it would be a library call a product.
                *sum = if cfg!(target_arch = "aarch64") { x.mul_add(y, *sum) } else { x * y + *sum };
            }
        }
    }
}

/// The largest of a panel's products.
#[inline]
pub(crate) fn largest(lanes: &[f32; LANES]) -> f32 {
    let mut eight = [f32::NEG_INFINITY; 8];
    for chunk in lanes.chunks_exact(8) {
        for (m, &x) in eight.iter_mut().zip(chunk) {
            *m = if x > *m { x } else { *m };
        }
    }
    eight.into_iter().fold(f32::NEG_INFINITY, |m, x| if x > m { x } else { m })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn slow_twin(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
    }

    proptest! {
        #[test]
        fn every_kernel_agrees_with_its_slow_twin_and_gives_a_pair_the_same_bits_at_every_place(
            dim in 1usize..70, height in 1usize..=BLOCK, lanes in 1usize..=LANES, seed in any::<u64>(),
        ) {
            let value = |i: usize| crate::random::unit(seed, 0, i as u64) as f32 - 0.5;
            let a: Vec<Vec<f32>> = (0..height).map(|i| (0..dim).map(|p| value(i * dim + p)).collect()).collect();
            let b: Vec<Vec<f32>> = (0..lanes).map(|i| (0..dim).map(|p| value(1_000_000 + i * dim + p)).collect()).collect();
            let rows: Vec<&[f32]> = a.iter().map(Vec::as_slice).collect();
            let panels = Panels::pack(b.iter().map(Vec::as_slice), dim);
            let (_, used, panel) = panels.iter().next().unwrap();
            prop_assert_eq!(used, lanes);
            for isa in Isa::available() {
                let mut products = [[0.0; LANES]; BLOCK];
                isa.products(&rows, panel, &mut products);
                for (i, row) in a.iter().enumerate() {
                    for (l, other) in b.iter().enumerate() {
                        prop_assert!((f64::from(products[i][l]) - slow_twin(row, other)).abs() < 1e-5);
                        let mut alone = [[0.0; LANES]; BLOCK];
                        let single = Panels::pack([row.as_slice()].into_iter(), dim);
                        isa.products(&[other], single.iter().next().unwrap().2, &mut alone);
                        prop_assert_eq!(alone[0][0].to_bits(), products[i][l].to_bits());
                    }
                }
            }
        }
    }

    #[test]
    fn largest_finds_the_maximum_in_any_lane() {
        for l in 0..LANES {
            let mut lanes = [-0.5; LANES];
            lanes[l] = -0.25;
            assert_eq!(largest(&lanes), -0.25);
        }
    }
}
