//! The engine from outside, through what the crate exports.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod common;
mod exhaustive;
mod oracle;
mod parts;
mod precision;
mod skew;
mod twin;
