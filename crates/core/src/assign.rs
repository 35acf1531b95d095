//! Each row to its most similar centroid, and to the next ones where a duplicate may lie across the border.

use std::ops::Range;

use rayon::prelude::*;

use crate::codes::{Codes, Panels};
use crate::embeddings::{Direction, UnitEmbeddings, UnitRows, prefetch};
use crate::groups::{FLAT, Group, NEAR, crowds, groups};
use crate::kernels::Isa;
use crate::nearest::{CANDIDATES, Found, Groups, Lookup};
use crate::search::{Query, Search};

/// The cluster of a row that is in none: it has no direction (zeros, a NaN or an infinity), or it was given none. In place
/// of a probe: no more.
pub const NO_CLUSTER: u32 = u32::MAX;

/// In which clusters a row is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probes {
    /// In those of its so many most similar centroids. One is the paper's method: its own cluster alone.
    Nearest(usize),
    /// In its own, in the next one, and in up to six more whose centroids are nearly as similar as its own: by
    /// [`AUTO_GAP`] or less. A row deep inside its cluster has its duplicates there; one at a border may not. A row that is
    /// all but equal to its centroid, by [`AUTO_CLOSE`] or more, is compared in two of the six at most: any row of its cluster
    /// that is as close is its duplicate already. In a crowd of near-equal rows all centroids are nearly as similar.
    Auto,
}

/// See [`Probes::Auto`].
pub const AUTO_GAP: f32 = 0.1;

/// See [`Probes::Auto`]. Two rows that are so similar to a centroid have a cosine of 0.99 or more.
pub const AUTO_CLOSE: f32 = 0.9975;

impl Probes {
    /// The most clusters that a row is compared in.
    pub fn most(self) -> usize {
        match self {
            Self::Nearest(count) => count.max(1),
            Self::Auto => 8,
        }
    }

    /// Whether a row of this similarity to its own centroid probes the cluster that comes `place`-th (its own being 0).
    fn reaches(self, place: usize, own: f32, similarity: f32) -> bool {
        match self {
            Self::Nearest(count) => place < count,
            Self::Auto if place <= 1 => true,
            Self::Auto if own >= AUTO_CLOSE => place < 4 && own - similarity <= AUTO_GAP,
            Self::Auto => place < 8 && own - similarity <= AUTO_GAP,
        }
    }

    /// The centroids that are wanted in any case, and how much less similar than the own one others may be.
    pub(crate) fn wanted(self) -> (usize, f32) {
        match self {
            Self::Nearest(count) => (count.max(1), 0.0),
            Self::Auto => (2, AUTO_GAP),
        }
    }
}

impl std::fmt::Display for Probes {
    /// `auto` or the number.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nearest(count) => write!(f, "{count}"),
            Self::Auto => f.write_str("auto"),
        }
    }
}

/// The cluster of each row and the cosine similarity to its centroid.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Assignment {
    /// The number of the centroid, or [`NO_CLUSTER`].
    pub cluster: Vec<u32>,
    /// In [−1, 1] up to rounding; exactly 0 for a row of zeros, and for no other; NaN for any other row without a cluster.
    /// See [`is_compared`].
    pub similarity: Vec<f32>,
    /// The other clusters that a row is compared in, most similar first (by the estimates of 8-bit codes, exact to about
    /// 0.01), then [`NO_CLUSTER`]: rows × ([`Probes::most`] − 1).
    pub probes: Vec<u32>,
    /// Comparisons of a row with a centroid that this took.
    pub compared: u64,
}

impl Assignment {
    /// All clusters that a row is compared in, its own first.
    pub(crate) fn clusters(&self, row: usize) -> impl Iterator<Item = u32> {
        let width = self.probes.len() / self.cluster.len();
        let probes = &self.probes[row * width..(row + 1) * width];
        std::iter::once(self.cluster[row]).chain(probes.iter().copied()).filter(|&c| c != NO_CLUSTER)
    }
}

/// The groups that a row looks into, those with the most similar centres.
const GROUPS_PER_ROW: usize = 8;

/// Rows that are looked up together, so that those of one group meet its centroids while these are in the cache.
const TOGETHER: usize = 2048;

/// How far ahead the centroids that have to be compared exactly are asked for.
const PREFETCHED: usize = 4;

