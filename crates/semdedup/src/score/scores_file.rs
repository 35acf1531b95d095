//! Writes and reads `scores.parquet`, the record of the comparison that users read and `select`
//! works from.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayRef, Float32Array, RecordBatch, UInt32Array, UInt64Array};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::KeyValue;
use parquet::schema::types::TypePtr;
use semdedup_core::{Keep, NO_CLUSTER, NO_ROW, Ranking};

use crate::comparison::Comparison;
use crate::error::{Error, Result};
use crate::formats::CompareBy;
use crate::rank::ranks_file::KEEP_RANK;
use crate::score::columns::ScoreColumns;
use crate::storage::Blob;
use crate::workdir::row_index::{FileRows, Ids, RowIndex};
use crate::workdir::table_file::{BATCH_ROWS, TableBatches, TableWriter, check_table, guarded, open_columns};

const RANKING_KEY: &str = "semdedup.ranking";

const FILES_KEY: &str = "semdedup.files";

const BY_KEY: &str = "semdedup.by";

const COMPARED_KEY: &str = "semdedup.compared";

/// Returns the metadata of a table that records what was compared.
pub(crate) fn compared_metadata(path: &Path, compared: Option<&Comparison>) -> Result<Option<KeyValue>> {
    let json = compared.map(serde_json::to_string).transpose().map_err(|error| Error::output(path, error))?;
    Ok(json.map(|json| KeyValue::new(COMPARED_KEY.to_owned(), json)))
}

/// Writes `scores.parquet`: every row of the input in order.
///
/// A row that could not be read has no score. A row with a NaN or an infinity has a score of 0, but
/// no cluster and no similarity.
pub(crate) fn write_scores(
    path: &Path,
    columns: &ScoreColumns,
    named: &NamedRows,
    ranking: &Ranking,
) -> Result<()> {
    let files = serde_json::to_string(&named.row_index.files).map_err(|error| Error::output(path, error))?;
    let mut metadata = vec![
        KeyValue::new(RANKING_KEY.to_owned(), format!("{} {}", ranking.keep.name(), ranking.seed)),
        KeyValue::new(FILES_KEY.to_owned(), files),
    ];
    metadata.extend(named.by.map(|by| KeyValue::new(BY_KEY.to_owned(), by.name().to_owned())));
    metadata.extend(compared_metadata(path, named.compared.as_ref())?);
    let id_type = named.ids.of(&UInt64Array::from(Vec::<u64>::new()))?.data_type().clone();
    let stored = named.id_type.as_deref();
    let schema = schema(id_type, !columns.ranks.is_empty());
    let mut table = TableWriter::create_with_ids(path, schema, metadata, stored)?;
    let rows = columns.cluster.len();
    for start in (0..rows).step_by(BATCH_ROWS) {
        table.write(batch(columns, named, start..rows.min(start + BATCH_ROWS))?)?;
    }
    table.finish()
}

/// Returns the columns of `scores.parquet`, with the ranks that the input gives the rows or without.
fn schema(id_type: DataType, is_ranked: bool) -> Schema {
    let mut fields = vec![
        Field::new("id", id_type.clone(), true),
        Field::new("row", DataType::UInt64, false),
        Field::new("cluster", DataType::UInt32, true),
        Field::new("centroid_similarity", DataType::Float32, true),
        Field::new("score", DataType::Float32, true),
        Field::new("duplicate_of", id_type, true),
        Field::new("duplicate_of_row", DataType::UInt64, true),
    ];
    fields.extend(is_ranked.then(|| Field::new(KEEP_RANK, DataType::UInt32, false)));
    Schema::new(fields)
}

/// Returns the columns of `scores.parquet` for a range of rows.
fn batch(columns: &ScoreColumns, named: &NamedRows, range: Range<usize>) -> Result<Vec<ArrayRef>> {
    let numbers = UInt64Array::from_iter_values(range.clone().map(|row| row as u64));
    let cluster = |row: usize| Some(columns.cluster[row]).filter(|&cluster| cluster != NO_CLUSTER);
    let cluster: UInt32Array = range.clone().map(cluster).collect();
    let similarity = |row: usize| Some(columns.similarity[row]).filter(|similarity| !similarity.is_nan());
    let similarity: Float32Array = range.clone().map(similarity).collect();
    let was_read = |row: usize| named.skipped.binary_search(&(row as u64)).is_err();
    let score = |row: usize| was_read(row).then(|| columns.score[row]);
    let score: Float32Array = range.clone().map(score).collect();
    let of = |row: usize| Some(columns.duplicate_of[row]).filter(|&of| of != NO_ROW);
    let of: UInt64Array = range.clone().map(of).collect();
    let ranks = columns.ranks.get(range).map(|ranks| Arc::new(UInt32Array::from(ranks.to_vec())) as ArrayRef);
    let mut arrays: Vec<ArrayRef> = vec![
        named.ids.of(&numbers)?,
        Arc::new(numbers),
        Arc::new(cluster),
        Arc::new(similarity),
        Arc::new(score),
        named.ids.of(&of)?,
        Arc::new(of),
    ];
    arrays.extend(ranks.filter(|_| !columns.ranks.is_empty()));
    Ok(arrays)
}

