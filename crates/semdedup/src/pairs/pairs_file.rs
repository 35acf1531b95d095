//! Writes `pairs.parquet`: the pairs of similar rows that were compared.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float32Array, UInt64Array};
use arrow_schema::{DataType, Field, Schema};
use parquet::file::metadata::KeyValue;
use semdedup_core::{EXACT, NO_ROW};

use crate::error::{Error, Result};
use crate::options::PairOptions;
use crate::pairs::merge::{RowPair, RowPairs};
use crate::score::columns::ScoreColumns;
use crate::score::scores_file::NamedRows;
use crate::workdir::table_file::{BATCH_ROWS, TableWriter};

const LIMITS_KEY: &str = "semdedup.pairs";

/// Writes pairs row by row.
pub(crate) struct PairsWriter<'a> {
    table: TableWriter,
    columns: &'a ScoreColumns,
    named: &'a NamedRows<'a>,
    above: f32,
    batch: Vec<RowPair>,
    /// The pairs so far.
    pub(crate) pairs: u64,
}

impl<'a> PairsWriter<'a> {
    pub(crate) fn create(
        path: &Path,
        options: &PairOptions,
        columns: &'a ScoreColumns,
        named: &'a NamedRows<'a>,
    ) -> Result<Self> {
        let id_type = named.ids.of(&UInt64Array::from(Vec::<u64>::new()))?.data_type().clone();
        let schema = Schema::new(vec![
            Field::new("row_a", DataType::UInt64, false),
            Field::new("row_b", DataType::UInt64, false),
            Field::new("similarity", DataType::Float32, false),
            Field::new("id_a", id_type.clone(), true),
            Field::new("id_b", id_type, true),
        ]);
        let limits = serde_json::to_string(options).map_err(|error| Error::output(path, error))?;
        let metadata = vec![KeyValue::new(LIMITS_KEY.to_owned(), limits)];
        let table = TableWriter::create_with_ids(path, schema, metadata, named.id_type.as_deref())?;
        Ok(Self { table, columns, named, above: options.above, batch: Vec::new(), pairs: 0 })
    }

    /// Writes the pairs of a range of rows. A row with the embedding of an earlier-ranking one has one
    /// pair, with that row: a crowd of copies is a star.
    pub(crate) fn write(&mut self, found: &RowPairs) -> Result<()> {
        let mut pairs = found.pairs.iter().peekable();
        for row in found.rows.clone() {
            while let Some(&pair) = pairs.next_if(|pair| pair.row == row) {
                self.push(pair)?;
            }
            let (score, of) = (self.columns.score[row as usize], self.columns.duplicate_of[row as usize]);
            if score == EXACT && of != NO_ROW && EXACT > self.above {
                self.push(RowPair { row, earlier: of, similarity: EXACT })?;
            }
        }
        Ok(())
    }

    fn push(&mut self, pair: RowPair) -> Result<()> {
        self.batch.push(pair);
        self.pairs += 1;
        if self.batch.len() == BATCH_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let a = UInt64Array::from_iter_values(self.batch.iter().map(|pair| pair.earlier));
        let b = UInt64Array::from_iter_values(self.batch.iter().map(|pair| pair.row));
        let similarity = Float32Array::from_iter_values(self.batch.iter().map(|pair| pair.similarity));
        let (id_a, id_b) = (self.named.ids.of(&a)?, self.named.ids.of(&b)?);
        let columns: Vec<ArrayRef> = vec![Arc::new(a), Arc::new(b), Arc::new(similarity), id_a, id_b];
        self.batch.clear();
        self.table.write(columns)
    }

    /// Completes the file.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.flush()?;
        self.table.finish()
    }
}
