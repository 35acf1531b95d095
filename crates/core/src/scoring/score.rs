//! Every row's highest similarity with an earlier-ranking row, over all clusters that it is
//! compared in.

use std::ops::Range;

use rayon::prelude::*;

use crate::ranking::{RankKey, Ranking};
use crate::scoring::compare::{ClusterMatches, Comparison};
use crate::scoring::earlier_rows::RankedSimilarity;
use crate::scoring::encode::PartEncodings;
use crate::scoring::exact_copies::{CopyKind, ExactCopies};
use crate::scoring::members::ClusterMembers;
use crate::scoring::part::Part;
use crate::similarity::embeddings::UnitEmbeddings;
use crate::similarity::thresholds::{COPY, SATURATED};
use crate::stop::{NEVER, Stop};

/// The score of a row if an earlier-ranking row has the same vector. No other row has this score.
pub const EXACT: f32 = 1.0;

/// Stands for "no row" among row numbers.
pub const NO_ROW: u64 = u64::MAX;

/// The scores of all rows while clusters are compared, in any order and in any division into parts.
pub struct Scoring<'a> {
    ranking: Ranking,
    centroids: &'a UnitEmbeddings,
    similarity: &'a [f32],
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

/// The result of comparing a part: the rows that have a match there, except those for which the
/// parts that were added before have a more similar one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PartScores {
    /// The row numbers, each once.
    pub rows: Vec<u64>,
    /// Each row's highest cosine similarity in the part. It is 2, more than any similarity, for the
    /// same vector.
    pub similarity: Vec<f32>,
    /// The number of the row with that similarity.
    pub duplicate_of: Vec<u64>,
    /// The number of comparisons of two rows.
    pub compared: u64,
}

/// The rows whose clusters are compared before their matches are merged.
const ROWS_PER_BATCH: usize = 1 << 16;

impl<'a> Scoring<'a> {
    /// Starts without any comparison. `similarity` has every row's cosine similarity to the
    /// centroid of its own cluster, which ranks the rows.
    pub fn new(ranking: Ranking, centroids: &'a UnitEmbeddings, similarity: &'a [f32]) -> Self {
        let scores = Scores {
            score: vec![f32::NEG_INFINITY; similarity.len()],
            duplicate_of: vec![NO_ROW; similarity.len()],
        };
        Self { ranking, centroids, similarity, scores, compared: 0 }
    }

    /// Compares the rows in the clusters of a part.
    ///
    /// `score[j] = max ⟨e_i, e_j⟩` over the rows i that rank before j and are in j's cluster, are
    /// in a cluster that j probes, or probe j's cluster (SemDeDup, section 3; as in the reference
    /// code, i may itself be removed). `done` is called after each batch of clusters with the
    /// number of own rows completed. The result counts once it is [added](Self::add).
    pub fn compare(&self, part: &Part, done: &mut dyn FnMut(usize)) -> PartScores {
        self.compare_or_stop(part, done, NEVER)
    }

    /// Compares as [`compare`](Self::compare) does, but returns `None` soon after `stop` has
    /// returned true.
    pub fn compare_until(&self, part: &Part, done: &mut dyn FnMut(usize), stop: &Stop) -> Option<PartScores> {
        let scores = self.compare_or_stop(part, done, stop);
        (!stop()).then_some(scores)
    }

