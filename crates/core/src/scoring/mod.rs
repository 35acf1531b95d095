//! Scores: every row's highest similarity with an earlier-ranking row of the clusters that it is
//! compared in.
//!
//! From the bottom up: `part` (the unit of work), `exact_copies` and `members` (which rows take
//! part in which cluster), `encode` (codes and hashes of a part), `earlier_rows` (the search among
//! earlier-ranking rows), `compare` (one cluster), `score` (a part, and the scores of all parts).

mod compare;
mod earlier_rows;
mod encode;
mod exact_copies;
mod members;
pub(crate) mod part;
pub(crate) mod score;
