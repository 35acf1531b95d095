//! `semdedup compare`: what results keep together, and what only one of them removes.

use std::path::PathBuf;

use clap::Args;
use semdedup::CompareOptions;

const COMPARE: &str = "\
Compares results of the same input, such as those of two models, thresholds or seeds: their sizes, the rows that both \
keep, what only one of them removes, and where. Nothing is computed again and nothing is written.

A result is the --out folder of a run or of a selection, a removed.parquet, kept.parquet or ids.parquet, or a file with \
an id a line and `kept`, `ids` or `removed` in its name. Rows are matched by their ids, or by file and row where no \
column names them.

Examples:
  semdedup compare deduped other
  semdedup compare by-minilm by-bge by-clip --random 10
  semdedup compare deduped theirs/kept-ids.txt --json";

/// Compare what several results keep and remove
#[derive(Debug, Args)]
#[command(long_about = COMPARE)]
pub struct CompareArgs {
    /// The results: two or more
    #[arg(value_name = "RESULT", required = true, num_args = 2.., value_parser = semdedup::place)]
    pub results: Vec<PathBuf>,
    /// Show this many of the rows that only one result removes, for each result, chosen at random
    #[arg(long, value_name = "N", default_value_t = CompareOptions::default().samples)]
    random: usize,
    /// Seed of the random choice
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

impl CompareArgs {
    /// Returns the library's options.
    pub fn options(&self) -> CompareOptions {
        CompareOptions { samples: self.random, seed: self.seed }
    }
}
