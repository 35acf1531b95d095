#![allow(clippy::unwrap_used)]

use half::{bf16, f16};

use super::*;

/// Pseudo-random numbers (splitmix64).
struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (((x ^ (x >> 31)) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }

    fn normals(&mut self, dim: usize) -> Vec<f64> {
        (0..dim).map(|_| self.normal()).collect()
    }
}

fn scaled_to(length: f64, row: Vec<f64>) -> Vec<f64> {
    let norm = row.iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-9);
    row.into_iter().map(|x| x * length / norm).collect()
}

fn each(row: Vec<f64>, change: impl Fn(f64) -> f64) -> Vec<f64> {
    row.into_iter().map(change).collect()
}

/// A row of embeddings of a kind.
type Kind = fn(&mut Random, usize) -> Vec<f64>;

const KINDS: [(&str, Kind); 19] = [
    ("unit", |random, dim| scaled_to(1.0, random.normals(dim))),
    ("normal", |random, dim| random.normals(dim)),
    ("large", |random, dim| scaled_to(300.0, random.normals(dim))),
    ("one large value, as CLIP has it", |random, dim| {
        let mut row = random.normals(dim);
        row[0] += 30.0;
        scaled_to(1.0, row)
    }),
    ("a tenth of the dimensions switched off", |random, dim| {
        let row = random.normals(dim).into_iter().enumerate();
        scaled_to(1.0, row.map(|(at, x)| if at % 10 == 3 { x * 1e-33 } else { x }).collect())
    }),
    ("one of 200 dimensions switched off, as in MiniLM", |random, dim| {
        let row = random.normals(dim).into_iter().enumerate();
        scaled_to(1.0, row.map(|(at, x)| if at % 200 == 3 { x * 1e-33 } else { x }).collect())
    }),
    ("heavy tails", |random, dim| {
        let row = (0..dim).map(|_| random.normal() / (random.normal().abs() + 0.05)).collect();
        scaled_to(1.0, row)
    }),
    ("exponentials of both signs", |random, dim| {
        (0..dim).map(|_| (2.0 * random.normal()).exp() * random.normal().signum()).collect()
    }),
    ("half zeros", |random, dim| each(random.normals(dim), |x| x.max(0.0))),
    ("nine tenths zeros", |random, dim| each(random.normals(dim), |x| (x - 1.3).max(0.0))),
    ("whole numbers", |random, dim| each(random.normals(dim), |x| (40.0 * x).round().clamp(-127.0, 127.0))),
    ("8 bits", |random, dim| each(random.normals(dim), |x| (40.0 * x).round().clamp(-127.0, 127.0) / 127.0)),
    ("bytes", |random, dim| each(random.normals(dim), |x| (128.0 + 40.0 * x).round().clamp(0.0, 255.0))),
    ("signs", |random, dim| scaled_to(1.0, each(random.normals(dim), f64::signum))),
    ("ones", |random, dim| each(random.normals(dim), f64::signum)),
    ("positive", |random, dim| scaled_to(1.0, each(random.normals(dim), f64::abs))),
    ("sigmoid", |random, dim| each(random.normals(dim), |x| 1.0 / (1.0 + (-x).exp()))),
    ("tanh", |random, dim| each(random.normals(dim), |x| (10.0 * x).tanh())),
    ("softmax", |random, dim| {
        let row = each(random.normals(dim), |x| (3.0 * x).exp());
        let sum: f64 = row.iter().sum();
        each(row, |x| x / sum)
    }),
];

fn stored(row: &[f64], number: Number) -> Vec<u8> {
    match number {
        Number::F16 => row.iter().flat_map(|x| f16::from_f64(*x).to_le_bytes()).collect(),
        Number::Bf16 => row.iter().flat_map(|x| bf16::from_f64(*x).to_le_bytes()).collect(),
        Number::F32 => row.iter().flat_map(|x| (*x as f32).to_le_bytes()).collect(),
        _ => row.iter().flat_map(|x| x.to_le_bytes()).collect(),
    }
}

/// Returns rows as a type stores them, after they have been of type `first`.
fn rows(kind: Kind, (count, dim, seed): (usize, usize, u64), first: Number, number: Number) -> Vec<Vec<u8>> {
    let mut random = Random(seed);
    let row = |random: &mut Random| values(&stored(&kind(random, dim), first), first);
    (0..count).map(|_| stored(&row(&mut random), number)).collect()
}

fn checked(number: Number, rows: &[Vec<u8>]) -> std::result::Result<(), String> {
    let rows = rows.iter().map(Vec::as_slice);
    check(Path::new("x"), number, rows).map_err(|error| error.to_string())
}

#[test]
fn every_wrong_type_of_random_vectors_is_refused_with_the_right_one() {
    for (name, kind) in KINDS.into_iter().take(2) {
        for (dim, count) in [(64, 100), (384, 100), (384, 4), (64, 20)] {
            for number in TYPES {
                let rows = rows(kind, (count, dim, 7), Number::F64, number);
                for other in TYPES.into_iter().filter(|other| *other != number) {
                    let problem = checked(other, &rows);
                    let expected = format!("its numbers look like {}, not like", number.name());
                    let place = format!("{name}, {count} of {dim} as {number:?} read as {other:?}");
                    assert!(
                        problem.as_ref().is_err_and(|problem| problem.contains(&expected)),
                        "{place}: {problem:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_right_type_is_taken_whatever_the_embeddings() {
    let mut failed = Vec::new();
    for (name, kind) in KINDS {
        for dim in [8, 64, 384, 1024] {
            for count in [1, 3, 9, 40] {
                for (seed, number) in (dim as u64 + count as u64..).zip(TYPES) {
                    for first in TYPES {
                        let rows = rows(kind, (count, dim, seed), first, number);
                        if let Err(problem) = checked(number, &rows) {
                            failed.push(format!(
                                "{name}, {count} of {dim}, {first:?} in {number:?}: {problem}"
                            ));
                        }
                    }
                }
            }
        }
    }
    assert!(failed.is_empty(), "{}: {}", failed.len(), failed.join("\n"));
}
