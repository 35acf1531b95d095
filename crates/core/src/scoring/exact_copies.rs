//! Exact copies collapse before anything is compared: nothing is more similar than the same vector.

use rayon::prelude::*;

use crate::clustering::probes::NO_CLUSTER;
use crate::scoring::part::Part;
use crate::similarity::embeddings::Direction;

/// What a row of a part is to the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It is compared.
    Original,
    /// Another row of its cluster has its vector and ranks before it: the place of the first of these.
    CopyOf(u32),
    /// It has no direction, so it is similar to nothing, not even to another such row, and is left out.
    Undirected,
}

/// Finds the copies among the rows of each cluster, and tells whether there may be copies in different clusters, as
/// assignments that were made elsewhere can have them. `rank` is each row's place in the rank order, `hash` that of its bits.
pub(crate) fn kinds(part: &Part, rank: &[u32], hash: &[u64]) -> (Vec<Kind>, bool) {
    let hashed = |place: usize| (hash[place], part.cluster[place], rank[place], place as u32);
    let is_undirected = |place: usize| part.rows.direction(place) != Direction::Unit;
    let placed = (0..rank.len()).into_par_iter().filter(|&place| part.cluster[place] != NO_CLUSTER);
    let directed = placed.filter(|&place| !is_undirected(place));
    let mut hashes: Vec<(u64, u32, u32, u32)> = directed.map(hashed).collect();
    hashes.par_sort_unstable();
    let apart = hashes.windows(2).any(|pair| pair[0].0 == pair[1].0 && pair[0].1 != pair[1].1);
    let runs: Vec<&[(u64, u32, u32, u32)]> =
        hashes.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)).filter(|run| run.len() > 1).collect();
    let copies: Vec<(u32, Kind)> =
        runs.par_iter().flat_map_iter(|run| copies_in(part, run.iter().map(|&(.., place)| place))).collect();
    let kind = |place: usize| if is_undirected(place) { Kind::Undirected } else { Kind::Original };
    let mut kinds: Vec<Kind> = (0..part.numbers.len()).map(kind).collect();
    copies.into_iter().for_each(|(place, kind)| kinds[place as usize] = kind);
    (kinds, apart)
}

/// The copies among rows of one cluster and one hash, in rank order. Different vectors of one hash are told apart.
fn copies_in(part: &Part, places: impl Iterator<Item = u32>) -> Vec<(u32, Kind)> {
    let mut originals: Vec<(u32, Vec<f32>)> = Vec::new();
    let mut copies = Vec::new();
    let mut buffer = vec![0.0; part.rows.dim()];
    for place in places {
        let row = part.rows.row(place as usize, &mut buffer);
        match originals.iter().find(|(_, original)| *original == row) {
            None => originals.push((place, row.to_vec())),
            Some(&(original, _)) => copies.push((place, Kind::CopyOf(original))),
        }
    }
    copies
}
