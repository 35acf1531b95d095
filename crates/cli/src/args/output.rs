//! The options that say where results go and what they hold.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use semdedup::{IdsFormat, OutputKind, OutputOptions, Outputs};

/// The folder of the results.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output options")]
pub struct OutArgs {
    /// The folder for the results; it is created if it is missing. May be a URL (s3://, gs://,
    /// az://)
    #[arg(long, value_name = "DIR", value_parser = semdedup::place)]
    pub out: PathBuf,
    /// Replace an earlier result in --out; without this, another result there is an error
    #[arg(long)]
    pub overwrite: bool,
}

impl OutArgs {
    /// Returns the library's options for a command without a work directory.
    pub fn options(&self) -> OutputOptions {
        let mut options = OutputOptions::new(&self.out);
        options.overwrite = self.overwrite;
        options
    }
}

/// The options that say what to write of the rows.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output options")]
pub struct WrittenArgs {
    /// What to write of the rows: one of these, or several separated by commas [default: files; ids
    /// for embeddings without rows]
    #[arg(long, value_enum, value_name = "KIND", value_delimiter = ',')]
    output: Vec<KindArg>,
    #[command(flatten)]
    ids: IdsArgs,
    /// Start the names of the columns that `--output annotate` adds with this, if the input has
    /// such columns already
    #[arg(long, value_name = "PREFIX", default_value = "", hide_default_value = true)]
    annotate_prefix: String,
}

impl WrittenArgs {
    /// Returns the library's options.
    pub fn outputs(&self) -> Outputs {
        Outputs {
            kinds: self.output.iter().map(|&kind| kind.into()).collect(),
            ids: self.ids.formats(),
            prefix: self.annotate_prefix.clone(),
        }
    }
}

/// The formats of the lists of ids.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output options")]
pub struct IdsArgs {
    /// The format for the ids of the rows that stay: one of these, or several separated by commas
    #[arg(long, value_enum, value_name = "FORMAT", value_delimiter = ',')]
    ids_format: Vec<IdsFormatArg>,
}

impl IdsArgs {
    /// Returns the formats, without duplicates.
    pub fn formats(&self) -> BTreeSet<IdsFormat> {
        self.ids_format.iter().map(|&format| format.into()).collect()
    }
}

/// What to write of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KindArg {
    /// kept/: the input files without the removed rows
    Files,
    /// ids.txt (or another format, see --ids-format): the ids of the rows that stay
    Ids,
    /// annotated/: the input files with all of their rows and the new columns score, duplicate_of,
    /// cluster and kept
    Annotate,
}

impl From<KindArg> for OutputKind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::Files => Self::Files,
            KindArg::Ids => Self::Ids,
            KindArg::Annotate => Self::Annotate,
        }
    }
}

/// The format of a list of ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum IdsFormatArg {
    /// ids.txt: one id per line, in the order of the input
    Txt,
    /// ids.parquet: the columns id (in its own type), file and row
    Parquet,
    /// ids.npy: DataComp's uids as sorted pairs of u64, for its resharder
    Datacomp,
}

impl From<IdsFormatArg> for IdsFormat {
    fn from(format: IdsFormatArg) -> Self {
        match format {
            IdsFormatArg::Txt => Self::Txt,
            IdsFormatArg::Parquet => Self::Parquet,
            IdsFormatArg::Datacomp => Self::Datacomp,
        }
    }
}
