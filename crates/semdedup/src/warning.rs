//! Warnings: what the user should know while a run goes on.

use std::fmt;

use semdedup_embed::TextLimit;

use crate::formats::{self, Cause, LikelyEncoding};
use crate::indistinct::IndistinctTexts;
use crate::shares::{Groups, Losers, Share, WatchedLoss};

/// Something that the user should know. Its text says what happened, what it may mean and what to
/// do.
#[derive(Debug, Clone, PartialEq)]
pub enum Warning {
    /// Some rows could not be read.
    SkippedRows {
        /// How many.
        rows: u64,
        /// The first ones: place and reason.
        examples: Vec<String>,
    },
    /// Many rows of a file are not UTF-8, so its texts may be in another encoding.
    NotUtf8 {
        /// How many.
        rows: u64,
        /// Of how many rows of the file.
        of: u64,
        /// The first such file.
        file: String,
        /// The encoding that its bytes look like.
        likely: Option<LikelyEncoding>,
    },
    /// Some embeddings are zeros, and not because a text is empty.
    ZeroRows {
        /// How many.
        rows: u64,
        /// The first ones: file and row; empty if they are not known.
        examples: Vec<String>,
    },
    /// Some rows have a direction, but the assignments give them no cluster.
    UnclusteredRows {
        /// How many.
        rows: u64,
        /// The first ones: file and row.
        examples: Vec<String>,
    },
    /// Some embeddings have a NaN or an infinity.
    NonFiniteRows {
        /// How many.
        rows: u64,
        /// The first ones: file and row.
        examples: Vec<String>,
    },
    /// Many texts are empty.
    EmptyTexts {
        /// How many.
        rows: u64,
        /// Of how many.
        of: u64,
    },
    /// Some files or scripts lose much more than the others.
    LoseMost {
        /// Whether the rows are grouped by file or by script.
        groups: Groups,
        /// The groups that lose much, and the share that the others lose.
        losers: Losers,
    },
    /// Some values of a watched column lose nearly all of their rows.
    WatchedLoss(WatchedLoss),
    /// Many texts have a cosine of nearly 1 with a text that says something else.
    IndistinctTexts {
        /// The rows, and an example.
        found: IndistinctTexts,
        /// Of how many.
        of: u64,
    },
    /// Many texts are mostly words that are not in the model's vocabulary.
    UnknownWords {
        /// How many.
        rows: u64,
        /// Of how many.
        of: u64,
        /// The files in which more than half of the texts are of this kind.
        files: Vec<String>,
    },
    /// Some texts are longer than the model reads.
    TruncatedTexts {
        /// How many.
        rows: u64,
        /// The rows with the embedding of another text, where one of the two was not read to its end.
        equal: u64,
        /// Who decides how much is read.
        limit: TextLimit,
    },
    /// One cluster holds a large share of the rows.
    LargeCluster {
        /// Its rows.
        rows: u64,
        /// Of how many.
        of: u64,
        /// The number of clusters.
        clusters: usize,
    },
    /// With more memory there would be more clusters, and the result depends on their number.
    FewerClusters {
        /// How many there are.
        clusters: usize,
        /// How many there would be.
        wanted: usize,
    },
    /// Nearly everything is removed.
    RemovesMost {
        /// Rows removed.
        rows: u64,
        /// Of how many.
        of: u64,
        /// The threshold in use.
        epsilon: f64,
    },
    /// The goal asks for fewer rows than removing duplicates alone can give.
    LooseTarget {
        /// The ε that the goal amounts to.
        epsilon: f64,
    },
    /// A file of the finished result is not as it was written, so the result is written again.
    DamagedResult {
        /// The file, and what is wrong with it.
        problem: String,
    },
    /// Files in input folders were left out, all for one cause.
    LeftOut {
        /// The cause.
        cause: Cause,
        /// How many.
        count: u64,
        /// The names of the first ones.
        first: Vec<String>,
    },
}

/// The share of texts with mostly unknown words from which on there is a warning.
pub const UNKNOWN_TEXT_SHARE: f64 = 0.05;

/// The number of names that a warning lists.
const NAMED: usize = 3;

/// The share of the rows in one cluster from which on there is a warning.
pub const LARGE_CLUSTER_SHARE: f64 = 0.4;

/// The share of empty texts from which on there is a warning.
pub const EMPTY_TEXT_SHARE: f64 = 0.3;

/// The share of removed rows from which on there is a warning.
pub const REMOVED_SHARE: f64 = 0.8;

/// The ε above which a goal removes rows that are not alike.
pub const LOOSE_EPSILON: f64 = 0.5;

/// Counts a noun: `1 row was`, `2 rows were`. `one` is for the number 1, `more` for any other.
fn counted(number: u64, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}

/// Lists examples as ` (first: a:0; a:1)`; returns nothing if no row is known.
fn first(examples: &[String]) -> String {
    if examples.is_empty() { String::new() } else { format!(" (first: {})", examples.join("; ")) }
}

fn percent(rows: u64, of: u64) -> String {
    format!("{:.0} %", 100.0 * rows as f64 / of.max(1) as f64)
}

/// Lists the first names, and says how many follow.
fn first_of(names: &[String]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let first = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    if more == 0 { first } else { format!("{first} and {more} more") }
}

