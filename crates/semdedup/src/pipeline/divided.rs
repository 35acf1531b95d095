//! Compares only rows that agree on a column: in clusters that are divided by it.

use std::path::{Path, PathBuf};

use semdedup_core::UnitEmbeddings;

use crate::arrays::store::EmbeddingStore;
use crate::cluster::clustering::Clustering;
use crate::error::Result;
use crate::pipeline::resolved::ResolvedRun;
use crate::progress::{Progress, Stage};
use crate::score::stage::{ScoredRows, Scorer};
use crate::within::stage::{WithinGroups, divide};
use crate::workdir::row_index::RowIndex;
use crate::workdir::work_dir::WorkDir;

/// Divides the clusters by the column on which compared rows agree, unless that is done. Returns the
/// folder of the stage, or none if all rows are compared.
pub(super) fn divide_clusters(
    run: &ResolvedRun,
    work: &mut WorkDir,
    row_index: &RowIndex,
    whole: impl FnOnce() -> Result<Clustering>,
    progress: &dyn Progress,
) -> Result<Option<PathBuf>> {
    let (Some(column), Some(stage)) = (&run.within, &run.stages.within) else { return Ok(None) };
    work.stage(Stage::Within, stage, progress, |folder| {
        divide(folder, whole()?, &column.read(&run.input, row_index, progress)?)
    })?;
    Ok(Some(work.folder(Stage::Within)))
}

/// The clusters of rows, and where they are divided.
pub(super) struct ComparedClusters<'a> {
    pub(super) whole: Clustering,
    pub(super) centroids: &'a UnitEmbeddings,
    /// The folder of the divided clusters, if they are.
    pub(super) divided: Option<&'a Path>,
}

/// Scores every row in its clusters, or in its parts of them.
pub(super) fn score_in(
    clusters: ComparedClusters,
    scorer: &Scorer,
    store: &EmbeddingStore,
    ranks: Vec<u32>,
) -> Result<ScoredRows> {
    let ComparedClusters { whole, centroids, divided } = clusters;
    let Some(folder) = divided else { return scorer.score(store, centroids, whole, ranks) };
    let WithinGroups { clustering, centroids, divided } =
        WithinGroups::open(folder, &whole, centroids, scorer.memory)?;
    drop(whole);
    let mut scored = scorer.score(store, &centroids, clustering, ranks)?;
    divided.make_whole(&mut scored.columns.cluster);
    Ok(scored)
}
