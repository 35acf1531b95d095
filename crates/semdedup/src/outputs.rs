//! Chooses the results that a run writes: the files without duplicates, lists of ids, or all rows
//! with added columns.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// A kind of result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputKind {
    /// `kept/`: the files of the input without the rows that go.
    Files,
    /// `ids.txt`, `ids.parquet`, `ids.npy`: the ids of the rows that stay.
    Ids,
    /// `annotated/`: the files of the input with all of their rows, and columns added.
    Annotate,
}

/// A format of a list of ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdsFormat {
    /// `ids.txt`: one id for each line, in the order of the input.
    Txt,
    /// `ids.parquet`: `id` in the type of the input, `file` and `row`, in the order of the input.
    Parquet,
    /// `ids.npy`: uids of 32 hexadecimal digits as pairs of u64, ascending, as DataComp's resharder
    /// reads them.
    Datacomp,
}

impl IdsFormat {
    /// Returns the name of the list in the output folder.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Txt => "ids.txt",
            Self::Parquet => "ids.parquet",
            Self::Datacomp => "ids.npy",
        }
    }
}

/// The results that a run writes besides its tables.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Outputs {
    /// The kinds of results. An empty set writes files, or ids for embeddings without rows beside
    /// them.
    pub kinds: BTreeSet<OutputKind>,
    /// The formats of the lists of ids. An empty set writes `ids.txt`, if ids are written.
    pub ids: BTreeSet<IdsFormat>,
    /// The prefix of the names of added columns.
    pub prefix: String,
}

/// The names of the columns that `annotate` adds, in order, without their prefix.
pub(crate) const ADDED: [&str; 6] = ["score", "duplicate_of", "cluster", "kept", "kept_as", "duplicates"];

/// The bytes of the added columns of a row, about.
const ANNOTATION_BYTES: u64 = 150;

/// The bytes of an id, about.
const ID_BYTES: u64 = 40;

impl Outputs {
    /// Returns the names of these results in the output folder.
    pub(crate) fn places(&self) -> Vec<&'static str> {
        let folder = |kind| match kind {
            OutputKind::Files => Some("kept/"),
            OutputKind::Annotate => Some("annotated/"),
            OutputKind::Ids => None,
        };
        let folders = self.kinds.iter().copied().filter_map(folder);
        folders.chain(self.ids.iter().map(|format| format.file_name())).collect()
    }

    /// Estimates the bytes of these results for `rows` rows in files of `input` bytes.
    pub(crate) fn bytes(&self, rows: u64, input: u64) -> u64 {
        let kept = if self.has(OutputKind::Files) { input } else { 0 };
        let annotated = if self.has(OutputKind::Annotate) { input + rows * ANNOTATION_BYTES } else { 0 };
        kept + annotated + rows * ID_BYTES * self.ids.len() as u64
    }

    /// Returns whether this kind of result is written.
    pub(crate) fn has(&self, kind: OutputKind) -> bool {
        self.kinds.contains(&kind)
    }

    /// Returns whether a list of ids is written that cannot hold every id.
    pub(crate) fn needs_checked_ids(&self) -> bool {
        self.ids.iter().any(|format| *format != IdsFormat::Parquet)
    }

    /// Returns what the fingerprint of a result depends on besides its rows; nothing for files
    /// alone.
    pub(crate) fn fingerprint(&self) -> Option<&Self> {
        (!self.kinds.iter().eq([&OutputKind::Files])).then_some(self)
    }

    /// Returns the names of the added columns.
    pub(crate) fn added(&self) -> [String; 6] {
        ADDED.map(|name| format!("{}{name}", self.prefix))
    }
}
