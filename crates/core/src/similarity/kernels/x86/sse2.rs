//! The product kernel for x86-64 without AVX2: SSE2 is part of the target.

use std::arch::x86_64::*;

use crate::similarity::kernels::types::{LANES, Products, STEP};

/// The steps that are widened at a time. The widened lanes stay in the first-level cache.
const STEPS: usize = 32;

/// The registers that hold a sum of each lane.
const WIDE: usize = LANES / 4;

/// The 16-bit values of a step: the first and the third of each lane, then the second and the
/// fourth.
type WideStep = [[u32; LANES]; 2];

/// Computes the products with `pmaddwd`, which multiplies 16-bit values and adds two products in 32
/// bits. Lanes are widened once for all rows.
#[target_feature(enable = "sse2")]
pub(in crate::similarity::kernels) fn products_sse2(
    rows: &[&[u8]],
    panel: &[u32],
    start: &[i32; LANES],
    products: &mut Products,
) {
    products[..rows.len()].fill(*start);
    let mut wide: [WideStep; STEPS] = [[[0; LANES]; 2]; STEPS];
    for (chunk, panel) in panel.chunks(STEPS * LANES).enumerate() {
        let lanes = panel.as_chunks::<LANES>().0;
        for (wide, lanes) in wide.iter_mut().zip(lanes) {
            *wide = [lanes.map(widened::<0>), lanes.map(widened::<1>)];
        }
        for (row, sums) in rows.iter().zip(products.iter_mut()) {
            let words = &row.as_chunks::<STEP>().0[chunk * STEPS..];
            add_products(words, &wide[..lanes.len()], sums);
        }
    }
}

/// Widens the codes `FIRST` and `FIRST + 2` of a word.
#[inline(always)]
fn widened<const FIRST: u32>(word: u32) -> u32 {
    let code = |byte: u32| u32::from(i16::from((word >> (8 * byte)) as i8).cast_unsigned());
    code(FIRST) | code(FIRST + 2) << 16
}

/// Adds the products of a chunk of steps to the sums of a row.
#[target_feature(enable = "sse2")]
fn add_products(row: &[[u8; STEP]], lanes: &[WideStep], sums: &mut [i32; LANES]) {
    // SAFETY: `sums` has 32 values, of which four from `4 * w` on are read.
    let mut totals: [__m128i; WIDE] =
        std::array::from_fn(|w| unsafe { _mm_loadu_si128(sums.as_ptr().add(4 * w).cast()) });
    for (x, lanes) in row.iter().zip(lanes) {
        let x = u32::from_le_bytes(*x);
        for (x, lanes) in [x, x >> 8].into_iter().zip(lanes) {
            let x = _mm_set1_epi32((x & 0x00FF_00FF).cast_signed());
            for (w, total) in totals.iter_mut().enumerate() {
                // SAFETY: `lanes` has 32 values, of which four from `4 * w` on are read.
                let lanes = unsafe { _mm_loadu_si128(lanes.as_ptr().add(4 * w).cast()) };
                *total = _mm_add_epi32(*total, _mm_madd_epi16(x, lanes));
            }
        }
    }
    for (w, total) in totals.into_iter().enumerate() {
        // SAFETY: `sums` has 32 values, of which four from `4 * w` on are written.
        unsafe { _mm_storeu_si128(sums.as_mut_ptr().add(4 * w).cast(), total) };
    }
}
