use proptest::prelude::*;

use super::*;

/// A searcher made of two functions.
struct By<L, F>(L, F);

impl<L: Fn(usize, Tolerance) -> f32, F: FnMut(usize, Likely)> Searcher for By<L, F> {
    fn least(&self, query: usize, off: Tolerance) -> f32 {
        (self.0)(query, off)
    }

    fn found(&mut self, query: usize, likely: Likely) {
        (self.1)(query, likely);
    }
}

fn noise(i: usize, seed: u64) -> f32 {
    crate::random::unit(seed, 0, i as u64) as f32 - 0.5
}

/// Unit rows that differ from a common direction by `spread`, some of them with one large value.
fn rows(count: usize, dim: usize, spread: f32, seed: u64) -> Vec<Vec<f32>> {
    let row = |i: usize| {
        let value = |p: usize| noise(p, seed) + spread * noise(1000 + i * 1000 + p, seed);
        let mut row: Vec<f32> = (0..dim).map(value).collect();
        if i.is_multiple_of(5) {
            row[i % dim] += 30.0 * spread;
        }
        crate::similarity::embeddings::normalise(&mut row);
        row
    };
    (0..count).map(row).collect()
}

proptest! {
    #[test]
    fn the_most_similar_target_is_a_candidate_and_so_are_those_with_the_highest_estimates(
        (dim, targets, queries) in (1usize..150, 0usize..120, 1usize..70),
        (spread, wanted) in (prop_oneof![Just(1e-6f32), Just(1e-4), Just(1e-2), Just(1.0), Just(100.0)], 1usize..10),
        seed in any::<u64>(),
    ) {
        let all = rows(targets + queries, dim, spread, seed);
        let reference = &all[0];
        let encode = |of: &[Vec<f32>]| Codes::encode(of.iter().map(Vec::as_slice), reference, reference);
        let panels = Panels::pack(&encode(&all[..targets]), 0..targets);
        let codes = encode(&all[targets..]);
        let limit = |row: usize| (row * 7) % (targets + 1);
        let asked: Vec<Query> = (0..queries).map(|row| Query { row, limit: limit(row) }).collect();
        let search = |wanted| {
            let mut answers: Vec<Vec<(f32, u32)>> = vec![Vec::new(); queries];
            let search = Search { codes: &codes, targets: &panels, wanted, gap: 0.0, most: usize::MAX };
            search.run(&asked, &mut By(|_, _| f32::NEG_INFINITY, |i: usize, likely: Likely| answers[i] = likely.candidates.to_vec()));
            answers
        };
        for (i, (found, of_all)) in search(wanted).iter().zip(search(targets.max(1))).enumerate() {
            let exact = |t: usize| Isa::detect().dot(&all[targets + i], &all[t]);
            let best = found.iter().map(|&(_, t)| exact(t as usize)).reduce(f32::max);
            prop_assert!(found.iter().all(|&(_, t)| (t as usize) < limit(i)));
            prop_assert_eq!(best, (0..limit(i)).map(exact).reduce(f32::max));
            let highest = |of: &[(f32, u32)]| {
                let mut estimates: Vec<f32> = of.iter().map(|&(estimate, _)| estimate).collect();
                estimates.sort_unstable_by(|a, b| b.total_cmp(a));
                estimates.truncate(wanted);
                estimates
            };
            prop_assert_eq!(of_all.len(), limit(i));
            // Where one is wanted, estimates may be lowered by what they are sharper than the window.
            if wanted > 1 {
                prop_assert_eq!(highest(found), highest(&of_all));
            }
        }
    }

    #[test]
    fn an_estimate_is_off_by_half_the_window_at_most(
        dim in 1usize..150,
        spread in prop_oneof![Just(1e-6f32), Just(1e-3), Just(1.0), Just(100.0)],
        seed in any::<u64>(),
    ) {
        let all = rows(40, dim, spread, seed);
        let encode = |of: &[Vec<f32>], origin| Codes::encode(of.iter().map(Vec::as_slice), &all[0], origin);
        let origin = vec![0.0; dim];
        // Queries relative to zero and targets to a row, as where rows are assigned; then both to a row, as in a cluster.
        let to_zero = Codes::encode(all.iter().map(Vec::as_slice), &origin, &origin);
        for (codes, origin) in [(to_zero, &origin), (encode(&all, &all[0]), &all[0])] {
            let panels = Panels::pack(&encode(&all, origin), 0..all.len());
            let queries: Vec<Query> = (0..all.len()).map(|row| Query { row, limit: all.len() }).collect();
            let mut off = 0.0f64;
            let search = Search { codes: &codes, targets: &panels, wanted: all.len(), gap: 0.0, most: usize::MAX };
            search.run(&queries, &mut By(|_, _| f32::NEG_INFINITY, |i: usize, likely: Likely| {
                let product = |a: &[f32], b: &[f32]| -> f64 {
                    a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
                };
                for &(estimate, t) in likely.candidates {
                    // The part of the product that is the same for all targets is not in the estimate.
                    let rest = product(&all[i], &all[t as usize]) - product(&all[i], &all[0]);
                    off = off.max((f64::from(estimate) - rest).abs() / f64::from(likely.window / 2.0));
                }
                assert_eq!(likely.candidates.len(), all.len());
            }));
            prop_assert!(off <= 1.0, "off by {off} of the bound");
        }
    }
}

