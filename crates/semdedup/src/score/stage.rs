//! Compares the rows of each cluster with each other and with the rows that probe it, in groups of
//! clusters that fit into memory.

use std::path::Path;

use semdedup_core::{
    Part, PartMatches, RankedRows, Ranking, Scores, Scoring, Stop, UnitEmbeddings, UnitRows,
    centroid_similarity,
};

use crate::arrays::store::{EmbeddingStore, blocks};
use crate::cluster::clustering::Clustering;
use crate::error::Result;
use crate::memory::{ComparedData, ComparingBytes, Memory};
use crate::progress::{Progress, Stage, StopSignal};
use crate::score::bulk_copies::{BulkCopies, CopyFinder};
use crate::score::checkpoints::ScoreCheckpoints;
use crate::score::columns::ScoreColumns;
use crate::score::compared_rows::ComparedRows;
use crate::score::each_part::{PartComparison, ProgressShare, compare_each};
use crate::score::groups::{Groups, loaded_row_bytes};
use crate::score::loader::Loader;
use crate::workdir::fingerprint::Fingerprint;
use crate::workdir::uncompared::Uncompared;

/// The scores that [`Scorer::score`] finds.
pub(crate) struct ScoredRows {
    pub(crate) columns: ScoreColumns,
    pub(crate) uncompared: Uncompared,
    /// Comparisons of two rows.
    pub(crate) compared: u64,
}

/// How to score.
#[derive(Clone, Copy)]
pub(crate) struct Scorer<'a> {
    pub(crate) ranking: Ranking,
    /// The most memory to hold.
    pub(crate) memory: Memory,
    /// The folder of the checkpoints and the stage to store them for, so that the same run can
    /// continue after a kill.
    pub(crate) resumes: Option<Resumes<'a>>,
    pub(crate) progress: &'a dyn Progress,
}

/// The stage that can continue after a kill.
#[derive(Clone, Copy)]
pub(crate) struct Resumes<'a> {
    /// The folder of the stage.
    pub(crate) folder: &'a Path,
    pub(crate) stage: &'a Fingerprint,
}

/// The embeddings, their clusters, the similarity of each row to the centroid of its own, and its rank
/// if it has one.
pub(super) struct PlacedRows<'a> {
    pub(super) store: &'a EmbeddingStore,
    pub(super) centroids: &'a UnitEmbeddings,
    pub(super) clustering: Clustering,
    pub(super) similarity: Vec<f32>,
    pub(super) ranks: Vec<u32>,
    pub(super) uncompared: Uncompared,
}

/// The share of the work that finding the similarities to the centroids is, one in this many.
const PLACING_SHARE: u64 = 8;

impl PlacedRows<'_> {
    /// Returns the rank order of the rows.
    pub(super) fn order(&self, ranking: Ranking) -> RankedRows<'_> {
        RankedRows::new(ranking, &self.similarity, &self.ranks)
    }
}

