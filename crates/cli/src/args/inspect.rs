//! `semdedup sweep` and `semdedup show`: commands that inspect the result of a run.

use std::path::PathBuf;

use clap::Args;
use semdedup::{Error, Result, SWEEP_EPSILONS, Similarity, Which};

use super::goal::{self, epsilon};

const SWEEP: &str = "\
Shows how many rows each of several thresholds would remove, from the scores of an earlier run. Nothing is computed \
again and nothing is written.

Examples:
  semdedup sweep deduped
  semdedup sweep deduped/work --epsilons 0.01,0.03,0.1
  semdedup sweep deduped --similarities 0.99,0.97,0.9
  semdedup sweep scores.parquet --json";

/// Show how much other thresholds would remove
#[derive(Debug, Args)]
#[command(long_about = SWEEP)]
pub struct SweepArgs {
    /// The --out or --work folder of a run, or a scores.parquet
    #[arg(value_name = "WORK", value_parser = semdedup::place)]
    pub work: PathBuf,
    /// The thresholds, separated by commas
    #[arg(long, value_name = "E,E,…", value_delimiter = ',', value_parser = epsilon)]
    #[arg(default_values_t = SWEEP_EPSILONS)]
    epsilons: Vec<f64>,
    /// The thresholds as similarities, separated by commas: S is the epsilon 1 - S
    #[arg(long, value_name = "S,S,…", value_delimiter = ',', value_parser = goal::similarity)]
    #[arg(conflicts_with = "epsilons")]
    similarities: Vec<Similarity>,
}

impl SweepArgs {
    /// Returns the thresholds.
    pub fn epsilons(&self) -> Vec<f64> {
        match &self.similarities[..] {
            [] => self.epsilons.clone(),
            given => given.iter().map(|similarity| similarity.epsilon().get()).collect(),
        }
    }
}

const SHOW: &str = "\
Prints pairs of similar rows that a run found: their similarity, which row stays and which goes, what differs, where \
both come from, and both texts. Read some pairs before you delete anything; pairs just above and just below the \
threshold tell you most.

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
    /// Show the row with this id (FILE:ROW if there are no ids): what it duplicates, and what
    /// duplicates it
    #[arg(long, value_name = "ID", conflicts_with_all = ["random", "between"], help_heading = "Which pairs")]
    id: Option<String>,
    /// Show this many pairs, chosen at random
    #[arg(long, value_name = "N", default_value_t = 10, help_heading = "Which pairs")]
    random: usize,
    /// Choose from the pairs whose similarity is in this range, instead of those above the
    /// threshold
    #[arg(long, num_args = 2, value_names = ["LOW", "HIGH"], value_parser = similarity)]
    #[arg(allow_negative_numbers = true, help_heading = "Which pairs")]
    between: Option<Vec<f32>>,
    /// Seed of the random choice
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Which pairs")]
    seed: u64,
}

impl ShowArgs {
    /// Returns which pairs to show.
    ///
    /// # Errors
    /// Fails if the range of similarities is the wrong way round.
    pub fn which(&self) -> Result<Which> {
        let (count, seed) = (self.random, self.seed);
        match (&self.id, self.between.as_deref()) {
            (Some(id), _) => Ok(Which::Id(id.clone())),
            (None, Some(&[low, high])) if low <= high => Ok(Which::Between { low, high, count, seed }),
            (None, Some(range)) => {
                let range: Vec<String> = range.iter().map(ToString::to_string).collect();
                let problem =
                    format!("--between {}: the first similarity is above the second", range.join(" "));
                Err(Error::usage(problem).hint("give the lower similarity first: --between 0.88 0.92"))
            }
            (None, None) => Ok(Which::Random { count, seed }),
        }
    }
}

/// Parses a cosine similarity, from -1 to 1.
fn similarity(typed: &str) -> std::result::Result<f32, String> {
    match typed.parse::<f32>() {
        Ok(number) if (-1.0..=1.0).contains(&number) => Ok(number),
        _ => Err("a similarity is a number from -1 to 1".to_owned()),
    }
}
