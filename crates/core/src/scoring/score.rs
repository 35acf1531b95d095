//! Every row's highest similarity with the rows that rank before it, over the clusters in which it is compared.

use std::ops::Range;

use rayon::prelude::*;

use crate::ranking::{RankKey, Ranking};
use crate::scoring::compare::{Best, Comparison, Found, Match, NO_RANK, is_better};
use crate::scoring::encode::Encodings;
use crate::scoring::exact_copies::{Kind, kinds};
use crate::scoring::members::Lists;
use crate::scoring::part::{Part, place_in};
use crate::similarity::embeddings::UnitEmbeddings;
use crate::similarity::thresholds::{COPY, SATURATED};

/// The score of a row whose vector another row has that ranks before it, and of no other row.
pub const EXACT: f32 = 1.0;

/// In place of a row number: there is none.
pub const NO_ROW: u64 = u64::MAX;

/// Scores of all rows while clusters are being compared, in any order and any division into parts.
pub struct Scoring<'a> {
    ranking: Ranking,
    centroids: &'a UnitEmbeddings,
    similarity: &'a [f32],
    scores: Scores,
    /// Comparisons of two rows.
    compared: u64,
}

/// What the comparison found, by row number.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scores {
    /// The highest cosine similarity with a compared row that ranks before, in [0, 1]; 0 where there is none;
    /// [`EXACT`] only for the same vector.
    pub score: Vec<f32>,
    /// The number of the row that reaches it, the earliest-ranking on a tie, or [`NO_ROW`].
    pub duplicate_of: Vec<u64>,
}

/// What the comparison of a part found, for the rows of it that were compared with one that ranks before them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PartScores {
    /// The numbers of the rows, each once.
    pub rows: Vec<u64>,
    /// Each row's highest cosine similarity in the part; 2 for the same vector, more than any similarity.
    pub similarity: Vec<f32>,
    /// The number of the row that reaches it.
    pub duplicate_of: Vec<u64>,
    /// Comparisons of two rows.
    pub compared: u64,
}

/// Rows of clusters that are compared before their matches are taken in.
const BATCH: usize = 1 << 16;

impl<'a> Scoring<'a> {
    /// Starts without any comparison. `similarity` is every row's cosine similarity to the centroid of its own cluster:
    /// it ranks the rows.
    pub fn new(ranking: Ranking, centroids: &'a UnitEmbeddings, similarity: &'a [f32]) -> Self {
        let scores = Scores {
            score: vec![f32::NEG_INFINITY; similarity.len()],
            duplicate_of: vec![NO_ROW; similarity.len()],
        };
        Self { ranking, centroids, similarity, scores, compared: 0 }
    }

    /// Compares the rows in the clusters of a part: `score[j] = max ⟨e_i, e_j⟩` over the rows i that rank before j and
    /// are in j's cluster, or in one that j probes, or probe j's (SemDeDup, section 3; the reference code's rule, in
    /// which i may itself be removed). `done` is told the own rows of each batch of clusters that is through. What is
    /// found counts when it is [added](Self::add).
    pub fn compare(&self, part: &Part, done: &mut dyn FnMut(usize)) -> PartScores {
        let mut order: Vec<(RankKey, u32)> = part
            .numbers
            .par_iter()
            .enumerate()
            .map(|(place, &number)| (self.key(number), place as u32))
            .collect();
        order.par_sort_unstable();
        let order: Vec<u32> = order.into_iter().map(|(_, place)| place).collect();
        let mut rank = vec![0; order.len()];
        order.iter().zip(0..).for_each(|(&place, r)| rank[place as usize] = r);
        let Encodings { whole, to_probes, hash } = Encodings::of(part, self.centroids);
        let (kinds, apart) = kinds(part, &rank, &hash);
        let lists = Lists::of(part, &rank, &kinds, &to_probes);
        drop((to_probes, hash));
        let mut best: Best = vec![(f32::NEG_INFINITY, NO_RANK); order.len()];
        take_copies(&mut best, part, (&kinds, &rank));
        let comparison = Comparison {
            part,
            centroids: self.centroids,
            lists: &lists,
            whole: &whole,
            settled: if apart { COPY } else { SATURATED },
        };
        let mut compared = 0;
        let mut pass = |visited: bool, told: &dyn Fn(usize) -> usize| {
            for clusters in batches(&lists) {
                let compare = |c| match visited {
                    false => comparison.alone(c),
                    true => comparison.with_visitors(c, &best),
                };
                let found: Vec<Found> = clusters.clone().into_par_iter().map(compare).collect();
                for found in found {
                    compared += found.compared;
                    found.matches.iter().for_each(|found| take(&mut best, found));
                }
                done(clusters.map(|c| told(lists.rows[c])).sum());
            }
        };
        // When the clusters have been compared each by itself, most rows have found what they will find, and little that
        // visitors come near to has to be looked at.
        if part.probes_per_row() == 0 {
            pass(false, &|rows| rows);
        } else {
            pass(false, &|rows| rows / 2);
            pass(true, &|rows| rows - rows / 2);
        }
        let mut scores = PartScores { compared, ..PartScores::default() };
        for (&row, &(similarity, of)) in part.numbers.iter().zip(&best).filter(|(_, best)| best.1 != NO_RANK)
        {
            scores.rows.push(row);
            scores.similarity.push(similarity);
            scores.duplicate_of.push(part.numbers[order[of as usize] as usize]);
        }
        scores
    }

    /// Takes in what was found in a part. The parts may come in any order, and one that comes twice changes nothing but
    /// the count of comparisons.
    pub fn add(&mut self, part: &PartScores) {
        for ((&row, &similarity), &of) in part.rows.iter().zip(&part.similarity).zip(&part.duplicate_of) {
            self.take(row, of, similarity);
        }
        self.compared += part.compared;
    }

    /// Comparisons of two rows in the parts that were added.
    pub fn compared(&self) -> u64 {
        self.compared
    }

    /// The scores, when all clusters have been compared.
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

    /// The more similar row stays, on a tie the one that ranks first: whichever comes first, the result is the same.
    fn take(&mut self, row: u64, of: u64, similarity: f32) {
        let (score, now) = (self.scores.score[row as usize], self.scores.duplicate_of[row as usize]);
        if similarity > score || (similarity == score && self.key(of) < self.key(now)) {
            self.scores.score[row as usize] = similarity;
            self.scores.duplicate_of[row as usize] = of;
        }
    }
}

/// Clusters whose rows are compared before their matches are taken in.
fn batches(lists: &Lists) -> Vec<Range<usize>> {
    let (clusters, mut batches, mut first) = (lists.rows.len(), Vec::new(), 0);
    while first < clusters {
        let (mut end, mut rows) = (first, 0);
        while end < clusters && (end == first || rows < BATCH) {
            rows += lists.own(end).len() + lists.visitors(end).len();
            end += 1;
        }
        batches.push(first..end);
        first = end;
    }
    batches
}

fn take(best: &mut Best, found: &Match) {
    let best = &mut best[found.place as usize];
    if is_better((found.similarity, found.of), *best) {
        *best = (found.similarity, found.of);
    }
}

/// Copies need no comparison.
fn take_copies(best: &mut Best, part: &Part, (kinds, rank): (&[Kind], &[u32])) {
    for (place, kind) in kinds.iter().enumerate() {
        let Kind::CopyOf(original) = kind else { continue };
        if place_in(part, part.cluster[place]).is_some() {
            let of = rank[*original as usize];
            take(best, &Match { place: place as u32, of, similarity: COPY });
        }
    }
}

#[cfg(test)]
#[path = "score_tests.rs"]
mod tests;
