//! The whole command line: a subcommand and the options that all of them take.

use clap::{Args, Parser, Subcommand, value_parser};

use super::compare::CompareArgs;
use super::completions::CompletionsArgs;
#[cfg(feature = "transformers")]
use super::distill::DistillArgs;
use super::inspect::{ShowArgs, SweepArgs};
use super::labels::{CalibrateArgs, LabelArgs};
use super::run::RunArgs;
use super::serve::ServeArgs;
use super::stages::{ClusterArgs, EmbedArgs, ScoreArgs, SelectArgs};
use super::stats::StatsArgs;

const LONG_ABOUT: &str = "\
Removes semantic duplicates from training data: rows that say the same as another row, in the same words or in other \
words.

semdedup embeds every row, clusters the embeddings, compares the rows of each cluster, and keeps one row of each set of \
duplicates (SemDeDup, arXiv 2303.09540). You get the same files back without the duplicates, a list of the removed rows \
with the row that each of them duplicates, and the recall: the measured share of all duplicates that the run found. \
Nothing is downloaded unless --model names a model on a hub, and the input is never changed.

Start with:
  semdedup run data/ --out deduped/            remove duplicates from every file in data/
  semdedup sweep deduped/                      how much other thresholds would remove
  semdedup show deduped/                       read pairs before you trust them";

const AFTER_HELP: &str = "\
Exit codes:
  0    done
  1    done, but some rows could not be read and were skipped (listed in skipped.parquet)
  2    failed: nothing was removed; the last lines say why and what to do
  130  interrupted; the same command line resumes (run, embed, label) or starts again (all others)

Results go to standard output; progress, warnings and errors go to standard error. NO_COLOR turns colour off.";

/// Remove semantic duplicates from training data.
#[derive(Debug, Parser)]
#[command(name = "semdedup", version, long_about = LONG_ABOUT, after_help = AFTER_HELP)]
#[command(arg_required_else_help = true, max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub global: GlobalArgs,
}

/// The options of every subcommand.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// Number of threads to use [default: all cores]
    #[arg(long, global = true, value_name = "N", value_parser = value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Print the result as one JSON value on standard output, and nothing else there
    #[arg(long, global = true)]
    pub json: bool,
    /// Print errors only: no progress, no warnings and no table of results.
    ///
    /// With --json, the JSON is printed all the same. So is what you ask for with sweep, show, stats,
    /// compare, calibrate or --dry-run.
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// The subcommands, in the order in which people need them.
#[derive(Debug, Subcommand)]
pub enum Command {
    Run(Box<RunArgs>),
    Sweep(SweepArgs),
    Show(ShowArgs),
    Stats(StatsArgs),
    Compare(CompareArgs),
    Label(LabelArgs),
    Calibrate(CalibrateArgs),
    Embed(EmbedArgs),
    Cluster(ClusterArgs),
    Score(ScoreArgs),
    Select(SelectArgs),
    #[cfg(feature = "transformers")]
    Distill(Box<DistillArgs>),
    ServeEmbeddings(ServeArgs),
    Completions(CompletionsArgs),
}

impl Command {
    /// Returns whether the same command line resumes the work after an interruption.
    pub fn resumes(&self) -> bool {
        #[cfg(feature = "transformers")]
        if let Self::Distill(_) = self {
            return true;
        }
        matches!(self, Self::Run(_) | Self::Embed(_) | Self::Label(_))
    }

    /// Returns whether the command handles signals itself: they are how a server is meant to stop.
    pub fn handles_signals(&self) -> bool {
        matches!(self, Self::ServeEmbeddings(_))
    }
}
