//! The rank order of the rows. The first-ranking row of a set of duplicates is kept.

use crate::random::{self, Stream};

/// Which rows rank first and are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keep {
    /// The lowest cosine similarity to the centroid ranks first. This is the paper's choice, and
    /// keeps the least typical row.
    #[default]
    Hard,
    /// The highest cosine similarity to the centroid ranks first. This keeps the most typical row.
    Easy,
    /// The rank order is a seeded shuffle.
    Random,
    /// The lowest row number ranks first.
    First,
}

impl Keep {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Hard, Self::Easy, Self::Random, Self::First];

    /// The name in options, files and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hard => "hard",
            Self::Easy => "easy",
            Self::Random => "random",
            Self::First => "first",
        }
    }
}

/// A total order of all rows, within and across clusters: by [`Keep`], ties by row number.
///
/// A row without a cluster has no similarity to a centroid. [`Keep::Hard`] and [`Keep::Easy`] rank
/// it after all rows that have one, so it is the row of a pair that is removed. [`Keep::Random`] and
/// [`Keep::First`] do not tell it from the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ranking {
    /// Which rows rank first.
    pub keep: Keep,
    /// The seed of [`Keep::Random`]. The other orders ignore it.
    pub seed: u64,
}

/// A row's place in the rank order; the smallest key ranks first. No two rows have the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RankKey {
    by_keep: u64,
    row: u64,
}

impl RankKey {
    /// Returns the part of the key that `keep` sets. Rows with the same number rank by row number.
    pub(crate) fn by_keep(self) -> u64 {
        self.by_keep
    }
}

impl Ranking {
    /// Returns the key of a row, given its cosine similarity to the centroid of its own cluster
    /// (NaN without a cluster) and its row number.
    pub fn key(&self, centroid_similarity: f32, row: u64) -> RankKey {
        let by_keep = match self.keep {
            Keep::Hard | Keep::Easy if centroid_similarity.is_nan() => u64::from(u32::MAX),
            Keep::Hard => u64::from(ascending(centroid_similarity)),
            Keep::Easy => u64::from(!ascending(centroid_similarity)),
            Keep::Random => random::bits(self.seed, Stream::Rank as u64, row),
            Keep::First => 0,
        };
        RankKey { by_keep, row }
    }
}

/// The rank order of all rows of the data: by the ranks that the caller gives them, if it gives any,
/// then by [`Ranking`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankedRows<'a> {
    ranking: Ranking,
    similarity: &'a [f32],
    ranks: &'a [u32],
}

impl<'a> RankedRows<'a> {
    /// Ranks rows. Both slices have one value per row: `similarity` its cosine similarity to the
    /// centroid of its own cluster (NaN without a cluster), and `ranks` its rank, of which the lowest
    /// is first. Rows of equal rank are ordered by `ranking`, as all rows are if `ranks` is empty.
    ///
    /// # Panics
    /// If some rows have a rank and others have none.
    pub fn new(ranking: Ranking, similarity: &'a [f32], ranks: &'a [u32]) -> Self {
        let is_complete = ranks.is_empty() || ranks.len() == similarity.len();
        assert!(is_complete, "{} ranks for {} rows", ranks.len(), similarity.len());
        Self { ranking, similarity, ranks }
    }

    /// Returns every row's cosine similarity to the centroid of its own cluster.
    pub fn similarity(&self) -> &'a [f32] {
        self.similarity
    }

    /// Returns the bytes that the ranks take.
    pub fn rank_bytes(&self) -> u64 {
        size_of_val(self.ranks) as u64
    }

    /// Returns the key of a row.
    pub fn key(&self, row: u64) -> RankKey {
        let place = row as usize;
        let key = self.ranking.key(self.similarity[place], row);
        let Some(&rank) = self.ranks.get(place) else { return key };
        // Below a rank there is room for 32 bits: all of a similarity, half of a shuffle.
        let below = if self.ranking.keep == Keep::Random { key.by_keep >> 32 } else { key.by_keep };
        RankKey { by_keep: u64::from(rank) << 32 | below, row }
    }
}

