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
}

impl Keep {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Hard, Self::Easy, Self::Random];

    /// The name in options, files and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hard => "hard",
            Self::Easy => "easy",
            Self::Random => "random",
        }
    }
}

/// A total order of all rows, within and across clusters: by [`Keep`], ties by row number.
///
/// A row without a cluster has no similarity to a centroid. [`Keep::Hard`] and [`Keep::Easy`] rank
/// it after all rows that have one, so it is the row of a pair that is removed. [`Keep::Random`]
/// shuffles it among the others.
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
            Keep::Hard | Keep::Easy if centroid_similarity.is_nan() => u64::MAX,
            Keep::Hard => u64::from(ascending(centroid_similarity)),
            Keep::Easy => u64::from(!ascending(centroid_similarity)),
            Keep::Random => random::bits(self.seed, Stream::Rank as u64, row),
        };
        RankKey { by_keep, row }
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
