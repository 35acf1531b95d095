//! What is written of the rows: files, ids, columns.

use clap::{Args, ValueEnum};
use semdedup::{IdsFormat, OutputKind, Outputs};

/// What is written of the rows.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output options")]
pub struct WrittenArgs {
    /// What to write of the rows: one of these, or several with commas between them [default: files; ids, where
    /// embeddings have no rows beside them]
    #[arg(long, value_enum, value_name = "KIND", value_delimiter = ',')]
    output: Vec<KindArg>,
    #[command(flatten)]
    ids: IdsArgs,
    /// What the names of the columns begin with that `--output annotate` adds, where the input has columns of these names
    #[arg(long, value_name = "PREFIX", default_value = "", hide_default_value = true)]
    annotate_prefix: String,
}

impl WrittenArgs {
    /// As the library takes them.
    pub fn outputs(&self) -> Outputs {
        Outputs {
            kinds: self.output.iter().map(|&kind| kind.into()).collect(),
            ids: self.ids.formats(),
            prefix: self.annotate_prefix.clone(),
        }
    }
}

/// How ids are written down.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output options")]
pub struct IdsArgs {
    /// How to write the ids of the rows that stay: one of these, or several with commas between them
    #[arg(long, value_enum, value_name = "FORMAT", value_delimiter = ',')]
    ids_format: Vec<IdsFormatArg>,
}

impl IdsArgs {
    /// As the library takes them.
    pub fn formats(&self) -> std::collections::BTreeSet<IdsFormat> {
        self.ids_format.iter().map(|&format| format.into()).collect()
    }
}

/// A kind of result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KindArg {
    /// kept/: the files of the input without the rows that go
    Files,
    /// ids.txt (or as --ids-format says): the ids of the rows that stay
    Ids,
    /// annotated/: the files of the input with all of their rows, and the columns score, duplicate_of, cluster and kept
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

/// How ids are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum IdsFormatArg {
    /// ids.txt: an id a line, in the order of the input
    Txt,
    /// ids.parquet: id (of its own type), file and row
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
