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
    fn wanted(self) -> (usize, f32) {
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
    /// In [−1, 1] up to rounding; exactly 0 for a row without direction, and for no other.
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

/// Up to so many centroids are compared one by one; more are found through groups of similar centroids.
const FLAT: usize = 2048;

/// The groups that a row looks into, those with the most similar centres.
const GROUPS_PER_ROW: usize = 8;

/// Of a crowd of centroids that codes cannot tell apart, so many are compared exactly: all are about as near.
const CANDIDATES: usize = 1024;

/// A row or centroid that is so similar to the centre of a group is encoded relative to it, because relative to zero it could
/// not be told from others that are.
const NEAR: f32 = 0.99;

/// So many centroids that lie near each other are a group of their own, where otherwise all are compared one by one.
const CROWD: usize = 64;

/// A centroid is compared with the first ones of so many crowds before it to find out whether it belongs to one.
const RECENT: usize = 32;

/// The first so many centroids that a row is compared with lie far from each other.
const EARLY: usize = 64;

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
    /// Relative to the centre, for rows that are near it, and for all others.
    panels: Panels,
    panels_for_whole: Panels,
    /// The greatest distance of a centroid from the centre.
    radius: f32,
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
        for (row, found) in range.zip(lookup.found) {
            let nearest = found.decide(|c| dot(rows.row(row), self.centroids.row(c as usize)));
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
        for &(estimate, centroid) in likely.candidates {
            self.found.add(Guess { estimate, off: likely.window / 2.0, centroid }, self.wanted);
        }
        self.nearest.extend(self.found.best.iter().map(|guess| (self.exact)(query, guess.centroid)));
    }
}

/// The rows that are looked up together.
struct Lookup<'a> {
    codes: &'a Codes,
    probes: Probes,
    found: &'a mut [Found],
    compared: u64,
}

/// A centroid that may be among the most similar ones of a row.
#[derive(Debug, Clone, Copy)]
struct Guess {
    estimate: f32,
    /// The most that the estimate can be off.
    off: f32,
    centroid: u32,
}

impl Guess {
    /// Highest estimate first, on a tie the lower-numbered centroid.
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        other.estimate.total_cmp(&self.estimate).then(self.centroid.cmp(&other.centroid))
    }
}

/// What has been found for a row.
#[derive(Debug)]
struct Found {
    /// Those of the highest estimates, in order.
    best: Vec<Guess>,
    /// Others that may be the most similar one.
    likely: Vec<Guess>,
    /// The most similar one is at least as similar as this.
    least: f32,
}

impl Default for Found {
    fn default() -> Self {
        Self { best: Vec::new(), likely: Vec::new(), least: f32::NEG_INFINITY }
    }
}

impl Found {
    fn clear(&mut self) {
        self.best.clear();
        self.likely.clear();
        self.least = f32::NEG_INFINITY;
    }

    /// Takes in a guess; the best `most` of them are kept in order.
    fn add(&mut self, guess: Guess, most: usize) {
        self.least = self.least.max(guess.estimate - guess.off);
        let place = self.best.iter().position(|other| guess.order(other).is_lt()).unwrap_or(self.best.len());
        let mut out = Some(guess);
        if place < most {
            let last = if self.best.len() == most { self.best.pop() } else { None };
            self.best.insert(place, guess);
            out = last;
        }
        if let Some(out) = out.filter(|out| out.estimate + out.off >= self.least) {
            self.likely.push(out);
            if self.likely.len() >= 2 * CANDIDATES {
                self.likely.select_nth_unstable_by(CANDIDATES, Guess::order);
                self.likely.truncate(CANDIDATES);
            }
        }
    }

    /// What an estimate must reach to matter, if it can be off by so much.
    fn threshold(&self, probes: Probes, off: f32) -> f32 {
        let (wanted, gap) = probes.wanted();
        let Some(last) = self.best.get(wanted - 1) else { return f32::NEG_INFINITY };
        let full = self.best.get(probes.most() - 1).map_or(f32::NEG_INFINITY, |last| last.estimate);
        let probed = full.max(self.best[0].estimate - gap);
        last.estimate.min(probed).min(self.least) - 2.0 * off
    }

    /// Whether a centroid that is at most so similar can matter.
    fn may_take(&self, similarity: f32, probes: Probes) -> bool {
        similarity >= self.threshold(probes, 0.0)
    }

    /// The centroids, most similar first, on a tie the lower-numbered: by exact similarity where one may be the most
    /// similar, by estimates where it is surely not.
    fn decide(&mut self, exact: impl Fn(u32) -> f32) -> &[Guess] {
        self.best.append(&mut self.likely);
        for guess in &mut self.best {
            if guess.estimate + guess.off >= self.least {
                guess.estimate = exact(guess.centroid);
            }
        }
        self.best.sort_unstable_by(Guess::order);
        &self.best
    }
}

