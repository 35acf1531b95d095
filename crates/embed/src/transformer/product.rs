//! Products of rows with a model's matrices, which take nearly all of the time of a transformer on
//! a CPU.
//!
//! A matrix is packed into panels of [`PANEL`] columns when it is loaded. A general matrix product
//! packs both matrices each time, which took a sixth of the time of a small model. Rows are packed
//! into tiles, whose height depends on the number of registers. A sum begins with the column's bias
//! and adds value after value, so the bits of a row do not depend on the rows beside it.
//! Multiplications are fused with additions where the processor can.
use std::ops::Range;

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// The number of columns of a panel: two 512-bit or four 256-bit registers.
const PANEL: usize = 32;

/// The number of values of the inner dimension that are multiplied at once. A panel of this depth
/// stays in the cache while tile after tile is multiplied with it.
const DEPTH: usize = 512;

/// The number of tiles that are packed at once.
const TILES: usize = 16;

/// The values of a panel's columns at one index of the inner dimension, aligned to cache lines.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Lanes([f32; PANEL]);

/// A matrix `[inner, columns]` in panels, with a bias for each column.
#[derive(Debug)]
pub(super) struct Panels {
    values: Values,
    /// The biases of each panel.
    bias: Vec<Lanes>,
    inner: usize,
    columns: usize,
}

/// The panels `[panels, inner, PANEL]` in the precision of the weights. Zeros fill up the last
/// panel.
#[derive(Debug)]
enum Values {
    F32(Vec<Lanes>),
    F16(Vec<[f16; PANEL]>),
    Bf16(Vec<[bf16; PANEL]>),
}

/// A matrix `[columns, inner]`, as files have it.
pub(super) enum Matrix {
    F32(Vec<f32>),
    F16(Vec<f16>),
    Bf16(Vec<bf16>),
}

impl Panels {
    /// Packs a matrix `[columns, inner]` and a bias for each column.
    pub(super) fn new(matrix: &Matrix, bias: Option<&[f32]>, inner: usize, columns: usize) -> Self {
        let count = columns.div_ceil(PANEL);
        let mut all = vec![0.0; count * PANEL];
        if let Some(bias) = bias {
            all[..columns].copy_from_slice(bias);
        }
        let values = match matrix {
            Matrix::F32(matrix) => {
                let put = |lanes: &mut Lanes, column, value| lanes.0[column] = value;
                Values::F32(packed(matrix, inner, vec![Lanes([0.0; PANEL]); count * inner], put))
            }
            Matrix::F16(matrix) => {
                let put = |lanes: &mut [f16; PANEL], column, value| lanes[column] = value;
                Values::F16(packed(matrix, inner, vec![[f16::ZERO; PANEL]; count * inner], put))
            }
            Matrix::Bf16(matrix) => {
                let put = |lanes: &mut [bf16; PANEL], column, value| lanes[column] = value;
                Values::Bf16(packed(matrix, inner, vec![[bf16::ZERO; PANEL]; count * inner], put))
            }
        };
        let bias = all.as_chunks().0.iter().map(|&lanes| Lanes(lanes)).collect();
        Self { values, bias, inner, columns }
    }

    pub(super) fn inner(&self) -> usize {
        self.inner
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// Computes `out[i][j] = bias[j] + Σ_k x[i][k] · matrix[k][j]` for `x` `[rows, inner]` and
    /// `out` `[rows, columns]`.
    pub(super) fn multiply(&self, x: &[f32], out: &mut [f32]) {
        assert_eq!(x.len() / self.inner * self.columns, out.len(), "a row of results for each row");
        Arch::new().dispatch(Multiply { x, panels: self, out });
    }

    /// Returns a part of a panel's inner dimension as f32. `space` is a buffer for parts that must
    /// be converted.
    fn lanes<'a>(&'a self, panel: usize, part: Range<usize>, space: &'a mut Vec<Lanes>) -> &'a [Lanes] {
        space.resize(part.len(), Lanes([0.0; PANEL]));
        let range = panel * self.inner + part.start..panel * self.inner + part.end;
        match &self.values {
            Values::F32(values) => return &values[range],
            Values::F16(values) => {
                space
                    .iter_mut()
                    .zip(&values[range])
                    .for_each(|(to, lanes)| lanes.convert_to_f32_slice(&mut to.0));
            }
            Values::Bf16(values) => {
                space
                    .iter_mut()
                    .zip(&values[range])
                    .for_each(|(to, lanes)| lanes.convert_to_f32_slice(&mut to.0));
            }
        }
        space
    }
}

/// Packs `[columns, inner]` into panels of zeros. `put` writes a column of the lanes at one index
/// of the inner dimension.
fn packed<T: Copy + Sync, L: Send>(
    matrix: &[T],
    inner: usize,
    mut panels: Vec<L>,
    put: impl Fn(&mut L, usize, T) + Sync,
) -> Vec<L> {
    panels.par_chunks_exact_mut(inner).zip(matrix.par_chunks(PANEL * inner)).for_each(|(panel, columns)| {
        for (column, numbers) in columns.chunks_exact(inner).enumerate() {
            panel.iter_mut().zip(numbers).for_each(|(lanes, &number)| put(lanes, column, number));
        }
    });
    panels
}

struct Multiply<'a> {
    x: &'a [f32],
    panels: &'a Panels,
    out: &'a mut [f32],
}

