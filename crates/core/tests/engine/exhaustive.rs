//! The exhaustive comparison, which recall rests on, against the obvious loop.

use semdedup_core::{ExhaustiveSearch, Keep, Ranking, UnitEmbeddings};

#[test]
fn a_sample_finds_its_best_earlier_row_in_the_whole_data_however_it_is_cut_into_blocks() {
    let dim = 13;
    let values: Vec<f32> = (0..700 * dim).map(|i| ((i * i * 31 % 2003) as f32 - 1000.0) / 99.0).collect();
    let rows = UnitEmbeddings::new(values, dim).unwrap();
    let ranking = Ranking { keep: Keep::Random, seed: 4 };
    let key = |row: usize| ranking.key(0.0, row as u64);
    let sampled: Vec<usize> = (0..700).step_by(9).collect();
    let pick =
        |of: &[usize]| UnitEmbeddings::new(of.iter().flat_map(|&i| rows.row(i).to_vec()).collect(), dim);
    let expected: Vec<f64> = sampled
        .iter()
        .map(|&s| {
            let dot = |i: usize| {
                rows.row(i).iter().zip(rows.row(s)).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
            };
            (0..700).filter(|&i| key(i) < key(s) && i % 5 != 0).map(dot).fold(0.0, f64::max)
        })
        .collect();
    let samples = pick(&sampled).unwrap();
    for block in [1, 50, 333, 700] {
        let keys: Vec<_> = sampled.iter().map(|&s| key(s)).collect();
        let mut search = ExhaustiveSearch::new(&samples, &keys);
        for part in (0..700).collect::<Vec<_>>().chunks(block) {
            let compared: Vec<_> = part.iter().map(|&i| (i % 5 != 0).then(|| key(i))).collect();
            search.compare(&pick(part).unwrap(), &compared);
        }
        for (found, expected) in search.finish().iter().zip(&expected) {
            assert!((f64::from(*found) - expected).abs() < 1e-6, "{found} {expected}");
        }
    }
}
