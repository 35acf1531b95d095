//! Groups of options that several subcommands share.

use std::path::PathBuf;
use std::str::FromStr;

use bytesize::ByteSize;
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum, value_parser};
use semdedup::formats::{
    ColumnChoice, CompareBy, DEFAULT_MAX_ROW_BYTES, LARGEST_MAX_ROW_BYTES, ReadLimits, TextFiles,
};
use semdedup::{ClusterOptions, Epsilon, Goal, InputOptions, Keep, Memory, Probes, default_epsilon};

/// Where the rows come from.
#[derive(Debug, Args)]
pub struct InputArgs {
    /// The column of the texts, or several, whose texts are joined with a line break; `meta.text` is one inside another.
    /// Columns of chats (`messages`, `conversations`) are read turn by turn [default: `text`, else the only column with
    /// another usual name, else the only one whose values look like sentences; what is not certain is an error]
    #[arg(long, value_name = "NAME[,NAME…]", help_heading = "Input options")]
    text_column: Option<String>,
    /// Of chats, compare only the turns of these roles (user, assistant, system, tool; human and gpt are the same as user and
    /// assistant) [default: all turns]
    #[arg(long, value_name = "ROLE[,ROLE…]", value_delimiter = ',', value_parser = NonEmptyStringValueParser::new(), help_heading = "Input options")]
    roles: Vec<String>,
    /// The column of the ids; `meta.id` is one inside another [default: rows are named by file and row number]
    #[arg(long, value_name = "NAME", help_heading = "Input options")]
    id_column: Option<String>,
    /// The column of the images: binary, or a struct with `bytes` [default: `image`, else the only one]; in WebDataset shards
    /// the member, such as `left.jpg` [default: the only image of a sample]
    #[arg(long, value_name = "NAME", help_heading = "Input options")]
    image_column: Option<String>,
    /// Compare rows by their texts, their images, or both (the mean of the cosines) [default: by images where the first
    /// input is a folder or a shard of images, or Parquet with images and no texts; else by texts]
    #[arg(long, value_enum, value_name = "WHAT", help_heading = "Input options")]
    by: Option<ByArg>,
    /// Skip an image of more pixels (it is listed in skipped.parquet); it is never decoded
    #[arg(long, value_name = "N", default_value_t = ReadLimits::default().max_pixels, help_heading = "Input options")]
    #[arg(value_parser = value_parser!(u64).range(1..))]
    max_pixels: u64,
    /// What a .txt file holds: a row a line, or one row, as .md files always do
    #[arg(long, value_name = "HOW", value_enum, default_value_t = TextFilesArg::Lines, help_heading = "Input options")]
    text_files: TextFilesArg,
    /// Skip a longer row (it is listed in skipped.parquet); it is never held in memory
    #[arg(long, value_name = "BYTES", default_value_t = DEFAULT_MAX_ROW_BYTES as u64, help_heading = "Input options")]
    #[arg(value_parser = value_parser!(u64).range(1..=LARGEST_MAX_ROW_BYTES as u64))]
    max_row_bytes: u64,
    /// Stop at the first row that cannot be read, instead of skipping it
    #[arg(long, help_heading = "Input options")]
    strict: bool,
}

impl InputArgs {
    pub fn options(&self, inputs: &[String]) -> InputOptions {
        InputOptions {
            inputs: inputs.to_vec(),
            text_files: self.text_files.into(),
            columns: ColumnChoice {
                text: self.text_column.clone(),
                roles: self.roles.clone(),
                id: self.id_column.clone(),
                image: self.image_column.clone(),
                by: self.by.map(CompareBy::from),
                ..ColumnChoice::default()
            },
            embeddings: Vec::new(),
            limits: ReadLimits { max_row_bytes: self.max_row_bytes as usize, max_pixels: self.max_pixels },
            strict: self.strict,
        }
    }
}

/// What of a row is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ByArg {
    Text,
    Image,
    Both,
}

impl From<ByArg> for CompareBy {
    fn from(by: ByArg) -> Self {
        match by {
            ByArg::Text => Self::Text,
            ByArg::Image => Self::Image,
            ByArg::Both => Self::Both,
        }
    }
}

/// What a file of plain text holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TextFilesArg {
    /// A row a line
    Lines,
    /// One row; it is named by its path
    Whole,
}

impl From<TextFilesArg> for TextFiles {
    fn from(how: TextFilesArg) -> Self {
        match how {
            TextFilesArg::Lines => Self::Lines,
            TextFilesArg::Whole => Self::Whole,
        }
    }
}

/// How much is removed: exactly one of three.
#[derive(Debug, Args)]
#[group(multiple = false)]
#[command(next_help_heading = "How much to remove (one of)")]
pub struct GoalArgs {
    /// Remove rows whose cosine similarity to an earlier-ranking row is above 1 - E; a LARGER E removes MORE
    /// [default: 0.1, for images alone 0.05]
    #[arg(long, value_name = "E", value_parser = epsilon, allow_negative_numbers = true)]
    epsilon: Option<f64>,
    /// Keep exactly this share of the rows (above 0, at most 1), the closest duplicates go first
    #[arg(long, value_name = "F", value_parser = fraction, allow_negative_numbers = true)]
    keep_fraction: Option<f64>,
    /// Keep exactly this many rows, the closest duplicates go first
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    keep_rows: Option<u64>,
}