fn write_losers(f: &mut fmt::Formatter<'_>, groups: Groups, losers: &Losers) -> fmt::Result {
    let (one, more) = (groups.singular(), groups.plural());
    let loss = |share: &Share| {
        let share_lost = 100.0 * share.removed();
        format!("{} loses {} of {} rows ({share_lost:.1} %)", share.name, share.rows_removed, share.rows)
    };
    let lost: Vec<String> = losers.groups.iter().map(loss).collect();
    write!(
        f,
        "{}: {}; all other {more} lose {:.1} %. If these rows are not copies, the model cannot tell them apart: look at pairs with \
         `semdedup show` before you use the result, lower --epsilon, or choose another --model",
        counted(
            lost.len() as u64,
            &format!("{one} loses most of its rows"),
            &format!("{more} lose most of their rows")
        ),
        first_of(&lost),
        100.0 * losers.others
    )
}

fn write_truncated(f: &mut fmt::Formatter<'_>, rows: u64, equal: u64, limit: TextLimit) -> fmt::Result {
    let (are, equal_are) = (counted(rows, "text is", "texts are"), counted(equal, "row is", "rows are"));
    let note =
        if equal > 0 { format!(" ({equal_are} equal to another text up to there)") } else { String::new() };
    let (than, advice) = match limit {
        TextLimit::MaxTokens => {
            ("model reads (--max-tokens)", "a higher --max-tokens compares more, up to what the model reads")
        }
        TextLimit::Server => {
            ("server reads", "it cut them off by its own settings, or by a field of --server-fields")
        }
    };
    write!(f, "{are} longer than the {than}, compared by the beginning only{note}; {advice}")
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SkippedRows { rows, examples } => write!(
                f,
                "{} (first: {}); all are listed in skipped.parquet; --strict stops at the first",
                counted(
                    *rows,
                    "row could not be read and was skipped",
                    "rows could not be read and were skipped"
                ),
                examples.join("; ")
            ),
            Self::NotUtf8 { rows, of, file, likely } => {
                write!(f, "{rows} of {of} rows of {file} are not UTF-8; {}", formats::encoding_hint(*likely))
            }
            Self::NonFiniteRows { rows, examples } => write!(
                f,
                "{} (first: {}), kept and compared with nothing; those that `semdedup embed` could not read are \
                 in its skipped.parquet; embed any others again, or remove them",
                counted(*rows, "row has a NaN or an infinity", "rows have a NaN or an infinity"),
                examples.join("; ")
            ),
            Self::ZeroRows { rows, examples } => write!(
                f,
                "{}{}, kept and compared with nothing; the model may have found nothing to read in them, or the \
                 program that made the embeddings may have failed",
                counted(*rows, "row has an embedding of zeros", "rows have an embedding of zeros"),
                first(examples)
            ),
            Self::UnclusteredRows { rows, examples } => write!(
                f,
                "{}{}, kept and compared with nothing; the recall counts the duplicates that are missed by this; \
                 `semdedup cluster` gives every row a cluster",
                counted(
                    *rows,
                    "row has no cluster in the assignments",
                    "rows have no cluster in the assignments"
                ),
                first(examples)
            ),
            Self::EmptyTexts { rows, of } => write!(
                f,
                "{rows} of {of} texts ({}) are empty; they are all kept, because nothing can be said about them; \
                 check --text-column",
                percent(*rows, *of)
            ),
            Self::IndistinctTexts { found, of } => found.describe(f, *of),
            Self::WatchedLoss(loss) => loss.fmt(f),
            Self::LoseMost { groups, losers } => write_losers(f, *groups, losers),
            Self::UnknownWords { rows, of, files } => {
                write!(
                    f,
                    "{rows} of {of} texts ({}) are mostly words that the model does not know: they are compared by their letters, \
                     not by their meaning",
                    percent(*rows, *of)
                )?;
                if !files.is_empty() {
                    let files_are = counted(files.len() as u64, "file is", "files are");
                    write!(f, "; {files_are} mostly such texts: {}", first_of(files))?;
                }
                f.write_str("; a multilingual model (--model) knows more words")
            }
            Self::TruncatedTexts { rows, equal, limit } => write_truncated(f, *rows, *equal, *limit),
            Self::LargeCluster { rows, of, clusters } => write!(
                f,
                "one of {clusters} clusters holds {rows} of {of} rows ({}), which makes comparing slow; \
                 the data may be one template many times over, or --clusters too low",
                percent(*rows, *of)
            ),
            Self::FewerClusters { clusters, wanted } => write!(
                f,
                "--memory allows {clusters} clusters, where {wanted} would be faster; the result differs a little with their \
                 number: --clusters {clusters} gives this result on any machine"
            ),
            Self::RemovesMost { rows, of, epsilon } => write!(
                f,
                "epsilon {epsilon} removes {rows} of {of} rows ({}); a smaller --epsilon removes fewer: \
                 `semdedup sweep` shows how many, `semdedup show` shows pairs",
                percent(*rows, *of)
            ),
            Self::LooseTarget { epsilon } => write!(
                f,
                "this target removes rows that are not duplicates of anything (it amounts to epsilon {epsilon:.3}); \
                 keep more rows, or look at pairs with `semdedup show`"
            ),
            Self::DamagedResult { problem } => write!(f, "{problem}; the result is written again"),
            Self::LeftOut { cause, count, first } => {
                f.write_str(&formats::describe_left_out(*cause, *count, first))
            }
        }
    }
}
