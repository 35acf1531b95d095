//! `semdedup run`: removes duplicates from files.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, value_parser};
use semdedup::formats::CompareBy;
use semdedup::{DEFAULT_RECALL_SAMPLE, KeepKeys, OutputOptions, PairOptions, Result, RunOptions};

use super::clustering::{ClusteringArgs, RuleArg};
use super::goal::GoalArgs;
use super::input::{INPUT_HELP, InputArgs, input_long_help};
use super::model::ModelArgs;
use super::output::{OutArgs, WrittenArgs};
use super::provided::ProvidedArgs;

const LONG_ABOUT: &str = "\
Removes duplicates from files and writes the rows that stay, in the same formats and under the same names.

The folder --out then holds:
  kept/            your files without the duplicates; or, by --output, lists of ids, or all rows with new columns
  removed.parquet  the removed rows, the row that each of them duplicates, and the kept row that stands for it
  representatives.parquet  the kept rows that stand for removed ones, and for how many
  scores.parquet   the score of every row: one column serves every threshold
  skipped.parquet  the rows that could not be read
  summary.json     the run in numbers

A run that is killed at any moment resumes with the same command line. A run with another --epsilon and the same --work \
takes seconds.

Examples:
  semdedup run data.jsonl --out deduped
  semdedup run shards/ 'more/*.parquet' --text-column body --id-column url --out deduped --epsilon 0.05
  semdedup run photos/ --out deduped
  semdedup run 'laion/*.tar' --by both --out deduped
  semdedup run data.csv.gz --out half --keep-fraction 0.5 --dry-run
  semdedup run data.jsonl --model http://localhost:8000/v1/embeddings#BAAI/bge-m3 --out deduped
  semdedup run 'part-*.parquet' --embedding-column emb --out deduped
  semdedup run openai.csv --embedding-column embedding --out deduped
  semdedup run 'shards/*.tar' --embedding-column npy --out deduped
  semdedup run 'metadata_*.parquet' --embeddings 'img_emb_*.npy' --out deduped
  semdedup run --embeddings 'img_emb_*.npy' --out deduped
  semdedup run pool/ --id-column uid --embedding-column emb --output ids --ids-format datacomp --out deduped
  semdedup run data.parquet --output files,annotate --out deduped
  semdedup run data.jsonl --keep 'prefer:source=wiki,books,max:quality,longest' --out deduped";

const KEEP: &str = "\
Which row of a set of duplicates to keep: the first one by these keys, the most important first, with commas between. \
Rows that a key does not tell apart go to the next one, then to their numbers.
- hard:                     the row least similar to its cluster: the paper's choice, which keeps variety
- easy:                     the row most similar to its cluster, which keeps typical rows
- random:                   any row, chosen by --seed
- first:                    the row that comes first in the input
- longest:                  the row with the longest text, in characters
- max:COLUMN, min:COLUMN:   the row with the largest or smallest number, date, boolean or string there
- prefer:COLUMN=A,B,C:      the row whose value comes first in the list; others come after it
Rows without a value come last. hard, easy, random and first can only be the last key. A name or value with a comma, or \
that is one of these words, stands in double quotes: 'prefer:level=\"hard\",\"easy\"'";

/// The most pairs of a row. More would amount to writing every pair.
const MAX_PAIRS_PER_ROW: i64 = 1000;

/// Parses the similarity that pairs must be above.
fn similarity(typed: &str) -> std::result::Result<f32, String> {
    let number = f32::from_str(typed).map_err(|_| "not a number".to_owned())?;
    if (0.0..1.0).contains(&number) {
        Ok(number)
    } else {
        Err("must be a cosine similarity of at least 0 and below 1; copies have 1".to_owned())
    }
}