impl WithSimd for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // Each row of a tile has two registers of sums. A few are left for the factors.
        if S::REGISTER_COUNT >= 32 { self.tiled::<S, 12>(simd) } else { self.tiled::<S, 6>(simd) }
    }
}

impl Multiply<'_> {
    #[inline(always)]
    fn tiled<S: Simd, const HEIGHT: usize>(self, simd: S) {
        let Panels { inner, columns, .. } = *self.panels;
        let count = TILES.min((self.x.len() / inner).div_ceil(HEIGHT));
        let mut tiles = vec![[0.0; HEIGHT]; count * inner.min(DEPTH)];
        let mut space = Vec::new();
        let blocks = self.x.chunks(TILES * HEIGHT * inner).zip(self.out.chunks_mut(TILES * HEIGHT * columns));
        for (x, out) in blocks {
            for from in (0..inner).step_by(DEPTH) {
                let depth = DEPTH.min(inner - from);
                for (rows, tile) in x.chunks(HEIGHT * inner).zip(tiles.chunks_exact_mut(depth)) {
                    for (i, row) in rows.chunks_exact(inner).enumerate() {
                        tile.iter_mut().zip(&row[from..]).for_each(|(tile, &value)| tile[i] = value);
                    }
                }
                for (panel, bias) in self.panels.bias.iter().enumerate() {
                    let lanes = self.panels.lanes(panel, from..from + depth, &mut space);
                    let start = (from == 0).then_some(bias);
                    for (tile, out) in tiles.chunks_exact(depth).zip(out.chunks_mut(HEIGHT * columns)) {
                        let factors = Factors { tile, lanes, start };
                        add_tile::<S, HEIGHT>(simd, &factors, &mut Place { out, columns, panel });
                    }
                }
            }
        }
    }
}

/// A tile and a panel to multiply.
struct Factors<'a, const HEIGHT: usize> {
    tile: &'a [[f32; HEIGHT]],
    lanes: &'a [Lanes],
    /// The bias, at the start of the inner dimension.
    start: Option<&'a Lanes>,
}

/// Where the products of a tile with a panel go.
struct Place<'a> {
    /// The output rows of the tile, at most `HEIGHT`.
    out: &'a mut [f32],
    columns: usize,
    panel: usize,
}

/// Adds the products of a tile with a panel to the output rows. At the start, the sums begin with
/// the bias.
#[inline(always)]
fn add_tile<S: Simd, const HEIGHT: usize>(simd: S, factors: &Factors<HEIGHT>, place: &mut Place) {
    let Factors { tile, lanes, start } = *factors;
    for part in (0..PANEL).step_by(2 * S::F32_LANES) {
        let first = place.panel * PANEL + part;
        if first >= place.columns {
            break;
        }
        let columns = first..place.columns.min(first + 2 * S::F32_LANES);
        let rows = place.out.chunks_exact_mut(place.columns).map(|row| &mut row[columns.clone()]);
        let mut sums = [[simd.splat_f32s(0.0); 2]; HEIGHT];
        match start {
            Some(bias) => sums = [load::<S>(bias, part); HEIGHT],
            None => sums.iter_mut().zip(rows).for_each(|(sums, row)| {
                bytemuck::cast_slice_mut(sums)[..row.len()].copy_from_slice(row);
            }),
        }
        for (x, lanes) in tile.iter().zip(lanes) {
            let [a, b] = load::<S>(lanes, part);
            for (sums, &x) in sums.iter_mut().zip(x) {
                let x = simd.splat_f32s(x);
                *sums = [simd.mul_add_e_f32s(x, a, sums[0]), simd.mul_add_e_f32s(x, b, sums[1])];
            }
        }
        let rows = place.out.chunks_exact_mut(place.columns).map(|row| &mut row[columns.clone()]);
        for (sums, row) in sums.iter().zip(rows) {
            row.copy_from_slice(&bytemuck::cast_slice(sums)[..row.len()]);
        }
    }
}

