//! Positions of patches for images of another size, interpolated as PyTorch does.

use super::layers::Grid;

/// The filter that mixes old positions into new ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bicubic {
    /// Mixes four old positions, with edges repeated (a = −0.75).
    Plain,
    /// Mixes more positions where the grid shrinks, and fewer at its edges (a = −0.5):
    /// `antialias=True`.
    Antialiased,
}

/// A change of a grid's size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resize {
    pub(super) from: Grid,
    pub(super) to: Grid,
    pub(super) filter: Bicubic,
}

impl Resize {
    /// Resizes a grid of vectors, `[rows · columns, values]` in row-major order.
    pub(super) fn apply(&self, table: &[f32]) -> Vec<f32> {
        let Self { from, to, filter } = self;
        let values = table.len() / from.count();
        let (rows, columns) = (filter.taps(from.rows, to.rows), filter.taps(from.columns, to.columns));
        let mut out = Vec::with_capacity(to.count() * values);
        for row in &rows {
            for column in &columns {
                for value in 0..values {
                    let mut sum = 0.0;
                    for &(y, weight) in row {
                        let at = |x: usize| table[(y * from.columns + x) * values + value];
                        sum += column.iter().map(|&(x, weight)| at(x) * weight).sum::<f32>() * weight;
                    }
                    out.push(sum);
                }
            }
        }
        out
    }
}

impl Bicubic {
    /// Returns for each new position the old ones that it is mixed from, and their weights.
    fn taps(self, from: usize, to: usize) -> Vec<Vec<(usize, f32)>> {
        let scale = from as f64 / to as f64;
        let middles = (0..to).map(|place| (place as f64 + 0.5) * scale);
        match self {
            Self::Plain => middles.map(|middle| plain(middle - 0.5, from)).collect(),
            Self::Antialiased => middles.map(|middle| antialiased(middle, from, scale.max(1.0))).collect(),
        }
    }
}

/// Returns the four positions around a point.
fn plain(middle: f64, from: usize) -> Vec<(usize, f32)> {
    let around = (-1..3).map(|step| middle.floor() + f64::from(step));
    let inside = |place: f64| place.clamp(0.0, (from - 1) as f64) as usize;
    around.map(|place| (inside(place), cubic(place - middle, -0.75) as f32)).collect()
}

/// Returns the positions around a point that the filter covers, if it is `wider` times as wide as
/// the plain one. The sum of the weights is 1.
fn antialiased(middle: f64, from: usize, wider: f64) -> Vec<(usize, f32)> {
    let support = 2.0 * wider;
    let first = (middle - support + 0.5).max(0.0) as usize;
    let end = ((middle + support + 0.5) as usize).min(from);
    let weights: Vec<f64> =
        (first..end).map(|place| cubic((place as f64 + 0.5 - middle) / wider, -0.5)).collect();
    let total: f64 = weights.iter().sum();
    (first..end).zip(weights).map(|(place, weight)| (place, (weight / total) as f32)).collect()
}

/// Computes the cubic filter of Keys.
fn cubic(x: f64, a: f64) -> f64 {
    match x.abs() {
        x if x < 1.0 => ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0,
        x if x < 2.0 => ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_size_changes_nothing_and_a_slope_stays_one() {
        let table: Vec<f32> = (0..50).map(|i| (i * i % 17) as f32).collect();
        let slope: Vec<f32> = (0..8).flat_map(|_| (0..8).map(|x| x as f32)).collect();
        let square = |side| Grid { rows: side, columns: side };
        for filter in [Bicubic::Plain, Bicubic::Antialiased] {
            assert_eq!(Resize { from: square(5), to: square(5), filter }.apply(&table), table);
        }
        let halved = Resize { from: square(8), to: square(4), filter: Bicubic::Plain }.apply(&slope);
        assert!((halved[1] - 2.5).abs() < 1e-6 && (halved[2] - 4.5).abs() < 1e-6, "{halved:?}");
    }

    #[test]
    fn antialiased_positions_are_those_of_pytorch() {
        // torch.nn.functional.interpolate(…, mode="bicubic", antialias=True) of two equal rows.
        let row = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0];
        let table = [row, row].concat();
        for (width, wanted) in PYTORCH {
            let (from, to) = (Grid { rows: 2, columns: 8 }, Grid { rows: 2, columns: width });
            let found = Resize { from, to, filter: Bicubic::Antialiased }.apply(&table);
            for (found, wanted) in found.iter().zip(wanted) {
                assert!((found - wanted).abs() < 1e-5, "{width}: {found}, {wanted}");
            }
        }
    }

    const PYTORCH: [(usize, &[f32]); 3] = [
        (3, &[2.156_929_7, 4.098_486, 5.293_594_4]),
        (5, &[2.168_123_7, 2.552_494, 3.274_872, 6.694_370_3, 4.251_254_6]),
        (
            11,
            &[
                3.112_204_6,
                1.627_813,
                1.791_839_1,
                3.980_982_3,
                1.326_586_5,
                2.562_5,
                6.128_616_3,
                9.045_971,
                3.793_386,
                3.187_57,
                6.224_41,
            ],
        ),
    ];
}