/// Centroids, arranged so that a row is compared with a few √k of k.
///
/// As in a two-level inverted file (Jégou, Douze and Schmid 2011): the centroids themselves are clustered, a row finds its
/// eight nearest groups and looks at their centroids. So its cluster is the most similar of many, not of all.
#[derive(Debug)]
pub struct Assigner<'a> {
    centroids: &'a UnitEmbeddings,
    centres: UnitEmbeddings,
    centre_panels: Panels,
    groups: Vec<Group>,
}

impl<'a> Assigner<'a> {
    /// Arranges the centroids.
    pub fn new(centroids: &'a UnitEmbeddings) -> Self {
        assert!(!centroids.is_empty(), "rows need at least one centroid");
        let (centres, members) = if centroids.len() <= FLAT { crowds(centroids) } else { groups(centroids) };
        let origin = vec![0.0; centroids.dim()];
        let codes = Codes::encode((0..centres.len()).map(|g| centres.row(g)), &origin, &origin);
        let groups =
            members.into_iter().enumerate().map(|(g, members)| Group::of(centroids, members, centres.row(g)));
        let groups = groups.collect();
        Self { centroids, centre_panels: Panels::pack(&codes, 0..codes.len()), centres, groups }
    }

    /// Finds for each row the centroid with the highest cosine similarity of those that it looks at, the
    /// lowest-numbered one on a tie, and the clusters to probe. A row without direction gets no cluster and probes none.
    pub fn assign(&self, rows: &UnitEmbeddings, probes: Probes) -> Assignment {
        assert_eq!(rows.dim(), self.centroids.dim(), "rows and centroids have the same dimension");
        let starts: Vec<usize> = (0..rows.len()).step_by(TOGETHER).collect();
        let some = |found: &mut Vec<Found>, first| {
            self.assign_some(rows, first..rows.len().min(first + TOGETHER), probes, found)
        };
        let parts: Vec<Assignment> = starts.into_par_iter().map_init(Vec::new, some).collect();
        let mut all = Assignment::default();
        for part in parts {
            all.cluster.extend(part.cluster);
            all.similarity.extend(part.similarity);
            all.probes.extend(part.probes);
            all.compared += part.compared;
        }
        for &row in rows.zero_rows().iter().chain(rows.non_finite_rows()) {
            all.probes[row * (probes.most() - 1)..(row + 1) * (probes.most() - 1)].fill(NO_CLUSTER);
            all.cluster[row] = NO_CLUSTER;
            all.similarity[row] = 0.0;
        }
        for &row in rows.non_finite_rows() {
            all.similarity[row] = f32::NAN;
        }
        all
    }

    fn assign_some(
        &self,
        rows: &UnitEmbeddings,
        range: Range<usize>,
        probes: Probes,
        found: &mut Vec<Found>,
    ) -> Assignment {
        let origin = vec![0.0; rows.dim()];
        let codes = Codes::encode(range.clone().map(|row| rows.row(row)), &origin, &origin);
        found.resize_with(found.len().max(codes.len()), Found::default);
        found.iter_mut().for_each(Found::clear);
        let mut lookup = Lookup { codes: &codes, probes, found, compared: 0 };
        let nearest = self.nearest_groups(rows, range.start, &codes, &mut lookup.compared);
        let width = nearest.len() / codes.len().max(1);
        // The nearest group first: it shows how similar a centroid of another group must be.
        for places in [0..1, 1..width] {
            let mut visits: Vec<Vec<(usize, f32)>> = vec![Vec::new(); self.groups.len()];
            for (row, groups) in nearest.chunks_exact(width).enumerate() {
                for &(g, to_centre) in &groups[places.clone()] {
                    if lookup.found[row].may_take(to_centre + self.groups[g as usize].radius, lookup.probes) {
                        visits[g as usize].push((row, to_centre));
                    }
                }
            }
            for (g, visits) in visits.iter().enumerate() {
                let (near, far): (Vec<(usize, f32)>, Vec<_>) =
                    visits.iter().partition(|visit| visit.1 >= NEAR);
                lookup.look(&self.groups[g], &far);
                lookup.look_near(&self.groups[g], self.centres.row(g), &near, |row| {
                    rows.row(range.start + row)
                });
            }
        }
        let mut assignment = Assignment { compared: lookup.compared, ..Assignment::default() };
        let found = &mut lookup.found[..codes.len()];
        for (i, row) in range.enumerate() {
            if let Some(later) = found.get(i + PREFETCHED) {
                later.undecided().for_each(|guess| prefetch(self.centroids.row(guess.centroid as usize)));
            }
            let nearest = found[i].decide(|c| similarity(rows.row(row), self.centroids.row(c as usize)));
            let own = nearest[0];
            assignment.cluster.push(own.centroid);
            assignment.similarity.push(directed(own.estimate));
            let others = nearest[1..].iter().zip(1..);
            let reached = others.take_while(|&(c, place)| probes.reaches(place, own.estimate, c.estimate));
            let before = assignment.probes.len();
            assignment.probes.extend(reached.map(|(c, _)| c.centroid));
            assignment.probes.resize(before + probes.most() - 1, NO_CLUSTER);
        }
        assignment
    }

