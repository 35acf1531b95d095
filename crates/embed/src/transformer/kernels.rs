//! The inner loops over rows of f32.
//!
//! They are plain loops that the compiler vectorizes. `pulp` runs them with the widest instructions
//! of the processor. Sums have [`LANES`] partial sums, and no multiplication is fused with an
//! addition, so every processor computes the same bits.
use std::f32::consts::{FRAC_1_SQRT_2, LOG2_E};

use pulp::{Arch, Simd, WithSimd};

/// The number of partial sums of a sum.
const LANES: usize = 16;

/// A function that is applied to each element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activation {
    /// x·Φ(x), with the error function.
    Gelu,
    /// An approximation of x·Φ(x) with tanh.
    GeluTanh,
    /// x·σ(1.702 x), as OpenAI's models have it.
    QuickGelu,
    Relu,
    /// x·σ(x).
    Silu,
    Tanh,
    None,
}

/// Applies a function to each element.
pub(crate) fn activate(values: &mut [f32], activation: Activation) {
    match activation {
        Activation::Gelu => map(values, gelu),
        Activation::GeluTanh => map(values, gelu_tanh),
        Activation::QuickGelu => map(values, |x| x / (1.0 + exp(-1.702 * x))),
        // `max` would turn NaN into a number.
        Activation::Relu => map(values, |x| if x < 0.0 { 0.0 } else { x }),
        Activation::Silu => map(values, silu),
        Activation::Tanh => map(values, f32::tanh),
        Activation::None => {}
    }
}

/// Writes f(a)·b for each row `[a, b]` of `values`, a and b having `width` values each.
pub(crate) fn gate(values: &[f32], activation: Activation, out: &mut [f32], width: usize) {
    for (row, out) in values.chunks_exact(2 * width).zip(out.chunks_exact_mut(width)) {
        let (a, b) = row.split_at(width);
        out.copy_from_slice(a);
        activate(out, activation);
        out.iter_mut().zip(b).for_each(|(out, b)| *out *= b);
    }
}

/// Adds `values` to `sum`, element by element.
pub(crate) fn add(sum: &mut [f32], values: &[f32]) {
    assert_eq!(sum.len(), values.len(), "both must have the same shape");
    Arch::new().dispatch(Add { sum, values });
}

/// Replaces scores by their exponentials, divided by the sum of these.
pub(crate) fn softmax(row: &mut [f32]) {
    Arch::new().dispatch(Softmax(row));
}

/// The factors and the offsets of a norm, `[width]` each.
pub(crate) struct Affine<'a> {
    pub(crate) weight: &'a [f32],
    pub(crate) bias: Option<&'a [f32]>,
}

/// Computes (x − mean) / √(variance + ε) · weight + bias for each row.
pub(crate) fn layer_norm(rows: &[f32], affine: &Affine, eps: f32, out: &mut [f32]) {
    Arch::new().dispatch(LayerNorm { rows, affine, eps, out });
}

/// Computes x / √(mean of x² + ε) · weight for each row.
pub(crate) fn rms_norm(rows: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) {
    Arch::new().dispatch(RmsNorm { rows, weight, eps, out });
}

/// Computes eˣ to 2 units in the last place, or nearly 0 below −87.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // Adding this rounds to an integer, which is then in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.3, 88.3);
    let shifted = x * LOG2_E + ROUND;
    let whole = shifted - ROUND;
    // ln 2 in two parts, so that the difference is exact (Cephes).
    let r = x - whole * 0.693_359_4 + whole * 2.121_944_4e-4;
    let p = 1.987_569_1e-4 * r + 1.398_199_9e-3;
    let p = (((p * r + 8.333_452e-3) * r + 4.166_579_6e-2) * r + 1.666_666_5e-1) * r + 0.5;
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
    (p * r * r + r + 1.0) * power
}

