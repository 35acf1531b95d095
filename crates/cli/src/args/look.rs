//! Looking at what a run found: other thresholds, pairs of texts. And completions for shells.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;
use semdedup::{SWEEP_EPSILONS, Which};

use super::shared;

const SWEEP: &str = "\
Shows how much each of several thresholds would remove, from the scores of an earlier run. Nothing is computed again \
and nothing is written.

Examples:
  semdedup sweep deduped
  semdedup sweep deduped/work --epsilons 0.01,0.03,0.1
  semdedup sweep scores.parquet --json";

/// Show how much would go at other thresholds
#[derive(Debug, Args)]
#[command(long_about = SWEEP)]
pub struct SweepArgs {
    /// The --out or --work folder of a run, or a scores.parquet
    #[arg(value_name = "WORK", value_parser = semdedup::place)]
    pub work: PathBuf,
    /// The thresholds, separated by commas
    #[arg(long, value_name = "E,E,…", value_delimiter = ',', value_parser = shared::epsilon)]
    #[arg(default_values_t = SWEEP_EPSILONS)]
    pub epsilons: Vec<f64>,
}

const SHOW: &str = "\
Prints pairs of rows that a run found alike, as people read them: how alike, which one stays and which one goes, where \
both come from, and both texts. Read some before you delete anything; pairs just above and just below the threshold \
tell most.

Examples:
  semdedup show deduped
  semdedup show deduped --between 0.88 0.92 --random 5
  semdedup show deduped --id article-17";

/// Print pairs of duplicates with their texts
#[derive(Debug, Args)]
#[command(long_about = SHOW)]
pub struct ShowArgs {
    /// The --out or --work folder of a run
    #[arg(value_name = "WORK", value_parser = semdedup::place)]
    pub work: PathBuf,
    /// A row by its id (FILE:ROW where there are no ids): what it duplicates, and what duplicates it
    #[arg(long, value_name = "ID", conflicts_with_all = ["random", "between"], help_heading = "Which pairs")]
    id: Option<String>,
    /// This many pairs, chosen at random
    #[arg(long, value_name = "N", default_value_t = 10, help_heading = "Which pairs")]
    random: usize,
    /// Of the pairs whose similarity is in this range, instead of those above the threshold
    #[arg(long, num_args = 2, value_names = ["LOW", "HIGH"], value_parser = similarity)]
    #[arg(allow_negative_numbers = true, help_heading = "Which pairs")]
    between: Option<Vec<f32>>,
    /// The seed of the choice
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Which pairs")]
    seed: u64,
}

impl ShowArgs {
    pub fn which(&self) -> semdedup::Result<Which> {
        let (count, seed) = (self.random, self.seed);
        match (&self.id, self.between.as_deref()) {
            (Some(id), _) => Ok(Which::Id(id.clone())),
            (None, Some(&[low, high])) if low <= high => Ok(Which::Between { low, high, count, seed }),
            (None, Some(range)) => {
                let range: Vec<String> = range.iter().map(ToString::to_string).collect();
                let problem = format!("--between {}: the first is above the second", range.join(" "));
                Err(semdedup::Error::usage(problem)
                    .hint("give the lower similarity first: --between 0.88 0.92"))
            }
            (None, None) => Ok(Which::Random { count, seed }),
        }
    }
}

fn similarity(typed: &str) -> Result<f32, String> {
    match typed.parse::<f32>() {
        Ok(number) if (-1.0..=1.0).contains(&number) => Ok(number),
        _ => Err("a similarity is a number between -1 and 1".to_owned()),
    }
}

const COMPLETIONS: &str = "\
Prints a completion script for a shell.

Examples:
  semdedup completions bash > ~/.local/share/bash-completion/completions/semdedup
  semdedup completions zsh > \"${fpath[1]}/_semdedup\"
  semdedup completions fish > ~/.config/fish/completions/semdedup.fish";

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(long_about = COMPLETIONS)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}
