//! Exact copies, which are found by hash before any rows are compared: no row is more similar than
//! one with the same vector.

use rayon::prelude::*;

use crate::clustering::probes::NO_CLUSTER;
use crate::scoring::part::Part;
use crate::similarity::embeddings::Direction;

/// Whether a row of a part is compared, and why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CopyKind {
    /// The row is compared.
    Original,
    /// An earlier-ranking row of the same cluster has the same vector; this is the place of the
    /// first one.
    CopyOf(u32),
    /// The row has no direction. It is similar to nothing, not even to another such row, and is
    /// left out.
    Undirected,
}

/// The copies among the rows of a part.
pub(super) struct ExactCopies {
    /// The kind of each row, by its place.
    pub(super) kinds: Vec<CopyKind>,
    /// Whether there may be copies in different clusters, as a clustering from elsewhere can have
    /// them.
    pub(super) across_clusters: bool,
}

/// A row with what it is sorted by to bring copies together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct HashedRow {
    hash: u64,
    cluster: u32,
    rank: u32,
    place: u32,
}

impl ExactCopies {
    /// Finds the copies among the rows of each cluster. `rank` and `hash` (of the bits) have one
    /// value per row.
    pub(super) fn find(part: &Part, rank: &[u32], hash: &[u64]) -> Self {
        let hashed = |place: usize| HashedRow {
            hash: hash[place],
            cluster: part.cluster[place],
            rank: rank[place],
            place: place as u32,
        };
        let is_undirected = |place: usize| part.rows.direction(place) != Direction::Unit;
        let clustered = (0..rank.len()).into_par_iter().filter(|&place| part.cluster[place] != NO_CLUSTER);
        let directed = clustered.filter(|&place| !is_undirected(place));
        let mut hashes: Vec<HashedRow> = directed.map(hashed).collect();
        hashes.par_sort_unstable();
        let across_clusters =
            hashes.windows(2).any(|pair| pair[0].hash == pair[1].hash && pair[0].cluster != pair[1].cluster);
        let runs: Vec<&[HashedRow]> = hashes
            .chunk_by(|a, b| (a.hash, a.cluster) == (b.hash, b.cluster))
            .filter(|run| run.len() > 1)
            .collect();
        let copies: Vec<CopiedRow> = runs.par_iter().flat_map_iter(|run| copies_in(part, run)).collect();
        let kind =
            |place: usize| if is_undirected(place) { CopyKind::Undirected } else { CopyKind::Original };
        let mut kinds: Vec<CopyKind> = (0..part.numbers.len()).map(kind).collect();
        copies.into_iter().for_each(|copy| kinds[copy.place as usize] = CopyKind::CopyOf(copy.original));
        Self { kinds, across_clusters }
    }
}

/// The places of a copy and of the first-ranking row with its vector.
struct CopiedRow {
    place: u32,
    original: u32,
}

/// Lists the copies among rows of one cluster and one hash, which are in rank order. Rows with
/// equal hashes but different vectors are no copies.
fn copies_in(part: &Part, rows: &[HashedRow]) -> Vec<CopiedRow> {
    let mut originals: Vec<(u32, Vec<f32>)> = Vec::new();
    let mut copies = Vec::new();
    let mut buffer = vec![0.0; part.rows.dim()];
    for &HashedRow { place, .. } in rows {
        let row = part.rows.row(place as usize, &mut buffer);
        match originals.iter().find(|(_, original)| *original == row) {
            None => originals.push((place, row.to_vec())),
            Some(&(original, _)) => copies.push(CopiedRow { place, original }),
        }
    }
    copies
}