impl Scorer<'_> {
    /// Scores every row. `ranks` has the rank of each row, or is empty.
    pub(crate) fn score(
        &self,
        store: &EmbeddingStore,
        centroids: &UnitEmbeddings,
        clustering: Clustering,
        ranks: Vec<u32>,
    ) -> Result<ScoredRows> {
        // Too little memory is an error before the first row is read.
        self.bytes(store, &clustering, 0, &ranks)?;
        self.progress.begin(Stage::Score, "rows", store.rows());
        let placed = PlacedRows { ranks, ..self.place(store, centroids, clustering)? };
        let (clustering, stop) = (&placed.clustering, &StopSignal::new(self.progress));
        let order = placed.order(self.ranking);
        let finder = CopyFinder { store, clustering, order, memory: self.memory, stop };
        let copies = finder.find()?;
        self.score_without(&copies, placed)
    }

    /// Finds the similarity of each row to the centroid of its cluster, which ranks the rows, and
    /// the rows that are compared with nothing. A row without direction loses its cluster. Reads no
    /// row if the clustering has the similarities.
    pub(super) fn place<'a>(
        &self,
        store: &'a EmbeddingStore,
        centroids: &'a UnitEmbeddings,
        mut clustering: Clustering,
    ) -> Result<PlacedRows<'a>> {
        let mut uncompared = Uncompared::default();
        if let Some(similarity) = clustering.similarity.take() {
            self.progress.advance(store.rows() / PLACING_SHARE);
            return Ok(PlacedRows {
                store,
                centroids,
                clustering,
                similarity,
                ranks: Vec::new(),
                uncompared,
            });
        }
        let mut similarity = Vec::with_capacity(clustering.cluster.len());
        let stop = StopSignal::new(self.progress);
        let mut rows = store.no_rows(0);
        for range in blocks(store, self.memory) {
            stop.check()?;
            store.load(&range.clone().collect::<Vec<u64>>(), &mut rows)?;
            let cluster = &mut clustering.cluster[range.start as usize..range.end as usize];
            similarity.extend(centroid_similarity(&rows, centroids, cluster));
            for (i, &cluster) in cluster.iter().enumerate() {
                uncompared.add(range.start + i as u64, rows.direction(i), cluster);
            }
            self.progress.advance(range.end / PLACING_SHARE - range.start / PLACING_SHARE);
        }
        Ok(PlacedRows { store, centroids, clustering, similarity, ranks: Vec::new(), uncompared })
    }

    /// Scores every row, with copies that need no comparison.
    pub(super) fn score_without(&self, copies: &BulkCopies, placed: PlacedRows) -> Result<ScoredRows> {
        let PlacedRows { store, centroids, clustering, similarity, ranks, uncompared } = placed;
        let compared = ComparedRows { clustering: &clustering, copies };
        let largest = compared.sizes().into_iter().max().unwrap_or(0);
        let bytes = self.bytes(store, &clustering, largest, &ranks)?;
        let row_bytes = loaded_row_bytes(store.row_bytes(), store.dim(), clustering.probes_per_row());
        let groups = Groups::plan(row_bytes, compared, bytes)?;
        let resumes = self.resumes.filter(|_| !bytes.fits);
        let mut scoring = Scoring::new(RankedRows::new(self.ranking, &similarity, &ranks), centroids);
        let open = |to: Resumes| ScoreCheckpoints::open(to.folder, to.stage, &groups, store.rows());
        let checkpoints = resumes.map(open).transpose()?;
        let before = store.rows() / PLACING_SHARE;
        let share = ProgressShare { before, rows: store.rows() - before };
        let loader = Loader::new(store, compared, &groups);
        compare_each(loader, checkpoints.as_ref(), (self.progress, share), &mut scoring)?;
        let compared = scoring.compared();
        let mut scores = scoring.finish();
        copies.score(&mut scores);
        let Scores { score, duplicate_of } = scores;
        let columns = ScoreColumns { cluster: clustering.cluster, score, duplicate_of, similarity, ranks };
        Ok(ScoredRows { columns, uncompared, compared })
    }

    /// Returns the bytes for the rows that are compared at a time.
    ///
    /// # Errors
    /// Too little memory.
    fn bytes(
        &self,
        store: &EmbeddingStore,
        clustering: &Clustering,
        largest_cluster: u64,
        ranks: &[u32],
    ) -> Result<ComparingBytes> {
        let (rows, dim) = (store.rows(), store.dim());
        let row_bytes = loaded_row_bytes(store.row_bytes(), dim, clustering.probes_per_row());
        let ranks = size_of_val(ranks) as u64;
        self.memory.for_comparing(&ComparedData { rows, dim, largest_cluster, row_bytes, ranks })
    }
}

impl PartComparison for Scoring<'_> {
    fn compare(&self, part: &Part, done: &mut dyn FnMut(usize), stop: &Stop) -> Option<PartMatches> {
        self.compare_until(part, done, stop)
    }

    fn add(&mut self, found: &PartMatches) {
        Scoring::add(self, found);
    }
}
