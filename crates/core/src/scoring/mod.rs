//! Scores: every row's highest similarity with an earlier-ranking row of the clusters that it is
//! compared in.
//!
//! From the bottom up: `part` (the unit of work), `exact_copies` and `members` (which rows take
//! part in which cluster), `encode` (codes and hashes of a part), `rank_order` (of a part),
//! `earlier_rows` (the search among earlier-ranking rows), `relative_rows` (the rows of a cluster,
//! encoded), `compare` (one cluster), `passes` (all clusters of a part), `score` (the best match of
//! each row, over all parts), `pairs` (several matches of each row).

mod compare;
mod earlier_rows;
mod encode;
mod exact_copies;
mod members;
pub(crate) mod pairs;
pub(crate) mod part;
mod passes;
mod rank_order;
mod relative_rows;
pub(crate) mod score;
