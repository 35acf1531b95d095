//! The product kernel for AVX-VNNI: the dot products of VNNI in 256-bit registers.

use std::arch::x86_64::*;

use crate::similarity::kernels::tiles::tiles;
use crate::similarity::kernels::types::{LANES, Products, STEP};

/// The registers of lanes in a tile. With six rows, 12 of the 16 registers hold sums. The compiler
/// spills sums to memory if a tile needs more registers than there are: 3 × 4 reached half the rate.
const WIDE: usize = 2;

#[target_feature(enable = "avx2,fma,avxvnni")]
pub(in crate::similarity::kernels) fn products_avxvnni(
    rows: &[&[u8]],
    panel: &[u32],
    start: &[i32; LANES],
    products: &mut Products,
) {
    const HEIGHT: usize = 6;
    let (tall, single) = tiles::<HEIGHT>(rows, products);
    tall.for_each(|(rows, out)| tile_avxvnni(rows, panel, start, out));
    single.for_each(|(rows, out)| tile_avxvnni(rows, panel, start, out));
}

#[inline]
#[target_feature(enable = "avx2,fma,avxvnni")]
fn tile_avxvnni<const HEIGHT: usize>(
    rows: &[&[u8]; HEIGHT],
    panel: &[u32],
    start: &[i32; LANES],
    out: &mut [[i32; LANES]; HEIGHT],
) {
    for first in (0..LANES).step_by(8 * WIDE) {
        // SAFETY: `start` has 32 values, of which eight from `first + 8 * w` on are read.
        let start: [__m256i; WIDE] =
            std::array::from_fn(|w| unsafe { _mm256_loadu_si256(start.as_ptr().add(first + 8 * w).cast()) });
        let mut sums = [start; HEIGHT];
        for (step, lanes) in panel.as_chunks::<LANES>().0.iter().enumerate() {
            let lanes: [__m256i; WIDE] = std::array::from_fn(|w| {
                // SAFETY: `lanes` has 32 values, of which eight from `first + 8 * w` on are read.
                unsafe { _mm256_loadu_si256(lanes.as_ptr().add(first + 8 * w).cast()) }
            });
            for i in 0..HEIGHT {
                // SAFETY: `Isa::products` has checked that a row has STEP values for each step.
                let x = unsafe { rows[i].as_ptr().add(step * STEP).cast::<i32>().read_unaligned() };
                let x = _mm256_set1_epi32(x);
                for w in 0..WIDE {
                    sums[i][w] = _mm256_dpbusd_avx_epi32(sums[i][w], x, lanes[w]);
                }
            }
        }
        for (out, sums) in out.iter_mut().zip(sums) {
            for (w, sums) in sums.into_iter().enumerate() {
                // SAFETY: `out` has 32 values, of which eight from `first + 8 * w` on are written.
                unsafe { _mm256_storeu_si256(out.as_mut_ptr().add(first + 8 * w).cast(), sums) };
            }
        }
    }
}
