//! What several of the tests need.

use semdedup_core::{Assigner, Assignment, Part, Probes, Ranking, Scores, Scoring, UnitEmbeddings};

/// Float error that decisions may differ by: pairs closer than this to a threshold, or to each other.
pub const TOLERANCE: f64 = 2e-6;

/// What the order of probes may differ by: it goes by the estimates of 8-bit codes.
pub const OF_CODES: f64 = 0.02;

/// The values of a little-endian .npy file of version 1, as numpy writes it.
pub fn npy<const BYTES: usize, T>(name: &str, from: fn([u8; BYTES]) -> T) -> Vec<T> {
    let path = format!("{}/tests/data/oracle-2500x256/{name}.npy", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(path).unwrap();
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    bytes[header..].chunks_exact(BYTES).map(|x| from(x.try_into().unwrap())).collect()
}

/// The 2,500 stored embeddings.
pub fn stored() -> UnitEmbeddings {
    UnitEmbeddings::new(npy("embeddings", f32::from_le_bytes), 256).unwrap()
}

/// A number in (−0.5, 0.5) that depends on its place and nothing else.
pub fn noise(place: usize) -> f32 {
    let mut x = (place as u64).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    x = (x ^ (x >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    ((x >> 40) as f32 + 0.5) / (1u32 << 24) as f32 - 0.5
}

pub fn unit_f64(values: &[f32], dim: usize) -> Vec<Vec<f64>> {
    let unit = |row: &[f32]| {
        let norm = row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        row.iter().map(|&x| if norm > 0.0 { f64::from(x) / norm } else { 0.0 }).collect()
    };
    values.chunks_exact(dim).map(unit).collect()
}

pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

pub fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

pub fn assign(rows: &UnitEmbeddings, centroids: &UnitEmbeddings, probes: Probes) -> Assignment {
    Assigner::new(centroids).assign(rows, probes)
}

/// Scores all rows as one part; and the comparisons of two rows that it took.
pub fn scored(
    rows: &UnitEmbeddings,
    centroids: &UnitEmbeddings,
    assignment: &Assignment,
    ranking: Ranking,
) -> (Scores, u64) {
    let numbers: Vec<u64> = (0..rows.len() as u64).collect();
    let Assignment { cluster, similarity, probes, .. } = assignment;
    let mut scoring = Scoring::new(ranking, centroids, similarity);
    let clusters = 0..centroids.len() as u32;
    let part = Part { rows, numbers: &numbers, cluster, probes, clusters };
    scoring.add(&scoring.compare(&part, &mut |_| ()));
    let compared = scoring.compared();
    (scoring.finish(), compared)
}
