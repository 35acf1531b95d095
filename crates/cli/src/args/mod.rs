//! What is typed: one struct a subcommand, and what each means in the library's options.

mod look;
mod model;
mod outputs;
mod run;
mod serve;
mod shared;
mod stages;
#[cfg(test)]
mod tests;

use clap::{Parser, Subcommand, value_parser};

pub use look::{CompletionsArgs, ShowArgs, SweepArgs};
pub use model::Models;
pub use run::RunArgs;
pub use serve::ServeArgs;
pub use stages::{ClusterArgs, EmbedArgs, ScoreArgs, SelectArgs};

const LONG_ABOUT: &str = "\
Removes semantic duplicates from training data: rows that say the same as another row, in the same words or in others.

Every row is embedded, the embeddings are clustered, the rows of each cluster are compared, and of each set of \
duplicates one row stays (SemDeDup, arXiv 2303.09540). You get the same files back without the duplicates, a list of \
what was removed and because of which row, and a measured share of the duplicates that were found. Nothing is \
downloaded, and the input is never changed.

Start with:
  semdedup run data/ --out deduped/            remove duplicates from every file in data/
  semdedup sweep deduped/                      how much would go at other thresholds
  semdedup show deduped/                       read pairs before you trust them";

const AFTER_HELP: &str = "\
Exit codes:
  0    done
  1    done, but rows that could not be read were skipped (listed in skipped.parquet)
  2    failed: nothing was removed from anything; the last lines say why and what to do
  130  interrupted; the same command line again goes on where it was (run, embed) or starts anew

Results go to standard output, progress, warnings and errors to standard error. NO_COLOR turns colour off.";

/// Remove semantic duplicates from training data.
#[derive(Debug, Parser)]
#[command(name = "semdedup", version, long_about = LONG_ABOUT, after_help = AFTER_HELP)]
#[command(arg_required_else_help = true, max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub global: Global,
}

/// What every subcommand takes.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Threads to work with [default: all cores]
    #[arg(long, global = true, value_name = "N", value_parser = value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Print the result as one JSON value on standard output, and nothing else there
    #[arg(long, global = true)]
    pub json: bool,
    /// No progress, no warnings and no result table; errors only (and the JSON, with --json)
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// The subcommands, in the order in which people meet them.
#[derive(Debug, Subcommand)]
pub enum Command {
    Run(Box<RunArgs>),
    Sweep(SweepArgs),
    Show(ShowArgs),
    Embed(EmbedArgs),
    Cluster(ClusterArgs),
    Score(ScoreArgs),
    Select(SelectArgs),
    ServeEmbeddings(ServeArgs),
    Completions(CompletionsArgs),
}

impl Command {
    /// Whether being interrupted loses nothing but time, because the same command line resumes.
    pub fn resumes(&self) -> bool {
        matches!(self, Self::Run(_) | Self::Embed(_))
    }

    /// Whether being interrupted is how it is meant to end, which it sees to by itself.
    pub fn serves(&self) -> bool {
        matches!(self, Self::ServeEmbeddings(_))
    }
}
