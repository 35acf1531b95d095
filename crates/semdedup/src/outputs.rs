//! What a run writes of its rows: the files without duplicates, lists of ids, or all rows with what was found.

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

/// How ids are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdsFormat {
    /// `ids.txt`: an id a line, in the order of the input.
    Txt,
    /// `ids.parquet`: `id` in its own type, `file` and `row`, in the order of the input.
    Parquet,
    /// `ids.npy`: uids of 32 hexadecimal digits as pairs of u64, ascending, as DataComp's resharder takes them.
    Datacomp,
}

impl IdsFormat {
    /// The name of its file in the output folder.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Txt => "ids.txt",
            Self::Parquet => "ids.parquet",
            Self::Datacomp => "ids.npy",
        }
    }
}

/// What a run writes of its rows, besides its tables.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Outputs {
    /// The kinds; none writes files, or for embeddings without rows beside them, ids.
    pub kinds: BTreeSet<OutputKind>,
    /// How ids are written down; none writes `ids.txt`, where ids are to be written.
    pub ids: BTreeSet<IdsFormat>,
    /// What the names of added columns begin with.
    pub prefix: String,
}

/// The columns that `annotate` adds, in order, without their prefix.
pub(crate) const ADDED: [&str; 4] = ["score", "duplicate_of", "cluster", "kept"];

/// The added columns of a row, and an id, about.
const ANNOTATION_BYTES: u64 = 100;
const ID_BYTES: u64 = 40;

impl Outputs {
    /// The names in the output folder of what is written of the rows.
    pub(crate) fn places(&self) -> Vec<&'static str> {
        let folder = |kind| match kind {
            OutputKind::Files => Some("kept/"),
            OutputKind::Annotate => Some("annotated/"),
            OutputKind::Ids => None,
        };
        let folders = self.kinds.iter().copied().filter_map(folder);
        folders.chain(self.ids.iter().map(|format| format.file_name())).collect()
    }

    /// About how many bytes that is for so many rows in files of so many bytes.
    pub(crate) fn bytes(&self, rows: u64, input: u64) -> u64 {
        let kept = if self.has(OutputKind::Files) { input } else { 0 };
        let annotated = if self.has(OutputKind::Annotate) { input + rows * ANNOTATION_BYTES } else { 0 };
        kept + annotated + rows * ID_BYTES * self.ids.len() as u64
    }

    /// Whether this kind is written.
    pub(crate) fn has(&self, kind: OutputKind) -> bool {
        self.kinds.contains(&kind)
    }

    /// Whether there are ids that cannot be written down.
    pub(crate) fn needs_checked_ids(&self) -> bool {
        self.ids.iter().any(|format| *format != IdsFormat::Parquet)
    }

    /// What a result depends on besides its rows; nothing for files alone.
    pub(crate) fn fingerprint(&self) -> Option<&Self> {
        (!self.kinds.iter().eq([&OutputKind::Files])).then_some(self)
    }

    /// The names of the added columns.
    pub(crate) fn added(&self) -> [String; 4] {
        ADDED.map(|name| format!("{}{name}", self.prefix))
    }
}
