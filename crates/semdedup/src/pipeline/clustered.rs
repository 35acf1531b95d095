//! Opens the embeddings and their clusters again, for the stages that search them once more.

use std::path::PathBuf;

use semdedup_core::UnitEmbeddings;

use crate::arrays::store::EmbeddingStore;
use crate::cluster::clustering::Clustering;
use crate::cluster::stored::{StoredClustering, stored_centroids};
use crate::error::Result;
use crate::memory::Memory;
use crate::pairs::find::PairedRows;
use crate::pipeline::resolved::ResolvedRun;
use crate::pipeline::scored::Scored;
use crate::progress::Stage;
use crate::within::stage::WithinGroups;
use crate::workdir::work_dir::WorkDir;

/// Where the embeddings and their clusters are.
pub(super) struct ClusteredRows {
    centroids: PathBuf,
    clustering: PathBuf,
    has_probes: bool,
    /// The folder of the parts of clusters in which rows agree on a column, if only such are compared.
    divided: Option<PathBuf>,
    memory: Memory,
    /// Whether nothing has read the embeddings in this run.
    are_unread: bool,
}

/// The embeddings with their clusters.
pub(super) struct OpenRows {
    pub(super) store: EmbeddingStore,
    pub(super) centroids: UnitEmbeddings,
    pub(super) clustering: Clustering,
    /// The cluster of each row, if clusters are divided by a column, so that it is not the one that the
    /// scores name.
    pub(super) divided: Option<Vec<u32>>,
}

impl ClusteredRows {
    pub(super) fn of(run: &ResolvedRun, work: &WorkDir) -> Self {
        Self {
            centroids: work.folder(Stage::Train),
            clustering: work.folder(Stage::Assign),
            has_probes: run.options.cluster.probes.most() > 1,
            divided: run.stages.within.as_ref().map(|_| work.folder(Stage::Within)),
            memory: run.options.cluster.memory,
            are_unread: [Stage::Score, Stage::Recall].iter().all(|stage| work.reused().contains(stage)),
        }
    }

    pub(super) fn open(&self, scored: &Scored) -> Result<OpenRows> {
        if self.are_unread {
            scored.dataset.check_embeddings()?;
        }
        let store = scored.dataset.open_embeddings()?;
        let centroids = stored_centroids(&self.centroids, store.dim())?;
        let stored = StoredClustering::inside(&self.clustering);
        let clustering = stored.clusters(store.rows(), centroids.len(), self.has_probes)?;
        let Some(folder) = &self.divided else {
            return Ok(OpenRows { store, centroids, clustering, divided: None });
        };
        let WithinGroups { clustering, centroids, .. } =
            WithinGroups::open(folder, &clustering, &centroids, self.memory)?;
        let divided = Some(clustering.cluster.clone());
        Ok(OpenRows { store, centroids, clustering, divided })
    }
}

impl OpenRows {
    /// The rows as a search for pairs takes them.
    pub(super) fn paired<'a>(&'a self, scored: &'a Scored) -> PairedRows<'a> {
        PairedRows {
            store: &self.store,
            centroids: &self.centroids,
            clustering: &self.clustering,
            order: scored.columns.order(scored.scores.ranking),
        }
    }
}
