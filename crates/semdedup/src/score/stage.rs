//! Compares the rows of each cluster with each other and with the rows that probe it, in groups of
//! clusters that fit into memory.

use std::path::Path;

use semdedup_core::{Ranking, Scoring, UnitEmbeddings, UnitRows, centroid_similarity};

use crate::arrays::store::{EmbeddingStore, blocks};
use crate::cluster::clustering::{Clustering, largest};
use crate::error::Result;
use crate::memory::{ComparedData, Memory};
use crate::progress::{Progress, Stage, StopSignal, stopped};
use crate::score::bulk_copies::{BulkCopies, CopyFinder};
use crate::score::checkpoints::ScoreCheckpoints;
use crate::score::columns::ScoreColumns;
use crate::score::groups::{BlockPair, Groups, RowBytes};
use crate::score::spill::{Block, Spill};
use crate::storage::local::check_free_space;
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
    pub(crate) ranking: &'a Ranking,
    /// The most memory to hold.
    pub(crate) memory: Memory,
    /// The folder of the files that are needed if memory is short.
    pub(crate) folder: &'a Path,
    /// The stage to store checkpoints for, so that the same run can continue after a kill. Set this
    /// only if `folder` is the folder of the stage.
    pub(crate) resumes: Option<&'a Fingerprint>,
    pub(crate) progress: &'a dyn Progress,
}

/// The rows to spill, and what decides in which groups they are compared.
struct SpillSource<'a> {
    store: &'a EmbeddingStore,
    centroids: &'a UnitEmbeddings,
    clustering: &'a Clustering,
    /// The rows that take no part in the comparison.
    copies: &'a BulkCopies,
}

/// A block of rows that was read, and the similarities of its rows to their centroids.
struct ReadBlock {
    block: Block,
    similarity: Vec<f32>,
}

/// The findings of [`Scorer::spill_rows`].
struct Spilled {
    /// The similarity of each row to its centroid.
    similarity: Vec<f32>,
    uncompared: Uncompared,
}