/// Loads two registers of a panel's columns.
#[inline(always)]
fn load<S: Simd>(lanes: &Lanes, part: usize) -> [S::f32s; 2] {
    let registers = S::as_simd_f32s(&lanes.0[part..part + 2 * S::F32_LANES]).0;
    [registers[0], registers[1]]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 7919 + seed * 104_729) % 2003) as f32 / 1001.0 - 1.0).collect()
    }

    fn all() -> Vec<Arch> {
        let mut all = vec![Arch::Scalar, Arch::new()];
        #[cfg(target_arch = "x86_64")]
        all.extend(pulp::x86::V3::try_new().map(Arch::V3));
        all
    }

    fn product(arch: Arch, x: &[f32], panels: &Panels) -> Vec<f32> {
        let mut out = vec![f32::NAN; x.len() / panels.inner * panels.columns];
        arch.dispatch(Multiply { x, panels, out: &mut out });
        out
    }

    #[test]
    fn products_are_those_of_the_definition_whatever_the_shape() {
        for (rows, inner, columns) in
            [(1, 1, 1), (5, 7, 3), (12, 32, 32), (13, 33, 65), (200, 16, 31), (30, 512, 40), (25, 1100, 96)]
        {
            let (x, w, bias) = (noise(rows * inner, 1), noise(columns * inner, 2), noise(columns, 3));
            let panels = Panels::new(&Matrix::F32(w.clone()), Some(&bias), inner, columns);
            for arch in all() {
                for (place, found) in product(arch, &x, &panels).into_iter().enumerate() {
                    let (i, j) = (place / columns, place % columns);
                    let terms = (0..inner).map(|k| f64::from(x[i * inner + k]) * f64::from(w[j * inner + k]));
                    let error = (f64::from(found) - f64::from(bias[j]) - terms.sum::<f64>()).abs();
                    assert!(
                        error < 1e-6 * inner as f64,
                        "{arch:?} {rows}×{inner}×{columns} at {i}, {j}: {error}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_row_has_the_same_bits_alone() {
        let (inner, columns) = (700, 50);
        let x = noise(210 * inner, 1);
        let panels = Panels::new(&Matrix::F32(noise(columns * inner, 2)), None, inner, columns);
        for arch in all() {
            let together = product(arch, &x, &panels);
            for (row, wanted) in x.chunks_exact(inner).zip(together.chunks_exact(columns)) {
                assert_eq!(product(arch, row, &panels), wanted, "{arch:?}");
            }
        }
    }

    #[test]
    fn halves_are_multiplied_as_the_numbers_that_they_are() {
        let (inner, columns) = (600, 70);
        let (x, w) = (noise(20 * inner, 1), noise(columns * inner, 2));
        let f16s: Vec<f16> = w.iter().map(|&x| f16::from_f32(x)).collect();
        let bf16s: Vec<bf16> = w.iter().map(|&x| bf16::from_f32(x)).collect();
        let (f16_wide, bf16_wide) =
            (f16s.iter().map(|x| x.to_f32()).collect(), bf16s.iter().map(|x| x.to_f32()).collect());
        for (half, wide) in [(Matrix::F16(f16s), f16_wide), (Matrix::Bf16(bf16s), bf16_wide)] {
            let half = Panels::new(&half, None, inner, columns);
            let wide = Panels::new(&Matrix::F32(wide), None, inner, columns);
            assert_eq!(product(Arch::new(), &x, &half), product(Arch::new(), &x, &wide));
        }
    }

    #[test]
    fn no_rows_have_no_products() {
        let panels = Panels::new(&Matrix::F32(noise(6, 1)), None, 2, 3);
        assert!(product(Arch::new(), &[], &panels).is_empty());
    }
}