/// Computes the error function to 3 units in the last place: Eigen's rational function on [−4, 4],
/// and ±1 beyond.
#[inline(always)]
fn erf(x: f32) -> f32 {
    let x = x.clamp(-4.0, 4.0);
    let s = x * x;
    let p = -2.726_142_3e-10 * s + 2.770_681_4e-8;
    let p = ((p * s - 2.101_024e-6) * s - 5.692_506_5e-5) * s - 7.349_906_3e-4;
    let p = (p * s - 2.954_6e-3) * s - 1.609_603_3e-2;
    let q = (-1.456_607_2e-5 * s - 2.133_740_6e-4) * s - 1.682_827e-3;
    let q = (q * s - 7.373_329e-3) * s - 1.426_473_9e-2;
    x * p / q
}

#[inline(always)]
fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * FRAC_1_SQRT_2))
}

#[inline(always)]
fn gelu_tanh(x: f32) -> f32 {
    // tanh(u) = 2σ(2u) − 1, with u = √(2/π)·(x + 0.044715 x³).
    x / (1.0 + exp(-1.595_769 * (x + 0.044_715 * x * x * x)))
}

#[inline(always)]
fn silu(x: f32) -> f32 {
    x / (1.0 + exp(-x))
}

fn map(values: &mut [f32], function: impl Fn(f32) -> f32) {
    Arch::new().dispatch(Map { values, function });
}

struct Map<'a, F> {
    values: &'a mut [f32],
    function: F,
}

impl<F: Fn(f32) -> f32> WithSimd for Map<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.values.iter_mut().for_each(|value| *value = (self.function)(*value));
    }
}

struct Add<'a> {
    sum: &'a mut [f32],
    values: &'a [f32],
}

impl WithSimd for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.sum.iter_mut().zip(self.values).for_each(|(sum, value)| *sum += value);
    }
}

/// Sums a function of the elements in a fixed order.
#[inline(always)]
fn sum(values: &[f32], function: impl Fn(f32) -> f32) -> f32 {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in chunks {
        sums.iter_mut().zip(chunk).for_each(|(sum, &value)| *sum += function(value));
    }
    sums.iter_mut().zip(rest).for_each(|(sum, &value)| *sum += function(value));
    sums.iter().sum()
}

struct Softmax<'a>(&'a mut [f32]);

impl WithSimd for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let row = self.0;
        let (chunks, rest) = row.as_chunks::<LANES>();
        let mut tops = [f32::NEG_INFINITY; LANES];
        for chunk in chunks {
            tops.iter_mut()
                .zip(chunk)
                .for_each(|(top, &value)| *top = if value > *top { value } else { *top });
        }
        tops.iter_mut().zip(rest).for_each(|(top, &value)| *top = top.max(value));
        let top = tops.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        row.iter_mut().for_each(|value| *value = exp(*value - top));
        let scale = 1.0 / sum(row, |value| value);
        row.iter_mut().for_each(|value| *value *= scale);
    }
}

struct LayerNorm<'a> {
    rows: &'a [f32],
    affine: &'a Affine<'a>,
    eps: f32,
    out: &'a mut [f32],
}

impl WithSimd for LayerNorm<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Affine { weight, bias } = *self.affine;
        let width = weight.len();
        for (row, out) in self.rows.chunks_exact(width).zip(self.out.chunks_exact_mut(width)) {
            let mean = sum(row, |value| value) / width as f32;
            let variance = sum(row, |value| (value - mean) * (value - mean)) / width as f32;
            let scale = 1.0 / (variance + self.eps).sqrt();
            for ((out, value), weight) in out.iter_mut().zip(row).zip(weight) {
                *out = (value - mean) * scale * weight;
            }
            if let Some(bias) = bias {
                out.iter_mut().zip(bias).for_each(|(out, bias)| *out += bias);
            }
        }
    }
}

struct RmsNorm<'a> {
    rows: &'a [f32],
    weight: &'a [f32],
    eps: f32,
    out: &'a mut [f32],
}