impl GoalArgs {
    /// What was asked for, or the default for what is compared.
    pub fn goal(&self, by: CompareBy) -> semdedup::Result<Goal> {
        match self.given()? {
            Some(goal) => Ok(goal),
            None => epsilon_goal(default_epsilon(by)),
        }
    }

    /// What was asked for, if anything was.
    pub fn given(&self) -> semdedup::Result<Option<Goal>> {
        match (self.keep_fraction, self.keep_rows) {
            (Some(share), _) => Ok(Some(Goal::KeepFraction(share))),
            (None, Some(rows)) => Ok(Some(Goal::KeepRows(rows))),
            (None, None) => self.epsilon.map(epsilon_goal).transpose(),
        }
    }
}

fn epsilon_goal(epsilon: f64) -> semdedup::Result<Goal> {
    match Epsilon::new(epsilon) {
        Ok(epsilon) => Ok(Goal::Epsilon(epsilon)),
        Err(error) => Err(semdedup::Error::usage(format!("--epsilon: {error}"))),
    }
}

/// Parses an ε, with its limits in the message.
pub fn epsilon(typed: &str) -> Result<f64, String> {
    let number = f64::from_str(typed).map_err(|_| "not a number".to_owned())?;
    Epsilon::new(number)
        .map(Epsilon::get)
        .map_err(|_| "epsilon must be above 0 and at most 1; a larger one removes more".to_owned())
}

fn fraction(typed: &str) -> Result<f64, String> {
    let number = f64::from_str(typed).map_err(|_| "not a number".to_owned())?;
    if number > 0.0 && number <= 1.0 {
        Ok(number)
    } else {
        Err("the share to keep must be above 0 and at most 1".to_owned())
    }
}

/// Which row of a set of duplicates stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeepArg {
    /// The row least like its cluster: the paper's choice, it keeps variety
    Hard,
    /// The row most like its cluster: it keeps typical rows
    Easy,
    /// Any, by --seed
    Random,
}

impl From<KeepArg> for Keep {
    fn from(keep: KeepArg) -> Self {
        match keep {
            KeepArg::Hard => Self::Hard,
            KeepArg::Easy => Self::Easy,
            KeepArg::Random => Self::Random,
        }
    }
}

/// A number of clusters, or the choice of one by the number of rows.
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

/// In how many clusters a row is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ProbesArg(Probes);

/// The most clusters that a row can be compared in; more than this is a comparison with everything.
const MOST_PROBES: usize = 1000;

impl FromStr for ProbesArg {
    type Err = String;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        match (typed, typed.parse::<usize>()) {
            ("auto", _) => Ok(Self(Probes::Auto)),
            (_, Ok(count)) if (1..=MOST_PROBES).contains(&count) => Ok(Self(Probes::Nearest(count))),
            _ => Err(format!("must be `auto` or a whole number from 1 to {MOST_PROBES}")),
        }
    }
}

/// A number of bytes: `2GiB`, `500 MB`, `1000000`.
fn memory(typed: &str) -> Result<Memory, String> {
    let size = ByteSize::from_str(typed).map_err(|_| "must be a size such as 2GiB or 800MB".to_owned())?;
    if size < LEAST_MEMORY {
        return Err(format!("must be at least {LEAST_MEMORY}"));
    }
    Ok(Memory::new(size.as_u64()))
}

/// The program itself needs about half of this.
const LEAST_MEMORY: ByteSize = ByteSize::mib(256);

/// How much a command may take.
#[derive(Debug, Args)]
#[command(next_help_heading = "Clustering options")]
pub struct MemoryArg {
    /// Hold about this much memory at most (2GiB, 800MB); rows that do not fit are kept on disk, the result is the same for
    /// the same number of clusters. At least 256MiB [default: half of the machine's]
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    memory: Option<Memory>,
}

impl MemoryArg {
    pub fn limit(&self) -> Memory {
        self.memory.unwrap_or_default()
    }
}

/// How rows are clustered, and the one seed.
#[derive(Debug, Args)]
#[command(next_help_heading = "Clustering options")]
pub struct ClusterChoice {
    /// The number of clusters; auto chooses what costs least for this many rows
    #[arg(long, value_name = "K|auto", default_value = "auto")]
    clusters: ClusterCount,
    /// Compare each row in this many clusters: its own and the next nearest, where duplicates beyond its border lie. 1 is
    /// the paper's method; auto takes its own, the next one, and up to six more whose centroids are less similar to the
    /// row by 0.1 or less
    #[arg(long, value_name = "N|auto", default_value = "auto")]
    probes: ProbesArg,
    #[command(flatten)]
    memory: MemoryArg,
    /// The seed of everything random; the same input and seed give the same bytes
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

impl ClusterChoice {
    pub fn options(&self) -> ClusterOptions {
        let clusters = match self.clusters {
            ClusterCount::Auto => None,
            ClusterCount::Exactly(count) => Some(count),
        };
        ClusterOptions { clusters, seed: self.seed, probes: self.probes.0, memory: self.memory.limit() }
    }
}

/// A folder of results.
#[derive(Debug, Args)]
pub struct OutArgs {
    /// The folder of the results; it is made where it is missing. May be a URL (s3://, gs://, az://)
    #[arg(long, value_name = "DIR", value_parser = semdedup::place, help_heading = "Output options")]
    pub out: PathBuf,
    /// Replace an earlier result in --out; without it, another result there is an error
    #[arg(long, help_heading = "Output options")]
    pub overwrite: bool,
}
