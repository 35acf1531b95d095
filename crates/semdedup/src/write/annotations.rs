//! Reads the findings about every row, as columns to add to the columns of the input.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow_array::{BooleanArray, RecordBatch, UInt64Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::concat::concat_batches;
use semdedup_core::{Representatives, ScoredPairs};

use crate::error::{Error, Result};
use crate::score::scores_file::ScoresFile;
use crate::select::selection::{Outcome, RowCounts, Selection};
use crate::workdir::row_index::Ids;
use crate::workdir::table_file::TableBatches;

/// The added columns of all rows, which are taken from the first row to the last.
pub(crate) struct Annotations<'a> {
    scores: &'a ScoresFile,
    outcome: &'a [Outcome],
    standing: Standing<'a>,
    batches: TableBatches,
    schema: SchemaRef,
    /// The rows that have been read and not yet taken.
    ready: VecDeque<RecordBatch>,
    rows_ready: usize,
    rows_read: usize,
    /// The rows that have been taken.
    pub(crate) taken: RowCounts,
}

/// Which row stands for each that goes, and for how many rows each that stays stands.
pub(crate) struct Standing<'a> {
    pub(crate) representatives: &'a Representatives,
    pub(crate) scores: ScoredPairs<'a>,
    /// The rows that each row stands for.
    pub(crate) duplicates: &'a [u32],
    /// The ids of all rows.
    pub(crate) ids: &'a Ids,
}

impl<'a> Annotations<'a> {
    /// Opens the added columns. `names` are their names: the score, the row that is duplicated, the
    /// cluster, whether the row stays, the row that stands for it, and the number of rows that it stands
    /// for.
    pub(crate) fn open(
        scores: &'a ScoresFile,
        selection: &'a Selection,
        standing: Standing<'a>,
        names: &[String; 6],
    ) -> Result<Self> {
        let batches = scores.batches(&["score", "duplicate_of", "cluster"])?;
        let stored = batches.schema();
        let kind = |name: &str| {
            let field = stored.field_with_name(name).map_err(|error| Error::input(&scores.path, error));
            field.map(|field| field.data_type().clone())
        };
        let [score, duplicate_of, cluster, kept, kept_as, duplicates] = names;
        let schema = Arc::new(Schema::new(vec![
            Field::new(score, kind("score")?, true),
            Field::new(duplicate_of, kind("duplicate_of")?, true),
            Field::new(cluster, kind("cluster")?, true),
            Field::new(kept, DataType::Boolean, true),
            Field::new(kept_as, kind("duplicate_of")?, true),
            Field::new(duplicates, DataType::UInt64, true),
        ]));
        let (outcome, ready, taken) = (&selection.outcome[..], VecDeque::new(), RowCounts::default());
        Ok(Self { scores, outcome, standing, batches, schema, ready, rows_ready: 0, rows_read: 0, taken })
    }

    /// Returns the names and the types of the added columns.
    pub(crate) fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// Takes the columns of the next `rows` rows, or of fewer if there are no more.
    pub(crate) fn next(&mut self, rows: usize) -> Result<RecordBatch> {
        while self.rows_ready < rows && self.read()? {}
        let mut parts = Vec::new();
        let mut missing = rows.min(self.rows_ready);
        while missing > 0
            && let Some(batch) = self.ready.pop_front()
        {
            let taken = missing.min(batch.num_rows());
            if taken < batch.num_rows() {
                self.ready.push_front(batch.slice(taken, batch.num_rows() - taken));
            }
            parts.push(batch.slice(0, taken));
            self.rows_ready -= taken;
            missing -= taken;
        }
        let whole = match parts.as_slice() {
            [only] => only.clone(),
            parts => concat_batches(&self.schema, parts).map_err(|e| Error::input(&self.scores.path, e))?,
        };
        let from = self.rows_read - self.rows_ready - whole.num_rows();
        self.taken.count(&self.outcome[from..from + whole.num_rows()]);
        Ok(whole)
    }

    /// Reads the next batch; returns false at the end.
    fn read(&mut self) -> Result<bool> {
        let damaged = |error| Error::input(&self.scores.path, error);
        let Some(batch) = self.batches.next() else { return Ok(false) };
        let batch = batch?;
        let rows = self.rows_read..self.rows_read + batch.num_rows();
        let outcome = &self.outcome[rows.clone()];
        let Standing { representatives, scores, duplicates, ids } = &self.standing;
        let kept_as = rows.clone().map(|row| Some(representatives.of(row as u64, scores)?.0));
        let kept_as = ids.of(&kept_as.collect::<UInt64Array>())?;
        let stands_for = |row: usize| (self.outcome[row] == Outcome::Kept).then(|| duplicates[row].into());
        let duplicates: UInt64Array = rows.map(stands_for).collect();
        let kept = |outcome: &Outcome| (*outcome != Outcome::Skipped).then_some(*outcome == Outcome::Kept);
        let kept: BooleanArray = outcome.iter().map(kept).collect();
        let column = |name: &str| batch.column_by_name(name).cloned();
        let columns = ["score", "duplicate_of", "cluster"].into_iter().filter_map(column);
        let columns = columns.chain([Arc::new(kept) as _, kept_as, Arc::new(duplicates) as _]).collect();
        let batch = RecordBatch::try_new(self.schema.clone(), columns).map_err(damaged)?;
        self.rows_read += batch.num_rows();
        self.rows_ready += batch.num_rows();
        self.ready.push_back(batch);
        Ok(true)
    }
}