impl WithSimd for RmsNorm<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let width = self.weight.len();
        for (row, out) in self.rows.chunks_exact(width).zip(self.out.chunks_exact_mut(width)) {
            let scale = 1.0 / (sum(row, |value| value * value) / width as f32 + self.eps).sqrt();
            for ((out, value), weight) in out.iter_mut().zip(row).zip(self.weight) {
                *out = value * scale * weight;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computes the error function by its series, in f64.
    fn slow_erf(x: f64) -> f64 {
        let (mut term, mut total) = (x, x);
        for n in 1..200 {
            term *= -x * x / f64::from(n);
            total += term / f64::from(2 * n + 1);
        }
        total * 2.0 / std::f64::consts::PI.sqrt()
    }

    fn grid() -> impl Iterator<Item = f32> {
        (-4_000..=4_000).map(|step| step as f32 / 1_000.0)
    }

    #[test]
    fn exponentials_are_exact_to_a_few_units_in_the_last_place() {
        for x in grid().map(|x| x * 21.0) {
            let wanted = f64::from(x).exp();
            let error = (f64::from(exp(x)) - wanted).abs() / wanted;
            assert!(error < 3e-7, "{x}: {error}");
        }
        assert!(exp(-1e9) < 2e-38 && exp(f32::NEG_INFINITY) < 2e-38);
    }

    #[test]
    fn the_error_function_is_exact_to_a_few_units_in_the_last_place() {
        for x in grid() {
            let error = (f64::from(erf(x)) - slow_erf(f64::from(x))).abs();
            assert!(error < 4e-7, "{x}: {error}");
        }
        assert_eq!((erf(100.0).round(), erf(-100.0).round()), (1.0, -1.0));
    }

    #[test]
    fn activations_are_what_they_are_called() {
        type Function = fn(f64) -> f64;
        let all: [(Activation, Function); 5] = [
            (Activation::Gelu, |x| 0.5 * x * (1.0 + slow_erf(x / 2f64.sqrt()))),
            (Activation::GeluTanh, |x| {
                0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh())
            }),
            (Activation::QuickGelu, |x| x / (1.0 + (-1.702 * x).exp())),
            (Activation::Relu, |x| x.max(0.0)),
            (Activation::Silu, |x| x / (1.0 + (-x).exp())),
        ];
        for (activation, wanted) in all {
            let mut values: Vec<f32> = grid().collect();
            activate(&mut values, activation);
            for (x, found) in grid().zip(values) {
                let error = (f64::from(found) - wanted(f64::from(x))).abs();
                assert!(error < 2e-6, "{activation:?}({x}): {error}");
            }
        }
    }

    #[test]
    fn nan_stays_nan() {
        for activation in [
            Activation::Gelu,
            Activation::GeluTanh,
            Activation::QuickGelu,
            Activation::Relu,
            Activation::Silu,
            Activation::Tanh,
        ] {
            let mut values = vec![1.0; 40];
            values[3] = f32::NAN;
            values[39] = f32::NAN;
            activate(&mut values, activation);
            let found = [3, 39].map(|at| values[at].is_nan());
            assert_eq!((found, values[4].is_nan()), ([true; 2], false), "{activation:?}");
        }
    }

    #[test]
    fn softmax_and_norms_are_those_of_the_textbook() {
        for width in [1, 5, 16, 37, 384] {
            let row: Vec<f32> = (0..width).map(|i| ((i * 37 % 101) as f32 - 50.0) / 7.0).collect();
            let wide: Vec<f64> = row.iter().map(|&x| f64::from(x)).collect();
            let close = |found: &[f32], wanted: &dyn Fn(f64) -> f64| {
                for (found, &x) in found.iter().zip(&wide) {
                    assert!((f64::from(*found) - wanted(x)).abs() < 1e-5, "width {width}");
                }
            };
            let mut found = row.clone();
            softmax(&mut found);
            let total: f64 = wide.iter().map(|x| x.exp()).sum();
            close(&found, &|x| x.exp() / total);
            let mean = wide.iter().sum::<f64>() / width as f64;
            let variance = wide.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / width as f64;
            let affine = Affine { weight: &vec![2.0; width], bias: Some(&vec![1.0; width]) };
            layer_norm(&row, &affine, 1e-5, &mut found);
            close(&found, &|x| (x - mean) / (variance + 1e-5).sqrt() * 2.0 + 1.0);
            let square = wide.iter().map(|x| x * x).sum::<f64>() / width as f64;
            rms_norm(&row, &vec![2.0; width], 1e-6, &mut found);
            close(&found, &|x| x / (square + 1e-6).sqrt() * 2.0);
        }
    }
}
