//! Each row to its most similar centroid, and to the next ones where a duplicate may lie across the border.

use std::ops::Range;

use rayon::prelude::*;

use crate::codes::{Codes, Likely, Panels, Query, Search, Searcher};
use crate::embeddings::{Direction, UnitEmbeddings, UnitRows};
use crate::kernels::Isa;
use crate::kmeans::{Training, train};

/// The cluster of a row that has no place in the clustering: it had a NaN or an infinity. In place of a probe: no more.
pub const NO_CLUSTER: u32 = u32::MAX;

/// In which clusters a row is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probes {
    /// In those of its so many most similar centroids. One is the paper's method: its own cluster alone.
    Nearest(usize),
    /// In its own, in the next one, and in up to six more whose centroids are nearly as similar as its own: by
    /// [`AUTO_GAP`] or less. A row deep inside its cluster has its duplicates there; one at a border may not.
    Auto,
}

/// See [`Probes::Auto`].
pub const AUTO_GAP: f32 = 0.1;

impl Probes {
    /// The most clusters that a row is compared in.
    pub fn most(self) -> usize {
        match self {
            Self::Nearest(count) => count.max(1),
            Self::Auto => 8,
        }
    }

    /// Whether a row probes the cluster that comes `place`-th (its own being 0), less similar than its own by `gap`.
    fn reaches(self, place: usize, gap: f32) -> bool {
        match self {
            Self::Nearest(count) => place < count,
            Self::Auto => place < self.most() && (place <= 1 || gap <= AUTO_GAP),
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
    /// In [−1, 1] up to rounding; exactly 0 for a row without direction, and for no other.
    pub similarity: Vec<f32>,
    /// The other clusters that a row is compared in, most similar first (by the estimates of 8-bit codes, exact to about
    /// 0.01), then [`NO_CLUSTER`]: rows × ([`Probes::most`] − 1).
    pub probes: Vec<u32>,
    /// Comparisons of a row with a centroid that this took.
    pub compared: u64,
}

/// Up to so many centroids are compared one by one; more are found through groups of similar centroids.
const FLAT: usize = 2048;

/// The groups that a row looks into, those with the most similar centres.
const GROUPS_PER_ROW: usize = 8;

/// Of a crowd of centroids that codes cannot tell apart, so many are compared exactly: all are about as near.
const CANDIDATES: usize = 1024;

/// Rows that are looked up together, so that those of one group meet its centroids while these are in the cache.
const TOGETHER: usize = 2048;

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

#[derive(Debug)]
struct Group {
    centroids: Vec<u32>,
    panels: Panels,
}

impl<'a> Assigner<'a> {
    /// Arranges the centroids.
    pub fn new(centroids: &'a UnitEmbeddings) -> Self {
        assert!(!centroids.is_empty(), "rows need at least one centroid");
        let dim = centroids.dim();
        let origin = vec![0.0; dim];
        let mut centres = UnitEmbeddings::empty(dim);
        let mut members: Vec<Vec<u32>> = Vec::new();
        if centroids.len() <= FLAT {
            centres.push_unit(&mean(centroids));
            members.push((0..centroids.len() as u32).collect());
        } else {
            let clusters = (centroids.len() as f64).sqrt().round() as usize;
            centres =
                train(centroids, &Training { clusters, iterations: 6, refinements: 0, seed: 0 }).centroids;
            members.resize(centres.len(), Vec::new());
            let home = Assigner::new(&centres).assign(centroids, Probes::Nearest(1)).cluster;
            // A centroid that is not finite is as far from one group as from another.
            let group = |group: u32| if group == NO_CLUSTER { 0 } else { group as usize };
            home.iter().zip(0..).for_each(|(&home, c)| members[group(home)].push(c));
            let used: Vec<usize> = (0..members.len()).filter(|&g| !members[g].is_empty()).collect();
            let mut centres_used = UnitEmbeddings::empty(dim);
            used.iter().for_each(|&g| centres_used.push_unit(centres.row(g)));
            centres = centres_used;
            members.retain(|members| !members.is_empty());
        }
        let groups = members.into_iter().enumerate().map(|(g, centroids_of)| {
            let rows = centroids_of.iter().map(|&c| centroids.row(c as usize));
            let codes = Codes::encode(rows, centres.row(g), &origin);
            Group { panels: Panels::pack(&codes, 0..codes.len()), centroids: centroids_of }
        });
        let groups = groups.collect();
        let codes = Codes::encode((0..centres.len()).map(|g| centres.row(g)), &origin, &origin);
        Self { centroids, centre_panels: Panels::pack(&codes, 0..codes.len()), centres, groups }
    }

    /// Finds for each row the centroid with the highest cosine similarity of those that it looks at, the
    /// lowest-numbered one on a tie, and the clusters to probe. A zero row is equally far from all: it goes to cluster
    /// 0 and probes none.
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
            all.cluster[row] = 0;
            all.similarity[row] = 0.0;
        }
        for &row in rows.non_finite_rows() {
            all.cluster[row] = NO_CLUSTER;
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
        let mut lookup = Lookup { codes: &codes, wanted: probes.most(), found, compared: 0 };
        let nearest = self.nearest_groups(rows, range.start, &codes, &mut lookup.compared);
        let width = nearest.len() / codes.len().max(1);
        // The nearest group first: it shows how similar a centroid of another group must be.
        for places in [0..1, 1..width] {
            let mut visits: Vec<Vec<(usize, f32)>> = vec![Vec::new(); self.groups.len()];
            for (row, groups) in nearest.chunks_exact(width).enumerate() {
                groups[places.clone()].iter().for_each(|&(g, to)| visits[g as usize].push((row, to)));
            }
            self.groups.iter().zip(&visits).for_each(|(group, visits)| lookup.look(group, visits));
        }
        let mut assignment = Assignment { compared: lookup.compared, ..Assignment::default() };
        for (row, found) in range.zip(lookup.found) {
            let nearest = found.decide(|c| dot(rows.row(row), self.centroids.row(c as usize)));
            let (own, cluster) = nearest[0];
            assignment.cluster.push(cluster);
            assignment.similarity.push(directed(own));
            let others = nearest[1..].iter().zip(1..);
            let reached = others.take_while(|&(&(x, _), place)| probes.reaches(place, own - x));
            let before = assignment.probes.len();
            assignment.probes.extend(reached.map(|(&(_, c), _)| c));
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
        let wanted = GROUPS_PER_ROW.min(self.groups.len());
        let exact = |i: usize, g: u32| (g, dot(rows.row(first + i), self.centres.row(g as usize)));
        if self.groups.len() == 1 {
            return (0..codes.len()).map(|i| exact(i, 0)).collect();
        }
        *compared += codes.len() as u64 * self.groups.len() as u64;
        let queries: Vec<Query> =
            (0..codes.len()).map(|row| Query { row, limit: self.groups.len() }).collect();
        let mut nearest = Vec::with_capacity(codes.len() * wanted);
        let mut groups = Groups { wanted, exact, found: Found::default(), nearest: &mut nearest };
        Search { codes, targets: &self.centre_panels, wanted, most: CANDIDATES }.run(&queries, &mut groups);
        nearest
    }
}

/// A search for the nearest groups of some rows.
struct Groups<'a, F> {
    wanted: usize,
    exact: F,
    found: Found,
    nearest: &'a mut Vec<(u32, f32)>,
}

impl<F: Fn(usize, u32) -> (u32, f32)> Searcher for Groups<'_, F> {
    fn found(&mut self, query: usize, likely: Likely) {
        self.found.clear();
        likely.candidates.iter().for_each(|&candidate| self.found.add(candidate, self.wanted));
        self.nearest.extend(self.found.best.iter().map(|&(_, g)| (self.exact)(query, g)));
    }
}

