//! The rows of a cluster as a search takes them: encoded, in rank order.

use crate::scoring::earlier_rows::{BestMatch, RankedSimilarity, SearchRow};
use crate::scoring::part::Member;
use crate::similarity::codes::Codes;
use crate::similarity::panels::Panels;
use crate::similarity::search::Query;

/// The rows to search for.
pub(super) struct Queries<'a> {
    pub(super) codes: &'a Codes,
    pub(super) rows: Vec<SearchRow>,
}

/// The rows to search, in rank order.
pub(super) struct Targets<'a> {
    pub(super) panels: &'a Panels,
    pub(super) members: &'a [Member],
}

/// Rows encoded relative to the centroid of a cluster, in rank order.
pub(super) struct RelativeRows<'a> {
    pub(super) members: &'a [Member],
    pub(super) codes: Codes,
    pub(super) panels: Panels,
}

impl RelativeRows<'_> {
    pub(super) fn targets(&self) -> Targets<'_> {
        Targets { panels: &self.panels, members: self.members }
    }

    /// Returns these rows as queries for the others that rank before them. `best(i)` is the best
    /// match of row `i` so far.
    pub(super) fn queries(&self, others: &[Member], best: &dyn Fn(usize) -> RankedSimilarity) -> Queries<'_> {
        let rows = self.members.iter().zip(earlier(self.members, others)).enumerate();
        let rows = rows.map(|(i, (member, limit))| SearchRow {
            index: i as u32,
            place: member.place,
            query: Query { row: i, limit },
            offset: -self.codes.half_square(i),
            best: best(i),
        });
        Queries { codes: &self.codes, rows: rows.collect() }
    }
}

/// The own rows of a cluster and the best match of each so far.
pub(super) struct OwnRows<'a> {
    pub(super) encoded: RelativeRows<'a>,
    pub(super) best: Vec<RankedSimilarity>,
}

impl OwnRows<'_> {
    pub(super) fn take(&mut self, matches: &[BestMatch]) {
        for found in matches {
            let best = &mut self.best[found.searched as usize];
            if found.best.is_better_than(*best) {
                *best = found.best;
            }
        }
    }
}

/// Returns, for each row, how many of `others` rank before it. Both are in rank order.
pub(super) fn earlier<'a>(rows: &'a [Member], others: &'a [Member]) -> impl Iterator<Item = usize> + use<'a> {
    let mut passed = 0;
    rows.iter().map(move |row| {
        while others.get(passed).is_some_and(|other| other.rank < row.rank) {
            passed += 1;
        }
        passed
    })
}