/// Maps floats to integers in the same order (−0 equals +0).
fn ascending(x: f32) -> u32 {
    let bits = (x + 0.0).to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(keep: Keep, similarities: &[f32]) -> Vec<usize> {
        let ranking = Ranking { keep, seed: 3 };
        let mut rows: Vec<usize> = (0..similarities.len()).collect();
        rows.sort_by_key(|&i| ranking.key(similarities[i], i as u64));
        rows
    }

    #[test]
    fn hard_is_ascending_easy_is_descending_and_both_break_ties_by_row() {
        let similarities = [0.5, -0.25, 0.0, 0.5, -0.0, -1.0];
        assert_eq!(order(Keep::Hard, &similarities), [5, 1, 2, 4, 0, 3]);
        assert_eq!(order(Keep::Easy, &similarities), [0, 3, 2, 4, 1, 5]);
    }

    #[test]
    fn a_row_without_a_cluster_ranks_after_all_others_in_both_orders() {
        let similarities = [f32::NAN, 1.0, -1.0, f32::NAN];
        assert_eq!(order(Keep::Hard, &similarities), [2, 1, 0, 3]);
        assert_eq!(order(Keep::Easy, &similarities), [1, 2, 0, 3]);
        assert_eq!(order(Keep::Random, &similarities), order(Keep::Random, &[0.5; 4]));
        assert_eq!(order(Keep::First, &similarities), [0, 1, 2, 3]);
    }

    /// Sorts rows as [`RankedRows`] says it: by rank, then by the ranking, then by row number.
    fn twin(ranking: Ranking, similarity: &[f32], ranks: &[u32]) -> Vec<u64> {
        let mut rows: Vec<u64> = (0..similarity.len() as u64).collect();
        rows.sort_by_key(|&row| {
            (ranks[row as usize], ranking.key(similarity[row as usize], row).by_keep, row)
        });
        rows
    }

    #[test]
    fn ranks_go_first_then_the_ranking_then_the_row_number() {
        let similarity = [0.5, -0.25, f32::NAN, 0.5, -0.0, -1.0, 0.0, f32::NAN];
        for ranks in [[2, 0, 2, 1, 2, 1, 2, 1], [0; 8], [u32::MAX, 7, u32::MAX, 7, 7, 0, u32::MAX, 0]] {
            for keep in Keep::ALL {
                let ranking = Ranking { keep, seed: 3 };
                let rows = RankedRows::new(ranking, &similarity, &ranks);
                let mut order: Vec<u64> = (0..8).collect();
                order.sort_by_key(|&row| rows.key(row));
                assert_eq!(order, twin(ranking, &similarity, &ranks), "{keep:?}, {ranks:?}");
            }
        }
    }

    #[test]
    fn without_ranks_the_ranking_alone_decides() {
        let similarity = [0.5, f32::NAN, -0.25];
        for keep in Keep::ALL {
            let ranking = Ranking { keep, seed: 3 };
            let rows = RankedRows::new(ranking, &similarity, &[]);
            assert!((0..3).all(|row| rows.key(row) == ranking.key(similarity[row as usize], row)));
        }
    }

    #[test]
    #[should_panic(expected = "2 ranks for 3 rows")]
    fn a_row_without_a_rank_among_others_is_refused() {
        RankedRows::new(Ranking { keep: Keep::First, seed: 0 }, &[0.5; 3], &[1, 0]);
    }

    #[test]
    fn random_ignores_similarity_and_is_a_shuffle_that_depends_on_the_seed() {
        let a = order(Keep::Random, &[0.1; 50]);
        assert_eq!(a, order(Keep::Random, &[0.9; 50]));
        assert_ne!(a, (0..50).collect::<Vec<_>>());
        let other = Ranking { keep: Keep::Random, seed: 4 };
        assert_ne!(other.key(0.0, 1), Ranking { keep: Keep::Random, seed: 3 }.key(0.0, 1));
    }
}
