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

mod annotate;
mod cluster;
mod compared;
mod cost;
mod crowds;
mod dataset;
mod done;
mod embed;
mod embedder;
mod error;
mod files;
pub mod formats;
#[doc(hidden)]
pub mod fuzz;
mod groups;
mod ids;
mod images;
mod input;
mod look;
mod matrix;
mod memory;
mod npy;
mod options;
mod output;
mod outputs;
mod parts;
mod pipeline;
mod plan;
mod progress;
mod recall;
mod report;
mod score;
mod script;
mod selection;
mod send;
mod shares;
mod show;
mod source;
mod spill;
mod stages;
mod storage;
mod store;
mod summary;
mod sweep;
mod table;
mod uncompared;
mod work;
mod write;

pub use semdedup_core::{Epsilon, EpsilonError, Goal, Keep, Probes, Ranking, instruction_set};
pub use semdedup_embed as models;

pub use compared::{ComparedFiles, Comparison, RowOf};
pub use cost::auto_clusters;
pub use embedder::Embedder;
pub use error::{Error, ErrorKind, Result};
pub use input::rows_by;
pub use memory::Memory;
pub use options::{
    ClusterOptions, DEFAULT_EPSILON, DEFAULT_IMAGE_EPSILON, DEFAULT_RECALL_SAMPLE, InputOptions,
    OutputOptions, RunOptions, SWEEP_EPSILONS, default_epsilon,
};
pub use outputs::{IdsFormat, OutputKind, Outputs};
pub use pipeline::run;
pub use plan::{ClusterPlan, Plan, PlanFile, plan, plan_clusters};
pub use progress::{Progress, Silent, Stage, Warning};
pub use selection::{SelectReport, select};
pub use shares::{Losers, Share};
pub use show::{Pair, PairRow, Which, show};
pub use stages::{ClusterReport, EmbedReport, ScoreInputs, ScoreOptions, ScoreReport, cluster, embed, score};
pub use storage::place;
pub use store::{EmbeddingStore, find_embeddings};
pub use summary::{FileSummary, ListSummary, RecallAt, Summary};
pub use sweep::{SweepRow, sweep};
