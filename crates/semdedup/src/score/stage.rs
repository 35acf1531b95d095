//! The stage that compares: the rows of each cluster among themselves and with the rows that probe it, in groups of
//! clusters that fit into memory.

use std::path::Path;

use semdedup_core::{Ranking, Scoring, UnitEmbeddings, UnitRows, centroid_similarity};

use crate::arrays::store::{EmbeddingStore, blocks};
use crate::cluster::clustering::{Clustering, largest};
use crate::error::Result;
use crate::memory::Memory;
use crate::progress::{Progress, Stage};
use crate::score::bulk_copies::BulkCopies;
use crate::score::checkpoints::ScoreCheckpoints;
use crate::score::columns::ScoreColumns;
use crate::score::groups::{BlockPair, Groups, RowBytes};
use crate::score::spill::{Block, Spill};
use crate::storage::local::check_free_space;
use crate::workdir::fingerprint::Fingerprint;
use crate::workdir::uncompared::Uncompared;

/// What [`Scorer::score`] finds.
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
    pub(crate) memory: Memory,
    /// The folder of the files that are needed where memory is short.
    pub(crate) folder: &'a Path,
    /// The stage, where what is found is kept there too, so that the same run can go on after a kill: only in a folder of
    /// the stage's own.
    pub(crate) resumes: Option<&'a Fingerprint>,
    pub(crate) progress: &'a dyn Progress,
}

impl Scorer<'_> {
    /// Scores every row.
    pub(crate) fn score(
        &self,
        store: &EmbeddingStore,
        centroids: &UnitEmbeddings,
        clustering: Clustering,
    ) -> Result<ScoredRows> {
        let copies = BulkCopies::find(store, &clustering, self.ranking, self.memory)?;
        self.score_without(copies, store, centroids, clustering)
    }

    /// The same, with copies that need no comparison.
    pub(crate) fn score_without(
        &self,
        copies: BulkCopies,
        store: &EmbeddingStore,
        centroids: &UnitEmbeddings,
        mut clustering: Clustering,
    ) -> Result<ScoredRows> {
        let mut all = clustering.cluster.clone();
        copies.leave_out(&mut clustering.cluster);
        let row_bytes = RowBytes::of_store(store, clustering.probes_per_row());
        let largest = largest(&clustering.cluster);
        let budget = self.memory.for_comparing((store.rows(), store.dim()), (largest, row_bytes.memory))?;
        let groups = Groups::plan(store, &clustering, budget)?;
        let why = "--memory is too little to hold all rows; holding them on disk";
        check_free_space(self.folder, groups.spilled_bytes(), why)?;
        self.progress.begin(Stage::Score, "rows", store.rows());
        let resumes = self.resumes.filter(|_| !groups.fit());
        let parts = resumes.map(|stage| ScoreCheckpoints::open((self.folder, stage), &groups, store.rows()));
        let parts = parts.transpose()?;
        let is_done = |load: &BlockPair| parts.as_ref().is_some_and(|parts| parts.has(*load));
        let (done, to_do): (Vec<BlockPair>, Vec<BlockPair>) = groups.loads().into_iter().partition(is_done);
        let mut spill = Spill::new(store, &groups, to_do, self.folder)?;
        let (similarity, uncompared) =
            self.arrange((store, centroids), &clustering, (&mut all, &copies), &mut spill)?;
        let mut scoring = Scoring::new(*self.ranking, centroids, &similarity);
        for (parts, load) in parts.iter().flat_map(|parts| done.iter().map(move |load| (parts, *load))) {
            scoring.add(&parts.get(load)?);
        }
        // Half of the work is to bring the rows where they are compared.
        let mut told = store.rows() / 2;
        spill.each(|load, members| {
            let share = 2 * groups.loads_of_row(load.group);
            let found = scoring.compare(&members.part(), &mut |rows| {
                told += rows as u64 / share;
                self.progress.advance(rows as u64 / share);
            });
            scoring.add(&found);
            parts.as_ref().map_or(Ok(()), |parts| parts.put(load, &found))
        })?;
        self.progress.advance(store.rows().saturating_sub(told));
        let compared = scoring.compared();
        let mut scores = scoring.finish();
        copies.score(&mut scores);
        let (score, duplicate_of) = (scores.score, scores.duplicate_of);
        let columns = ScoreColumns { cluster: all, score, duplicate_of, similarity };
        Ok(ScoredRows { columns, uncompared, compared })
    }

    /// Sends each row to where it is compared, and measures its similarity to its centroid. Also finds the rows that are
    /// compared with nothing.
    fn arrange(
        &self,
        (store, centroids): (&EmbeddingStore, &UnitEmbeddings),
        clustering: &Clustering,
        (all, copies): (&mut [u32], &BulkCopies),
        spill: &mut Spill,
    ) -> Result<(Vec<f32>, Uncompared)> {
        let mut similarity = Vec::with_capacity(all.len());
        let mut uncompared = Uncompared::default();
        let mut waiting: Option<Block> = None;
        for range in blocks(store, self.memory) {
            let cluster = &mut all[range.start as usize..range.end as usize];
            // While one block is being written, the next is read.
            let read = || -> Result<(Block, Vec<f32>)> {
                let rows = store.read_rows(range.clone())?;
                let similarity = centroid_similarity(&rows, centroids, cluster);
                let mut compared = cluster.to_vec();
                copies.leave_out_of_block(range.start, &mut compared);
                let probes = clustering.probes(range.clone())?;
                Ok((Block { first: range.start, rows, cluster: compared, probes }, similarity))
            };
            let write = || waiting.take().map_or(Ok(()), |block| spill.add(&block));
            let (read, written) = rayon::join(read, write);
            written?;
            let (block, similarities) = read?;
            for (i, &cluster) in cluster.iter().enumerate() {
                uncompared.add(range.start + i as u64, block.rows.direction(i), cluster);
            }
            similarity.extend(similarities);
            self.progress.advance(range.end / 2 - range.start / 2);
            waiting = Some(block);
        }
        waiting.map_or(Ok(()), |block| spill.add(&block))?;
        Ok((similarity, uncompared))
    }
}
