//! Scoring.

pub(crate) mod compare;
pub(crate) mod earlier_rows;
pub(crate) mod encode;
pub(crate) mod exact_copies;
pub(crate) mod members;
pub(crate) mod part;
pub(crate) mod score;
