//! Every row's highest similarity with an earlier-ranking row, over all clusters that it is
//! compared in.

use rayon::prelude::*;

use crate::ranking::{RankKey, RankedRows};
use crate::scoring::compare::{Comparison, RowMatch};
use crate::scoring::earlier_rows::{RankedSimilarity, WantedMatches};
use crate::scoring::encode::PartEncodings;
use crate::scoring::exact_copies::{CopyKind, ExactCopies};
use crate::scoring::members::ClusterMembers;
use crate::scoring::part::{Part, PartMatches};
use crate::scoring::passes::{Matches, compare_all};
use crate::scoring::rank_order::RankOrder;
use crate::similarity::embeddings::UnitEmbeddings;
use crate::similarity::thresholds::{COPY, SATURATED};
use crate::stop::{NEVER, Stop};

/// The score of a row if an earlier-ranking row has the same vector. No other row has this score.
pub const EXACT: f32 = 1.0;

/// Stands for "no row" among row numbers.
pub const NO_ROW: u64 = u64::MAX;

/// The scores of all rows while clusters are compared, in any order and in any division into parts.
pub struct Scoring<'a> {
    order: RankedRows<'a>,
    centroids: &'a UnitEmbeddings,
    scores: Scores,
    compared: u64,
}

/// The score of every row, by row number.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scores {
    /// The highest cosine similarity with an earlier-ranking row, in [0, 1]: 0 if there is none,
    /// [`EXACT`] only for the same vector.
    pub score: Vec<f32>,
    /// The number of the row with that similarity, the earliest-ranking one on a tie, or
    /// [`NO_ROW`].
    pub duplicate_of: Vec<u64>,
}

impl<'a> Scoring<'a> {
    /// Starts without any comparison of the rows that `order` ranks.
    pub fn new(order: RankedRows<'a>, centroids: &'a UnitEmbeddings) -> Self {
        let rows = order.similarity().len();
        let scores = Scores { score: vec![f32::NEG_INFINITY; rows], duplicate_of: vec![NO_ROW; rows] };
        Self { order, centroids, scores, compared: 0 }
    }

    /// Compares the rows in the clusters of a part.
    ///
    /// `score[j] = max ⟨e_i, e_j⟩` over the rows i that rank before j and are in j's cluster, are
    /// in a cluster that j probes, or probe j's cluster (SemDeDup, section 3; as in the reference
    /// code, i may itself be removed). `done` is called after each batch of clusters with the
    /// number of own rows completed. The result counts once it is [added](Self::add).
    pub fn compare(&self, part: &Part, done: &mut dyn FnMut(usize)) -> PartMatches {
        self.compare_or_stop(part, done, NEVER)
    }

    /// Compares as [`compare`](Self::compare) does, but returns `None` soon after `stop` has
    /// returned true.
    pub fn compare_until(
        &self,
        part: &Part,
        done: &mut dyn FnMut(usize),
        stop: &Stop,
    ) -> Option<PartMatches> {
        let scores = self.compare_or_stop(part, done, stop);
        (!stop()).then_some(scores)
    }

    fn compare_or_stop(&self, part: &Part, done: &mut dyn FnMut(usize), stop: &Stop) -> PartMatches {
        let RankOrder { places, rank } = RankOrder::new(part, |row| self.key(row));
        let PartEncodings { whole, to_probes, hash } = PartEncodings::new(part, self.centroids);
        let copies = ExactCopies::find(part, &rank, &hash);
        let members = ClusterMembers::new(part, &rank, &copies.kinds, &to_probes);
        drop((to_probes, hash));
        let mut best = BestMatches(part.numbers.iter().map(|&row| self.known(row)).collect());
        best.match_copies(part, &copies.kinds, &rank);
        let settled = if copies.across_clusters { COPY } else { SATURATED };
        let wanted = WantedMatches { settled, most: 1 };
        let (centroids, whole) = (self.centroids, &whole);
        let comparison = Comparison { part, centroids, members: &members, whole, wanted, stop };
        let compared = compare_all(&comparison, &mut best, done);
        best.finish(part, &places, compared)
    }

    /// Adds the result of a part. Parts may come in any order. Adding a part twice changes nothing
    /// but the number of comparisons.
    pub fn add(&mut self, part: &PartMatches) {
        for ((&row, &similarity), &of) in part.rows.iter().zip(&part.similarity).zip(&part.duplicate_of) {
            self.merge(row, of, similarity);
        }
        self.compared += part.compared;
    }

    /// The number of comparisons of two rows in the parts that were added.
    pub fn compared(&self) -> u64 {
        self.compared
    }

    /// Returns the scores, once all clusters have been compared and added.
    pub fn finish(mut self) -> Scores {
        self.scores.score.par_iter_mut().for_each(|score| {
            *score = match *score {
                COPY => EXACT,
                below => below.max(0.0) + 0.0, // −0 becomes +0
            }
        });
        self.scores
    }

    fn key(&self, row: u64) -> RankKey {
        self.order.key(row)
    }

    /// Returns the similarity of the match that a row has from the parts that were added, as that of
    /// no row yet. A match in another part counts only if it is as similar, so most candidates there
    /// are pruned.
    fn known(&self, row: u64) -> RankedSimilarity {
        RankedSimilarity { similarity: self.scores.score[row as usize], ..RankedSimilarity::NONE }
    }

    /// Keeps the better match of a row: the more similar one, on a tie the earlier-ranking one. So
    /// the result does not depend on the order of the matches.
    fn merge(&mut self, row: u64, of: u64, similarity: f32) {
        let (score, now) = (self.scores.score[row as usize], self.scores.duplicate_of[row as usize]);
        if similarity > score || (similarity == score && self.key(of) < self.key(now)) {
            self.scores.score[row as usize] = similarity;
            self.scores.duplicate_of[row as usize] = of;
        }
    }
}

/// The best match of each row of a part so far, by place.
struct BestMatches(Vec<RankedSimilarity>);

impl BestMatches {
    /// Matches the copies with their originals. They need no comparison.
    fn match_copies(&mut self, part: &Part, kinds: &[CopyKind], rank: &[u32]) {
        for (place, kind) in kinds.iter().enumerate() {
            let CopyKind::CopyOf(original) = kind else { continue };
            if part.cluster_index(part.cluster[place]).is_some() {
                let best = RankedSimilarity { similarity: COPY, rank: rank[*original as usize] };
                self.take(&RowMatch { place: place as u32, best });
            }
        }
    }

    /// Returns the rows that have a match.
    fn finish(self, part: &Part, places: &[u32], compared: u64) -> PartMatches {
        let mut matches = PartMatches { compared, ..PartMatches::default() };
        for (&row, best) in part.numbers.iter().zip(&self.0).filter(|(_, best)| best.is_some()) {
            matches.rows.push(row);
            matches.similarity.push(best.similarity);
            matches.duplicate_of.push(part.numbers[places[best.rank as usize] as usize]);
        }
        matches
    }
}

impl Matches for BestMatches {
    fn known(&self) -> &[RankedSimilarity] {
        &self.0
    }

    /// Keeps the better match of a row.
    fn take(&mut self, found: &RowMatch) {
        let best = &mut self.0[found.place as usize];
        if found.best.is_better_than(*best) {
            *best = found.best;
        }
    }
}

#[cfg(test)]
#[path = "score_tests.rs"]
mod tests;
