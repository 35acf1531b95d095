//! Defines `summary.json`, the record of a run in numbers.

use std::collections::BTreeMap;
use std::path::Path;

use semdedup_core::{Cut, Recall};
use serde::{Deserialize, Serialize};

use crate::comparison::Comparison;
use crate::error::{Error, Result};
use crate::indistinct::IndistinctTexts;
use crate::outputs::OutputKind;
use crate::shares::Share;
use crate::storage::read;

/// The record of a run, which `--json` prints and `summary.json` holds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// The hash of everything that the result depends on: the input files, the model, and every
    /// option that matters.
    pub fingerprint: String,
    /// The hash of everything that the rows and their embeddings depend on.
    pub rows_fingerprint: String,
    /// The hash of everything that the scores depend on.
    pub scores_fingerprint: String,
    /// The version of semdedup that ran.
    pub version: String,
    /// What was compared: the columns, how they were found, and the model.
    pub compared: Comparison,
    /// Rows read, bad ones included.
    pub rows_in: u64,
    /// Rows that stay.
    pub rows_kept: u64,
    /// Rows that were removed as duplicates; `removed.parquet` lists them.
    pub rows_removed: u64,
    /// Rows that could not be read, which are neither kept nor removed; `skipped.parquet` lists
    /// them.
    pub rows_skipped: u64,
    /// Rows with the text or the image of a row that ranks before them, byte for byte.
    pub exact_duplicates: u64,
    /// Other rows with the embedding of a row that ranks before them: another text or image, where
    /// the model read all texts of this embedding to their ends. All such rows where nobody knows the
    /// content, as with given embeddings.
    pub same_embedding: u64,
    /// Other rows with the embedding of a row that ranks before them, where a text of this embedding
    /// is longer than the limit of the model: they are equal up to the limit, and may differ behind it.
    pub equal_up_to_limit: u64,
    /// Rows whose text the model cannot tell from one that says something else; none if the texts are
    /// not known.
    pub indistinct_texts: Option<IndistinctTexts>,
    /// Rows whose text is empty; they are kept.
    pub empty_rows: u64,
    /// Rows whose embedding is zeros although their text is not empty; they are kept.
    pub zero_rows: u64,
    /// Rows whose embedding has a NaN or an infinity; they are kept.
    pub non_finite_rows: u64,
    /// Texts of which only the first tokens were used.
    pub truncated_texts: u64,
    /// Rows whose embeddings an earlier run with other rows had made.
    pub reused_embeddings: u64,
    /// Rows that the model embedded, each of another text or image if embedding costs much; none if
    /// a part of an earlier version does not say.
    pub embedded_rows: Option<u64>,
    /// Rows that have the embedding of an equal row before them, because embedding costs much.
    pub repeated_rows: u64,
    /// Texts of which most words are not in the model's vocabulary. The built-in model compares
    /// them by their letters.
    pub unknown_texts: u64,
    /// The ε in use, or the ε that the goal amounts to.
    pub epsilon: f64,
    /// The goal that was asked for.
    pub goal: String,
    /// The rule by which rows go: `any-earlier` or `representative`.
    pub rule: String,
    /// Removed rows without a row that stays and is more similar than 1 − ε; none by earlier versions.
    /// By the rule `representative` this is 0.
    pub without_representative: Option<u64>,
    /// The pairs of similar rows in `pairs.parquet`; none if they were not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pairs: Option<PairSummary>,
    /// The keys by which rows rank, the most important first: `hard`, or `max:quality,first`.
    pub keep: String,
    /// For each of these keys that reads the input the number of rows without a value, which rank
    /// last by it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub without_value: BTreeMap<String, u64>,
    /// The column on which compared rows agree; none if all rows were compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// The seed of everything random.
    pub seed: u64,
    /// The model that made the embeddings.
    pub model: String,
    /// The dimension of the embeddings.
    pub dim: usize,
    /// The number of clusters.
    pub clusters: usize,
    /// The rows of the largest cluster.
    pub largest_cluster: u64,
    /// The number of clusters in which a row was compared, or `auto`.
    pub probes: String,
    /// Floating-point operations of training, assigning and comparing in clusters: 2 × dimension
    /// for each comparison.
    pub flops: f64,
    /// Floating-point operations of comparing every row with every other.
    pub flops_brute_force: f64,
    /// The seconds that each stage took in the run that did it, and the seconds of this run in
    /// `total`.
    pub seconds: BTreeMap<String, f64>,
    /// The stages that an earlier run had done.
    pub reused_stages: Vec<String>,
    /// The most memory that this process held, in bytes; none if the system does not tell.
    pub peak_rss_bytes: Option<u64>,
    /// The instruction set of the kernels.
    pub instruction_set: String,
    /// The number of threads.
    pub threads: usize,
    /// The recall at the sweep's list of ε, and at the ε in use unless the goal removes nothing;
    /// empty with
    /// `--recall-sample 0`.
    pub recall: Vec<RecallAt>,
    /// The rows in the recall sample.
    pub recall_sample: usize,
    /// The work directory, which `semdedup sweep` and `semdedup show` read.
    pub work: String,
    /// The kinds of results that were written.
    pub output: Vec<OutputKind>,
    /// Each input file with its rows.
    pub files: Vec<FileSummary>,
    /// The rows that each script loses, the script with most rows first; empty if no texts were
    /// read.
    pub scripts: Vec<Share>,
    /// The lists of ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<ListSummary>,
    /// The warnings of the run.
    pub warnings: Vec<String>,
    /// What the files of the result were when they were written; none by earlier versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written: Option<WrittenFiles>,
}

