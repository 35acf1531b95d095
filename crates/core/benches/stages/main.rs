//! Benchmarks of each stage on generated rows, and of the peak speed of the machine for the same
//! arithmetic.
//!
//! ```text
//! cargo bench -p semdedup-core --bench stages                # all benchmarks, under two minutes
//! cargo bench -p semdedup-core --bench stages -- score/auto  # one benchmark
//! ```
//!
//! Rows lie around random directions, so that clusters exist. The elements of a stage that compares
//! are the pairs of rows (or of a row and a centroid) that the library reports as compared. The
//! elements of other stages are rows. The benchmarks under `peak` count operations. A pair takes `2
//! · DIM` operations, a multiplication and an addition for each value. So a stage's pairs per
//! second times `2 · DIM`, divided by the 8-bit peak, is the share of the machine that it uses.
//!
//! All stages and all peaks run on all threads of rayon's pool. If built with `SEMDEDUP_ISA=avx2`
//! (or another name that `summary.json` reports as `instruction_set`), the stages use that
//! instruction set. The peaks do not change.
#![allow(clippy::unwrap_used, missing_docs, unsafe_code)]

mod registers;

use std::hint::black_box;
use std::ops::Range;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use rayon::prelude::*;
use semdedup_core::{
    Assigner, Assignment, Epsilon, ExhaustiveSearch, Goal, Keep, Part, Probes, RankKey, RankedRows, Ranking,
    Scored, Scoring, Training, UnitEmbeddings, select, train,
};

const DIM: usize = 256;
const DIRECTIONS: u64 = 2_000;
const ROWS: u64 = 100_000;
const TRAINED_ON: u64 = 32_000;
const TRAINING: Training = Training { clusters: 1_000, iterations: 8, refinements: 0, seed: 0 };
const RANKING: Ranking = Ranking { keep: Keep::Hard, seed: 0 };
const PROBES: [(&str, Probes); 2] = [("own", Probes::Nearest(1)), ("auto", Probes::Auto)];

/// Returns a random number in [−1, 1) for each index.
fn noise(index: u64) -> f32 {
    let x = (index ^ index >> 32).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ x >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    ((x ^ x >> 32) >> 40) as f32 / (1 << 23) as f32 - 1.0
}

/// Generates rows. Row `i` is one of [`DIRECTIONS`] directions plus at most as much noise. Its
/// cosine similarity to the direction is 0.7 to 1, and that of two rows of a direction is 0.5 to 1.
fn values(numbers: Range<u64>) -> Vec<f32> {
    let mut values = vec![0.0; (numbers.end - numbers.start) as usize * DIM];
    values.par_chunks_exact_mut(DIM).enumerate().for_each(|(place, row)| {
        let i = numbers.start + place as u64;
        let direction = (i % DIRECTIONS + (1 << 40)) * DIM as u64;
        let spread = noise(i + (1 << 50)).abs();
        for (value, d) in row.iter_mut().zip(0u64..) {
            *value = noise(direction + d) + spread * noise(i * DIM as u64 + d);
        }
    });
    values
}

fn unit(numbers: Range<u64>) -> UnitEmbeddings {
    UnitEmbeddings::new(values(numbers), DIM).unwrap()
}

/// Generates rows that are not among the first [`ROWS`], to be compared with these.
fn samples(count: u64) -> UnitEmbeddings {
    unit(ROWS..ROWS + count)
}

fn short<'a>(c: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = c.benchmark_group(name);
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    group
}

fn normalising(c: &mut Criterion) {
    let values = values(0..20_000);
    let mut group = short(c, "normalise");
    group.throughput(Throughput::Elements(20_000));
    group.bench_function("20000 rows", |b| {
        b.iter_batched(|| values.clone(), |values| UnitEmbeddings::new(values, DIM), BatchSize::PerIteration);
    });
}

fn training(c: &mut Criterion) {
    let rows = unit(0..TRAINED_ON);
    let mut group = short(c, "train");
    group.throughput(Throughput::Elements(train(&rows, &TRAINING).compared));
    group.bench_function("32000 rows", |b| b.iter(|| train(&rows, &TRAINING)));
}

fn assigning(c: &mut Criterion) {
    let centroids = train(&unit(0..TRAINED_ON), &TRAINING).centroids;
    let rows = unit(0..20_000);
    let assigner = Assigner::new(&centroids);
    let mut group = short(c, "assign");
    for (name, probes) in PROBES {
        group.throughput(Throughput::Elements(assigner.assign(&rows, probes).compared));
        group.bench_function(name, |b| b.iter(|| assigner.assign(&rows, probes)));
    }
}

