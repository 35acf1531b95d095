//! Searches the embeddings for the pairs that the rule `representative` asks for.

use semdedup_core::{
    EXACT, EarlierPairs, Epsilon, Found, NO_CLUSTER, PairSearch, RankedRows, RowFilter, UnitEmbeddings,
};

use crate::arrays::store::EmbeddingStore;
use crate::cluster::clustering::Clustering;
use crate::error::{Error, Result};
use crate::pairs::find::{PairFinder, PairedRows, WantedPairs};
use crate::pairs::floor::floor_of;
use crate::score::bulk_copies::BulkCopies;
use crate::score::columns::ScoreColumns;
use crate::score::compared_rows::ComparedRows;
use crate::score::row_bits::RowBits;
use crate::workdir::fingerprint::Fingerprint;

/// The rows whose clusters are read at a time.
const ROWS_PER_READ: u64 = 1 << 16;

/// Searches for pairs among rows that are compared with each other.
pub(crate) struct RuleSearch<'a> {
    pub(crate) finder: PairFinder<'a>,
    pub(crate) store: &'a EmbeddingStore,
    pub(crate) centroids: &'a UnitEmbeddings,
    /// The clustering. Each search overwrites the clusters: a row that takes no part has none.
    pub(crate) clustering: &'a mut Clustering,
    /// The cluster of each row in it.
    pub(crate) cluster: &'a [u32],
    pub(crate) order: RankedRows<'a>,
    pub(crate) columns: &'a ScoreColumns,
    /// What the searches depend on.
    pub(crate) fingerprint: &'a Fingerprint,
    /// The searches so far. Each is of other rows, so each has a fingerprint of its own.
    pub(crate) searches: u64,
}

impl RuleSearch<'_> {
    /// Searches for the `most` most similar pairs of some rows.
    fn search(
        &mut self,
        searched: &[u64],
        found: Found,
        most: usize,
        epsilon: Epsilon,
    ) -> Result<EarlierPairs> {
        self.searches += 1;
        let mut pairs = EarlierPairs::default();
        if searched.is_empty() {
            return Ok(pairs);
        }
        let mut wanted = RowBits::with_room(self.columns.score.len());
        searched.iter().for_each(|&row| wanted.insert(row as usize));
        let is_searched: RowFilter = &|row| wanted.contains(row as usize);
        self.let_take_part(is_searched, found)?;
        let fingerprint = &Fingerprint::of(&("search", self.searches), Some(self.fingerprint))?;
        let floor = floor_of(epsilon);
        let wanted = WantedPairs { is_searched, found, floor, most, counts_more: false, fingerprint };
        let rows = PairedRows {
            store: self.store,
            centroids: self.centroids,
            clustering: self.clustering,
            order: self.order,
        };
        self.finder.find(&rows, &wanted, &mut |part| {
            part.pairs.iter().for_each(|pair| pairs.push(pair.row, pair.earlier, pair.similarity));
            Ok(())
        })?;
        Ok(pairs)
    }

    /// Lets rows take part in a search: those that are searched, and those that can be found and are
    /// compared with one of them.
    fn let_take_part(&mut self, is_searched: RowFilter, found: Found) -> Result<()> {
        self.clustering.cluster.copy_from_slice(self.cluster);
        let Found::Only(can_be) = found else {
            self.leave_out_unless(is_searched);
            return Ok(());
        };
        let clusters = self.clustering.clusters;
        let (mut own, mut reached) = (vec![false; clusters], vec![false; clusters]);
        self.each_row(&mut |row, clusters| {
            if is_searched(row) {
                own[clusters[0] as usize] = true;
                clusters.iter().for_each(|&cluster| reached[cluster as usize] = true);
            }
        })?;
        let is_copy = |row: u64| self.columns.score[row as usize] == EXACT;
        let mut part = RowBits::with_room(self.columns.score.len());
        self.each_row(&mut |row, clusters| {
            let meets = reached[clusters[0] as usize] || clusters.iter().any(|&c| own[c as usize]);
            if is_searched(row) || (meets && can_be(row) && !is_copy(row)) {
                part.insert(row as usize);
            }
        })?;
        self.leave_out_unless(&|row| part.contains(row as usize));
        Ok(())
    }

    /// Calls `work` with each row that has a cluster, and its clusters, its own first.
    fn each_row(&self, work: &mut dyn FnMut(u64, &[u32])) -> Result<()> {
        let compared = ComparedRows { clustering: self.clustering, copies: &BulkCopies::default() };
        let (all, mut clusters) = (compared.all(), Vec::new());
        for first in (0..all).step_by(ROWS_PER_READ as usize) {
            for row in compared.read(first..all.min(first + ROWS_PER_READ))?.rows() {
                clusters.clear();
                clusters.extend(row.clusters());
                work(row.number, &clusters);
            }
        }
        Ok(())
    }

    fn leave_out_unless(&mut self, takes_part: RowFilter) {
        let clusters = self.clustering.cluster.iter_mut().zip(0..);
        clusters.filter(|(_, row)| !takes_part(*row)).for_each(|(cluster, _)| *cluster = NO_CLUSTER);
    }
}

impl PairSearch for RuleSearch<'_> {
    type Error = Error;

    fn nearest(&mut self, rows: &[u64], can_be: RowFilter, epsilon: Epsilon) -> Result<EarlierPairs> {
        self.search(rows, Found::Only(can_be), 1, epsilon)
    }

    fn among(&mut self, rows: &[u64], most: usize, epsilon: Epsilon) -> Result<EarlierPairs> {
        self.search(rows, Found::Earlier, most, epsilon)
    }
}