/// The rows that are looked up together.
struct Lookup<'a> {
    codes: &'a Codes,
    wanted: usize,
    found: &'a mut Vec<Found>,
    compared: u64,
}

/// What has been found for a row.
#[derive(Debug, Default)]
struct Found {
    /// The highest (estimate, centroid), descending, on a tie the lower-numbered first.
    best: Vec<(f32, u32)>,
    /// Others that may be the most similar one by their estimates.
    likely: Vec<(f32, u32)>,
    /// The widest window of the searches that found these.
    window: f32,
}

impl Found {
    fn clear(&mut self) {
        self.best.clear();
        self.likely.clear();
        self.window = 0.0;
    }

    fn add(&mut self, found: (f32, u32), wanted: usize) {
        let before = |a: (f32, u32), b: (f32, u32)| a.0 > b.0 || (a.0 == b.0 && a.1 < b.1);
        let place = self.best.iter().position(|&other| before(found, other)).unwrap_or(self.best.len());
        if self.best.len() < wanted {
            self.best.insert(place, found);
            return;
        }
        let out = match place < wanted {
            true => {
                let last = self.best.pop();
                self.best.insert(place, found);
                last.unwrap_or(found)
            }
            false => found,
        };
        if out.0 >= self.best[0].0 - self.window {
            self.likely.push(out);
            if self.likely.len() >= 2 * CANDIDATES {
                self.likely
                    .select_nth_unstable_by(CANDIDATES, |a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
                self.likely.truncate(CANDIDATES);
            }
        }
    }

    /// What an estimate must reach to matter.
    fn threshold(&self, wanted: usize, window: f32) -> f32 {
        match self.best.len() < wanted {
            true => f32::NEG_INFINITY,
            false => self.best[wanted - 1].0.min(self.best[0].0 - window.max(self.window)),
        }
    }

    /// The centroids, most similar first, on a tie the lower-numbered: by exact similarity where one may be the most
    /// similar, by estimates where it is surely not.
    fn decide(&mut self, exact: impl Fn(u32) -> f32) -> &[(f32, u32)] {
        let least = self.best[0].0 - self.window;
        self.best.append(&mut self.likely);
        for (estimate, c) in &mut self.best {
            if *estimate >= least {
                *estimate = exact(*c);
            }
        }
        self.best.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        &self.best
    }
}

impl Lookup<'_> {
    /// Compares rows, given with their similarity to the centre of a group, with its centroids.
    fn look(&mut self, group: &Group, rows: &[(usize, f32)]) {
        let (codes, wanted, limit) = (self.codes, self.wanted, group.centroids.len());
        self.compared += (rows.len() * limit) as u64;
        let queries: Vec<Query> = rows.iter().map(|&(row, _)| Query { row, limit }).collect();
        let mut look = Look { lookup: self, group, rows };
        Search { codes, targets: &group.panels, wanted, most: wanted + CANDIDATES }.run(&queries, &mut look);
    }
}

