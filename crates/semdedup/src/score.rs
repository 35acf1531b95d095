//! The stage that compares: the rows of each cluster among themselves and with the rows that probe it, in groups of
//! clusters that fit into memory.

use std::path::Path;

use semdedup_core::{EXACT, Ranking, Scoring, UnitEmbeddings, centroid_similarity};

use crate::Result;
use crate::cluster::{Clustering, blocks, largest};
use crate::files::check_free_space;
use crate::memory::Memory;
use crate::progress::{Progress, Stage};
use crate::spill::{Block, Groups, Spill};
use crate::store::EmbeddingStore;

/// The result of the comparison, in the order of the rows.
#[derive(Debug, Default)]
pub(crate) struct ScoreColumns {
    /// [`semdedup_core::NO_CLUSTER`] for a row with a NaN or an infinity.
    pub(crate) cluster: Vec<u32>,
    pub(crate) similarity: Vec<f32>,
    pub(crate) score: Vec<f32>,
    /// [`semdedup_core::NO_ROW`] where no row that it is compared with ranks before.
    pub(crate) duplicate_of: Vec<u64>,
}

impl ScoreColumns {
    /// Rows with the same embedding as a row that ranks before them.
    pub(crate) fn exact_duplicates(&self) -> u64 {
        self.score.iter().filter(|&&score| score == EXACT).count() as u64
    }
}

/// How to score.
#[derive(Clone, Copy)]
pub(crate) struct Scorer<'a> {
    pub(crate) ranking: &'a Ranking,
    pub(crate) memory: Memory,
    /// What files are named after that are needed where memory is short.
    pub(crate) spill: &'a Path,
    pub(crate) progress: &'a dyn Progress,
}

impl Scorer<'_> {
    /// Scores every row, and counts the comparisons of two rows.
    pub(crate) fn score(
        &self,
        store: &EmbeddingStore,
        centroids: &UnitEmbeddings,
        mut clustering: Clustering,
    ) -> Result<(ScoreColumns, u64)> {
        let most = largest(&clustering.cluster);
        let budget = self.memory.for_comparing(store.rows(), store.dim(), most)?;
        let groups = Groups::plan(store, &clustering, budget)?;
        check_free_space(
            self.spill,
            groups.spilled_bytes(),
            "--memory is too little to hold all rows; holding them on disk",
        )?;
        self.progress.begin(Stage::Score, "rows", 2 * store.rows());
        let mut spill = Spill::new(store, &groups, self.spill)?;
        let similarity = self.arrange(store, centroids, &mut clustering, &mut spill)?;
        let mut scoring = Scoring::new(*self.ranking, centroids, &similarity);
        spill.each(|members| {
            scoring.compare(&members.part(), &mut |rows| self.progress.advance(rows as u64))
        })?;
        let compared = scoring.compared();
        let scores = scoring.finish();
        let columns = ScoreColumns {
            cluster: clustering.cluster,
            score: scores.score,
            duplicate_of: scores.duplicate_of,
            similarity,
        };
        Ok((columns, compared))
    }

    /// Sends each row to where it is compared, and measures its similarity to its centroid.
    fn arrange(
        &self,
        store: &EmbeddingStore,
        centroids: &UnitEmbeddings,
        clustering: &mut Clustering,
        spill: &mut Spill,
    ) -> Result<Vec<f32>> {
        let mut similarity = Vec::with_capacity(clustering.cluster.len());
        let mut waiting: Option<Block> = None;
        for range in blocks(store, self.memory) {
            // While one block is being written, the next is read.
            let read = || -> Result<(Block, Vec<f32>)> {
                let rows = store.read_raw(range.clone())?;
                let mut cluster = clustering.cluster[range.start as usize..range.end as usize].to_vec();
                let similarity = centroid_similarity(&rows, centroids, &mut cluster);
                let probes = clustering.probes(range.clone())?;
                Ok((Block { first: range.start, rows, cluster, probes }, similarity))
            };
            let write = || waiting.take().map_or(Ok(()), |block| spill.add(&block));
            let (read, written) = rayon::join(read, write);
            written?;
            let (block, similarities) = read?;
            clustering.cluster[range.start as usize..range.end as usize].copy_from_slice(&block.cluster);
            similarity.extend(similarities);
            self.progress.advance(block.cluster.len() as u64);
            waiting = Some(block);
        }
        waiting.map_or(Ok(()), |block| spill.add(&block))?;
        Ok(similarity)
    }
}
