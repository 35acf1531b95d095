//! Exact copies collapse before anything is compared: nothing is more similar than the same vector.

use rayon::prelude::*;

use crate::assign::NO_CLUSTER;
use crate::embeddings::hash;
use crate::score::Part;

/// What a row of a part is to the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It is compared.
    Original,
    /// Another row of its cluster has its vector and ranks before it: the place of the first of these.
    CopyOf(u32),
    /// The same for a vector of zeros, which is similar to nothing, not even to another one.
    CopyOfZeros,
}

/// Finds the copies among the rows of each cluster. `order` is the places of the rows in rank order.
pub(crate) fn kinds(part: &Part, order: &[u32]) -> Vec<Kind> {
    let dim = part.rows.dim();
    let buffer = || vec![0.0; dim];
    let hashed = |row: &mut Vec<f32>, (rank, &place): (usize, &u32)| {
        part.rows.copy_row(place as usize, row);
        (part.cluster[place as usize], hash(row), rank as u32)
    };
    let mut hashes: Vec<(u32, u64, u32)> =
        order.par_iter().enumerate().with_min_len(256).map_init(buffer, hashed).collect();
    hashes.par_sort_unstable();
    let same = |a: &(u32, u64, u32), b: &(u32, u64, u32)| a.0 == b.0 && a.1 == b.1;
    let runs: Vec<&[(u32, u64, u32)]> =
        hashes.chunk_by(same).filter(|run| run.len() > 1 && run[0].0 != NO_CLUSTER).collect();
    let copies: Vec<(u32, Kind)> = runs
        .par_iter()
        .flat_map_iter(|run| copies_in(part, run.iter().map(|&(.., rank)| order[rank as usize]), dim))
        .collect();
    let mut kinds = vec![Kind::Original; part.numbers.len()];
    copies.into_iter().for_each(|(place, kind)| kinds[place as usize] = kind);
    kinds
}

/// The copies among rows of one cluster and one hash, in rank order. Different vectors of one hash are told apart.
fn copies_in(part: &Part, places: impl Iterator<Item = u32>, dim: usize) -> Vec<(u32, Kind)> {
    let mut originals: Vec<(u32, Vec<f32>)> = Vec::new();
    let mut copies = Vec::new();
    let mut row = vec![0.0; dim];
    for place in places {
        part.rows.copy_row(place as usize, &mut row);
        match originals.iter().find(|(_, original)| *original == row) {
            None => originals.push((place, row.clone())),
            Some(_) if row.iter().all(|&x| x == 0.0) => copies.push((place, Kind::CopyOfZeros)),
            Some(&(original, _)) => copies.push((place, Kind::CopyOf(original))),
        }
    }
    copies
}
