//! The nearest centroids of some rows: what is known of them by estimates, and which have to be decided on.

use crate::clustering::centroid_groups::Group;
use crate::clustering::probes::Probes;
use crate::similarity::codes::Codes;
use crate::similarity::error_bound::{ROUNDED, Tolerance};
use crate::similarity::panels::Panels;
use crate::similarity::search::{Likely, Query, Search, Searcher};

/// Of a crowd of centroids that codes cannot tell apart, so many are compared exactly: all are about as near.
pub(crate) const CANDIDATES: usize = 1024;

/// A search for the nearest groups of some rows.
pub(crate) struct Groups<'a, F> {
    pub(crate) wanted: usize,
    pub(crate) exact: F,
    pub(crate) found: Found,
    pub(crate) nearest: &'a mut Vec<(u32, f32)>,
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
pub(crate) struct Lookup<'a> {
    pub(crate) codes: &'a Codes,
    pub(crate) probes: Probes,
    pub(crate) found: &'a mut [Found],
    pub(crate) compared: u64,
}

/// A centroid that may be among the most similar ones of a row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guess {
    pub(crate) estimate: f32,
    /// The most that the estimate can be off.
    off: f32,
    pub(crate) centroid: u32,
}

impl Guess {
    /// Highest estimate first, on a tie the lower-numbered centroid.
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        other.estimate.total_cmp(&self.estimate).then(self.centroid.cmp(&other.centroid))
    }
}

/// What has been found for a row.
#[derive(Debug)]
pub(crate) struct Found {
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
    pub(crate) fn clear(&mut self) {
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
    pub(crate) fn may_take(&self, similarity: f32, probes: Probes) -> bool {
        similarity >= self.threshold(probes, 0.0)
    }

    /// Those that may be the most similar one.
    pub(crate) fn undecided(&self) -> impl Iterator<Item = &Guess> {
        self.best.iter().chain(&self.likely).filter(|guess| guess.estimate + guess.off >= self.least)
    }

    /// The centroids, most similar first, on a tie the lower-numbered: by exact similarity where one may be the most
    /// similar, by estimates where it is surely not.
    pub(crate) fn decide(&mut self, exact: impl Fn(u32) -> f32) -> &[Guess] {
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
    pub(crate) fn look(&mut self, group: &Group, rows: &[(usize, f32)]) {
        let (codes, limit) = (self.codes, group.centroids.len());
        let queries: Vec<Query> = rows.iter().map(|&(row, _)| Query { row, limit }).collect();
        let look = Look { lookup: self, group, rows, near: None };
        look.search((codes, &queries), &group.panels_for_whole);
    }

    /// The same for rows that lie near the centre.
    pub(crate) fn look_near<'r>(
        &mut self,
        group: &Group,
        centre: &[f32],
        rows: &[(usize, f32)],
        row: impl Fn(usize) -> &'r [f32],
    ) {
        let limit = group.centroids.len();
        let codes = Codes::encode(rows.iter().map(|&(i, _)| row(i)), centre, centre);
        let queries: Vec<Query> = (0..rows.len()).map(|row| Query { row, limit }).collect();
        let look = Look { lookup: self, group, rows, near: Some(&codes) };
        look.search((&codes, &queries), &group.panels);
    }
}

/// A search of some rows in one group.
struct Look<'a, 'b> {
    lookup: &'a mut Lookup<'b>,
    group: &'a Group,
    rows: &'a [(usize, f32)],
    /// The rows relative to the centre, if they are near it.
    near: Option<&'a Codes>,
}

impl Look<'_, '_> {
    fn search(mut self, (codes, queries): (&Codes, &[Query]), targets: &Panels) {
        self.lookup.compared += (queries.len() * targets.len()) as u64;
        let probes = self.lookup.probes;
        // All centroids of a crowd may be within the gap; the highest will do.
        let (wanted, gap) = if self.near.is_some() { (probes.most(), 0.0) } else { probes.wanted() };
        let search = Search { codes, targets, wanted, gap, most: probes.most() + CANDIDATES };
        search.run(queries, &mut self);
    }

    /// What an estimate lacks of the similarity, and how much more it is off once that is added.
    fn rest(&self, query: usize) -> (f32, f32) {
        match self.near {
            Some(codes) => (1.0 - codes.half_square(query), ROUNDED),
            None => (self.rows[query].1, 0.0),
        }
    }
}

impl Searcher for Look<'_, '_> {
    fn least(&self, query: usize, off: Tolerance) -> f32 {
        let row = self.rows[query].0;
        self.lookup.found[row].threshold(self.lookup.probes, off.any) - self.rest(query).0
    }

    fn apart(&self, query: usize) -> f32 {
        self.near.map_or(f32::NEG_INFINITY, |codes| -codes.half_square(query))
    }

    fn found(&mut self, query: usize, likely: Likely) {
        let (row, (rest, rounded)) = (self.rows[query].0, self.rest(query));
        let most = self.lookup.probes.most();
        for &(estimate, c) in likely.candidates {
            let centroid = self.group.centroids[c as usize];
            let guess = Guess { estimate: estimate + rest, off: likely.window / 2.0 + rounded, centroid };
            self.lookup.found[row].add(guess, most);
        }
    }
}