/// The names of the rows that a table is written for.
pub(crate) struct NamedRows<'a> {
    pub(crate) ids: &'a Ids,
    /// The type with which the input stores the ids, if Arrow loses a part of it.
    pub(crate) id_type: Option<TypePtr>,
    pub(crate) row_index: &'a RowIndex,
    /// The rows that could not be read, ascending.
    pub(crate) skipped: &'a [u64],
    /// What the rows were compared by, if that is known.
    pub(crate) by: Option<CompareBy>,
    /// The columns that were compared, and the model, if they are known.
    pub(crate) compared: Option<Comparison>,
}

/// The highest cosine similarity that rounding can give.
const HIGHEST_COSINE: f32 = 1.001;

/// An existing `scores.parquet`.
#[derive(Debug)]
pub(crate) struct ScoresFile {
    pub(crate) path: PathBuf,
    pub(crate) ranking: Ranking,
    /// Whether it has the ranks that the input gave the rows.
    is_ranked: bool,
    pub(crate) row_index: RowIndex,
    /// The type with which the file stores the ids.
    pub(crate) id_type: Option<TypePtr>,
    /// What the rows were compared by; text if the file does not say.
    pub(crate) by: CompareBy,
    /// The columns that were compared, and the model, if the file says so.
    pub(crate) compared: Option<Comparison>,
}

