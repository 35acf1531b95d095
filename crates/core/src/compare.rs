//! The rows of one cluster among themselves and with the rows that probe it.

use rayon::prelude::*;

use crate::codes::{Codes, Likely, Panels, Query, Search, Searcher, most_similar};
use crate::kernels::{BLOCK, Isa};
use crate::score::Part;

/// The similarity of a row to one with the same vector: more than any other's.
pub(crate) const COPY: f32 = 2.0;

/// The highest similarity of two rows that are not the same: above it lies only what rounding leaves of equal rows.
pub(crate) const SATURATED: f32 = 1.0 - 4.0 * f32::EPSILON;

/// Rows that a thread searches for in one go.
const TOGETHER: usize = 4 * BLOCK;

/// Rows that a thread gathers in one go, and how far ahead it asks for them.
const GATHERED_TOGETHER: usize = 1024;
const PREFETCHED: usize = 4;

/// Of all rows that the row at a place is compared with in one cluster, the one of rank `of` is the most similar.
pub(crate) struct Match {
    pub(crate) place: u32,
    pub(crate) of: u32,
    pub(crate) similarity: f32,
}

#[derive(Default)]
pub(crate) struct Found {
    pub(crate) matches: Vec<Match>,
    pub(crate) compared: u64,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    pub(crate) place: u32,
    pub(crate) rank: u32,
    /// Whether this is its own cluster; other rows are compared with those whose own it is, not with each other.
    pub(crate) own: bool,
}

/// The rows that are compared in one cluster, in rank order.
pub(crate) struct Cluster<'a> {
    members: Vec<Member>,
    /// The members' values, row-major.
    values: Vec<f32>,
    /// The same relative to the centroid.
    codes: Codes,
    centroid: &'a [f32],
}

impl<'a> Cluster<'a> {
    pub(crate) fn gather(part: &'a Part, centroid: &'a [f32], members: Vec<Member>) -> Self {
        let dim = centroid.len();
        let mut values = vec![0.0; members.len() * dim];
        let mut codes = Codes::zeros(members.len(), dim);
        let some = values.par_chunks_mut(GATHERED_TOGETHER * dim).zip(members.par_chunks(GATHERED_TOGETHER));
        some.zip(codes.chunks_mut(GATHERED_TOGETHER)).for_each(|((values, members), mut codes)| {
            for (i, (out, member)) in values.chunks_exact_mut(dim).zip(members).enumerate() {
                if let Some(later) = members.get(i + PREFETCHED) {
                    part.rows.prefetch(later.place as usize);
                }
                part.rows.copy_row(member.place as usize, out);
                codes.set(i, out, centroid, centroid);
            }
        });
        Self { members, values, codes, centroid }
    }

    fn row(&self, i: usize) -> &[f32] {
        let dim = self.centroid.len();
        &self.values[i * dim..(i + 1) * dim]
    }

    /// Compares own rows with all that rank before them, and visitors with the own rows that do.
    pub(crate) fn compare(&self) -> Found {
        let (own, visitors): (Vec<usize>, Vec<usize>) =
            (0..self.members.len()).partition(|&i| self.members[i].own);
        let all: Vec<usize> = (0..self.members.len()).collect();
        let mut found = self.best(&own, &all);
        if !visitors.is_empty() {
            found.add(self.best(&visitors, &own));
        }
        found
    }

    /// For each query the most similar of the targets that rank before it. Both are members in rank order.
    fn best(&self, queries: &[usize], targets: &[usize]) -> Found {
        let panels = Panels::pack(&self.codes, targets.iter().copied());
        let mut passed = 0;
        let limits: Vec<Query> = queries
            .iter()
            .map(|&row| {
                while passed < targets.len() && targets[passed] < row {
                    passed += 1;
                }
                Query { row, limit: passed }
            })
            .collect();
        let search = Search { codes: &self.codes, targets: &panels, wanted: 1, most: usize::MAX };
        let found = limits.par_chunks(TOGETHER).map(|queries| {
            let mut found =
                Matches { cluster: self, queries, targets, matches: Vec::with_capacity(queries.len()) };
            let compared = search.run(queries, &mut found);
            Found { matches: found.matches, compared }
        });
        found.reduce(Found::default, |mut all, some| {
            all.add(some);
            all
        })
    }

    /// Similarities that f32 cannot tell from that of equal rows are one.
    fn similarity(&self, a: usize, b: usize) -> f32 {
        let similarity = Isa::detect().dot(self.row(a), self.row(b));
        if similarity < SATURATED {
            return similarity;
        }
        // Copies meet here only where the assignments, made elsewhere, put them into different clusters.
        let copy = self.members[a].own != self.members[b].own && self.row(a) == self.row(b);
        if copy { COPY } else { SATURATED }
    }
}

/// A search of some rows for the most similar of those that rank before them.
struct Matches<'a> {
    cluster: &'a Cluster<'a>,
    queries: &'a [Query],
    targets: &'a [usize],
    matches: Vec<Match>,
}

impl Searcher for Matches<'_> {
    /// Targets come in rank order, so no later one is better.
    fn settled(&self, query: usize, target: u32) -> bool {
        self.cluster.similarity(self.queries[query].row, self.targets[target as usize]) >= SATURATED
    }

    fn found(&mut self, query: usize, likely: Likely) {
        let (cluster, row) = (self.cluster, self.queries[query].row);
        let exact = likely.candidates.iter().map(|&(_, target)| {
            let target = self.targets[target as usize];
            (cluster.similarity(row, target), target)
        });
        if let Some((similarity, target)) = most_similar(exact) {
            let (place, of) = (cluster.members[row].place, cluster.members[target].rank);
            self.matches.push(Match { place, of, similarity });
        }
    }
}

impl Found {
    fn add(&mut self, other: Self) {
        self.matches.extend(other.matches);
        self.compared += other.compared;
    }
}
