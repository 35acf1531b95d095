//! Positions of patches for another size of images, as PyTorch interpolates them.

/// How old places are mixed to new ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bicubic {
    /// Of four old places, edges repeated (a = −0.75).
    Plain,
    /// Of more where the grid shrinks, of fewer at its edges (a = −0.5): `antialias=True`.
    Antialiased,
}

/// The height and the width of a grid.
type Size = (usize, usize);

/// A grid of vectors in another size, `[height · width, values]` row by row.
pub(super) fn resize(table: &[f32], (from, to): (Size, Size), values: usize, filter: Bicubic) -> Vec<f32> {
    let (rows, columns) = (filter.taps(from.0, to.0), filter.taps(from.1, to.1));
    let mut out = Vec::with_capacity(to.0 * to.1 * values);
    for row in &rows {
        for column in &columns {
            for value in 0..values {
                let mut sum = 0.0;
                for &(y, weight) in row {
                    let along =
                        column.iter().map(|&(x, weight)| table[(y * from.1 + x) * values + value] * weight);
                    sum += along.sum::<f32>() * weight;
                }
                out.push(sum);
            }
        }
    }
    out
}

impl Bicubic {
    /// For each new place the old ones that it is mixed from, and their weights.
    fn taps(self, from: usize, to: usize) -> Vec<Vec<(usize, f32)>> {
        let scale = from as f64 / to as f64;
        let middles = (0..to).map(|place| (place as f64 + 0.5) * scale);
        match self {
            Self::Plain => middles.map(|middle| plain(middle - 0.5, from)).collect(),
            Self::Antialiased => middles.map(|middle| antialiased(middle, (from, scale.max(1.0)))).collect(),
        }
    }
}

/// The four places around one.
fn plain(middle: f64, from: usize) -> Vec<(usize, f32)> {
    let around = (-1..3).map(|step| middle.floor() + f64::from(step));
    let inside = |place: f64| place.clamp(0.0, (from - 1) as f64) as usize;
    around.map(|place| (inside(place), cubic(place - middle, -0.75) as f32)).collect()
}

/// The places that a filter reaches that is as much wider as the grid shrinks; their weights make 1.
fn antialiased(middle: f64, (from, wider): (usize, f64)) -> Vec<(usize, f32)> {
    let support = 2.0 * wider;
    let first = (middle - support + 0.5).max(0.0) as usize;
    let end = ((middle + support + 0.5) as usize).min(from);
    let weights: Vec<f64> =
        (first..end).map(|place| cubic((place as f64 + 0.5 - middle) / wider, -0.5)).collect();
    let total: f64 = weights.iter().sum();
    (first..end).zip(weights).map(|(place, weight)| (place, (weight / total) as f32)).collect()
}

/// The cubic filter of Keys.
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
        for filter in [Bicubic::Plain, Bicubic::Antialiased] {
            assert_eq!(resize(&table, ((5, 5), (5, 5)), 2, filter), table);
        }
        let halved = resize(&slope, ((8, 8), (4, 4)), 1, Bicubic::Plain);
        assert!((halved[1] - 2.5).abs() < 1e-6 && (halved[2] - 4.5).abs() < 1e-6, "{halved:?}");
    }

    #[test]
    fn antialiased_positions_are_those_of_pytorch() {
        // torch.nn.functional.interpolate(…, mode="bicubic", antialias=True) of two equal rows.
        let row = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0];
        let table = [row, row].concat();
        for (width, wanted) in PYTORCH {
            let found = resize(&table, ((2, 8), (2, width)), 1, Bicubic::Antialiased);
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
