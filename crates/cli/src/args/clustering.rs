//! The options of clustering, ranking and memory.

use std::str::FromStr;

use bytesize::ByteSize;
use clap::{Args, ValueEnum};
use semdedup::{ClusterOptions, Error, Keep, KeepKeys, Memory, Probes, Rule};

/// The largest number of clusters in which a row is compared. More would amount to comparing every
/// row with every other row.
const MAX_PROBES: usize = 1000;

/// The least memory that a command takes; the program itself needs about half of it.
const LEAST_MEMORY: ByteSize = ByteSize::mib(256);

/// Parses the keys of `--keep` for a command that sees embeddings alone.
pub fn keep_without_input(typed: &str) -> Result<Keep, Error> {
    let keys: KeepKeys = typed.parse()?;
    match keys.of_input().first() {
        None => Ok(keys.last()),
        Some(key) => {
            Err(Error::usage(format!("`{key}` reads the rows, and this command sees embeddings alone"))
                .hint("`semdedup run INPUT --embeddings FILES --keep …` reads both"))
        }
    }
}

/// By which rule rows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RuleArg {
    /// A row goes if a row that stays, and that ranks before it, is similar enough
    Representative,
    /// A row goes if any row that ranks before it is similar enough, even one that goes itself: the
    /// paper's code
    AnyEarlier,
}

impl From<RuleArg> for Rule {
    fn from(rule: RuleArg) -> Self {
        match rule {
            RuleArg::Representative => Self::Representative,
            RuleArg::AnyEarlier => Self::AnyEarlier,
        }
    }
}

/// The number of clusters, or its choice by the number of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClusterCount {
    Auto,
    Exactly(usize),
}

impl FromStr for ClusterCount {
    type Err = &'static str;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        match (typed, typed.parse::<usize>()) {
            ("auto", _) => Ok(Self::Auto),
            (_, Ok(count)) if count > 0 => Ok(Self::Exactly(count)),
            _ => Err("must be `auto` or a whole number of at least 1"),
        }
    }
}

/// The number of clusters in which a row is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ProbesArg(Probes);

impl FromStr for ProbesArg {
    type Err = String;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        match (typed, typed.parse::<usize>()) {
            ("auto", _) => Ok(Self(Probes::Auto)),
            (_, Ok(count)) if (1..=MAX_PROBES).contains(&count) => Ok(Self(Probes::Nearest(count))),
            _ => Err(format!("must be `auto` or a whole number from 1 to {MAX_PROBES}")),
        }
    }
}

/// Parses a number of bytes: `2GiB`, `500 MB`, `1000000`.
fn memory(typed: &str) -> Result<Memory, String> {
    let size = ByteSize::from_str(typed).map_err(|_| "must be a size such as 2GiB or 800MB".to_owned())?;
    if size < LEAST_MEMORY {
        return Err(format!("must be at least {LEAST_MEMORY}"));
    }
    Ok(Memory::new(size.as_u64()))
}

/// The memory that a command may use.
#[derive(Debug, Args)]
#[command(next_help_heading = "Clustering options")]
pub struct MemoryArg {
    /// Use at most about this much memory (2GiB, 800MB; at least 256MiB) [default: half of the
    /// machine's].
    ///
    /// Rows are read again from the embeddings whenever they are compared, so data of any size is
    /// compared in little memory. The result is the same for the same number of clusters.
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    memory: Option<Memory>,
}

impl MemoryArg {
    /// Returns the limit, or the default one.
    pub fn limit(&self) -> Memory {
        self.memory.unwrap_or_default()
    }
}

/// The options of clustering, with the only seed of the command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Clustering options")]
pub struct ClusteringArgs {
    /// Number of clusters; auto chooses the number that costs least for this many rows
    #[arg(long, value_name = "K|auto", default_value = "auto")]
    clusters: ClusterCount,
    /// Compare each row in this many clusters: its own and the next nearest ones.
    ///
    /// The next nearest clusters hold the duplicates of a row that lie across the border of its own
    /// cluster. 1 is the paper's method. auto takes the row's own cluster, the next nearest one,
    /// and up to six more whose centroids are less similar to the row by 0.1 or less.
    #[arg(long, value_name = "N|auto", default_value = "auto")]
    probes: ProbesArg,
    #[command(flatten)]
    memory: MemoryArg,
    /// Seed of everything random; the same input and seed give the same bytes
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

impl ClusteringArgs {
    /// Returns the library's options.
    pub fn options(&self) -> ClusterOptions {
        let mut options = ClusterOptions::default();
        options.clusters = match self.clusters {
            ClusterCount::Auto => None,
            ClusterCount::Exactly(count) => Some(count),
        };
        options.seed = self.seed;
        options.probes = self.probes.0;
        options.memory = self.memory.limit();
        options
    }
}
