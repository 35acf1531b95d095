//! A search for the most similar of earlier-ranking rows, decided by exact similarities.

use crate::scoring::part::Member;
use crate::similarity::embeddings::UnitRows;
use crate::similarity::error_bound::{ROUNDED, Tolerance};
use crate::similarity::kernels::isa::Isa;
use crate::similarity::search::{Likely, Query, Searcher, most_similar};
use crate::similarity::thresholds::{CLOSE, COPY, SATURATED};

/// A row that is searched for.
pub(crate) struct Asked {
    pub(crate) place: u32,
    pub(crate) query: Query,
    /// What an estimate lacks of the similarity less one.
    pub(crate) apart: f32,
    /// The highest similarity so far and the rank of the row that reaches it.
    pub(crate) best: (f32, u32),
}

/// What a row that is searched for, by its number, is most similar to.
pub(crate) struct Hit {
    pub(crate) asked: u32,
    pub(crate) of: u32,
    pub(crate) similarity: f32,
}

/// A search of some rows for the most similar of those that rank before them.
pub(crate) struct Hits<'a> {
    rows: &'a dyn UnitRows,
    /// From this similarity on none is higher: [`SATURATED`], or [`COPY`] where copies may meet.
    settled: f32,
    asked: &'a [Asked],
    /// The number of the first of these.
    first: usize,
    targets: &'a [Member],
    /// Where two rows can be put together.
    buffers: [Vec<f32>; 2],
    pub(crate) found: Vec<Hit>,
}

impl<'a> Hits<'a> {
    pub(crate) fn new(
        (rows, settled): (&'a dyn UnitRows, f32),
        (asked, first): (&'a [Asked], usize),
        targets: &'a [Member],
    ) -> Self {
        let values = || vec![0.0; rows.dim()];
        let (buffers, found) = ([values(), values()], Vec::with_capacity(asked.len()));
        Self { rows, settled, asked, first, targets, buffers, found }
    }

    fn hit(&mut self, query: usize, (similarity, target): (f32, u32)) {
        let of = self.targets[target as usize].rank;
        self.found.push(Hit { asked: (self.first + query) as u32, of, similarity });
    }

    /// The similarity to each of some targets; those that f32 cannot tell from that of equal rows are one.
    fn similarities(&mut self, query: usize, targets: &[u32]) -> impl Iterator<Item = (f32, u32)> {
        let rows = self.rows;
        let [buffer, other] = &mut self.buffers;
        let row = rows.row(self.asked[query].place as usize, buffer);
        let targets = targets.iter().map(|&target| (target, self.targets[target as usize].place));
        targets.map(move |(number, place)| {
            let target = rows.row(place as usize, other);
            let similarity = Isa::detect().similarity(row, target);
            if similarity < SATURATED {
                return (similarity, number);
            }
            // Copies meet here only where the assignments, made elsewhere, put them into different clusters.
            (if row == target { COPY } else { SATURATED }, number)
        })
    }
}

impl Searcher for Hits<'_> {
    fn least(&self, query: usize, off: Tolerance) -> f32 {
        let asked = &self.asked[query];
        let off =
            if asked.best.0 >= CLOSE { off.close(1.0 - asked.best.0.min(1.0) + ROUNDED) } else { off.any };
        // A copy may yet be named by an earlier-ranking one, whose estimate is that of equal rows.
        asked.best.0.min(SATURATED) - 1.0 - asked.apart - off
    }

    fn apart(&self, query: usize) -> f32 {
        self.asked[query].apart
    }

    fn likely(&self, query: usize, candidates: &[(f32, u32)]) {
        let rows = self.rows;
        if !candidates.is_empty() {
            rows.prefetch(self.asked[query].place as usize);
        }
        for &(_, target) in candidates {
            rows.prefetch(self.targets[target as usize].place as usize);
        }
    }

    /// Targets come in rank order, so no later one is better.
    fn settled(&mut self, query: usize, target: u32) -> bool {
        let settled = self.settled;
        self.similarities(query, &[target]).any(|(similarity, _)| similarity >= settled)
    }

    fn found(&mut self, query: usize, likely: Likely) {
        if likely.candidates.is_empty() {
            return;
        }
        let may_be = |from: f32| {
            likely.candidates.iter().filter(move |other| other.0 >= from).map(|&(_, target)| target)
        };
        let highest: Vec<u32> = may_be(likely.highest_from).collect();
        let Some((similarity, mut target)) = most_similar(self.similarities(query, &highest)) else { return };
        // Once they are rounded, others can be as similar; of these the first. In a crowd they may be nearly all.
        // Where rounding counts for more, all candidates have been looked at.
        if likely.off == f32::INFINITY {
            return self.hit(query, (similarity, target));
        }
        let from = similarity - ROUNDED - 1.0 - self.asked[query].apart - likely.off;
        let before: Vec<u32> = may_be(from).take_while(|&other| other < target).collect();
        if let Some((_, first)) = self.similarities(query, &before).find(|other| other.0 == similarity) {
            target = first;
        }
        self.hit(query, (similarity, target));
    }
}
