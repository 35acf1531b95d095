//! Helpers that several tests share.

use semdedup_core::{
    Assigner, Assignment, Part, Probes, RankedRows, Ranking, Scores, Scoring, UnitEmbeddings,
};

/// The float error to allow for: similarities closer than this may be decided either way.
pub const TOLERANCE: f64 = 2e-6;

/// The error to allow for in the order of probes, which are ordered by the estimates of 8-bit
/// codes.
pub const OF_CODES: f64 = 0.02;

/// Reads the values of a little-endian .npy file of version 1, as numpy writes it.
pub fn npy<const BYTES: usize, T>(name: &str, from: fn([u8; BYTES]) -> T) -> Vec<T> {
    let path = format!("{}/tests/data/oracle-2500x256/{name}.npy", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(path).unwrap();
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    bytes[header..].chunks_exact(BYTES).map(|x| from(x.try_into().unwrap())).collect()
}

/// Reads the 2,500 stored embeddings.
pub fn stored() -> UnitEmbeddings {
    UnitEmbeddings::new(npy("embeddings", f32::from_le_bytes), 256).unwrap()
}

/// Returns a number in (−0.5, 0.5) that depends on its place only.
pub fn noise(place: usize) -> f32 {
    let mut x = (place as u64).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    x = (x ^ (x >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    ((x >> 40) as f32 + 0.5) / (1u32 << 24) as f32 - 0.5
}

/// Scales rows to unit length, in f64.
pub fn unit_f64(values: &[f32], dim: usize) -> Vec<Vec<f64>> {
    let unit = |row: &[f32]| {
        let norm = row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        row.iter().map(|&x| if norm > 0.0 { f64::from(x) / norm } else { 0.0 }).collect()
    };
    values.chunks_exact(dim).map(unit).collect()
}

/// Returns the dot product of two rows.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Returns the bits of floats, to compare them exactly.
pub fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

/// Assigns rows to clusters.
pub fn assign(rows: &UnitEmbeddings, centroids: &UnitEmbeddings, probes: Probes) -> Assignment {
    Assigner::new(centroids).assign(rows, probes)
}

/// Scores all rows as one part.
pub fn scored(
    rows: &UnitEmbeddings,
    centroids: &UnitEmbeddings,
    assignment: &Assignment,
    ranking: Ranking,
) -> ScoredRows {
    scored_in(rows, centroids, assignment, RankedRows::new(ranking, &assignment.similarity, &[]))
}

/// Scores all rows, which have this order, as one part.
pub fn scored_in(
    rows: &UnitEmbeddings,
    centroids: &UnitEmbeddings,
    assignment: &Assignment,
    order: RankedRows,
) -> ScoredRows {
    let numbers: Vec<u64> = (0..rows.len() as u64).collect();
    let Assignment { cluster, probes, .. } = assignment;
    let mut scoring = Scoring::new(order, centroids);
    let clusters = 0..centroids.len() as u32;
    let part = Part { rows, numbers: &numbers, cluster, probes, clusters };
    scoring.add(&scoring.compare(&part, &mut |_| ()));
    let compared = scoring.compared();
    ScoredRows { scores: scoring.finish(), compared }
}

/// Scores, and the number of comparisons of two rows.
pub struct ScoredRows {
    pub scores: Scores,
    pub compared: u64,
}
