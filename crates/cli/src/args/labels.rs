//! `semdedup calibrate` and `semdedup label`: commands that choose ε by labels.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use semdedup::{CalibrateOptions, LabelOptions, Labels};

const CALIBRATE: &str = "\
Says what labels tell about each threshold of a finished run: how many of the removals are right (precision), and how \
much of what says the same is found (coverage), with 95 % intervals. --precision chooses the largest threshold that is \
right often enough, on one half of the labels, and says whether the other half confirms it. Nothing is embedded again.

The labels are pairs in a file with the columns id_a, id_b and same (true or false, 1 or 0, yes or no), or a column of \
the input whose equal values say that rows are the same. `semdedup label` makes such a file.

Examples:
  semdedup label deduped
  semdedup calibrate deduped --pairs labels.csv --precision 0.95
  semdedup calibrate deduped --group-column verse --precision 0.95 --svg plot.svg";

/// Choose epsilon by labels: how often removals are right at each threshold
#[derive(Debug, Args)]
#[command(long_about = CALIBRATE)]
#[command(group = ArgGroup::new("one_kind_of_labels").required(true).args(["pairs", "group_column"]))]
pub struct CalibrateArgs {
    /// The --out or --work folder of a run
    #[arg(value_name = "RESULT", value_parser = semdedup::place)]
    result: PathBuf,
    /// Labelled pairs: CSV, TSV, JSON lines or Parquet with the columns id_a, id_b and same
    #[arg(long, value_name = "FILE", value_parser = semdedup::place)]
    pairs: Option<PathBuf>,
    /// The column of the input whose equal values say that rows are the same
    #[arg(long, value_name = "NAME")]
    group_column: Option<String>,
    /// Choose the largest epsilon at which this share of the removals is right, such as 0.95
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    precision: Option<f64>,
    /// Seed by which the labels are divided into halves
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Write a plot of precision and coverage against epsilon to this file
    #[arg(long, value_name = "FILE", value_parser = semdedup::place)]
    svg: Option<PathBuf>,
    /// Replace the file of the plot if it exists
    #[arg(long)]
    overwrite: bool,
}

impl CalibrateArgs {
    pub fn result(&self) -> &PathBuf {
        &self.result
    }

    /// Returns the options of the library. The parser ensures that there is one kind of labels.
    pub fn options(&self) -> CalibrateOptions {
        let labels = match (&self.pairs, &self.group_column) {
            (Some(pairs), _) => Labels::Pairs(pairs.clone()),
            (None, column) => Labels::GroupColumn(column.clone().unwrap_or_default()),
        };
        let mut options = CalibrateOptions::new(labels);
        (options.precision, options.seed) = (self.precision, self.seed);
        (options.svg, options.overwrite) = (self.svg.clone(), self.overwrite);
        options
    }
}

const LABEL: &str = "\
Shows pairs of rows that a run found alike, drawn at random within bands of similarity, and asks whether they say the \
same. Each answer is appended to the file of labels at once, so nothing is lost if you stop at any moment; the same \
command goes on. After each answer it says what the labels tell about the removals of the run.

Keys: y same, n not the same, u unsure, b back, q quit. If standard input is no terminal, each line is an answer.

Examples:
  semdedup label deduped
  semdedup label deduped --labels mine.csv --seed 1
  semdedup calibrate deduped --pairs labels.csv --precision 0.95";

/// Label pairs of a result in the terminal, to choose epsilon by
#[derive(Debug, Args)]
#[command(long_about = LABEL)]
pub struct LabelArgs {
    /// The --out or --work folder of a run
    #[arg(value_name = "RESULT", value_parser = semdedup::place)]
    pub result: PathBuf,
    /// The file of labels; if it exists, it is continued
    #[arg(long, value_name = "FILE", default_value = "labels.csv", value_parser = semdedup::place)]
    pub labels: PathBuf,
    /// Seed of the random draw
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

impl LabelArgs {
    pub fn options(&self) -> LabelOptions {
        let mut options = LabelOptions::new(&self.labels);
        options.seed = self.seed;
        options
    }
}