    fn compare_or_stop(&self, part: &Part, done: &mut dyn FnMut(usize), stop: &Stop) -> PartScores {
        let RankOrder { places, rank } = self.rank(part);
        let PartEncodings { whole, to_probes, hash } = PartEncodings::new(part, self.centroids);
        let copies = ExactCopies::find(part, &rank, &hash);
        let members = ClusterMembers::new(part, &rank, &copies.kinds, &to_probes);
        drop((to_probes, hash));
        let mut best: Vec<RankedSimilarity> = part.numbers.iter().map(|&row| self.known(row)).collect();
        match_copies(&mut best, part, &copies.kinds, &rank);
        let comparison = Comparison {
            part,
            centroids: self.centroids,
            members: &members,
            whole: &whole,
            settled: if copies.across_clusters { COPY } else { SATURATED },
            stop,
        };
        let mut compared = 0;
        let mut pass = |compare: &CompareCluster, completed: &dyn Fn(usize) -> usize| {
            for clusters in batches(&members) {
                if stop() {
                    return;
                }
                let found: Vec<ClusterMatches> =
                    clusters.clone().into_par_iter().map(|c| compare(c, &best)).collect();
                for found in found {
                    compared += found.compared;
                    found.matches.iter().for_each(|found| merge(&mut best, found.place, found.best));
                }
                done(clusters.map(|c| completed(members.own_rows[c])).sum());
            }
        };
        // First each cluster is compared with itself. After that, most rows have their best match,
        // which prunes most candidates among the border rows.
        if part.probes_per_row() == 0 {
            pass(&|c, _| comparison.own_rows(c), &|rows| rows);
        } else {
            pass(&|c, _| comparison.own_rows(c), &|rows| rows / 2);
            pass(&|c, best| comparison.border_rows(c, best), &|rows| rows - rows / 2);
        }
        part_scores(part, &places, &best, compared)
    }

    /// Adds the result of a part. Parts may come in any order. Adding a part twice changes nothing
    /// but the number of comparisons.
    pub fn add(&mut self, part: &PartScores) {
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
        self.ranking.key(self.similarity[row as usize], row)
    }

    /// Returns the similarity of the match that a row has from the parts that were added, as that of
    /// no row yet. A match in another part counts only if it is as similar, so most candidates there
    /// are pruned.
    fn known(&self, row: u64) -> RankedSimilarity {
        RankedSimilarity { similarity: self.scores.score[row as usize], ..RankedSimilarity::NONE }
    }

    /// Ranks the rows of a part.
    fn rank(&self, part: &Part) -> RankOrder {
        let mut order: Vec<(RankKey, u32)> = part
            .numbers
            .par_iter()
            .enumerate()
            .map(|(place, &number)| (self.key(number), place as u32))
            .collect();
        order.par_sort_unstable();
        let places: Vec<u32> = order.into_iter().map(|(_, place)| place).collect();
        let mut rank = vec![0; places.len()];
        places.iter().zip(0..).for_each(|(&place, r)| rank[place as usize] = r);
        RankOrder { places, rank }
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

/// Compares one cluster, given the best match of each row so far.
type CompareCluster<'a> = dyn Fn(usize, &[RankedSimilarity]) -> ClusterMatches + Sync + 'a;

/// The rows of a part in rank order.
struct RankOrder {
    /// The place of the row with each rank.
    places: Vec<u32>,
    /// The rank of the row at each place.
    rank: Vec<u32>,
}

/// Returns the scores of the rows that have a match.
fn part_scores(part: &Part, places: &[u32], best: &[RankedSimilarity], compared: u64) -> PartScores {
    let mut scores = PartScores { compared, ..PartScores::default() };
    for (&row, best) in part.numbers.iter().zip(best).filter(|(_, best)| best.is_some()) {
        scores.rows.push(row);
        scores.similarity.push(best.similarity);
        scores.duplicate_of.push(part.numbers[places[best.rank as usize] as usize]);
    }
    scores
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

/// Keeps the better match of the row at a place.
fn merge(best: &mut [RankedSimilarity], place: u32, other: RankedSimilarity) {
    let best = &mut best[place as usize];
    if other.is_better_than(*best) {
        *best = other;
    }
}

/// Matches the copies with their originals. They need no comparison.
fn match_copies(best: &mut [RankedSimilarity], part: &Part, kinds: &[CopyKind], rank: &[u32]) {
    for (place, kind) in kinds.iter().enumerate() {
        let CopyKind::CopyOf(original) = kind else { continue };
        if part.cluster_index(part.cluster[place]).is_some() {
            let rank = rank[*original as usize];
            merge(best, place as u32, RankedSimilarity { similarity: COPY, rank });
        }
    }
}

#[cfg(test)]
#[path = "score_tests.rs"]
mod tests;