/// A search of some rows in one group.
struct Look<'a, 'b> {
    lookup: &'a mut Lookup<'b>,
    group: &'a Group,
    rows: &'a [(usize, f32)],
}

impl Searcher for Look<'_, '_> {
    fn least(&self, query: usize, window: f32) -> f32 {
        let (row, to_centre) = self.rows[query];
        self.lookup.found[row].threshold(self.lookup.wanted, window) - to_centre
    }

    fn found(&mut self, query: usize, likely: Likely) {
        let (row, to_centre) = self.rows[query];
        let found = &mut self.lookup.found[row];
        found.window = found.window.max(likely.window);
        for &(estimate, c) in likely.candidates {
            found.add((estimate + to_centre, self.group.centroids[c as usize]), self.lookup.wanted);
        }
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    Isa::detect().dot(a, b)
}

fn mean(rows: &UnitEmbeddings) -> Vec<f32> {
    let mut sum = vec![0.0f64; rows.dim()];
    (0..rows.len()).for_each(|row| Isa::detect().add(&mut sum, rows.row(row)));
    sum.iter().map(|x| (x / rows.len() as f64) as f32).collect()
}

/// The cosine similarity of each row with the centroid of its given cluster; 0 where the row has no direction.
///
/// The bits are those that [`Assigner::assign`] gives for the same pair. Whoever made the clusters may have given one to a
/// row with a NaN or an infinity; it has no place in it, and gets [`NO_CLUSTER`].
pub fn centroid_similarity(rows: &dyn UnitRows, centroids: &UnitEmbeddings, cluster: &mut [u32]) -> Vec<f32> {
    let buffer = || vec![0.0; rows.dim()];
    let to_own = |buffer: &mut Vec<f32>, (row, c): (usize, &mut u32)| {
        match rows.direction(row) {
            Direction::NonFinite => *c = NO_CLUSTER,
            Direction::Unit if *c != NO_CLUSTER => {
                return directed(dot(rows.row(row, buffer), centroids.row(*c as usize)));
            }
            _ => {}
        }
        0.0
    };
    cluster.par_iter_mut().enumerate().with_min_len(256).map_init(buffer, to_own).collect()
}

/// Sees to it that a similarity of exactly 0 means a row without direction: one that is at right angles to its
/// centroid gets the smallest number there is, which is far below rounding.
fn directed(similarity: f32) -> f32 {
    if similarity == 0.0 { f32::MIN_POSITIVE } else { similarity }
}
