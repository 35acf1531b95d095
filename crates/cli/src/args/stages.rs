//! `semdedup embed`, `cluster`, `score` and `select`: single stages, also for the embeddings of
//! another program.

use std::path::PathBuf;

use clap::Args;
use semdedup::{DEFAULT_RECALL_SAMPLE, Keep, Ranking, ScoreOptions};

use super::bare::BareArgs;
use super::clustering::{ClusteringArgs, MemoryArg, keep_without_input};
use super::goal::GoalArgs;
use super::input::{INPUT_HELP, InputArgs, input_long_help};
use super::model::ModelArgs;
use super::output::{IdsArgs, OutArgs};

const EMBED: &str = "\
Turns the rows of files into embeddings: .npy files with one embedding for each row, in the order of the input.

Examples:
  semdedup embed data.jsonl --out embeddings
  semdedup embed shards/ --text-column body --out embeddings
  semdedup cluster embeddings --out clusters            what to do with them next";

/// Turn rows into embeddings (.npy)
#[derive(Debug, Args)]
#[command(long_about = EMBED)]
pub struct EmbedArgs {
    #[arg(help = INPUT_HELP, long_help = input_long_help())]
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<String>,
    #[command(flatten)]
    pub input: InputArgs,
    /// The folder for the embeddings; it is created if it is missing
    #[arg(long, value_name = "DIR", value_parser = semdedup::place, help_heading = "Output options")]
    pub out: PathBuf,
    /// Replace embeddings of another model or with other settings in --out; without this, they are an
    /// error. Embeddings of other rows stay there without it
    #[arg(long, help_heading = "Output options")]
    pub overwrite: bool,
    #[command(flatten)]
    pub model: ModelArgs,
}

const CLUSTER: &str = "\
Clusters embeddings (spherical k-means) and writes centroids.npy (the centroid of each cluster), assignments.npy (the \
cluster of each row) and probes.npy (the other clusters in which each row is compared).

Examples:
  semdedup cluster embeddings/ --out clusters
  semdedup cluster 'clip/*.npy' --clusters 50000 --seed 7 --out clusters
  semdedup score embeddings/ --centroids clusters/centroids.npy --assignments clusters/assignments.npy \
--probes clusters/probes.npy --out scores.parquet            what to do next";

/// Cluster embeddings
#[derive(Debug, Args)]
#[command(long_about = CLUSTER)]
pub struct ClusterArgs {
    /// Files of embeddings (.npy, .npz, .safetensors), folders of them, or globs; together, in this
    /// order, they form one table
    #[arg(required = true, value_name = "EMBEDDINGS")]
    embeddings: Vec<String>,
    #[command(flatten)]
    bare: BareArgs,
    #[command(flatten)]
    pub clustering: ClusteringArgs,
    #[command(flatten)]
    pub output: OutArgs,
    /// Print how many clusters there would be, and how long clustering and scoring would take;
    /// write nothing
    #[arg(long, help_heading = "Output options")]
    pub dry_run: bool,
}

const SCORE: &str = "\
Compares the rows of each cluster, and with --probes also the border rows of other clusters. The score of a row is its \
highest cosine similarity to a compared row that ranks before it; that row is its duplicate_of. One file of scores \
serves every threshold.

Examples:
  semdedup score embeddings/ --centroids clusters/centroids.npy --assignments clusters/assignments.npy \
--probes clusters/probes.npy --out scores.parquet
  semdedup score clip.npy --centroids c.npy --assignments a.npy --keep easy --out scores.parquet
  semdedup select scores.parquet --epsilon 0.05 --out selected            what to do next";

/// Compare the rows of each cluster
#[derive(Debug, Args)]
#[command(long_about = SCORE)]
pub struct ScoreArgs {
    /// The files of embeddings that were clustered, in the same order (.npy, .npz, .safetensors),
    /// folders of them, or globs
    #[arg(required = true, value_name = "EMBEDDINGS")]
    embeddings: Vec<String>,
    #[command(flatten)]
    bare: BareArgs,
    /// The centroids: one row per cluster
    #[arg(long, value_name = "FILE", value_parser = semdedup::place, help_heading = "Clustering options")]
    pub centroids: PathBuf,
    /// The cluster of each row; a row with a negative number has no cluster and is compared with
    /// nothing
    #[arg(long, value_name = "FILE", value_parser = semdedup::place, help_heading = "Clustering options")]
    pub assignments: PathBuf,
    /// The other clusters in which to compare each row; without this, a row is compared in its own
    /// cluster only
    #[arg(long, value_name = "FILE", value_parser = semdedup::place, help_heading = "Clustering options")]
    pub probes: Option<PathBuf>,
    /// Which row of a set of duplicates to keep: hard (the row least similar to its cluster, the
    /// paper's choice), easy (the most similar one), random (any, by --seed) or first (the first one)
    #[arg(long, value_name = "WHICH", default_value = "hard", value_parser = keep_without_input)]
    #[arg(help_heading = "Clustering options")]
    keep: Keep,
    /// Seed of `--keep random` and of the recall sample
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Clustering options")]
    seed: u64,
    /// Compare this many sampled rows with all rows to measure recall; 0 measures none
    #[arg(long, value_name = "N", default_value_t = DEFAULT_RECALL_SAMPLE, help_heading = "Clustering options")]
    recall_sample: usize,
    #[command(flatten)]
    memory: MemoryArg,
    /// The file for the scores (Parquet)
    #[arg(long, value_name = "FILE", value_parser = semdedup::place, help_heading = "Output options")]
    pub out: PathBuf,
    /// Replace the file if it exists
    #[arg(long, help_heading = "Output options")]
    pub overwrite: bool,
}

impl ClusterArgs {
    /// Returns the files of embeddings, as they were named.
    pub fn embeddings(&self) -> Vec<String> {
        self.bare.places(&self.embeddings)
    }
}

impl ScoreArgs {
    /// Returns the files of embeddings, as they were named.
    pub fn embeddings(&self) -> Vec<String> {
        self.bare.places(&self.embeddings)
    }

    /// Returns the library's options.
    pub fn options(&self) -> ScoreOptions {
        let mut options = ScoreOptions::default();
        options.ranking = Ranking { keep: self.keep, seed: self.seed };
        options.memory = self.memory.limit();
        (options.recall_sample, options.seed) = (self.recall_sample, self.seed);
        options.overwrite = self.overwrite;
        options
    }
}

const SELECT: &str = "\
Decides from their scores which rows to remove, and writes kept.parquet, removed.parquet and summary.json: row numbers \
and ids, for whatever holds your data. With --ids-format it also writes lists of the ids that stay.

Examples:
  semdedup select scores.parquet --epsilon 0.05 --out selected
  semdedup select scores.parquet --keep-fraction 0.5 --out half
  semdedup select deduped/scores.parquet --epsilon 0.05 --ids-format datacomp --out selected
  semdedup sweep scores.parquet            how much would go at each threshold";

/// Decide from their scores which rows to remove
#[derive(Debug, Args)]
#[command(long_about = SELECT)]
pub struct SelectArgs {
    /// The file that `semdedup score` or `semdedup run` wrote
    #[arg(value_name = "SCORES", value_parser = semdedup::place)]
    pub scores: PathBuf,
    #[command(flatten)]
    pub goal: GoalArgs,
    #[command(flatten)]
    pub output: OutArgs,
    #[command(flatten)]
    pub ids: IdsArgs,
}
