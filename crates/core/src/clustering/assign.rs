//! Each row to its most similar centroid, and to the next ones where a duplicate may lie across the border.

use std::ops::Range;

use rayon::prelude::*;

use crate::clustering::assignment::{Assignment, directed};
use crate::clustering::centroid_groups::{FLAT, Group, NEAR, crowds};
use crate::clustering::levels::{distinct, train_levels};
use crate::clustering::lloyd::Training;
use crate::clustering::nearest_centroids::{CANDIDATES, Found, Groups, Lookup};
use crate::clustering::probes::{NO_CLUSTER, Probes};
use crate::similarity::codes::Codes;
use crate::similarity::embeddings::{UnitEmbeddings, prefetch};
use crate::similarity::kernels::isa::Isa;
use crate::similarity::panels::Panels;
use crate::similarity::search::{Query, Search};

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
            let nearest =
                found[i].decide(|c| Isa::detect().similarity(rows.row(row), self.centroids.row(c as usize)));
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

/// Many centroids are clustered themselves.
pub(crate) fn groups(centroids: &UnitEmbeddings) -> (UnitEmbeddings, Vec<Vec<u32>>) {
    let clusters = (centroids.len() as f64).sqrt().round() as usize;
    let trained = train_levels(
        centroids,
        &distinct(centroids),
        &Training { clusters, iterations: 6, refinements: 0, seed: 0 },
    )
    .centroids;
    let home = Assigner::new(&trained).assign(centroids, Probes::Nearest(1)).cluster;
    let mut groups: Vec<Vec<u32>> = vec![Vec::new(); trained.len()];
    // A centroid without direction is as far from one group as from another.
    let group = |group: u32| if group == NO_CLUSTER { 0 } else { group as usize };
    home.iter().zip(0..).for_each(|(&home, c)| groups[group(home)].push(c));
    let mut centres = UnitEmbeddings::empty(centroids.dim());
    (0..groups.len()).filter(|&g| !groups[g].is_empty()).for_each(|g| centres.push_unit(trained.row(g)));
    groups.retain(|members| !members.is_empty());
    (centres, groups)
}

#[cfg(test)]
#[path = "assign_tests.rs"]
mod tests;