    /// For each row its nearest groups, nearest first, with its similarity to their centres: rows × ([`GROUPS_PER_ROW`]
    /// or as many as there are).
    fn nearest_groups(
        &self,
        rows: &UnitEmbeddings,
        first: usize,
        codes: &Codes,
        compared: &mut u64,
    ) -> Vec<(u32, f32)> {
        let flat = self.centroids.len() <= FLAT;
        let wanted = if flat { self.groups.len() } else { GROUPS_PER_ROW.min(self.groups.len()) };
        let exact = |i: usize, g: u32| (g, dot(rows.row(first + i), self.centres.row(g as usize)));
        if flat {
            let all = |i: usize| (0..self.groups.len() as u32).map(move |g| exact(i, g));
            return (0..codes.len()).flat_map(all).collect();
        }
        *compared += codes.len() as u64 * self.groups.len() as u64;
        let queries: Vec<Query> =
            (0..codes.len()).map(|row| Query { row, limit: self.groups.len() }).collect();
        let mut nearest = Vec::with_capacity(codes.len() * wanted);
        let mut groups = Groups { wanted, exact, found: Found::default(), nearest: &mut nearest };
        let search = Search { codes, targets: &self.centre_panels, wanted, gap: 0.0, most: CANDIDATES };
        search.run(&queries, &mut groups);
        assert_eq!(nearest.len(), codes.len() * wanted, "each row has as many groups");
        nearest
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    Isa::detect().dot(a, b)
}

fn similarity(a: &[f32], b: &[f32]) -> f32 {
    Isa::detect().similarity(a, b)
}

/// The cosine similarity of each row with the centroid of its given cluster: exactly 0 for a row of zeros, NaN for any other
/// row without a cluster.
///
/// The bits are those that [`Assigner::assign`] gives for the same pair. Clusters that were made elsewhere may contain rows
/// without direction. These rows get [`NO_CLUSTER`].
pub fn centroid_similarity(rows: &dyn UnitRows, centroids: &UnitEmbeddings, cluster: &mut [u32]) -> Vec<f32> {
    let buffer = || vec![0.0; rows.dim()];
    let to_own = |buffer: &mut Vec<f32>, (row, c): (usize, &mut u32)| {
        let direction = rows.direction(row);
        if direction != Direction::Unit {
            *c = NO_CLUSTER;
        }
        match direction {
            Direction::Zero => 0.0,
            _ if *c == NO_CLUSTER => f32::NAN,
            _ => directed(similarity(rows.row(row, buffer), centroids.row(*c as usize))),
        }
    };
    cluster.par_iter_mut().enumerate().with_min_len(256).map_init(buffer, to_own).collect()
}

/// Whether a row with this similarity to its centroid is compared with others: it has a direction and a cluster. A row that
/// is not is never removed, and no other row is removed for it.
pub fn is_compared(centroid_similarity: f32) -> bool {
    centroid_similarity != 0.0 && !centroid_similarity.is_nan()
}

/// Ensures that a similarity of exactly 0 means a row of zeros: one that is at right angles to its centroid gets the
/// smallest number there is, which is far below rounding.
fn directed(similarity: f32) -> f32 {
    if similarity == 0.0 { f32::MIN_POSITIVE } else { similarity }
}

#[cfg(test)]
#[path = "assign_tests.rs"]
mod tests;
