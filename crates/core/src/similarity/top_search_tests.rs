use proptest::prelude::*;

use super::*;
use crate::similarity::embeddings::normalise;

/// Keeps the candidates of each query with the bound of their error.
struct Kept {
    min_estimate: f32,
    found: Vec<(Vec<Candidate>, f32)>,
}

impl TopSearcher for Kept {
    fn min_estimate(&mut self, _: usize, _: ErrorBound) -> f32 {
        self.min_estimate
    }

    fn take(&mut self, query: usize, candidates: &[Candidate], bound: f32) {
        assert_eq!(query, self.found.len());
        self.found.push((candidates.to_vec(), bound));
    }
}

fn search(search: &TopSearch, queries: &[usize], min_estimate: f32) -> Vec<(Vec<Candidate>, f32)> {
    let mut kept = Kept { min_estimate, found: Vec::new() };
    search.run(queries, &mut kept);
    kept.found
}

/// Returns unit rows that differ from a common direction by `spread`. Every fifth has one large
/// value.
fn rows(count: usize, dim: usize, spread: f32, seed: u64) -> Vec<Vec<f32>> {
    let noise = |i: usize| crate::random::unit(seed, 0, i as u64) as f32 - 0.5;
    let row = |i: usize| {
        let mut row: Vec<f32> = (0..dim).map(|p| noise(p) + spread * noise(1000 + i * 1000 + p)).collect();
        if i.is_multiple_of(5) {
            row[i % dim] += 30.0 * spread;
        }
        normalise(&mut row);
        row
    };
    (0..count).map(row).collect()
}

fn encode(rows: &[Vec<f32>], reference: &[f32], origin: &[f32]) -> Codes {
    Codes::encode(rows.iter().map(Vec::as_slice), reference, origin)
}

fn spreads() -> impl Strategy<Value = f32> {
    prop_oneof![Just(1e-6f32), Just(1e-4), Just(1e-2), Just(1.0), Just(100.0)]
}

proptest! {
    #[test]
    fn the_most_similar_target_and_those_with_the_highest_estimates_are_candidates(
        (dim, targets, queries) in (1usize..150, 1usize..200, 1usize..70),
        (most, gap) in (1usize..12, prop_oneof![Just(f32::INFINITY), Just(0.1f32), Just(0.0)]),
        spread in spreads(),
        seed in any::<u64>(),
    ) {
        let sure = if gap == f32::INFINITY { most } else { most.min(2) };
        let wanted = Wanted { most, sure, gap };
        let all = rows(targets + queries, dim, spread, seed);
        let zero = vec![0.0; dim];
        let panels = Panels::pack(&encode(&all[..targets], &zero, &zero), 0..targets);
        let codes = encode(&all[targets..], &zero, &zero);
        let asked: Vec<usize> = (0..queries).rev().collect();
        let top = TopSearch { codes: &codes, targets: &panels, wanted, max_candidates: usize::MAX };
        let every = TopSearch { wanted: Wanted::nearest(targets), ..top };
        let searched = search(&top, &asked, f32::NEG_INFINITY).into_iter();
        let searched = searched.zip(search(&every, &asked, f32::NEG_INFINITY));
        for (row, ((found, bound), (mut every, _))) in asked.iter().zip(searched) {
            prop_assert_eq!(every.len(), targets);
            every.sort_unstable_by(|a, b| b.estimate.total_cmp(&a.estimate));
            let highest = |n: usize| every.get(n - 1).map_or(f32::NEG_INFINITY, |other| other.estimate);
            let exact = |t: usize| Isa::detect().dot(&all[targets + row], &all[t]);
            let best = (0..targets).map(exact).fold(f32::NEG_INFINITY, f32::max);
            let by_estimate = wanted.min_estimate(highest, best);
            for Candidate { estimate, target } in every {
                let similarity = exact(target as usize);
                let is_candidate = found.iter().any(|other| other.target == target);
                prop_assert!(is_candidate || similarity < best && estimate < by_estimate);
                let is_unlike = similarity < best - 4.0 * bound && estimate < by_estimate - 2.0 * bound;
                prop_assert!(!is_candidate || !is_unlike, "{} {}", similarity, best);
            }
        }
    }

    #[test]
    fn the_error_of_an_estimate_is_within_its_bound(
        dim in 1usize..150,
        spread in spreads(),
        seed in any::<u64>(),
    ) {
        let all = rows(40, dim, spread, seed);
        let zero = vec![0.0; dim];
        // First queries relative to zero and targets relative to a row, as for assigning rows to
        // groups. Then both relative to a row, as for comparing a cluster.
        for origin in [&zero, &all[0]] {
            let codes = encode(&all, origin, origin);
            let panels = Panels::pack(&encode(&all, &all[0], origin), 0..all.len());
            let (wanted, queries) = (Wanted::nearest(all.len()), (0..all.len()).collect::<Vec<_>>());
            let top = TopSearch { codes: &codes, targets: &panels, wanted, max_candidates: usize::MAX };
            for (row, (found, bound)) in search(&top, &queries, f32::NEG_INFINITY).into_iter().enumerate() {
                prop_assert_eq!(found.len(), all.len());
                for Candidate { estimate, target } in found {
                    let product = |b: &[f32]| -> f64 {
                        all[row].iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
                    };
                    // An estimate lacks the part of the product that is the same for all targets.
                    let rest = product(&all[target as usize]) - product(&all[0]);
                    let off = (f64::from(estimate) - rest).abs();
                    prop_assert!(off <= f64::from(bound), "off by {off}, the bound is {bound}");
                }
            }
        }
    }
}

#[test]
fn targets_below_the_minimum_estimate_are_left_out() {
    let all = rows(100, 40, 1.0, 3);
    let zero = vec![0.0; 40];
    let codes = encode(&all, &zero, &zero);
    let panels = Panels::pack(&codes, 0..100);
    let top = TopSearch {
        codes: &codes,
        targets: &panels,
        wanted: Wanted::nearest(100),
        max_candidates: usize::MAX,
    };
    for (found, _) in search(&top, &[7; 60], 0.98) {
        assert_eq!(found.iter().map(|other| other.target).collect::<Vec<_>>(), [7]);
    }
}

#[test]
fn of_too_many_candidates_the_highest_estimates_stay() {
    let (one, zero) = (vec![0.5f32; 4], vec![0.0; 4]);
    let near: Vec<Vec<f32>> = (0..300).map(|i| vec![0.5, 0.5, 0.5, 0.5 - i as f32 * 1e-3]).collect();
    let (codes, all) = (encode(&[one], &zero, &zero), encode(&near, &zero, &zero));
    let panels = Panels::pack(&all, 0..300);
    let wanted = Wanted { most: 300, sure: 2, gap: 1.0 };
    let top = TopSearch { codes: &codes, targets: &panels, wanted, max_candidates: 20 };
    let (found, _) = &search(&top, &[0], f32::NEG_INFINITY)[0];
    assert_eq!(found.len(), 20);
    assert!(found.iter().all(|other| other.target < 25), "{found:?}");
}
