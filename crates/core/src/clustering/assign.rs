//! Assigns each row to its most similar centroid, and to the next ones if a duplicate may lie
//! across the border of its cluster.

use std::ops::Range;

use rayon::prelude::*;

use crate::clustering::assignment::{Assignment, nonzero};
use crate::clustering::centroid_groups::{CentroidGroups, Group, MAX_FLAT_CENTROIDS};
use crate::clustering::levels::{distinct, train_levels};
use crate::clustering::lloyd::Training;
use crate::clustering::nearest_centroids::{
    GroupSearch, MAX_CANDIDATES, NearGroup, NearestCentroids, RowBlock,
};
use crate::clustering::probes::{NO_CLUSTER, Probes};
use crate::clustering::visits::{Visit, Visits, VisitsOfGroup};
use crate::similarity::codes::Codes;
use crate::similarity::embeddings::{UnitEmbeddings, prefetch};
use crate::similarity::kernels::isa::Isa;
use crate::similarity::panels::Panels;
use crate::similarity::top_search::{TopSearch, Wanted};
use crate::stop::{NEVER, Stop};

/// The number of groups whose centroids a row is compared with: those with the most similar
/// centres.
const GROUPS_PER_ROW: usize = 8;

/// The rows that are assigned together. They are compared with one group of centroids after the
/// other, while the group is in the cache. In a dense group, each of them has thousands of
/// candidates in memory.
const ROWS_PER_CACHE_BLOCK: usize = 2048;

/// How many rows ahead to load the centroids that must be compared exactly.
const PREFETCHED: usize = 4;

/// An index of k centroids, with which a row is compared with a few √k of them.
///
/// It is a two-level inverted file (Jégou, Douze and Schmid 2011): the centroids are clustered
/// themselves, and a row is compared with the centroids of its eight nearest groups. So the row's
/// cluster is the most similar of many, not of all. Up to 2048 centroids, a row is compared with
/// all.
#[derive(Debug)]
pub struct Assigner<'a> {
    centroids: &'a UnitEmbeddings,
    centres: UnitEmbeddings,
    centre_panels: Panels,
    groups: Vec<Group>,
}

impl<'a> Assigner<'a> {
    /// Builds the index.
    ///
    /// # Panics
    /// If there are no centroids.
    pub fn new(centroids: &'a UnitEmbeddings) -> Self {
        assert!(!centroids.is_empty(), "rows need at least one centroid");
        let flat = centroids.len() <= MAX_FLAT_CENTROIDS;
        let CentroidGroups { centres, members } =
            if flat { CentroidGroups::dense(centroids) } else { cluster_centroids(centroids) };
        let origin = vec![0.0; centroids.dim()];
        let codes = Codes::encode_alike((0..centres.len()).map(|g| centres.row(g)), &origin, &origin);
        let groups = members.into_iter().enumerate();
        let groups = groups.map(|(g, members)| Group::new(centroids, members, centres.row(g))).collect();
        Self { centroids, centre_panels: Panels::pack(&codes, 0..codes.len()), centres, groups }
    }

    /// Finds the most similar centroid of each row, among those that the row is compared with, and
    /// the clusters that it probes. On a tie, the lowest-numbered centroid wins. A row without
    /// direction gets no cluster and no probes.
    ///
    /// # Panics
    /// If rows and centroids differ in dimension.
    pub fn assign(&self, rows: &UnitEmbeddings, probes: Probes) -> Assignment {
        self.assign_until(rows, probes, NEVER)
    }

