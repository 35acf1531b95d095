//! `semdedup stats`: what a run did with groups of rows.

use std::path::PathBuf;

use clap::Args;
use semdedup::GroupBy;

const STATS: &str = "\
Counts what a run kept and removed of each group of rows: of each value of a column of the input, of each file, of the \
texts of each length (in characters, in powers of two) or of each script. It also says to which group most of the \
removed rows were lost, and how the scores of all rows are spread. The input is read once more; nothing is written.

Examples:
  semdedup stats deduped --by source
  semdedup stats deduped --by length --csv
  semdedup stats deduped --by meta.lang --json";

/// Count what a run kept and removed of each group of rows
#[derive(Debug, Args)]
#[command(long_about = STATS)]
pub struct StatsArgs {
    /// The --out folder of a run
    #[arg(value_name = "RESULT", value_parser = semdedup::place)]
    pub result: PathBuf,
    /// Group the rows by this column of the input, or by file, length or script; `column:file` is the
    /// column of that name
    #[arg(long, value_name = "COLUMN|file|length|script", value_parser = by)]
    pub by: GroupBy,
    /// Print all groups as CSV, instead of the 50 largest ones as a table
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

/// Parses what rows are grouped by.
pub fn by(typed: &str) -> Result<GroupBy, String> {
    typed.parse().map_err(|error: semdedup::Error| error.to_string())
}
