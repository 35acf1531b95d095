//! In which clusters a row is compared.

use crate::similarity::top_search::Wanted;

/// The cluster of a row that is in none: the row has no direction (zeros, a NaN or an infinity), or
/// it was given no cluster. Among the probes of a row, it marks unused places.
pub const NO_CLUSTER: u32 = u32::MAX;

/// In which clusters a row is compared: its own, and those that it probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probes {
    /// Compare a row in the clusters of its N nearest centroids. One is the paper's method: the
    /// row's own cluster only.
    Nearest(usize),
    /// Compare a row in its own cluster, in the next one, and in up to six more whose centroids are
    /// less similar than its own by [`AUTO_GAP`] at most.
    ///
    /// A row deep inside its cluster has its duplicates there, a row near a border may not. A row
    /// that is almost equal to its centroid, with a similarity of [`AUTO_CLOSE`] or more, is
    /// compared in at most two of the six, because any row of its cluster that is as close is a
    /// duplicate already. In a dense group of near-duplicates, all centroids are nearly as similar.
    Auto,
}

/// The most by which a centroid can be less similar than the row's own to be probed; see
/// [`Probes::Auto`].
pub const AUTO_GAP: f32 = 0.1;

/// The similarity to its centroid from which on a row has fewer probes; see [`Probes::Auto`]. Two
/// rows that are this similar to one centroid have a cosine similarity of 0.99 or more.
pub const AUTO_CLOSE: f32 = 0.9975;

impl Probes {
    /// Returns the most clusters that a row is compared in, its own included; at least 1.
    pub fn most(self) -> usize {
        match self {
            Self::Nearest(count) => count.max(1),
            Self::Auto => 8,
        }
    }

    /// Returns whether a row probes a cluster. `place` is the cluster's place among the row's
    /// nearest (0 is the row's own), `own` the similarity to the row's own centroid, `similarity`
    /// that to the other one.
    pub(crate) fn reaches(self, place: usize, own: f32, similarity: f32) -> bool {
        match self {
            Self::Nearest(count) => place < count,
            Self::Auto if place <= 1 => true,
            Self::Auto if own >= AUTO_CLOSE => place < 4 && own - similarity <= AUTO_GAP,
            Self::Auto => place < 8 && own - similarity <= AUTO_GAP,
        }
    }

    /// Returns which centroids a search must find.
    pub(crate) fn wanted(self) -> Wanted {
        match self {
            Self::Nearest(_) => Wanted::nearest(self.most()),
            Self::Auto => Wanted { most: self.most(), sure: 2, gap: AUTO_GAP },
        }
    }
}

impl std::fmt::Display for Probes {
    /// Writes `auto` or the number.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nearest(count) => write!(f, "{count}"),
            Self::Auto => f.write_str("auto"),
        }
    }
}
