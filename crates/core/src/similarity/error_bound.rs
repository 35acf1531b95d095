//! How much an estimate can differ from the exact similarity.

/// A factor for the rounding of the lengths that the bounds are computed from.
pub(super) const SLACK: f32 = 1.001;

/// The most that rounding can change a similarity just below one. There, an f32 is rounded to a
/// multiple of half an epsilon.
pub(crate) const ROUNDED: f32 = 0.26 * f32::EPSILON;

/// Bounds the error of the estimates of one query. The bounds include the rounding of the estimate
/// and of the exact similarity.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ErrorBound {
    /// The bound for every target.
    pub(crate) any: f32,
    /// The parts of the sharper bound for close targets, where estimates are computed by distance.
    pub(super) by_distance: Option<DistanceBound>,
}

/// The parts of the error bound where estimates are computed by distance.
#[derive(Debug, Clone, Copy)]
pub(super) struct DistanceBound {
    /// The quantization error.
    pub(super) codes: f32,
    /// The rounding error of a sum, relative to the sum.
    pub(super) sums: f32,
    /// The length of the difference between the query and its reference.
    pub(super) query_length: f32,
}

impl ErrorBound {
    pub(crate) const ZERO: Self = Self { any: 0.0, by_distance: None };

    /// Bounds the error for targets from
    /// [`BY_DISTANCE_MIN_COSINE`](crate::similarity::thresholds::BY_DISTANCE_MIN_COSINE) on whose
    /// half squared distance from the query is at most `half_square`.
    pub(crate) fn close(&self, half_square: f32) -> f32 {
        (self.unrounded(half_square) + ROUNDED).min(self.any)
    }

    /// Bounds the same error before the exact similarity is rounded.
    pub(crate) fn unrounded(&self, half_square: f32) -> f32 {
        let Some(DistanceBound { codes, sums, query_length }) = self.by_distance else { return self.any };
        // A close target is about as far from the reference as the query.
        let reach = query_length + (2.0 * half_square).sqrt();
        // If some targets are far away, the bound of all panels is large. The difference to the
        // bound of one panel is added and subtracted in f32, which is rounded too.
        codes * (1.0 + 4.0 * f32::EPSILON) + sums * (half_square + reach * reach)
    }
}
