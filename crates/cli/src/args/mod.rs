//! The command line: a struct for each subcommand, and its conversion to the library's options.
//!
//! `cli` is the whole command line. `run`, `inspect`, `compare`, `stats`, `labels`, `stages`, `distill`,
//! `serve` and `completions` are the subcommands. `input`, `csv`, `bare`, `model`, `clustering`, `goal`
//! and `output` are groups of options that
//! several subcommands share.

mod bare;
pub mod cli;
pub mod clustering;
pub mod compare;
pub mod completions;
mod csv;
#[cfg(feature = "transformers")]
pub mod distill;
pub mod goal;
pub mod input;
pub mod inspect;
pub mod labels;
pub mod model;
pub mod output;
mod provided;
pub mod run;
pub mod serve;
pub mod stages;
pub mod stats;
#[cfg(test)]
mod tests;