    /// Assigns as [`assign`](Self::assign) does; once `stop` has returned true, the result is
    /// empty.
    pub(super) fn assign_until(&self, rows: &UnitEmbeddings, probes: Probes, stop: &Stop) -> Assignment {
        assert_eq!(rows.dim(), self.centroids.dim(), "rows and centroids have the same dimension");
        let starts: Vec<usize> = (0..rows.len()).step_by(ROWS_PER_CACHE_BLOCK).collect();
        let assign_block = |nearest: &mut Vec<NearestCentroids>, first| {
            if stop() {
                return Assignment::default();
            }
            self.assign_block(rows, first..rows.len().min(first + ROWS_PER_CACHE_BLOCK), probes, nearest)
        };
        let blocks: Vec<Assignment> = starts.into_par_iter().map_init(Vec::new, assign_block).collect();
        let mut all = Assignment::default();
        if stop() {
            return all;
        }
        for block in blocks {
            all.cluster.extend(block.cluster);
            all.similarity.extend(block.similarity);
            all.probes.extend(block.probes);
            all.compared += block.compared;
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

    /// Assigns a range of rows. `nearest` is a buffer.
    fn assign_block(
        &self,
        rows: &UnitEmbeddings,
        range: Range<usize>,
        probes: Probes,
        nearest: &mut Vec<NearestCentroids>,
    ) -> Assignment {
        let origin = vec![0.0; rows.dim()];
        let codes = Codes::encode_alike(range.clone().map(|row| rows.row(row)), &origin, &origin);
        nearest.resize_with(nearest.len().max(codes.len()), NearestCentroids::default);
        nearest.iter_mut().for_each(NearestCentroids::clear);
        let mut block = RowBlock { codes: &codes, wanted: probes.wanted(), nearest, compared: 0 };
        self.scan_groups(rows, range.start, &mut block);
        let compared = block.compared;
        let nearest = &mut nearest[..range.len()];
        Assignment { compared, ..self.decide(rows, range, probes, nearest) }
    }

    /// Compares each row of a block with the centroids of its nearest groups.
    fn scan_groups(&self, rows: &UnitEmbeddings, first: usize, block: &mut RowBlock) {
        let nearest = self.nearest_groups(rows, first, block);
        let width = nearest.len() / block.codes.len().max(1);
        // The nearest group comes first: it shows how similar a centroid of another group must be.
        for places in [0..1, 1..width] {
            let mut visits = Visits::new(self.groups.len());
            for (row, groups) in nearest.chunks_exact(width).enumerate() {
                for &NearGroup { group, to_centre } in &groups[places.clone()] {
                    // No centroid of the group is more similar to the row than this.
                    let most = to_centre + self.groups[group as usize].radius;
                    if most >= block.nearest[row].min_estimate(&block.wanted, 0.0) {
                        visits.push(group, Visit { row: row as u32, to_centre });
                    }
                }
            }
            let by_group = visits.by_group();
            for (g, group) in self.groups.iter().enumerate() {
                let VisitsOfGroup { far, near } = by_group.of(g);
                block.scan(group, far);
                block.scan_near(group, self.centres.row(g), near, |row| rows.row(first + row));
            }
        }
        for nearest in block.nearest.iter_mut().take(block.codes.len()) {
            nearest.settle(&block.wanted);
        }
    }

    /// Returns the nearest groups of each row of a block: rows × ([`GROUPS_PER_ROW`] or the number
    /// of groups). They are in descending order of estimated similarity if there are more centroids
    /// than [`MAX_FLAT_CENTROIDS`]; otherwise they are all groups.
    fn nearest_groups(&self, rows: &UnitEmbeddings, first: usize, block: &mut RowBlock) -> Vec<NearGroup> {
        let codes = block.codes;
        let flat = self.centroids.len() <= MAX_FLAT_CENTROIDS;
        let count = if flat { self.groups.len() } else { GROUPS_PER_ROW.min(self.groups.len()) };
        let exact =
            |i: usize, group: u32| Isa::detect().dot(rows.row(first + i), self.centres.row(group as usize));
        if flat {
            let group = |i: usize, group: u32| NearGroup { group, to_centre: exact(i, group) };
            let all = |i: usize| (0..self.groups.len() as u32).map(move |g| group(i, g));
            return (0..codes.len()).flat_map(all).collect();
        }
        block.compared += codes.len() as u64 * self.groups.len() as u64;
        let queries: Vec<usize> = (0..codes.len()).collect();
        let mut nearest = Vec::with_capacity(codes.len() * count);
        let (wanted, buffer) = (Wanted::nearest(count), Vec::new());
        let mut groups = GroupSearch { wanted, exact, buffer, nearest: &mut nearest };
        let max_candidates = count + MAX_CANDIDATES;
        TopSearch { codes, targets: &self.centre_panels, wanted, max_candidates }.run(&queries, &mut groups);
        assert_eq!(nearest.len(), codes.len() * count, "each row has the same number of groups");
        nearest
    }

    /// Decides the cluster and the probes of each row in a range, given its nearest centroids.
    fn decide(
        &self,
        rows: &UnitEmbeddings,
        range: Range<usize>,
        probes: Probes,
        nearest: &mut [NearestCentroids],
    ) -> Assignment {
        let mut assignment = Assignment::default();
        for (i, row) in range.enumerate() {
            if let Some(later) = nearest.get(i + PREFETCHED) {
                let later = later.undecided();
                later.for_each(|other| prefetch(self.centroids.row(other.centroid as usize)));
            }
            let exact = |c: u32| Isa::detect().similarity(rows.row(row), self.centroids.row(c as usize));
            let nearest = nearest[i].decide(exact);
            let own = nearest[0];
            assignment.cluster.push(own.centroid);
            assignment.similarity.push(nonzero(own.similarity));
            let others = nearest[1..].iter().zip(1..);
            let reached =
                others.take_while(|&(c, place)| probes.reaches(place, own.similarity, c.similarity));
            let before = assignment.probes.len();
            assignment.probes.extend(reached.map(|(c, _)| c.centroid));
            assignment.probes.resize(before + probes.most() - 1, NO_CLUSTER);
        }
        assignment
    }
}

/// Groups centroids by clustering them: into √k groups of similar ones.
pub(super) fn cluster_centroids(centroids: &UnitEmbeddings) -> CentroidGroups {
    let clusters = (centroids.len() as f64).sqrt().round() as usize;
    let training = Training { clusters, iterations: 6, refinements: 0, seed: 0 };
    let centres = train_levels(centroids, &distinct(centroids), &training, NEVER).centroids;
    let nearest = Assigner::new(&centres).assign(centroids, Probes::Nearest(1)).cluster;
    CentroidGroups::by_nearest(&centres, &nearest)
}

#[cfg(test)]
#[path = "assign_tests.rs"]
mod tests;
