//! Options of a run.

use std::path::PathBuf;

use semdedup_core::{Epsilon, Goal, Probes, Ranking, Rule};

use crate::error::{Error, Result};
use crate::formats::{ColumnChoice, CompareBy, DialectChoice, ReadLimits, TextEncoding, TextFiles};
use crate::keep_keys::KeepKeys;
use crate::memory::Memory;
use crate::outputs::Outputs;

/// Options of the input: the files of the rows, and how to read them.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct InputOptions {
    /// Files, folders and globs.
    pub inputs: Vec<String>,
    /// Whether each line of a plain text file is a row, or the whole file.
    pub text_files: TextFiles,
    /// The columns that the user names.
    pub columns: ColumnChoice,
    /// The dialect of CSV files, where the user names it.
    pub csv: DialectChoice,
    /// The encoding of files of JSON, CSV and text, where the user names it; UTF-8 otherwise, or
    /// what a byte order mark tells.
    pub encoding: Option<TextEncoding>,
    /// Files, folders and globs of `.npy` files with the embeddings of the rows, one for each file
    /// of the input. If they or a column of embeddings are named, no model is needed. Without
    /// inputs, the rows of these files are the rows of the run.
    pub embeddings: Vec<String>,
    /// Limits of a single row.
    pub limits: ReadLimits,
    /// Whether a row that cannot be read stops the run.
    pub strict: bool,
}

impl InputOptions {
    /// Reads these files, folders, globs and URLs, with everything else as it is found.
    pub fn new<I: Into<String>>(inputs: impl IntoIterator<Item = I>) -> Self {
        Self {
            inputs: inputs.into_iter().map(Into::into).collect(),
            text_files: TextFiles::default(),
            columns: ColumnChoice::default(),
            csv: DialectChoice::default(),
            encoding: None,
            embeddings: Vec::new(),
            limits: ReadLimits::default(),
            strict: false,
        }
    }
}

/// Options of the clustering.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ClusterOptions {
    /// The number of clusters; none chooses it from the number of rows ([`crate::auto_clusters`])
    /// and the memory.
    pub clusters: Option<usize>,
    /// The seed of the training sample, of the first centroids, and in a run of
    /// [`Keep::Random`](crate::Keep::Random).
    pub seed: u64,
    /// The clusters in which a row is compared.
    pub probes: Probes,
    /// The most memory to hold.
    pub memory: Memory,
}

impl Default for ClusterOptions {
    /// Chooses everything by the number of rows and the memory of the machine; the seed is 0.
    fn default() -> Self {
        Self { clusters: None, seed: 0, probes: Probes::Auto, memory: Memory::default() }
    }
}

/// Which pairs of similar rows are kept.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct PairOptions {
    /// The cosine similarity that a pair must be above, in [0, 1).
    pub above: f32,
    /// The most pairs of a row with rows that rank before it, at least 1: the most similar ones, on a
    /// tie those with the earliest-ranking rows.
    pub per_row: usize,
}

impl PairOptions {
    /// The default of [`per_row`](Self::per_row).
    pub const PER_ROW: usize = 32;

    /// Keeps the pairs above a similarity, at most 32 a row.
    pub fn above(similarity: f32) -> Self {
        Self { above: similarity, per_row: Self::PER_ROW }
    }
}

/// Options of the output: where the results go.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutputOptions {
    /// The folder of `kept/`, `removed.parquet`, `scores.parquet` and `summary.json`.
    pub out: PathBuf,
    /// The work directory; none uses `out/work`.
    pub work: Option<PathBuf>,
    /// Whether an earlier result in `out` may be replaced.
    pub overwrite: bool,
}

impl OutputOptions {
    /// Writes results into a folder that is new or empty, and the work directory inside it.
    pub fn new(out: impl Into<PathBuf>) -> Self {
        Self { out: out.into(), work: None, overwrite: false }
    }

    /// Returns the work directory.
    pub fn work_dir(&self) -> PathBuf {
        self.work.clone().unwrap_or_else(|| self.out.join("work"))
    }
}

/// Options of a whole run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RunOptions {
    /// The input.
    pub input: InputOptions,
    /// The clustering.
    pub cluster: ClusterOptions,
    /// Which row of a set of duplicates stays.
    pub keep: KeepKeys,
    /// The column on which rows have to agree to be compared; by default all rows are compared.
    pub within: Option<String>,
    /// How much is removed.
    pub goal: Goal,
    /// By which rule rows go.
    pub rule: Rule,
    /// Which pairs of similar rows are written to `pairs.parquet`; none writes no pairs.
    pub pairs: Option<PairOptions>,
    /// The rows of the recall sample; 0 measures no recall.
    pub recall_sample: usize,
    /// The columns of the input of which every value is watched: there is a warning if one loses nearly
    /// all of its rows.
    pub watch: Vec<String>,
    /// The output folder and the work directory.
    pub output: OutputOptions,
    /// The kinds of results that are written.
    pub outputs: Outputs,
}

