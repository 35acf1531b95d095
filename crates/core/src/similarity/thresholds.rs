//! Cosine similarities at which the computation changes.

/// From this dot product on, the similarity of two rows is computed from their distance, because
/// the rounding of the dot product would hide the differences.
pub(crate) const BY_DISTANCE_MIN_COSINE: f32 = 0.999;

/// The highest similarity of two rows that are not the same vector. Above it, f32 rounding makes
/// distinct rows equal.
pub(crate) const SATURATED: f32 = 1.0 - 4.0 * f32::EPSILON;

/// Stands for the similarity of two rows with the same vector: higher than any cosine similarity.
pub(crate) const COPY: f32 = 2.0;

/// Rows that are at least this similar to a centroid are encoded relative to it. Codes relative to
/// zero would be too coarse to tell them from the other rows there.
pub(crate) const RELATIVE_ENCODING_MIN_COSINE: f32 = 0.99;