/// Remove duplicates from files
#[derive(Debug, Args)]
#[command(long_about = LONG_ABOUT)]
pub struct RunArgs {
    #[arg(help = INPUT_HELP, long_help = input_long_help())]
    #[arg(required_unless_present = "embeddings", value_name = "INPUT")]
    inputs: Vec<String>,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    provided: ProvidedArgs,
    #[command(flatten)]
    output: OutArgs,
    /// The work directory: intermediate files that other runs can reuse; may be a URL [default:
    /// work/ in --out]
    #[arg(long, value_name = "DIR", value_parser = semdedup::place, help_heading = "Output options")]
    work: Option<PathBuf>,
    /// Print what the run would do and how much time and space it would take, and write nothing
    #[arg(long, help_heading = "Output options")]
    pub dry_run: bool,
    #[command(flatten)]
    written: WrittenArgs,
    #[command(flatten)]
    goal: GoalArgs,
    /// Which row of a set of duplicates to keep: by a word, or by columns, such as
    /// max:quality,min:length
    #[arg(long, long_help = KEEP, value_name = "KEYS", default_value_t = KeepKeys::default())]
    #[arg(help_heading = "Clustering options")]
    keep: KeepKeys,
    /// Compare only rows that have the same value in this column, such as their language; rows without
    /// a value are compared with each other
    #[arg(long, value_name = "COLUMN", help_heading = "Clustering options")]
    within: Option<String>,
    /// By which rule rows go
    #[arg(long, value_enum, value_name = "RULE", default_value_t = RuleArg::AnyEarlier)]
    #[arg(help_heading = "Clustering options")]
    rule: RuleArg,
    #[command(flatten)]
    clustering: ClusteringArgs,
    /// Also write pairs.parquet: the pairs of rows that were compared and have a cosine similarity above
    /// this (0 to 1)
    #[arg(long, value_name = "S", value_parser = similarity, help_heading = "Output options")]
    #[arg(allow_negative_numbers = true)]
    pairs_above: Option<f32>,
    /// The most pairs of a row with rows that rank before it; the most similar ones are written
    #[arg(long, value_name = "N", default_value_t = PairOptions::PER_ROW as u32, requires = "pairs_above")]
    #[arg(value_parser = value_parser!(u32).range(1..=MAX_PAIRS_PER_ROW), help_heading = "Output options")]
    pairs_per_row: u32,
    /// Compare this many sampled rows with all rows to measure recall; 0 measures none
    #[arg(long, value_name = "N", default_value_t = DEFAULT_RECALL_SAMPLE, help_heading = "Clustering options")]
    recall_sample: usize,
    /// Warn if a value of this column, with at least 20 rows, loses more than 95 % of them
    /// (repeatable); files and scripts are watched anyway
    #[arg(long, value_name = "COLUMN", help_heading = "Output options")]
    watch: Vec<String>,
    #[command(flatten)]
    pub model: ModelArgs,
}

impl RunArgs {
    /// Returns what a model reads of the rows, or nothing if the input provides embeddings.
    ///
    /// # Errors
    /// Fails if the inputs cannot be found, or do not say what to compare.
    pub fn by(&self) -> Result<Option<CompareBy>> {
        if self.provided.is_any_given() {
            return Ok(None);
        }
        let output = self.output();
        let written = [output.out.clone(), output.work_dir()];
        semdedup::rows_by(&self.input.options(&self.inputs), &written).map(Some)
    }

    /// Returns the library's options for a run that compares rows by `by`.
    ///
    /// # Errors
    /// Fails if the epsilon is out of range, or if options for given embeddings contradict each other.
    pub fn options(&self, by: Option<CompareBy>) -> Result<RunOptions> {
        let output = self.output();
        let mut options = RunOptions::new(&self.inputs, &output.out);
        options.input = self.input.options(&self.inputs);
        self.provided.add_to(&mut options.input)?;
        options.cluster = self.clustering.options();
        (options.keep, options.within) = (self.keep.clone(), self.within.clone());
        options.goal = self.goal.goal(by.unwrap_or_default())?;
        options.rule = self.rule.into();
        options.recall_sample = self.recall_sample;
        options.pairs = self.pairs_above.map(|above| {
            let mut pairs = PairOptions::above(above);
            pairs.per_row = self.pairs_per_row as usize;
            pairs
        });
        options.watch.clone_from(&self.watch);
        options.output = output;
        options.outputs = self.written.outputs();
        Ok(options)
    }

    fn output(&self) -> OutputOptions {
        let mut options = self.output.options();
        options.work = self.work.clone();
        options
    }
}