/// Scores all rows. Returns the number of comparisons.
fn score(rows: &UnitEmbeddings, centroids: &UnitEmbeddings, assignment: &Assignment) -> u64 {
    let numbers: Vec<u64> = (0..rows.len() as u64).collect();
    let Assignment { cluster, similarity, probes, .. } = assignment;
    let mut scoring = Scoring::new(RankedRows::new(RANKING, similarity, &[]), centroids);
    let part = Part { rows, numbers: &numbers, cluster, probes, clusters: 0..centroids.len() as u32 };
    scoring.add(&scoring.compare(&part, &mut |_| ()));
    let compared = scoring.compared();
    black_box(scoring.finish());
    compared
}

fn scoring(c: &mut Criterion) {
    let centroids = train(&unit(0..TRAINED_ON), &TRAINING).centroids;
    let rows = unit(0..ROWS);
    let mut group = short(c, "score");
    for (name, probes) in PROBES {
        let assignment = Assigner::new(&centroids).assign(&rows, probes);
        group.throughput(Throughput::Elements(score(&rows, &centroids, &assignment)));
        group.bench_function(name, |b| b.iter(|| score(&rows, &centroids, &assignment)));
    }
}

/// Ranks under which every sample is compared with every row.
struct AllPairs {
    samples: Vec<RankKey>,
    rows: Vec<Option<RankKey>>,
}

fn all_pairs(samples: usize, rows: usize) -> AllPairs {
    let key = |similarity| move |i: usize| RANKING.key(similarity, i as u64);
    AllPairs {
        samples: (0..samples).map(key(1.0)).collect(),
        rows: (0..rows).map(key(0.5)).map(Some).collect(),
    }
}

fn exhaustive(c: &mut Criterion) {
    let (samples, rows) = (samples(1_000), unit(0..50_000));
    let AllPairs { samples: keys, rows: compared } = all_pairs(samples.len(), rows.len());
    let mut group = short(c, "exhaustive");
    group.throughput(Throughput::Elements((samples.len() * rows.len()) as u64));
    group.bench_function("1000 samples", |b| {
        b.iter(|| {
            let mut search = ExhaustiveSearch::new(&samples, &keys);
            search.compare(&rows, &compared);
            search.finish()
        });
    });
}

fn selecting(c: &mut Criterion) {
    let score: Vec<f32> = (0..ROWS).map(|i| noise(i).abs()).collect();
    let similarity: Vec<f32> = (0..ROWS).map(|i| 0.5 + noise(i + (1 << 40)) / 4.0).collect();
    let scored = Scored { score: &score, order: RankedRows::new(RANKING, &similarity, &[]) };
    let mut group = short(c, "select");
    group.throughput(Throughput::Elements(ROWS));
    let goals =
        [("epsilon", Goal::Epsilon(Epsilon::new(0.1).unwrap())), ("fraction", Goal::KeepFraction(0.5))];
    for (name, goal) in goals {
        group.bench_function(name, |b| b.iter(|| select(&scored, goal).unwrap()));
    }
}

/// Measures [`exhaustive`] without loads from memory: each thread has a block of rows and the
/// samples in its cache. After the first round, there is almost nothing left to find.
fn cached(group: &mut BenchmarkGroup<'_, WallTime>) {
    let (samples, rows) = (samples(4_800), unit(0..1_024 * rayon::current_num_threads() as u64));
    let AllPairs { samples: keys, rows: compared } = all_pairs(samples.len(), rows.len());
    let mut search = ExhaustiveSearch::new(&samples, &keys);
    group.throughput(Throughput::Elements((2 * DIM * samples.len() * rows.len()) as u64));
    group.bench_function("exhaustive, cached", |b| b.iter(|| search.compare(&rows, &compared)));
}

fn peak(c: &mut Criterion) {
    let mut group = short(c, "peak");
    cached(&mut group);
    for peak in registers::peaks() {
        let operations = peak.operations * rayon::current_num_threads();
        group.throughput(Throughput::Elements(operations as u64));
        group.bench_function(peak.name, |b| b.iter(|| rayon::broadcast(|_| (peak.run)())));
    }
}

criterion_group!(stages, normalising, training, assigning, scoring, exhaustive, selecting, peak);
criterion_main!(stages);
