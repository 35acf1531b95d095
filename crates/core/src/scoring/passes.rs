//! The comparison of all clusters of a part, in batches whose matches are merged.

use std::ops::Range;

use rayon::prelude::*;

use crate::scoring::compare::{ClusterMatches, Comparison, RowMatch};
use crate::scoring::earlier_rows::RankedSimilarity;
use crate::scoring::members::ClusterMembers;

/// The rows whose clusters are compared before their matches are merged.
const ROWS_PER_BATCH: usize = 1 << 16;

/// Keeps the matches of the rows of a part, by their places.
pub(super) trait Matches {
    /// The match of each row that another one must be better than.
    fn known(&self) -> &[RankedSimilarity];

    /// Takes a match that was found.
    fn take(&mut self, found: &RowMatch);
}

/// Compares one cluster, given the known match of each row.
type CompareCluster<'a> = dyn Fn(usize, &[RankedSimilarity]) -> ClusterMatches + Sync + 'a;

/// Compares the rows of all clusters of a part. `done` is called after each batch of clusters with
/// the number of own rows completed. Returns the number of comparisons of two rows.
pub(super) fn compare_all(
    comparison: &Comparison,
    matches: &mut impl Matches,
    done: &mut dyn FnMut(usize),
) -> u64 {
    let members = comparison.members;
    let mut compared = 0;
    let mut pass = |compare: &CompareCluster, completed: &dyn Fn(usize) -> usize| {
        for clusters in batches(members) {
            if (comparison.stop)() {
                return;
            }
            let known = matches.known();
            let found: Vec<ClusterMatches> =
                clusters.clone().into_par_iter().map(|c| compare(c, known)).collect();
            for found in found {
                compared += found.compared;
                found.matches.iter().for_each(|found| matches.take(found));
            }
            done(clusters.map(|c| completed(members.own_rows[c])).sum());
        }
    };
    // First each cluster is compared with itself. After that, most rows have their best match,
    // which prunes most candidates among the border rows.
    if comparison.part.probes_per_row() == 0 {
        pass(&|c, known| comparison.own_rows(c, known), &|rows| rows);
    } else {
        pass(&|c, known| comparison.own_rows(c, known), &|rows| rows / 2);
        pass(&|c, known| comparison.border_rows(c, known), &|rows| rows - rows / 2);
    }
    compared
}

/// Divides the clusters into batches that are compared before their matches are merged.
fn batches(members: &ClusterMembers) -> Vec<Range<usize>> {
    let (clusters, mut batches, mut first) = (members.len(), Vec::new(), 0);
    while first < clusters {
        let (mut end, mut rows) = (first, 0);
        while end < clusters && (end == first || rows < ROWS_PER_BATCH) {
            rows += members.own(end).len() + members.border(end).len();
            end += 1;
        }
        batches.push(first..end);
        first = end;
    }
    batches
}
