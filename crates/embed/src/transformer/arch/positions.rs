//! Positions of patches for another size of images: bicubic, as PyTorch interpolates them (a = −0.75, edges repeated).

/// A grid of vectors in another size, `[height · width, values]` row by row.
pub(super) fn resize(table: &[f32], from: (usize, usize), to: (usize, usize), values: usize) -> Vec<f32> {
    let (rows, columns) = (taps(from.0, to.0), taps(from.1, to.1));
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

/// For each new place the four old ones that it is mixed from, and their weights.
fn taps(from: usize, to: usize) -> Vec<[(usize, f32); 4]> {
    const A: f64 = -0.75;
    let near = |x: f64| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
    let far = |x: f64| ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A;
    let scale = from as f64 / to as f64;
    (0..to)
        .map(|place| {
            let middle = (place as f64 + 0.5) * scale - 0.5;
            let (whole, t) = (middle.floor(), middle - middle.floor());
            let weights = [far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)];
            std::array::from_fn(|i| {
                let old = (whole + i as f64 - 1.0).clamp(0.0, (from - 1) as f64);
                (old as usize, weights[i] as f32)
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_size_changes_nothing_and_a_slope_stays_one() {
        let table: Vec<f32> = (0..50).map(|i| (i * i % 17) as f32).collect();
        assert_eq!(resize(&table, (5, 5), (5, 5), 2), table);
        let slope: Vec<f32> = (0..8).flat_map(|_| (0..8).map(|x| x as f32)).collect();
        let halved = resize(&slope, (8, 8), (4, 4), 1);
        assert!((halved[1] - 2.5).abs() < 1e-6 && (halved[2] - 4.5).abs() < 1e-6, "{halved:?}");
    }
}
