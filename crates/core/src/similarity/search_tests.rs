use proptest::prelude::*;

use super::*;
use crate::similarity::embeddings::normalise;
use crate::similarity::thresholds::SATURATED;

/// A searcher made of two functions.
struct FnSearcher<M, R> {
    min_estimate: M,
    rerank: R,
}

impl<M: Fn(ErrorBound) -> f32, R: FnMut(usize, SearchCandidates)> Searcher for FnSearcher<M, R> {
    fn min_estimate(&self, _query: usize, bound: ErrorBound) -> f32 {
        (self.min_estimate)(bound)
    }

    fn rerank(&mut self, query: usize, found: SearchCandidates) {
        (self.rerank)(query, found);
    }
}

/// Searches without a minimum, and passes the candidates of each query to a function. Returns the
/// number of comparisons.
fn run(search: &Search, queries: &[Query], rerank: impl FnMut(usize, SearchCandidates)) -> u64 {
    search.run(queries, &mut FnSearcher { min_estimate: |_| f32::NEG_INFINITY, rerank })
}

/// A search for the most similar target.
fn nearest<'a>(codes: &'a Codes, targets: &'a Panels) -> Search<'a> {
    Search { codes, targets }
}

/// Returns the numbers of the candidates' targets.
fn targets_of(found: &SearchCandidates) -> Vec<u32> {
    found.candidates.iter().map(|other| other.target).collect()
}

fn noise(i: usize, seed: u64) -> f32 {
    crate::random::unit(seed, 0, i as u64) as f32 - 0.5
}

/// Returns unit rows that differ from a common direction by `spread`. Every fifth has one large
/// value.
fn rows(count: usize, dim: usize, spread: f32, seed: u64) -> Vec<Vec<f32>> {
    let row = |i: usize| {
        let value = |p: usize| noise(p, seed) + spread * noise(1000 + i * 1000 + p, seed);
        let mut row: Vec<f32> = (0..dim).map(value).collect();
        if i.is_multiple_of(5) {
            row[i % dim] += 30.0 * spread;
        }
        normalise(&mut row);
        row
    };
    (0..count).map(row).collect()
}

proptest! {
    #[test]
    fn the_most_similar_target_is_a_candidate(
        (dim, targets, queries) in (1usize..150, 0usize..120, 1usize..70),
        spread in prop_oneof![Just(1e-6f32), Just(1e-4), Just(1e-2), Just(1.0), Just(100.0)],
        seed in any::<u64>(),
    ) {
        let all = rows(targets + queries, dim, spread, seed);
        let reference = &all[0];
        let encode = |of: &[Vec<f32>]| Codes::encode(of.iter().map(Vec::as_slice), reference, reference);
        let panels = Panels::pack(&encode(&all[..targets]), 0..targets);
        let codes = encode(&all[targets..]);
        let limit = |row: usize| (row * 7) % (targets + 1);
        let asked: Vec<Query> = (0..queries).map(|row| Query { row, limit: limit(row) }).collect();
        let mut answers: Vec<Vec<u32>> = vec![Vec::new(); queries];
        run(&nearest(&codes, &panels), &asked, |i, found| answers[i] = targets_of(&found));
        for (i, found) in answers.iter().enumerate() {
            let exact = |t: usize| Isa::detect().dot(&all[targets + i], &all[t]);
            let best = found.iter().map(|&target| exact(target as usize)).reduce(f32::max);
            prop_assert!(found.iter().all(|&target| (target as usize) < limit(i)));
            prop_assert_eq!(best, (0..limit(i)).map(exact).reduce(f32::max));
        }
    }
}

#[test]
fn targets_below_the_minimum_estimate_are_left_out() {
    let all = rows(100, 40, 1.0, 3);
    let origin = vec![0.0; 40];
    let codes = Codes::encode(all.iter().map(Vec::as_slice), &origin, &origin);
    let panels = Panels::pack(&codes, 0..100);
    let (mut targets, mut count) = (Vec::new(), 0);
    let mut searcher = FnSearcher {
        min_estimate: |bound: ErrorBound| 1.0 - bound.any,
        rerank: |i, found: SearchCandidates| {
            assert_eq!(i, count);
            count += 1;
            targets.extend(targets_of(&found));
        },
    };
    nearest(&codes, &panels).run(&[Query { row: 7, limit: 100 }; 60], &mut searcher);
    assert_eq!((targets, count), (vec![7; 60], 60));
}

#[test]
fn chosen_rows_are_packed_in_the_order_given() {
    let all = rows(90, 10, 1.0, 3);
    let origin = vec![0.0; 10];
    let codes = Codes::encode(all.iter().map(Vec::as_slice), &origin, &origin);
    let chosen: Vec<usize> = (0..90).rev().step_by(2).collect();
    let panels = Panels::pack(&codes, chosen.iter().copied());
    assert_eq!(panels.len(), 45);
    let queries: Vec<Query> = chosen.iter().map(|&row| Query { row, limit: 45 }).collect();
    run(&nearest(&codes, &panels), &queries, |i, found| {
        assert!(targets_of(&found).contains(&(i as u32)));
    });
}