impl Lookup<'_> {
    /// Compares rows, given with their similarity to the centre of a group, with its centroids.
    fn look(&mut self, group: &Group, rows: &[(usize, f32)]) {
        let (codes, limit) = (self.codes, group.centroids.len());
        let queries: Vec<Query> = rows.iter().map(|&(row, _)| Query { row, limit }).collect();
        self.search((codes, &queries), (group, &group.panels_for_whole), rows, self.probes.wanted());
    }

    /// The same for rows that lie near the centre.
    fn look_near<'r>(
        &mut self,
        group: &Group,
        centre: &[f32],
        rows: &[(usize, f32)],
        row: impl Fn(usize) -> &'r [f32],
    ) {
        let limit = group.centroids.len();
        let codes = Codes::encode(rows.iter().map(|&(i, _)| row(i)), centre, centre);
        let queries: Vec<Query> = (0..rows.len()).map(|row| Query { row, limit }).collect();
        // All centroids may be within the gap; the highest will do.
        self.search((&codes, &queries), (group, &group.panels), rows, (self.probes.most(), 0.0));
    }

    fn search(
        &mut self,
        (codes, queries): (&Codes, &[Query]),
        (group, targets): (&Group, &Panels),
        rows: &[(usize, f32)],
        (wanted, gap): (usize, f32),
    ) {
        self.compared += (rows.len() * group.centroids.len()) as u64;
        let search = Search { codes, targets, wanted, gap, most: self.probes.most() + CANDIDATES };
        search.run(queries, &mut Look { lookup: self, group, rows });
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
        self.lookup.found[row].threshold(self.lookup.probes, window / 2.0) - to_centre
    }

    fn found(&mut self, query: usize, likely: Likely) {
        let (row, to_centre) = self.rows[query];
        let most = self.lookup.probes.most();
        for &(estimate, c) in likely.candidates {
            let centroid = self.group.centroids[c as usize];
            let guess = Guess { estimate: estimate + to_centre, off: likely.window / 2.0, centroid };
            self.lookup.found[row].add(guess, most);
        }
    }
}

impl Group {
    fn of(centroids: &UnitEmbeddings, members: Vec<u32>, centre: &[f32]) -> Self {
        let rows = || members.iter().map(|&c| centroids.row(c as usize));
        let codes = Codes::encode(rows(), centre, centre);
        let panels = Panels::pack(&codes, 0..codes.len());
        let apart = rows().map(|row| Isa::detect().squared_distance(row, centre).sqrt());
        let radius = apart.reduce(f32::max).unwrap_or(0.0) + 1e-3;
        Self { panels_for_whole: panels.clone().for_whole_queries(), panels, radius, centroids: members }
    }
}

/// Few centroids are one group, of which all are compared, but for those that lie close together.
fn crowds(centroids: &UnitEmbeddings) -> (UnitEmbeddings, Vec<Vec<u32>>) {
    let mut leaders: Vec<Vec<u32>> = Vec::new();
    for c in 0..centroids.len() as u32 {
        let similar = |other: u32| dot(centroids.row(other as usize), centroids.row(c as usize)) >= NEAR;
        // Centroids of a crowd were trained together, so they have near numbers.
        match leaders.iter_mut().rev().take(RECENT).find(|members| similar(members[0])) {
            Some(members) => members.push(c),
            None => leaders.push(vec![c]),
        }
    }
    let (crowds, alone): (Vec<Vec<u32>>, Vec<_>) =
        leaders.into_iter().partition(|members| members.len() >= CROWD);
    let mut rest: Vec<u32> = alone.into_iter().flatten().collect();
    // Of each part of the space a centroid comes early, so that a row soon has one to which most others are nothing.
    let apart = centroids.len().div_ceil(EARLY) as u32;
    rest.sort_unstable_by_key(|&c| (c % apart, c));
    let groups: Vec<Vec<u32>> =
        std::iter::once(rest).chain(crowds).filter(|group| !group.is_empty()).collect();
    let mut centres = UnitEmbeddings::empty(centroids.dim());
    groups.iter().for_each(|members| centres.push_unit(&mean(centroids, members)));
    (centres, groups)
}

/// Many centroids are clustered themselves.
fn groups(centroids: &UnitEmbeddings) -> (UnitEmbeddings, Vec<Vec<u32>>) {
    let clusters = (centroids.len() as f64).sqrt().round() as usize;
    let trained = train(centroids, &Training { clusters, iterations: 6, refinements: 0, seed: 0 }).centroids;
    let home = Assigner::new(&trained).assign(centroids, Probes::Nearest(1)).cluster;
    let mut groups: Vec<Vec<u32>> = vec![Vec::new(); trained.len()];
    // A centroid that is not finite is as far from one group as from another.
    let group = |group: u32| if group == NO_CLUSTER { 0 } else { group as usize };
    home.iter().zip(0..).for_each(|(&home, c)| groups[group(home)].push(c));
    let mut centres = UnitEmbeddings::empty(centroids.dim());
    (0..groups.len()).filter(|&g| !groups[g].is_empty()).for_each(|g| centres.push_unit(trained.row(g)));
    groups.retain(|members| !members.is_empty());
    (centres, groups)
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    Isa::detect().dot(a, b)
}

fn mean(rows: &UnitEmbeddings, members: &[u32]) -> Vec<f32> {
    let mut sum = vec![0.0f64; rows.dim()];
    members.iter().for_each(|&row| Isa::detect().add(&mut sum, rows.row(row as usize)));
    sum.iter().map(|x| (x / members.len() as f64) as f32).collect()
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
