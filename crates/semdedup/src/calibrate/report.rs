//! What `calibrate` returns.

use serde::Serialize;

use crate::calibrate::bands::Band;
use crate::calibrate::choose::Choice;
use crate::calibrate::curve::{Curves, LabelledAt};
use crate::calibrate::group_curve::GroupCounts;
use crate::calibrate::judged_pairs::PairCounts;
use crate::options::SWEEP_EPSILONS;

/// The kind of the labels, which says how they are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelKind {
    /// Pairs of any origin: each counts once.
    Pairs,
    /// Pairs that were drawn by band: each band counts by its rows.
    Bands,
    /// A column whose equal values say that rows are the same.
    Groups,
}

/// What labels say of a finished run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calibration {
    /// The kind of the labels.
    pub labels: LabelKind,
    /// The ε of the run.
    pub epsilon: f64,
    /// What became of labelled pairs; none for groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pairs: Option<PairCounts>,
    /// The groups; none for pairs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<GroupCounts>,
    /// The bands from which pairs were drawn.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bands: Vec<Band>,
    /// Precision and coverage at the ε of `semdedup sweep`, at that of the run, and around the one that
    /// was chosen; ascending.
    pub table: Vec<LabelledAt>,
    /// The ε that was chosen, if a precision was asked for.
    pub choice: Option<Choice>,
    /// Precision and coverage in steps of 0.001 up to 0.5, and at the ε of the table.
    #[serde(skip)]
    pub curve: Vec<LabelledAt>,
}

/// How far around the ε that was chosen the table is fine, and its steps.
const AROUND: f64 = 0.005;

impl Calibration {
    pub(crate) fn new(labels: LabelKind, epsilon: f64) -> Self {
        let (table, curve, bands) = (Vec::new(), Vec::new(), Vec::new());
        Self { labels, epsilon, pairs: None, groups: None, bands, table, choice: None, curve }
    }

    /// Adds what the labels say.
    pub(crate) fn finish(&mut self, curves: Curves, choice: Option<Choice>) {
        let chosen = choice.as_ref().and_then(|choice| choice.epsilon);
        let is_near = |epsilon: f64| chosen.is_some_and(|chosen| (epsilon - chosen).abs() < AROUND + 1e-9);
        let is_shown = |at: &&LabelledAt| {
            SWEEP_EPSILONS.contains(&at.epsilon) || at.epsilon == self.epsilon || is_near(at.epsilon)
        };
        self.table = curves.all.iter().filter(is_shown).cloned().collect();
        (self.curve, self.choice) = (curves.all, choice);
    }
}