#[test]
fn targets_below_the_least_that_is_asked_for_are_left_out() {
    let all = rows(100, 40, 1.0, 3);
    let origin = vec![0.0; 40];
    let codes = Codes::encode(all.iter().map(Vec::as_slice), &origin, &origin);
    let panels = Panels::pack(&codes, 0..100);
    let search = Search { codes: &codes, targets: &panels, wanted: 1, gap: 0.0, most: usize::MAX };
    let (mut found, mut count) = (Vec::new(), 0);
    search.run(
        &[Query { row: 7, limit: 100 }; 60],
        &mut By(
            |_, off: Tolerance| 1.0 - off.any,
            |i, likely: Likely| {
                assert_eq!(i, count);
                count += 1;
                found.extend(likely.candidates.iter().map(|&(_, t)| t));
            },
        ),
    );
    assert_eq!((found, count), (vec![7; 60], 60));
}

#[test]
fn chosen_rows_are_packed_in_the_order_given() {
    let all = rows(90, 10, 1.0, 3);
    let origin = vec![0.0; 10];
    let codes = Codes::encode(all.iter().map(Vec::as_slice), &origin, &origin);
    let chosen: Vec<usize> = (0..90).rev().step_by(2).collect();
    let panels = Panels::pack(&codes, chosen.iter().copied());
    assert_eq!(panels.len(), 45);
    let search = Search { codes: &codes, targets: &panels, wanted: 1, gap: 0.0, most: usize::MAX };
    let queries: Vec<Query> = chosen.iter().map(|&row| Query { row, limit: 45 }).collect();
    search.run(
        &queries,
        &mut By(
            |_, _| f32::NEG_INFINITY,
            |i, likely: Likely| assert!(likely.candidates.iter().any(|&(_, t)| t as usize == i)),
        ),
    );
}

#[test]
fn a_settled_target_ends_the_search_and_is_the_first_of_a_crowd() {
    let one: Vec<f32> = (0..24).map(|p| (p as f32).sin()).collect();
    let origin = vec![0.0; 24];
    let codes = Codes::encode((0..5000).map(|_| one.as_slice()), &origin, &origin);
    let panels = Panels::pack(&codes, 0..5000);
    struct Crowd(Vec<Vec<u32>>);
    impl Searcher for Crowd {
        fn settled(&mut self, _: usize, target: u32) -> bool {
            target >= 3
        }
        fn found(&mut self, _: usize, likely: Likely) {
            self.0.push(likely.candidates.iter().map(|&(_, t)| t).collect());
        }
    }
    let mut crowd = Crowd(Vec::new());
    let queries: Vec<Query> = (0..50).map(|row| Query { row, limit: 5000 }).collect();
    let compared = Search { codes: &codes, targets: &panels, wanted: 1, gap: 0.0, most: usize::MAX }
        .run(&queries, &mut crowd);
    assert_eq!(crowd.0, vec![vec![3]; 50]);
    assert!(compared < 50 * 200, "{compared} comparisons");
}

