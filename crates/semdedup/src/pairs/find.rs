//! Finds the earlier-ranking rows that are most similar to a row, in the clusters in which it is
//! scored.

use std::path::Path;

use semdedup_core::{
    Found, Pairing, Part, PartMatches, RankedRows, RowFilter, Stop, UnitEmbeddings, pairs_row_bytes,
};

use crate::arrays::store::EmbeddingStore;
use crate::cluster::clustering::{Clustering, largest};
use crate::error::Result;
use crate::memory::{ComparedData, Memory};
use crate::pairs::merge::{BucketCounts, Merge, RowPairs};
use crate::progress::{Progress, Stage};
use crate::score::bulk_copies::BulkCopies;
use crate::score::checkpoints::{ScoreCheckpoints, remove_checkpoints};
use crate::score::compared_rows::ComparedRows;
use crate::score::each_part::{PartComparison, ProgressShare, compare_each};
use crate::score::groups::{Groups, loaded_row_bytes};
use crate::score::loader::Loader;
use crate::workdir::fingerprint::Fingerprint;

/// The pairs that are wanted.
#[derive(Clone, Copy)]
pub(crate) struct WantedPairs<'a> {
    /// The rows whose pairs are wanted.
    pub(crate) is_searched: RowFilter<'a>,
    /// The rows that can be found.
    pub(crate) found: Found<'a>,
    /// The cosine similarity that a pair must be above.
    pub(crate) floor: f32,
    /// The most pairs of a row that is searched: the most similar, on a tie those with the
    /// earliest-ranking rows.
    pub(crate) most: usize,
    /// Whether to count the rows that have more.
    pub(crate) counts_more: bool,
    /// What the pairs depend on. A search that was killed goes on with what it has found.
    pub(crate) fingerprint: &'a Fingerprint,
}

/// How to find pairs.
#[derive(Clone, Copy)]
pub(crate) struct PairFinder<'a> {
    pub(crate) memory: Memory,
    /// The folder of the checkpoints.
    pub(crate) folder: &'a Path,
    pub(crate) progress: &'a dyn Progress,
    /// The stage whose progress this is.
    pub(crate) shown: Stage,
}

/// The rows among which pairs are found.
#[derive(Clone, Copy)]
pub(crate) struct PairedRows<'a> {
    pub(crate) store: &'a EmbeddingStore,
    pub(crate) centroids: &'a UnitEmbeddings,
    /// The clusters of the rows; a row that takes no part has none.
    pub(crate) clustering: &'a Clustering,
    /// The rank order of the rows.
    pub(crate) order: RankedRows<'a>,
}

impl PairFinder<'_> {
    /// Finds the pairs, and gives them to `take`, row by row in order. Returns the number of rows that
    /// have more pairs than are wanted, if they are counted.
    pub(crate) fn find(
        &self,
        rows: &PairedRows,
        wanted: &WantedPairs,
        take: &mut dyn FnMut(RowPairs) -> Result<()>,
    ) -> Result<u64> {
        let &PairedRows { store, centroids, clustering, order } = rows;
        let &WantedPairs { is_searched, found, floor, most, counts_more, fingerprint } = wanted;
        let searched = most + usize::from(counts_more);
        let (all, dim) = (store.rows(), store.dim());
        self.progress.begin(self.shown, "rows", all);
        let row_bytes =
            loaded_row_bytes(store.row_bytes(), dim, clustering.probes_per_row()) + pairs_row_bytes(searched);
        let largest_cluster = largest(&clustering.cluster);
        let bytes = self.memory.for_comparing(&ComparedData {
            rows: all,
            dim,
            largest_cluster,
            row_bytes,
            ranks: order.rank_bytes(),
        })?;
        let compared = ComparedRows { clustering, copies: &BulkCopies::default() };
        let groups = Groups::plan(row_bytes, compared, bytes)?;
        let checkpoints =
            ScoreCheckpoints::open(self.folder, fingerprint, &groups, all)?.with_several(searched);
        let pairing = Pairing { order, centroids, is_searched, found, floor, most: searched };
        let mut search = PairSearch { pairing, counts: BucketCounts::new(all) };
        let share = ProgressShare { before: 0, rows: all };
        let loader = Loader::new(store, compared, &groups);
        compare_each(loader, Some(&checkpoints), (self.progress, share), &mut search)?;
        let merge = Merge { checkpoints: &checkpoints, groups: &groups, order, most };
        let cut = merge.run(&search.counts, take)?;
        remove_checkpoints(self.folder)?;
        Ok(cut)
    }
}

/// A search part by part.
struct PairSearch<'a> {
    pairing: Pairing<'a>,
    counts: BucketCounts,
}

impl PartComparison for PairSearch<'_> {
    fn compare(&self, part: &Part, done: &mut dyn FnMut(usize), stop: &Stop) -> Option<PartMatches> {
        self.pairing.compare_until(part, done, stop)
    }

    fn add(&mut self, found: &PartMatches) {
        self.counts.add(&found.rows);
    }
}