/// The pairs of similar rows that were kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PairSummary {
    /// The cosine similarity that a pair is above.
    pub above: f32,
    /// The most pairs of a row with rows that rank before it.
    pub per_row: usize,
    /// The number of pairs.
    pub pairs: u64,
    /// The rows that have more pairs than are kept.
    pub rows_cut: u64,
}

/// What the files of a result were when they were written, by which a later run notices that they
/// have changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenFiles {
    /// When the last of them was put into place, in milliseconds since 1970 by the clock of their
    /// disk.
    pub at_ms: u64,
    /// Each file with its sum, except the kept files of folders: `kept-files.parquet` lists those.
    pub files: BTreeMap<String, FileSum>,
}

/// The size and the sum of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSum {
    /// Its size in bytes.
    pub bytes: u64,
    /// The XXH3 hash of its bytes (64 bits, hexadecimal).
    pub sum: String,
}

impl Summary {
    /// Returns whether the rows that stay were written into files like those of the input. Earlier
    /// versions always did this, and their summaries do not say so.
    pub(crate) fn writes_files(&self) -> bool {
        self.output.is_empty() || self.output.contains(&OutputKind::Files)
    }
}

/// One input file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSummary {
    /// The path as read.
    pub path: String,
    /// The file of the embeddings of its rows, if they were given in files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embeddings: Option<String>,
    /// Its name in the results: the path under `kept/` and `annotated/`.
    pub kept: String,
    /// Whether it is a folder, whose kept files `kept-files.parquet` lists.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_folder: bool,
    /// Rows read from it.
    pub rows_in: u64,
    /// Rows that stay.
    pub rows_kept: u64,
    /// Rows that go.
    #[serde(default)]
    pub rows_removed: u64,
    /// Texts of which most words are not in the model's vocabulary.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unknown_texts: u64,
    /// The size of the kept file in bytes; 0 if none was written.
    pub bytes_kept: u64,
    /// The size of the annotated file in bytes, if one was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_annotated: Option<u64>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A list of the ids of the rows that stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListSummary {
    /// Its name in the output folder.
    pub file: String,
    /// The number of ids in it.
    pub rows: u64,
    /// Its size in bytes.
    pub bytes: u64,
}

/// The recall at one ε.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecallAt {
    /// The threshold.
    pub epsilon: f64,
    /// Whether rows with a score of exactly 1 − ε count as well, because the goal removes some of
    /// them and keeps others. The recall is then that of all rows that the goal could choose from.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub with_ties: bool,
    /// The share of rows that the run removes, of the sampled rows that a comparison with the whole
    /// data would remove; none if there are no such rows.
    pub recall: Option<f64>,
    /// The 95 % interval of `recall`.
    pub interval: Option<(f64, f64)>,
    /// The sampled rows that a comparison with the whole data would remove.
    pub rows: usize,
    /// The recall without rows of equal embeddings, which any method finds if it compares every row.
    pub recall_distinct: Option<f64>,
    /// The 95 % interval of `recall_distinct`.
    pub interval_distinct: Option<(f64, f64)>,
    /// The sampled rows that do not have the embedding of a row before them and that a comparison with
    /// the whole data would remove.
    pub rows_distinct: usize,
}

impl From<Recall> for RecallAt {
    fn from(recall: Recall) -> Self {
        Self {
            epsilon: recall.cut.epsilon(),
            with_ties: matches!(recall.cut, Cut::Through(_)),
            recall: recall.share(),
            interval: recall.interval(),
            rows: recall.reachable,
            recall_distinct: recall.share_distinct(),
            interval_distinct: recall.interval_distinct(),
            rows_distinct: recall.reachable_distinct,
        }
    }
}

/// The name of the summary in the output folder.
pub(crate) const SUMMARY: &str = "summary.json";

/// Returns what is wrong with the summary of a run in this folder; none if nothing is, if there is no
/// summary, or if it is one of another program or command.
pub(crate) fn summary_problem(out: &Path) -> Result<Option<String>> {
    let bytes = match read(&out.join(SUMMARY)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(error)),
    };
    let value: serde_json::Value = match serde_json::from_slice(&bytes) {
        Ok(value) => value,
        Err(error) => return Ok(Some(format!("is damaged: it is not JSON ({error})"))),
    };
    let fingerprints = ["fingerprint", "rows_fingerprint", "scores_fingerprint"];
    let there = fingerprints.iter().filter(|name| value[**name].is_string()).count();
    Ok(match serde_json::from_value::<Summary>(value) {
        _ if there == 0 => None,
        Ok(summary) if !summary.fingerprint.is_empty() => None,
        Ok(_) => Some("is damaged: it has no fingerprint".to_owned()),
        Err(error) => Some(format!("is damaged: {error}")),
    })
}

/// Reads the summary of a finished run in this folder; none if there is no summary, or one of
/// another program or command.
pub(crate) fn read_summary(out: &Path) -> Result<Option<Summary>> {
    let path = out.join(SUMMARY);
    match read(&path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)
            .ok()
            .filter(|summary: &Summary| !summary.fingerprint.is_empty())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(error)),
    }
}
