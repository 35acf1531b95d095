//! Semantic deduplication of training data (SemDeDup, Abbas et al. 2023, arXiv 2303.09540): removes
//! rows that say what another row says, in the same words or in others.
//!
//! Five nouns:
//!
//! - A **row** is a text, an image, or a pair of both; rows are numbered from 0.
//! - Its **embedding** is a vector by a pretrained model. The similarity of two rows is the cosine of
//!   their embeddings, in [−1, 1].
//! - A **cluster** is the rows nearest to one of the centroids that k-means finds. Rows are compared
//!   within their cluster and in the ones next to it; the **recall** of every run is measured.
//! - The **score** of a row is its highest similarity with a compared row that ranks before it.
//! - **Epsilon** is the tolerance: a row is removed if its score is above `1 − ε`. One column of scores
//!   serves every ε, and every target size.
//!
//! Three doors: [`deduplicate`] for rows in memory, [`Run`] for files on disk or in a bucket, and
//! [`FinishedRun`] for looking at what a run found.
//!
//! ```
//! use semdedup::{DeduplicateOptions, FinishedRun, Run, Silent, deduplicate};
//!
//! # fn main() -> semdedup::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let (input, out) = (folder.path().join("rows.txt").display().to_string(), folder.path().join("out"));
//! let texts = ["A cat sat.", "a  cat sat.", "Prices rose by two percent."];
//! let found = deduplicate(&texts[..], &DeduplicateOptions::default())?;
//! assert_eq!((found.kept.len(), found.epsilon), (2, 0.07));
//!
//! std::fs::write(&input, texts.join("\n")).unwrap();
//! let summary = Run::builder([&input], &out).build()?.run(&Silent)?;
//! assert_eq!((summary.rows_in, summary.rows_kept), (3, 2));
//!
//! let finished = FinishedRun::open(&out)?;
//! for at in finished.sweep(&[0.01, 0.1])? {
//!     println!("ε {}: {} rows stay", at.epsilon, at.rows_kept);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A run is `read → embed → train → assign → score → select → write`. [`embed()`], [`cluster()`],
//! [`score()`] and [`select()`] are its stages one by one, for people who bring their own parts;
//! [`plan()`] says what a run would do. Anyone can write a model: [`models::TextModel`].
//!
//! The library never prints and never seeds itself; it runs in the caller's rayon pool, and tells its
//! [`Progress`], which can also stop it. The same input and options give the same bytes on any number of
//! threads, in any memory, resumed or not.

mod arrays;
mod calibrate;
mod cluster;
mod commands;
mod comparison;
mod difference;
mod embed;
mod error;
mod foreign;
pub mod formats;
#[doc(hidden)]
pub mod fuzz;
mod in_memory;
mod indistinct;
mod input;
mod inspect;
mod keep_keys;
mod memory;
mod options;
mod outputs;
mod pairs;
mod pipeline;
mod progress;
mod rank;
mod recall;
mod run_builder;
mod score;
mod select;
mod shares;
mod storage;
mod summary;
mod warning;
mod within;
mod workdir;
mod write;

pub use semdedup_core::{
    Epsilon, EpsilonError, Goal, Keep, Probes, Ranking, Rule, Similarity, SimilarityError, instruction_set,
};
pub use semdedup_embed as models;

pub use arrays::place::bare_numbers;
pub use arrays::store::EmbeddingStore;
pub use calibrate::bands::Band;
pub use calibrate::choose::{Choice, Verdict};
pub use calibrate::curve::LabelledAt;
pub use calibrate::estimate::Estimate;
pub use calibrate::group_curve::GroupCounts;
pub use calibrate::judged_pairs::PairCounts;
pub use calibrate::label_rows::{Answer, LeftOutLabels};
pub use calibrate::labelling::{LabelOptions, Labelling, LabellingState, PairToLabel};
pub use calibrate::report::{Calibration, LabelKind};
pub use calibrate::run::{CalibrateOptions, Labels, calibrate};
pub use cluster::cost::auto_clusters;
pub use commands::cluster::{ClusterReport, cluster};
#[cfg(feature = "transformers")]
pub use commands::distill::{DistillOptions, DistillReport, distill};
pub use commands::embed::{EmbedReport, embed};
pub use commands::score::{ScoreInputs, ScoreOptions, ScoreReport, score};
pub use commands::select::{SelectOptions, SelectReport, select};
pub use comparison::{ComparedFiles, Comparison};
pub use difference::compare::difference;
pub use difference::kind::{Difference, DifferenceKind};
pub use embed::embedder::Embedder;
pub use error::{Error, ErrorKind, Result};
pub use formats::row_format::RowOf;
pub use in_memory::{Data, DeduplicateOptions, Deduplicated, deduplicate};
pub use indistinct::{IndistinctPair, IndistinctTexts};
pub use input::embedding_files::find_embeddings;
pub use input::find::rows_by;
pub use input::groups::GroupBy;
pub use inspect::compare::report::{
    ComparedFile, ComparedResult, ComparedResults, OnlyRemoved, ResultPair, SampledRow,
};
pub use inspect::compare::results::{CompareOptions, compare};
pub use inspect::differences::RowDifference;
pub use inspect::finished_run::FinishedRun;
pub use inspect::pairs::{Pair, PairRow, Which, show};
pub use inspect::stats::{GroupStats, LostTo, ScoreBand, Stats, stats};
pub use inspect::sweep::{SweepRow, sweep};
pub use keep_keys::{KeepKey, KeepKeys};
pub use memory::Memory;
pub use options::{
    ClusterOptions, DEFAULT_EPSILON, DEFAULT_IMAGE_EPSILON, DEFAULT_RECALL_SAMPLE, InputOptions,
    OutputOptions, PairOptions, RunOptions, SWEEP_EPSILONS, check_goal, default_epsilon,
};
pub use outputs::{IdsFormat, OutputKind, Outputs};
pub use pipeline::known_outcome::KnownOutcome;
pub use pipeline::plan::{ClusterPlan, Plan, PlanFile, plan, plan_clusters};
pub use pipeline::recall_advice::{MoreProbes, RecallAdvice, recall_advice};
pub use pipeline::run::run;
pub use progress::{Progress, Silent, Stage};
pub use run_builder::{Run, RunBuilder};
pub use shares::{Losers, Share, WatchedLoss};
pub use storage::place;
pub use summary::{FileSummary, ListSummary, PairSummary, RecallAt, Summary};
pub use warning::Warning;
