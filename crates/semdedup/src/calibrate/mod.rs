//! Chooses ε by labels: how often a removal is right, and how much is found, at each ε of a finished
//! run. Nothing is embedded again.
//!
//! From the ground up: `estimate` (shares and their intervals), `curve` (what is known at each ε),
//! `bands`, `pair_curve` and `group_curve` (the three kinds of labels), `choose` (one half chooses, the
//! other confirms), `table_values`, `row_ids`, `label_rows`, `population`, `judged_pairs` and
//! `row_groups` (what is read), `report`, `plot`, and `run`. `label_file` and `labelling` are for people
//! who label pairs.

pub(crate) mod bands;
pub(crate) mod choose;
pub(crate) mod curve;
pub(crate) mod estimate;
pub(crate) mod group_curve;
pub(crate) mod judged_pairs;
pub(crate) mod label_file;
pub(crate) mod label_rows;
pub(crate) mod labelling;
pub(crate) mod pair_curve;
mod plot;
pub(crate) mod population;
pub(crate) mod report;
pub(crate) mod row_groups;
mod row_ids;
pub(crate) mod run;
mod table_values;
#[cfg(test)]
mod tests;