#[test]
fn the_first_settled_target_of_a_dense_group_ends_the_search() {
    let one: Vec<f32> = (0..24).map(|p| (p as f32).sin()).collect();
    let origin = vec![0.0; 24];
    let codes = Codes::encode((0..5000).map(|_| one.as_slice()), &origin, &origin);
    let panels = Panels::pack(&codes, 0..5000);
    struct Settling(Vec<Vec<u32>>);
    impl Searcher for Settling {
        fn is_settled(&mut self, _: usize, target: u32) -> bool {
            target >= 3
        }
        fn rerank(&mut self, _: usize, found: SearchCandidates) {
            self.0.push(targets_of(&found));
        }
    }
    let mut searcher = Settling(Vec::new());
    let queries: Vec<Query> = (0..50).map(|row| Query { row, limit: 5000 }).collect();
    let compared = nearest(&codes, &panels).run(&queries, &mut searcher);
    assert_eq!(searcher.0, vec![vec![3]; 50]);
    assert!(compared < 50 * 200, "{compared} comparisons");
}

#[test]
fn a_few_distant_rows_do_not_make_all_rows_of_a_dense_group_candidates() {
    let dim = 64;
    let near = |i: usize, spread: f32| {
        let value = |p: usize| noise(p, 7) + spread * noise(1000 + i * 1000 + p, 7);
        let mut row: Vec<f32> = (0..dim).map(value).collect();
        normalise(&mut row);
        row
    };
    let mut all: Vec<Vec<f32>> = (0..2000).map(|i| near(i, 1e-2)).collect();
    all.extend((2000..2005).map(|i| near(i, 100.0)));
    let reference = near(0, 0.0);
    let codes = Codes::encode(all.iter().map(Vec::as_slice), &reference, &reference);
    let panels = Panels::pack(&codes, 0..all.len());
    let queries: Vec<Query> = (0..2000).map(|row| Query { row, limit: row }).collect();
    let mut candidates = 0;
    run(&nearest(&codes, &panels), &queries, |_, found| candidates += found.candidates.len());
    assert!(candidates < 30 * queries.len(), "{} candidates a row", candidates / queries.len());
}

/// Searches each row among those before it by distance, as in a cluster. Returns the number of
/// candidates that may be the most similar one before similarities are rounded.
fn candidates_by_distance(all: &[Vec<f32>], reference: &[f32]) -> usize {
    struct ByDistance<'a> {
        rows: &'a [Vec<f32>],
        codes: &'a Codes,
        candidates: usize,
    }
    impl ByDistance<'_> {
        fn similarity(&self, query: usize, target: u32) -> f32 {
            Isa::detect().similarity(&self.rows[query], &self.rows[target as usize])
        }
    }
    impl Searcher for ByDistance<'_> {
        fn estimate_offset(&self, query: usize) -> f32 {
            -self.codes.half_square(query)
        }
        fn is_settled(&mut self, query: usize, target: u32) -> bool {
            self.similarity(query, target) >= SATURATED
        }
        fn rerank(&mut self, query: usize, found: SearchCandidates) {
            let exact = |target| {
                let similarity = self.similarity(query, target).min(SATURATED);
                Reranked { similarity, target }
            };
            let best = most_similar((0..query as u32).map(exact));
            let best_candidate = most_similar(targets_of(&found).into_iter().map(exact));
            assert_eq!(best_candidate, best, "row {query} of {} candidates", found.candidates.len());
            let highest = found.candidates.iter().filter(|other| other.estimate >= found.highest_from);
            self.candidates += highest.count();
        }
    }
    let codes = Codes::encode(all.iter().map(Vec::as_slice), reference, reference);
    let panels = Panels::pack_by_distance(&codes);
    let queries: Vec<Query> = (0..all.len()).map(|row| Query { row, limit: row }).collect();
    let mut searcher = ByDistance { rows: all, codes: &codes, candidates: 0 };
    nearest(&codes, &panels).run(&queries, &mut searcher);
    searcher.candidates
}

#[test]
fn few_rows_of_a_dense_group_are_candidates_however_close_and_with_distant_rows_among_them() {
    for dim in [64, 256, 768] {
        // At the smallest spreads, rows are equal in f32 or differ in the last digit.
        for spread in [0.3f32, 0.1, 0.03, 0.01, 0.003, 0.002, 0.001, 0.0007, 0.0003] {
            let row = |i: usize| {
                let mut row: Vec<f32> =
                    (0..dim).map(|p| noise(p, 7) + spread * noise(1000 + i * 1000 + p, 7)).collect();
                normalise(&mut row);
                row
            };
            let mut all = rows(8, dim, 100.0, 11);
            all.extend((0..1000).map(row));
            let mut reference: Vec<f32> = (0..dim).map(|p| noise(p, 7)).collect();
            normalise(&mut reference);
            let candidates = candidates_by_distance(&all, &reference);
            assert!(candidates < 50 * all.len(), "{dim} {spread}: {} a row", candidates / all.len());
        }
    }
}
