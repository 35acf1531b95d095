//! Merges the pairs of all parts: a row has pairs in several parts, some of them twice.

use std::ops::Range;

use rayon::prelude::*;
use semdedup_core::{RankKey, RankedRows};

use crate::error::Result;
use crate::score::checkpoints::ScoreCheckpoints;
use crate::score::groups::{BlockPair, Groups};

/// The rows of a bucket.
const BUCKET_ROWS: u64 = 1 << 10;

/// The pairs that are merged at a time, unless those of one bucket are more.
const PAIRS_AT_ONCE: u64 = 1 << 20;

/// The pairs of the rows of a range.
pub(crate) struct RowPairs {
    pub(crate) rows: Range<u64>,
    /// By row, the most similar first, on a tie the earliest-ranking.
    pub(crate) pairs: Vec<RowPair>,
}

/// A row and a row that ranks before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RowPair {
    pub(crate) row: u64,
    pub(crate) earlier: u64,
    pub(crate) similarity: f32,
}

/// How many pairs the rows of each bucket have, over all parts.
pub(super) struct BucketCounts {
    rows: u64,
    counts: Vec<u64>,
}

impl BucketCounts {
    pub(super) fn new(rows: u64) -> Self {
        Self { rows, counts: vec![0; rows.div_ceil(BUCKET_ROWS) as usize] }
    }

    pub(super) fn add(&mut self, rows: &[u64]) {
        rows.iter().for_each(|&row| self.counts[(row / BUCKET_ROWS) as usize] += 1);
    }

    /// Divides the rows into ranges whose pairs are merged at a time.
    fn ranges(&self) -> Vec<Range<u64>> {
        let (mut ranges, mut start, mut held) = (Vec::new(), 0, 0);
        for (bucket, &count) in (0u64..).zip(&self.counts) {
            if held > 0 && held + count > PAIRS_AT_ONCE {
                ranges.push(start..bucket * BUCKET_ROWS);
                (start, held) = (bucket * BUCKET_ROWS, 0);
            }
            held += count;
        }
        ranges.push(start..self.rows);
        ranges
    }
}

/// The parts whose pairs are merged.
pub(super) struct Merge<'a> {
    pub(super) checkpoints: &'a ScoreCheckpoints<'a>,
    pub(super) groups: &'a Groups,
    pub(super) order: RankedRows<'a>,
    /// The most pairs of a row that are kept.
    pub(super) most: usize,
}

impl Merge<'_> {
    /// Gives the pairs of all rows to `take`, range by range. Returns the number of rows that have
    /// more pairs than are kept.
    pub(super) fn run(
        &self,
        counts: &BucketCounts,
        take: &mut dyn FnMut(RowPairs) -> Result<()>,
    ) -> Result<u64> {
        let parts = self.groups.block_pairs();
        let mut cut = 0;
        for rows in counts.ranges() {
            let mut pairs = self.read(&parts, &rows)?;
            cut += self.shorten(&mut pairs);
            take(RowPairs { rows, pairs })?;
        }
        Ok(cut)
    }

    /// Reads the pairs of the rows of a range.
    fn read(&self, parts: &[BlockPair], rows: &Range<u64>) -> Result<Vec<RowPair>> {
        let mut pairs = Vec::new();
        for &part in parts {
            let found = self.checkpoints.of_rows(part, rows)?;
            let others = found.duplicate_of.into_iter().zip(found.similarity);
            let found = found.rows.into_iter().zip(others);
            pairs.extend(found.map(|(row, (earlier, similarity))| RowPair { row, earlier, similarity }));
        }
        Ok(pairs)
    }

    /// Sorts pairs, and leaves out those that were found twice and those beyond the most. Returns the
    /// number of rows that had more.
    fn shorten(&self, pairs: &mut Vec<RowPair>) -> u64 {
        let key = |row: u64| -> RankKey { self.order.key(row) };
        pairs.par_sort_unstable_by(|a, b| {
            let by_similarity = b.similarity.total_cmp(&a.similarity);
            a.row.cmp(&b.row).then(by_similarity).then_with(|| key(a.earlier).cmp(&key(b.earlier)))
        });
        pairs.dedup_by_key(|pair| (pair.row, pair.earlier));
        let (mut row, mut count, mut cut) = (u64::MAX, 0, 0);
        pairs.retain(|pair| {
            count = if pair.row == row { count + 1 } else { 1 };
            row = pair.row;
            cut += u64::from(count == self.most + 1);
            count <= self.most
        });
        cut
    }
}
