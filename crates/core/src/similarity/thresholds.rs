//! Similarities from which on rows are treated in another way.

/// From this dot product on, the similarity of two rows is computed from their distance.
pub(crate) const CLOSE: f32 = 0.999;

/// The similarity of a row to one with the same vector: more than any other's.
pub(crate) const COPY: f32 = 2.0;

/// The highest similarity of two rows that are not the same: above it lies only what rounding leaves of equal rows.
pub(crate) const SATURATED: f32 = 1.0 - 4.0 * f32::EPSILON;
