//! Semantic deduplication of training data (SemDeDup, Abbas et al. 2023, arXiv 2303.09540).
//!
//! [`run`] does everything: it reads rows, embeds their texts, clusters the embeddings, compares the rows of each
//! cluster, measures how much of what an exhaustive comparison would find was found, and writes the input back
//! without its duplicates. [`embed()`], [`cluster()`], [`score()`] and [`select()`] are its stages one by one, for people
//! who bring their own parts; [`sweep()`] and [`show()`] look at a run that was made; [`plan()`] says what one would do.
//!
//! ```text
//! read → embed → train → assign → score → select → write
//! ```
//!
//! The library never prints and never seeds itself; it runs in the caller's rayon pool, and tells its [`Progress`].

mod arrays;
mod cluster;
mod commands;
mod comparison;
mod embed;
mod error;
pub mod formats;
#[doc(hidden)]
pub mod fuzz;
mod in_memory;
mod input;
mod inspect;
mod memory;
mod options;
mod outputs;
mod pipeline;
mod progress;
mod recall;
mod score;
mod select;
mod shares;
mod storage;
mod summary;
mod workdir;
mod write;

pub use semdedup_core::{Epsilon, EpsilonError, Goal, Keep, Probes, Ranking, instruction_set};
pub use semdedup_embed as models;

pub use arrays::store::EmbeddingStore;
pub use cluster::cost::auto_clusters;
pub use commands::cluster::{ClusterReport, cluster};
pub use commands::embed::{EmbedReport, embed};
pub use commands::score::{ScoreInputs, ScoreOptions, ScoreReport, score};
pub use commands::select::{SelectOptions, SelectReport, select};
pub use comparison::{ComparedFiles, Comparison};
pub use embed::embedder::Embedder;
pub use error::{Error, ErrorKind, Result};
pub use formats::row_format::RowOf;
pub use in_memory::{Data, DeduplicateOptions, Deduplicated, deduplicate};
pub use input::embedding_files::find_embeddings;
pub use input::find::rows_by;
pub use inspect::pairs::{Pair, PairRow, Which, show};
pub use inspect::sweep::{SweepRow, sweep};
pub use memory::Memory;
pub use options::{
    ClusterOptions, DEFAULT_EPSILON, DEFAULT_IMAGE_EPSILON, DEFAULT_RECALL_SAMPLE, InputOptions,
    OutputOptions, RunOptions, SWEEP_EPSILONS, default_epsilon,
};
pub use outputs::{IdsFormat, OutputKind, Outputs};
pub use pipeline::plan::{ClusterPlan, Plan, PlanFile, plan, plan_clusters};
pub use pipeline::run::run;
pub use progress::{Progress, Silent, Stage, Warning};
pub use shares::{Losers, Share};
pub use storage::place;
pub use summary::{FileSummary, ListSummary, RecallAt, Summary};
