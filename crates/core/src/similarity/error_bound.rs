//! The most that an estimate can be off.

/// The most that an estimate can be off, with the rounding of the estimate and of the exact similarity.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tolerance {
    pub(crate) any: f32,
    /// Where estimates go by distance: what the codes lose, what rounding a sum loses of it, and the length of the query's
    /// difference from the reference.
    pub(super) by_distance: Option<(f32, f32, f32)>,
}

impl Tolerance {
    pub(crate) const ZERO: Self = Self { any: 0.0, by_distance: None };

    /// For targets that are [`CLOSE`](crate::similarity::thresholds::CLOSE), half their squared distance at most `apart`.
    pub(crate) fn close(&self, apart: f32) -> f32 {
        // Below one, a similarity is rounded to a multiple of half an epsilon.
        (self.unrounded(apart) + ROUNDED).min(self.any)
    }

    /// The same before the similarity is rounded.
    pub(crate) fn unrounded(&self, apart: f32) -> f32 {
        let Some((of_codes, of_sums, length)) = self.by_distance else { return self.any };
        // A target is about as far from the reference as the query.
        let reach = length + (2.0 * apart).sqrt();
        // Beside far rows the bound of all is great, and what each panel is sharper is taken off and added in f32.
        of_codes * (1.0 + 4.0 * f32::EPSILON) + of_sums * (apart + reach * reach)
    }
}

/// The lengths of differences and errors are rounded too.
pub(super) const SLACK: f32 = 1.001;

/// What rounding a similarity of nearly one can change.
pub(crate) const ROUNDED: f32 = 0.26 * f32::EPSILON;
