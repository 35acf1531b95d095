//! Tests of the algorithm through the public API.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod common;
mod exhaustive;
mod instruction_sets;
mod oracle;
mod pairs;
mod parts;
mod precision;
mod skew;
mod twin;