impl Scorer<'_> {
    /// Scores every row.
    pub(crate) fn score(
        &self,
        store: &EmbeddingStore,
        centroids: &UnitEmbeddings,
        clustering: Clustering,
    ) -> Result<ScoredRows> {
        let (ranking, memory, stop) = (self.ranking, self.memory, &StopSignal::new(self.progress));
        let copies = CopyFinder { store, clustering: &clustering, ranking, memory, stop }.find()?;
        self.score_without(copies, store, centroids, clustering)
    }

    /// Scores every row, with copies that need no comparison.
    pub(crate) fn score_without(
        &self,
        copies: BulkCopies,
        store: &EmbeddingStore,
        centroids: &UnitEmbeddings,
        mut clustering: Clustering,
    ) -> Result<ScoredRows> {
        let mut cluster = clustering.cluster.clone();
        copies.leave_out(&mut clustering.cluster);
        let groups = self.divide(store, &clustering)?;
        self.progress.begin(Stage::Score, "rows", store.rows());
        let resumes = self.resumes.filter(|_| !groups.fit());
        let open = |stage| ScoreCheckpoints::open(self.folder, stage, &groups, store.rows());
        let checkpoints = resumes.map(open).transpose()?;
        let is_done = |pair: &BlockPair| checkpoints.as_ref().is_some_and(|found| found.has(*pair));
        let (done, to_do): (Vec<BlockPair>, Vec<BlockPair>) =
            groups.block_pairs().into_iter().partition(is_done);
        let mut spill = Spill::new(store, &groups, to_do, self.folder)?;
        let source = SpillSource { store, centroids, clustering: &clustering, copies: &copies };
        let Spilled { similarity, uncompared } = self.spill_rows(&source, &mut cluster, &mut spill)?;
        let mut scoring = Scoring::new(*self.ranking, centroids, &similarity);
        if let Some(checkpoints) = &checkpoints {
            done.iter().try_for_each(|&pair| checkpoints.get(pair).map(|found| scoring.add(&found)))?;
        }
        self.compare(spill, checkpoints.as_ref(), &mut scoring)?;
        let compared = scoring.compared();
        let mut scores = scoring.finish();
        copies.score(&mut scores);
        let (score, duplicate_of) = (scores.score, scores.duplicate_of);
        let columns = ScoreColumns { cluster, score, duplicate_of, similarity };
        Ok(ScoredRows { columns, uncompared, compared })
    }

    /// Divides the clusters into groups that fit into memory.
    ///
    /// # Errors
    /// Too little memory, or too little disk for the rows that memory does not hold.
    fn divide(&self, store: &EmbeddingStore, clustering: &Clustering) -> Result<Groups> {
        let row_bytes = RowBytes::of_store(store, clustering.probes_per_row());
        let data = ComparedData {
            rows: store.rows(),
            dim: store.dim(),
            largest_cluster: largest(&clustering.cluster),
            row_bytes: row_bytes.memory,
        };
        let groups = Groups::plan(store, clustering, self.memory.for_comparing(&data)?)?;
        let why = "--memory is too little to hold all rows; holding them on disk";
        check_free_space(self.folder, groups.spilled_bytes(), why)?;
        Ok(groups)
    }

    /// Compares the spilled rows, and stores each part as a checkpoint.
    fn compare(
        &self,
        spill: Spill,
        checkpoints: Option<&ScoreCheckpoints>,
        scoring: &mut Scoring,
    ) -> Result<()> {
        let (groups, rows) = (spill.groups, spill.store.rows());
        // Spilling the rows was half of the work.
        let mut reported = rows / 2;
        let stop = StopSignal::new(self.progress);
        spill.each(|pair, loaded| {
            let share = 2 * groups.pairs_of_row(pair.group);
            let mut report = |rows| {
                reported += rows as u64 / share;
                self.progress.advance(rows as u64 / share);
            };
            let found = scoring.compare_until(&loaded.part(), &mut report, &|| stop.is_set());
            let found = found.ok_or_else(stopped)?;
            scoring.add(&found);
            checkpoints.map_or(Ok(()), |checkpoints| checkpoints.put(pair, &found))
        })?;
        self.progress.advance(rows.saturating_sub(reported));
        Ok(())
    }

    /// Spills each row to the groups in which it is compared, and measures its similarity to its
    /// centroid. Also finds the rows that are compared with nothing. `cluster` has the clusters of
    /// all rows, the copies included; a row without direction loses its cluster.
    fn spill_rows(&self, source: &SpillSource, cluster: &mut [u32], spill: &mut Spill) -> Result<Spilled> {
        let SpillSource { store, centroids, clustering, copies } = *source;
        let mut similarity = Vec::with_capacity(cluster.len());
        let mut uncompared = Uncompared::default();
        let mut waiting: Option<Block> = None;
        let stop = StopSignal::new(self.progress);
        for range in blocks(store, self.memory) {
            stop.check()?;
            let cluster = &mut cluster[range.start as usize..range.end as usize];
            // While one block is being written, the next is read.
            let read = || -> Result<ReadBlock> {
                let rows = store.read_rows(range.clone())?;
                let similarity = centroid_similarity(&rows, centroids, cluster);
                let mut compared = cluster.to_vec();
                copies.leave_out_of_block(range.start, &mut compared);
                let probes = clustering.probes(range.clone())?;
                let block = Block { first: range.start, rows, cluster: compared, probes };
                Ok(ReadBlock { block, similarity })
            };
            let write = || waiting.take().map_or(Ok(()), |block| spill.add(&block));
            let (read, written) = rayon::join(read, write);
            written?;
            let ReadBlock { block, similarity: found } = read?;
            for (i, &cluster) in cluster.iter().enumerate() {
                uncompared.add(range.start + i as u64, block.rows.direction(i), cluster);
            }
            similarity.extend(found);
            self.progress.advance(range.end / 2 - range.start / 2);
            waiting = Some(block);
        }
        waiting.map_or(Ok(()), |block| spill.add(&block))?;
        Ok(Spilled { similarity, uncompared })
    }
}
