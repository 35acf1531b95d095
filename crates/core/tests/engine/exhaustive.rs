//! The exhaustive comparison, which recall is measured against, checked against a plain loop.

use semdedup_core::{EXACT, ExhaustiveSearch, Keep, RankKey, Ranking, UnitEmbeddings};

#[test]
fn a_sample_finds_its_best_earlier_row_however_the_data_is_divided_into_blocks() {
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

#[test]
fn a_sample_that_copies_an_earlier_row_scores_exactly_1_and_a_near_copy_less() {
    let direction = [3.0, 4.0, 0.0];
    let nearly = [3.0, 4.0, 1e-5];
    let rows = UnitEmbeddings::new([direction, nearly, direction, [0.0, 0.0, 1.0]].concat(), 3).unwrap();
    let ranking = Ranking { keep: Keep::Hard, seed: 0 };
    // By their similarity to the centroid, rows 2, 0, 1 rank in this order. Row 3 has no cluster.
    let keys: Vec<RankKey> =
        [0.2, 0.3, 0.1, f32::NAN].into_iter().zip(0..).map(|(s, row)| ranking.key(s, row)).collect();
    for block in [1, 4] {
        let mut search = ExhaustiveSearch::new(&rows, &keys);
        for part in (0..4).collect::<Vec<usize>>().chunks(block) {
            let values = part.iter().flat_map(|&row| rows.row(row).to_vec()).collect();
            let compared: Vec<Option<RankKey>> = part.iter().map(|&row| Some(keys[row])).collect();
            search.compare(&UnitEmbeddings::new(values, 3).unwrap(), &compared);
        }
        let found = search.finish();
        assert_eq!((found[0], found[2]), (EXACT, 0.0), "row 2 ranks before row 0, nothing before row 2");
        assert!(found[1] > 0.999 && found[1] < EXACT && found[3] < 0.1, "{found:?}");
    }
}
