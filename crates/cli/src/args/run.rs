//! `semdedup run`: from files to files without duplicates.

use std::path::PathBuf;

use clap::Args;
use semdedup::formats::CompareBy;
use semdedup::{DEFAULT_RECALL_SAMPLE, OutputOptions, Ranking, RunOptions};

use super::model::{MODEL_OPTIONS, ModelArgs};
use super::outputs::WrittenArgs;
use super::shared::{ClusterChoice, GoalArgs, InputArgs, KeepArg, OutArgs};

const LONG_ABOUT: &str = "\
Removes duplicates from files and writes the rows that stay, in the same formats and under the same names.

In --out you find kept/ (your files without the duplicates; or, as --output says, lists of ids, or all rows with columns \
added), removed.parquet (what went, and because of which row), \
scores.parquet (every row's score: one column serves every threshold), skipped.parquet (rows that could not be read) \
and summary.json. Killed at any moment, the same command line goes on where it stopped. Another --epsilon with the \
same --work takes seconds.

Examples:
  semdedup run data.jsonl --out deduped
  semdedup run shards/ 'more/*.parquet' --text-column body --id-column url --out deduped --epsilon 0.05
  semdedup run photos/ --out deduped
  semdedup run 'laion/*.tar' --by both --out deduped
  semdedup run data.csv.gz --out half --keep-fraction 0.5 --dry-run
  semdedup run data.jsonl --model http://localhost:8000/v1/embeddings#BAAI/bge-m3 --out deduped
  semdedup run 'part-*.parquet' --embedding-column emb --out deduped
  semdedup run 'metadata_*.parquet' --embeddings 'img_emb_*.npy' --out deduped
  semdedup run --embeddings 'img_emb_*.npy' --out deduped
  semdedup run pool/ --id-column uid --embedding-column emb --output ids --ids-format datacomp --out deduped
  semdedup run data.parquet --output files,annotate --out deduped";

/// Remove duplicates from files
#[derive(Debug, Args)]
#[command(long_about = LONG_ABOUT)]
pub struct RunArgs {
    /// Files, folders or globs of JSONL, JSON lists, Parquet, Arrow IPC, CSV, TSV, plain text, Markdown, images (.jpg, .png, .webp,
    /// .gif, .bmp, .tif) or WebDataset shards (.tar), also .gz and .zst; on a disk or by URL (s3://, gs://, az://, https://)
    #[arg(required_unless_present = "embeddings", value_name = "INPUT")]
    inputs: Vec<String>,
    #[command(flatten)]
    pub input: InputArgs,
    #[command(flatten)]
    given: GivenArgs,
    #[command(flatten)]
    pub output: OutArgs,
    /// The folder of intermediate files, which other runs can reuse; may be a URL [default: DIR/work in --out]
    #[arg(long, value_name = "DIR", value_parser = semdedup::place, help_heading = "Output options")]
    work: Option<PathBuf>,
    /// Print what would be done, in how much time and space, and write nothing
    #[arg(long, help_heading = "Output options")]
    pub dry_run: bool,
    #[command(flatten)]
    written: WrittenArgs,
    #[command(flatten)]
    goal: GoalArgs,
    /// Which row of a set of duplicates stays
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = KeepArg::Hard)]
    #[arg(help_heading = "Clustering options")]
    keep: KeepArg,
    #[command(flatten)]
    cluster: ClusterChoice,
    /// Compare this many sampled rows with the whole data to measure recall; 0 measures none
    #[arg(long, value_name = "N", default_value_t = DEFAULT_RECALL_SAMPLE, help_heading = "Clustering options")]
    recall_sample: usize,
    #[command(flatten)]
    pub model: ModelArgs,
}

/// Embeddings that are there already.
#[derive(Debug, Args)]
#[command(next_help_heading = "Input options")]
struct GivenArgs {
    /// Take the embeddings from this column of lists of numbers (Parquet, Arrow, JSONL); no model is used, and texts are only shown
    #[arg(long, value_name = "NAME", conflicts_with = "embeddings", conflicts_with_all = MODEL_OPTIONS)]
    embedding_column: Option<String>,
    /// Take the embeddings from .npy, .npz or .safetensors files (a file, folder or glob; repeatable), one for each input
    /// file, of the same name or with the same number in it: its row N is the embedding of that file's row N. Without any
    /// INPUT, the rows of these files are the rows, and the ids of those that stay are written
    #[arg(long, value_name = "FILE", conflicts_with_all = MODEL_OPTIONS)]
    embeddings: Vec<String>,
}

impl GivenArgs {
    fn any(&self) -> bool {
        self.embedding_column.is_some() || !self.embeddings.is_empty()
    }
}

impl RunArgs {
    /// Whether the embeddings are there, so that no model is needed.
    pub fn has_embeddings(&self) -> bool {
        self.given.any()
    }

    /// What of the rows a model is to read; none where they have embeddings.
    pub fn by(&self) -> semdedup::Result<Option<CompareBy>> {
        if self.has_embeddings() {
            return Ok(None);
        }
        let output = self.output();
        let written = [output.out.clone(), output.work_dir()];
        semdedup::rows_by(&self.input.options(&self.inputs), &written).map(Some)
    }

    /// What was asked for, if rows are compared by this.
    pub fn options(&self, by: Option<CompareBy>) -> semdedup::Result<RunOptions> {
        let mut input = self.input.options(&self.inputs);
        input.columns.embedding = self.given.embedding_column.clone();
        input.columns.text_optional = self.given.any();
        input.embeddings = self.given.embeddings.clone();
        Ok(RunOptions {
            input,
            cluster: self.cluster.options(),
            ranking: Ranking { keep: self.keep.into(), seed: self.cluster.seed },
            goal: self.goal.goal(by.unwrap_or_default())?,
            recall_sample: self.recall_sample,
            output: self.output(),
            outputs: self.written.outputs(),
        })
    }

    fn output(&self) -> OutputOptions {
        OutputOptions {
            out: self.output.out.clone(),
            work: self.work.clone(),
            overwrite: self.output.overwrite,
        }
    }
}