#[test]
fn a_few_strangers_do_not_make_all_rows_of_a_crowd_candidates() {
    let dim = 64;
    let near = |i: usize, spread: f32| {
        let value = |p: usize| noise(p, 7) + spread * noise(1000 + i * 1000 + p, 7);
        let mut row: Vec<f32> = (0..dim).map(value).collect();
        crate::similarity::embeddings::normalise(&mut row);
        row
    };
    let mut all: Vec<Vec<f32>> = (0..2000).map(|i| near(i, 1e-2)).collect();
    all.extend((2000..2005).map(|i| near(i, 100.0)));
    let reference = near(0, 0.0);
    let codes = Codes::encode(all.iter().map(Vec::as_slice), &reference, &reference);
    let panels = Panels::pack(&codes, 0..all.len());
    let queries: Vec<Query> = (0..2000).map(|row| Query { row, limit: row }).collect();
    let mut candidates = 0;
    let search = Search { codes: &codes, targets: &panels, wanted: 1, gap: 0.0, most: usize::MAX };
    let count = By(|_, _| f32::NEG_INFINITY, |_, likely: Likely| candidates += likely.candidates.len());
    search.run(&queries, &mut { count });
    assert!(candidates < 30 * queries.len(), "{} candidates a row", candidates / queries.len());
}

/// Searches each row among those before it by distance, as a cluster is compared with itself; counts the candidates that may
/// be the most similar one before similarities are rounded.
fn candidates_by_distance(all: &[Vec<f32>], reference: &[f32]) -> usize {
    struct ByDistance<'a>(&'a [Vec<f32>], &'a Codes, usize);
    impl Searcher for ByDistance<'_> {
        fn apart(&self, query: usize) -> f32 {
            -self.1.half_square(query)
        }
        fn settled(&mut self, query: usize, target: u32) -> bool {
            Isa::detect().similarity(&self.0[query], &self.0[target as usize]) >= SATURATED
        }
        fn found(&mut self, query: usize, likely: Likely) {
            let exact = |t: usize| Isa::detect().similarity(&self.0[query], &self.0[t]).min(SATURATED);
            let best = most_similar((0..query).map(|t| (exact(t), t as u32)));
            let found = most_similar(likely.candidates.iter().map(|&(_, t)| (exact(t as usize), t)));
            assert_eq!(found, best, "row {query} of {} candidates", likely.candidates.len());
            self.2 +=
                likely.candidates.iter().filter(|(estimate, _)| *estimate >= likely.highest_from).count();
        }
    }
    let codes = Codes::encode(all.iter().map(Vec::as_slice), reference, reference);
    let panels = Panels::pack_by_distance(&codes);
    let queries: Vec<Query> = (0..all.len()).map(|row| Query { row, limit: row }).collect();
    let mut searcher = ByDistance(all, &codes, 0);
    Search { codes: &codes, targets: &panels, wanted: 1, gap: 0.0, most: usize::MAX }
        .run(&queries, &mut searcher);
    searcher.2
}

#[test]
fn of_a_crowd_with_strangers_however_close_few_are_candidates() {
    for dim in [64, 256, 768] {
        // The closest of these are equal as far as f32 can tell; those before them differ in its last digit.
        for spread in [0.3f32, 0.1, 0.03, 0.01, 0.003, 0.002, 0.001, 0.0007, 0.0003] {
            let row = |i: usize| {
                let mut row: Vec<f32> =
                    (0..dim).map(|p| noise(p, 7) + spread * noise(1000 + i * 1000 + p, 7)).collect();
                crate::similarity::embeddings::normalise(&mut row);
                row
            };
            let mut all = rows(8, dim, 100.0, 11);
            all.extend((0..1000).map(row));
            let mut reference: Vec<f32> = (0..dim).map(|p| noise(p, 7)).collect();
            crate::similarity::embeddings::normalise(&mut reference);
            let candidates = candidates_by_distance(&all, &reference);
            assert!(candidates < 50 * all.len(), "{dim} {spread}: {} a row", candidates / all.len());
        }
    }
}
