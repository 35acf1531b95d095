//! The stages one by one, for embeddings of one's own or of another program.

use std::path::PathBuf;

use clap::Args;
use semdedup::{DEFAULT_RECALL_SAMPLE, Goal, OutputOptions, Ranking, ScoreOptions};

use super::model::ModelArgs;
use super::outputs::IdsArgs;
use super::shared::{ClusterChoice, GoalArgs, InputArgs, KeepArg, MemoryArg, OutArgs};

const EMBED: &str = "\
Turns the texts of files into embeddings: .npy files with one row a text, in the order of the input.

Examples:
  semdedup embed data.jsonl --out embeddings
  semdedup embed shards/ --text-column body --out embeddings
  semdedup cluster embeddings --out clusters            what to do with them next";

/// Turn texts into embeddings (.npy)
#[derive(Debug, Args)]
#[command(long_about = EMBED)]
pub struct EmbedArgs {
    /// Files, folders or globs of JSONL, JSON lists, Parquet, Arrow IPC, CSV, TSV, plain text, Markdown, images (.jpg, .png, .webp,
    /// .gif, .bmp, .tif) or WebDataset shards (.tar), also .gz and .zst; on a disk or by URL (s3://, gs://, az://, https://)
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<String>,
    #[command(flatten)]
    pub input: InputArgs,
    /// The folder of the embeddings; it is made where it is missing
    #[arg(long, value_name = "DIR", value_parser = semdedup::place, help_heading = "Output options")]
    pub out: PathBuf,
    /// Replace other embeddings in --out; without it, they are an error
    #[arg(long, help_heading = "Output options")]
    pub overwrite: bool,
    #[command(flatten)]
    pub model: ModelArgs,
}

const CLUSTER: &str = "\
Clusters embeddings (spherical k-means) and writes centroids.npy, assignments.npy and probes.npy: a centroid a cluster, \
the cluster of each row, and the other clusters that it is to be compared in.

Examples:
  semdedup cluster embeddings/ --out clusters
  semdedup cluster 'clip/*.npy' --clusters 50000 --seed 7 --out clusters
  semdedup score embeddings/ --centroids clusters/centroids.npy --assignments clusters/assignments.npy \
--probes clusters/probes.npy --out scores.parquet            what to do next";

/// Cluster embeddings
#[derive(Debug, Args)]
#[command(long_about = CLUSTER)]
pub struct ClusterArgs {
    /// Files of embeddings (.npy, .npz, .safetensors), folders of them, or globs; in this order they are one table
    #[arg(required = true, value_name = "EMBEDDINGS")]
    pub embeddings: Vec<String>,
    #[command(flatten)]
    pub cluster: ClusterChoice,
    #[command(flatten)]
    output: OutArgs,
    /// Print how many clusters there would be, and how long this and scoring would take; write nothing
    #[arg(long, help_heading = "Output options")]
    pub dry_run: bool,
}

impl ClusterArgs {
    pub fn output(&self) -> OutputOptions {
        output(&self.output)
    }
}

const SCORE: &str = "\
Compares the rows of each cluster, and with --probes those of others near its border. The score of a row is its highest \
cosine similarity to a compared row that ranks before it; that row is its duplicate_of. One file of scores serves every \
threshold.

Examples:
  semdedup score embeddings/ --centroids clusters/centroids.npy --assignments clusters/assignments.npy \
--probes clusters/probes.npy --out scores.parquet
  semdedup score clip.npy --centroids c.npy --assignments a.npy --keep easy --out scores.parquet
  semdedup select scores.parquet --epsilon 0.05 --out selected            what to do next";

/// Compare the rows of each cluster
#[derive(Debug, Args)]
#[command(long_about = SCORE)]
pub struct ScoreArgs {
    /// Files of embeddings (.npy, .npz, .safetensors), folders of them, or globs: the same, in the same order, as were clustered
    #[arg(required = true, value_name = "EMBEDDINGS")]
    pub embeddings: Vec<String>,
    /// The centroids: one row a cluster
    #[arg(long, value_name = "FILE", value_parser = semdedup::place, help_heading = "Clustering options")]
    pub centroids: PathBuf,
    /// The cluster of each row; a row with a number below 0 has none and is compared with nothing
    #[arg(long, value_name = "FILE", value_parser = semdedup::place, help_heading = "Clustering options")]
    pub assignments: PathBuf,
    /// The other clusters to compare each row in; without it, a row is compared in its own alone
    #[arg(long, value_name = "FILE", value_parser = semdedup::place, help_heading = "Clustering options")]
    pub probes: Option<PathBuf>,
    /// Which row of a set of duplicates stays
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = KeepArg::Hard)]
    #[arg(help_heading = "Clustering options")]
    keep: KeepArg,
    /// The seed of `--keep random` and of the recall sample
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Clustering options")]
    seed: u64,
    /// Compare this many sampled rows with the whole data to measure recall; 0 measures none
    #[arg(long, value_name = "N", default_value_t = DEFAULT_RECALL_SAMPLE, help_heading = "Clustering options")]
    recall_sample: usize,
    #[command(flatten)]
    memory: MemoryArg,
    /// The file of the scores (Parquet)
    #[arg(long, value_name = "FILE", value_parser = semdedup::place, help_heading = "Output options")]
    pub out: PathBuf,
    /// Replace the file if it is there
    #[arg(long, help_heading = "Output options")]
    pub overwrite: bool,
}

impl ScoreArgs {
    pub fn options(&self) -> ScoreOptions {
        ScoreOptions {
            ranking: Ranking { keep: self.keep.into(), seed: self.seed },
            memory: self.memory.limit(),
            recall_sample: self.recall_sample,
            seed: self.seed,
            overwrite: self.overwrite,
        }
    }
}

const SELECT: &str = "\
Decides which rows go, from their scores, and writes kept.parquet, removed.parquet and summary.json: row numbers and \
ids, for whatever holds your data; and lists of the ids that stay, as --ids-format says.

Examples:
  semdedup select scores.parquet --epsilon 0.05 --out selected
  semdedup select scores.parquet --keep-fraction 0.5 --out half
  semdedup select deduped/scores.parquet --epsilon 0.05 --ids-format datacomp --out selected
  semdedup sweep scores.parquet            how much would go at each threshold";

/// Decide which rows go, from their scores
#[derive(Debug, Args)]
#[command(long_about = SELECT)]
pub struct SelectArgs {
    /// The file that `semdedup score` or `semdedup run` wrote
    #[arg(value_name = "SCORES", value_parser = semdedup::place)]
    pub scores: PathBuf,
    #[command(flatten)]
    goal: GoalArgs,
    #[command(flatten)]
    output: OutArgs,
    #[command(flatten)]
    pub ids: IdsArgs,
}

impl SelectArgs {
    /// What was asked for, if anything was.
    pub fn goal(&self) -> semdedup::Result<Option<Goal>> {
        self.goal.given()
    }

    pub fn output(&self) -> OutputOptions {
        output(&self.output)
    }
}

fn output(typed: &OutArgs) -> OutputOptions {
    OutputOptions { out: typed.out.clone(), work: None, overwrite: typed.overwrite }
}
