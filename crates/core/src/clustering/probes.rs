//! In which clusters a row is compared.

/// The cluster of a row that is in none: it has no direction (zeros, a NaN or an infinity), or it was given none. In place
/// of a probe: no more.
pub const NO_CLUSTER: u32 = u32::MAX;

/// In which clusters a row is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probes {
    /// In those of its so many most similar centroids. One is the paper's method: its own cluster alone.
    Nearest(usize),
    /// In its own, in the next one, and in up to six more whose centroids are nearly as similar as its own: by
    /// [`AUTO_GAP`] or less. A row deep inside its cluster has its duplicates there; one at a border may not. A row that is
    /// all but equal to its centroid, by [`AUTO_CLOSE`] or more, is compared in two of the six at most: any row of its cluster
    /// that is as close is its duplicate already. In a crowd of near-equal rows all centroids are nearly as similar.
    Auto,
}

/// See [`Probes::Auto`].
pub const AUTO_GAP: f32 = 0.1;

/// See [`Probes::Auto`]. Two rows that are so similar to a centroid have a cosine of 0.99 or more.
pub const AUTO_CLOSE: f32 = 0.9975;

impl Probes {
    /// The most clusters that a row is compared in.
    pub fn most(self) -> usize {
        match self {
            Self::Nearest(count) => count.max(1),
            Self::Auto => 8,
        }
    }

    /// Whether a row of this similarity to its own centroid probes the cluster that comes `place`-th (its own being 0).
    pub(crate) fn reaches(self, place: usize, own: f32, similarity: f32) -> bool {
        match self {
            Self::Nearest(count) => place < count,
            Self::Auto if place <= 1 => true,
            Self::Auto if own >= AUTO_CLOSE => place < 4 && own - similarity <= AUTO_GAP,
            Self::Auto => place < 8 && own - similarity <= AUTO_GAP,
        }
    }

    /// The centroids that are wanted in any case, and how much less similar than the own one others may be.
    pub(crate) fn wanted(self) -> (usize, f32) {
        match self {
            Self::Nearest(count) => (count.max(1), 0.0),
            Self::Auto => (2, AUTO_GAP),
        }
    }
}

impl std::fmt::Display for Probes {
    /// `auto` or the number.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nearest(count) => write!(f, "{count}"),
            Self::Auto => f.write_str("auto"),
        }
    }
}