impl RunOptions {
    /// Deduplicates texts at the default ε and writes them to the folder `out`.
    pub fn new<I: Into<String>>(inputs: impl IntoIterator<Item = I>, out: impl Into<PathBuf>) -> Self {
        let epsilon = Epsilon::new(DEFAULT_EPSILON).expect("the default is in range");
        Self {
            input: InputOptions::new(inputs),
            cluster: ClusterOptions::default(),
            keep: KeepKeys::default(),
            within: None,
            goal: Goal::Epsilon(epsilon),
            rule: Rule::default(),
            pairs: None,
            recall_sample: DEFAULT_RECALL_SAMPLE,
            watch: Vec::new(),
            output: OutputOptions::new(out),
            outputs: Outputs::default(),
        }
    }

    /// Returns how the rows rank that are equal by what the input says of them.
    pub(crate) fn ranking(&self) -> Ranking {
        Ranking { keep: self.keep.last(), seed: self.cluster.seed }
    }
}

/// The default size of the recall sample.
pub const DEFAULT_RECALL_SAMPLE: usize = 2000;

/// The list of ε that `sweep` and the recall report show.
pub const SWEEP_EPSILONS: [f64; 9] = [0.001, 0.005, 0.01, 0.02, 0.05, 0.07, 0.1, 0.2, 0.3];

/// The default ε of texts. It was chosen for the built-in text model on one half of labelled data,
/// and confirmed on the other (`docs/epsilon.md`).
pub const DEFAULT_EPSILON: f64 = 0.07;

/// The default ε if only images are compared. It was chosen for the built-in image model on
/// labelled images (`docs/images.md`).
pub const DEFAULT_IMAGE_EPSILON: f64 = semdedup_embed::MobileNet::DEFAULT_EPSILON;

/// Returns the default ε for what is compared.
pub fn default_epsilon(by: CompareBy) -> f64 {
    if by == CompareBy::Image { DEFAULT_IMAGE_EPSILON } else { DEFAULT_EPSILON }
}

/// An ε from here on is refused: whoever writes 0.9 means the similarity 0.9 nearly always, and would
/// lose nearly all rows.
const MISTAKEN_EPSILON: f64 = 0.9;

/// Checks a goal that somebody wrote down. [`crate::run`] and all other commands that remove rows do
/// so.
///
/// # Errors
/// An ε of 0.9 or more, which removes all rows that are hardly alike. [`Goal::Similarity`] says the same
/// unmistakably and is not refused.
pub fn check_goal(goal: Goal) -> Result<()> {
    let Goal::Epsilon(epsilon) = goal else { return Ok(()) };
    if epsilon.get() < MISTAKEN_EPSILON {
        return Ok(());
    }
    let (epsilon, similarity) = (epsilon.get(), epsilon.similarity());
    // No ε has the similarity 1.
    let meant = if epsilon == 1.0 { 0.0001 } else { similarity };
    let meant = Epsilon::new(meant).map_or(String::new(), |meant| {
        format!("; did you mean {} (cosine {})?", meant.get(), meant.similarity())
    });
    Err(Error::usage(format!("epsilon {epsilon} removes rows of a cosine above {similarity}{meant}")).hint(
        format!(
            "to remove rows of a cosine above {similarity} all the same, say `--similarity {similarity}` \
         (in a sweep `--similarities {similarity}`)"
        ),
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use semdedup_core::Similarity;

    use super::*;

    fn refused(epsilon: f64) -> Option<String> {
        check_goal(Goal::Epsilon(Epsilon::new(epsilon).unwrap())).err().map(|error| error.to_string())
    }

    #[test]
    fn an_epsilon_that_is_a_similarity_is_refused_with_the_one_that_was_meant() {
        let said = "epsilon 0.9 removes rows of a cosine above 0.1; did you mean 0.1 (cosine 0.9)?";
        assert_eq!(refused(0.9).unwrap(), said);
        assert!(refused(0.95).unwrap().contains("did you mean 0.05 (cosine 0.95)?"));
        assert!(refused(1.0).unwrap().contains("a cosine above 0; did you mean 0.0001 (cosine 0.9999)?"));
        assert_eq!([0.07, 0.5, 0.899].map(refused), [None, None, None]);
    }

    #[test]
    fn a_goal_in_other_words_is_not_refused() {
        let similarity = Goal::Similarity(Similarity::new(0.05).unwrap());
        for goal in [similarity, Goal::KeepFraction(0.01), Goal::KeepRows(1)] {
            check_goal(goal).unwrap();
        }
    }
}
