//! Loops that do not touch memory, to measure the most multiplications and additions that the CPU
//! can do.

use std::hint::black_box;

/// The number of independent sums: more than the cycles that a step takes, fewer than the
/// registers.
const CHAINS: usize = 12;
const ROUNDS: usize = 1 << 18;

/// `sum · X + Y` converges to 0.5, without overflow and without denormal numbers, which are
/// slow.
const X: f32 = 0.5;
const Y: f32 = 0.25;

pub struct Peak {
    pub name: &'static str,
    /// The operations of one run on one thread.
    pub operations: usize,
    pub run: fn(),
}

/// Lists the loops that this CPU can run. It leaves out fused multiply-add in software, which
/// says nothing.
pub fn peaks() -> Vec<Peak> {
    let mut peaks = Vec::new();
    let mut add = |name, values: usize, run| {
        peaks.push(Peak { name, operations: 2 * values * CHAINS * ROUNDS, run });
    };
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni") {
            // SAFETY: the CPU has AVX-512 with VNNI.
            add("8-bit, avx512vnni", 64, || unsafe { x86::multiply_codes_avx512() });
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("avxvnni") {
            // SAFETY: the CPU has AVX2 and AVX-VNNI.
            add("8-bit, avxvnni", 32, || unsafe { x86::multiply_codes_avxvnni() });
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the CPU has AVX2.
            add("8-bit, avx2", 32, || unsafe { x86::multiply_codes_avx2() });
        }
        // SAFETY: SSE2 is part of the target.
        add("16-bit, sse2", 8, || unsafe { x86::multiply_codes_sse2() });
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the CPU has AVX-512.
            add("f32, avx512f", 16, || unsafe { x86::multiply_add_avx512() });
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the CPU has AVX2 and FMA.
            add("f32, avx2 and fma", 8, || unsafe { x86::multiply_add_avx2() });
        }
    }
    #[cfg(target_arch = "aarch64")]
    {
        if std::arch::is_aarch64_feature_detected!("i8mm") {
            // SAFETY: the CPU has i8mm.
            add("8-bit, i8mm", 32, || unsafe { arm::multiply_matrices() });
        }
        if std::arch::is_aarch64_feature_detected!("dotprod") {
            // SAFETY: the CPU has dotprod.
            add("8-bit, dotprod", 16, || unsafe { arm::multiply_codes() });
        }
        add("f32, neon", 4, arm::multiply_add);
    }
    peaks
}

#[inline(always)]
fn repeat<T: Copy>(start: T, step: impl Fn(T) -> T) {
    let mut sums = black_box([start; CHAINS]);
    for _ in 0..ROUNDS {
        for sum in &mut sums {
            *sum = step(*sum);
        }
    }
    black_box(sums);
}

#[cfg(target_arch = "aarch64")]
mod arm {
    use std::arch::aarch64::*;

    use super::{X, Y, black_box, repeat};

    pub fn multiply_add() {
        let (x, y) = (black_box([X; 4]), black_box([Y; 4]));
        repeat([0.0f32; 4], |sum| std::array::from_fn(|l| sum[l].mul_add(x[l], y[l])));
    }

    /// This is written as assembly because the intrinsic is not stable.
    #[target_feature(enable = "neon,i8mm")]
    pub fn multiply_matrices() {
        let (x, y) = (black_box(vdupq_n_s8(3)), black_box(vdupq_n_s8(-5)));
        repeat(vdupq_n_s32(0), |mut sum| {
            // SAFETY: the instruction reads and writes these registers only.
            unsafe {
                std::arch::asm!(
                    "usmmla {sum:v}.4s, {x:v}.16b, {y:v}.16b",
                    sum = inout(vreg) sum,
                    x = in(vreg) x,
                    y = in(vreg) y,
                    options(pure, nomem, nostack, preserves_flags),
                );
            }
            sum
        });
    }

    /// This is written as assembly because the intrinsic is not stable.
    #[target_feature(enable = "neon,dotprod")]
    pub fn multiply_codes() {
        let (x, y) = (black_box(vdupq_n_s8(3)), black_box(vdupq_n_s8(-5)));
        repeat(vdupq_n_s32(0), |mut sum| {
            // SAFETY: the instruction reads and writes these registers only.
            unsafe {
                std::arch::asm!(
                    "sdot {sum:v}.4s, {x:v}.16b, {y:v}.16b",
                    sum = inout(vreg) sum,
                    x = in(vreg) x,
                    y = in(vreg) y,
                    options(pure, nomem, nostack, preserves_flags),
                );
            }
            sum
        });
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    //! These are intrinsics because the compiler does not keep the sums of the portable loop in
    //! 512-bit registers.

    use std::arch::x86_64::*;

    use super::{X, Y, black_box, repeat};

    #[target_feature(enable = "avx512f")]
    pub fn multiply_add_avx512() {
        let (x, y) = (black_box(_mm512_set1_ps(X)), black_box(_mm512_set1_ps(Y)));
        repeat(_mm512_setzero_ps(), |sum| _mm512_fmadd_ps(sum, x, y));
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn multiply_add_avx2() {
        let (x, y) = (black_box(_mm256_set1_ps(X)), black_box(_mm256_set1_ps(Y)));
        repeat(_mm256_setzero_ps(), |sum| _mm256_fmadd_ps(sum, x, y));
    }

    #[target_feature(enable = "avx2,avxvnni")]
    pub fn multiply_codes_avxvnni() {
        let (x, y) = (black_box(_mm256_set1_epi8(3)), black_box(_mm256_set1_epi8(-5)));
        repeat(_mm256_setzero_si256(), |sum| _mm256_dpbusd_avx_epi32(sum, x, y));
    }

    /// AVX2 needs a second multiplication for the sums in 32 bits.
    #[target_feature(enable = "avx2")]
    pub fn multiply_codes_avx2() {
        let (x, y) = (black_box(_mm256_set1_epi8(3)), black_box(_mm256_set1_epi8(-5)));
        let ones = black_box(_mm256_set1_epi16(1));
        // The sum is a factor, or the compiler would compute the product once.
        repeat(_mm256_setzero_si256(), |sum| {
            _mm256_add_epi32(x, _mm256_madd_epi16(_mm256_maddubs_epi16(sum, y), ones))
        });
    }

    #[target_feature(enable = "sse2")]
    pub fn multiply_codes_sse2() {
        let (x, y) = (black_box(_mm_set1_epi16(3)), black_box(_mm_set1_epi16(-5)));
        repeat(_mm_setzero_si128(), |sum| _mm_add_epi32(x, _mm_madd_epi16(sum, y)));
    }

    #[target_feature(enable = "avx512f,avx512vnni")]
    pub fn multiply_codes_avx512() {
        let (x, y) = (black_box(_mm512_set1_epi8(3)), black_box(_mm512_set1_epi8(-5)));
        repeat(_mm512_setzero_si512(), |sum| _mm512_dpbusd_epi32(sum, x, y));
    }
}