impl ScoresFile {
    /// Opens a score table and reads its metadata.
    ///
    /// # Errors
    /// A file that is not a score table.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = Blob::open(path)?;
        let foreign = |problem: String| {
            Error::input(path, problem)
                .hint("give it a scores.parquet that `semdedup run` or `semdedup score` wrote")
        };
        let loaded = guarded(path, || {
            ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())
                .map_err(|error| foreign(format!("not a Parquet table: {error}")))
        })?;
        let metadata = loaded.metadata().file_metadata();
        let value = |key: &str| {
            let found = metadata.key_value_metadata().into_iter().flatten().find(|pair| pair.key == key);
            found.and_then(|pair| pair.value.clone()).ok_or_else(|| foreign(format!("no metadata `{key}`")))
        };
        let ranking = value(RANKING_KEY)?;
        let ranking =
            parse_ranking(&ranking).ok_or_else(|| foreign(format!("unknown ranking `{ranking}`")))?;
        let files: Vec<FileRows> = serde_json::from_str(&value(FILES_KEY)?)
            .map_err(|error| foreign(format!("{FILES_KEY}: {error}")))?;
        let row_index = RowIndex::new(files);
        let mut stored = metadata.schema_descr().root_schema().get_fields().iter();
        let id_type = stored.find(|field| field.name() == "id" && field.is_primitive()).cloned();
        let fields = metadata.schema_descr().root_schema().get_fields();
        let is_ranked = fields.iter().any(|field| field.name() == KEEP_RANK);
        let rows = metadata.num_rows();
        if u64::try_from(rows) != Ok(row_index.rows()) {
            return Err(foreign(format!("{rows} rows, its metadata says {}", row_index.rows())));
        }
        let compared = value(COMPARED_KEY).ok().and_then(|json| serde_json::from_str(&json).ok());
        let by = value(BY_KEY).ok();
        let by =
            [CompareBy::Image, CompareBy::Both].into_iter().find(|known| by.as_deref() == Some(known.name()));
        let (path, by) = (path.to_path_buf(), by.unwrap_or_default());
        Ok(Self { path, ranking, is_ranked, row_index, id_type, by, compared })
    }

    /// Reads the result of the comparison. Rows that could not be read have a score of NaN.
    ///
    /// # Errors
    /// A table that no comparison can have written: somebody may have sorted or joined it since.
    pub(crate) fn columns(&self) -> Result<ScoreColumns> {
        check_table(&self.path)?;
        let rows = self.row_index.rows();
        let mut columns = ScoreColumns::with_capacity(rows as usize);
        let mut names = vec!["row", "cluster", "centroid_similarity", "score", "duplicate_of_row"];
        names.extend(self.is_ranked.then_some(KEEP_RANK));
        for batch in open_columns(&self.path, &names)? {
            self.add_batch(&batch?, &mut columns)?;
        }
        for (row, (&score, &of)) in columns.score.iter().zip(&columns.duplicate_of).enumerate() {
            if !(score.is_nan() || (-HIGHEST_COSINE..=HIGHEST_COSINE).contains(&score)) {
                return Err(self.altered(row, &format!("a score of {score}")));
            }
            if of != NO_ROW && of >= rows {
                return Err(self.altered(row, &format!("a duplicate of row {of} of {rows}")));
            }
        }
        Ok(columns)
    }

    /// Adds the next rows of the table to the columns.
    fn add_batch(&self, batch: &RecordBatch, columns: &mut ScoreColumns) -> Result<()> {
        let typed = |name: &str, kind: DataType| self.typed(batch, name, &kind);
        let row = typed("row", DataType::UInt64)?;
        let mut rows = row.as_primitive::<UInt64Type>().iter().zip(columns.score.len() as u64..);
        if rows.any(|(row, expected)| row != Some(expected)) {
            return Err(self.altered(columns.score.len(), "the rows from here on are not in their order"));
        }
        let cluster = typed("cluster", DataType::UInt32)?;
        let similarity = typed("centroid_similarity", DataType::Float32)?;
        let score = typed("score", DataType::Float32)?;
        let of = typed("duplicate_of_row", DataType::UInt64)?;
        let cluster = cluster.as_primitive::<UInt32Type>().iter();
        columns.cluster.extend(cluster.map(|c| c.unwrap_or(NO_CLUSTER)));
        let similarity = similarity.as_primitive::<Float32Type>().iter();
        columns.similarity.extend(similarity.map(|s| s.unwrap_or(f32::NAN)));
        let score = score.as_primitive::<Float32Type>();
        // A row that could not be read has null as its score, not NaN.
        if score.iter().flatten().any(f32::is_nan) {
            return Err(self.altered(columns.score.len(), "or one after it has a score of NaN"));
        }
        columns.score.extend(score.iter().map(|s| s.unwrap_or(f32::NAN)));
        let of = of.as_primitive::<UInt64Type>().iter();
        columns.duplicate_of.extend(of.map(|of| of.unwrap_or(NO_ROW)));
        if self.is_ranked { self.add_ranks(batch, columns) } else { Ok(()) }
    }

    /// Adds the ranks of the next rows of the table to the columns.
    fn add_ranks(&self, batch: &RecordBatch, columns: &mut ScoreColumns) -> Result<()> {
        let ranks = self.typed(batch, KEEP_RANK, &DataType::UInt32)?;
        if ranks.null_count() > 0 {
            return Err(self.altered(columns.ranks.len(), "or one after it has no rank"));
        }
        columns.ranks.extend_from_slice(ranks.as_primitive::<UInt32Type>().values());
        Ok(())
    }

    /// Returns a column of a batch, if it has the type that semdedup writes.
    fn typed(&self, batch: &RecordBatch, name: &str, kind: &DataType) -> Result<ArrayRef> {
        match batch.column_by_name(name) {
            Some(column) if column.data_type() == kind => Ok(column.clone()),
            _ => Err(Error::input(&self.path, format!("column `{name}` is not of type {kind}"))),
        }
    }

    /// Says that the table is not as semdedup wrote it.
    fn altered(&self, row: usize, problem: &str) -> Error {
        Error::input(&self.path, format!("row {row}: {problem}"))
            .hint("use the file as `semdedup run` or `semdedup score` wrote it")
    }

    /// Reads some columns of all rows, in order.
    pub(crate) fn batches(&self, names: &[&str]) -> Result<TableBatches> {
        open_columns(&self.path, names)
    }
}

fn parse_ranking(text: &str) -> Option<Ranking> {
    let (keep, seed) = text.split_once(' ')?;
    let keep = Keep::ALL.into_iter().find(|known| known.name() == keep)?;
    Some(Ranking { keep, seed: seed.parse().ok()? })
}
