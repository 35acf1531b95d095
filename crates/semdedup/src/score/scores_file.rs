//! `scores.parquet`, the record of the comparison that users read and `select` works from, and the other tables.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, AsArray, Float32Array, UInt32Array, UInt64Array};
use arrow::datatypes::{DataType, Field, Float32Type, Schema, UInt32Type, UInt64Type};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::KeyValue;
use semdedup_core::{Keep, NO_CLUSTER, NO_ROW, Ranking};

use crate::comparison::Comparison;
use crate::error::{Error, Result};
use crate::formats::CompareBy;
use crate::score::columns::ScoreColumns;
use crate::storage::Blob;
use crate::workdir::row_index::{FileRows, Ids, RowIndex};
use crate::workdir::table_file::{BATCH_ROWS, TableWriter, open_columns};

const RANKING_KEY: &str = "semdedup.ranking";

const FILES_KEY: &str = "semdedup.files";

const BY_KEY: &str = "semdedup.by";

const COMPARED_KEY: &str = "semdedup.compared";

/// What was compared, for the metadata of a table.
pub(crate) fn compared_metadata(path: &Path, compared: Option<&Comparison>) -> Result<Option<KeyValue>> {
    let json = compared.map(serde_json::to_string).transpose().map_err(|error| Error::output(path, error))?;
    Ok(json.map(|json| KeyValue::new(COMPARED_KEY.to_owned(), json)))
}

fn keep_name(keep: Keep) -> &'static str {
    match keep {
        Keep::Hard => "hard",
        Keep::Easy => "easy",
        Keep::Random => "random",
    }
}

/// `hard`, `easy` or `random`.
pub(crate) fn name_of(ranking: &Ranking) -> &'static str {
    keep_name(ranking.keep)
}

/// Writes `scores.parquet`: every row of the input in order.
///
/// A row that could not be read (`skipped`, ascending) has no score; one with a NaN or an infinity has a score of 0,
/// but no cluster and no similarity.
pub(crate) fn write_scores(
    path: &Path,
    columns: &ScoreColumns,
    named: &NamedRows,
    ranking: &Ranking,
) -> Result<()> {
    let files = serde_json::to_string(&named.row_index.files).map_err(|error| Error::output(path, error))?;
    let mut metadata = vec![
        KeyValue::new(RANKING_KEY.to_owned(), format!("{} {}", keep_name(ranking.keep), ranking.seed)),
        KeyValue::new(FILES_KEY.to_owned(), files),
    ];
    metadata.extend(named.by.map(|by| KeyValue::new(BY_KEY.to_owned(), by.name().to_owned())));
    metadata.extend(compared_metadata(path, named.compared.as_ref())?);
    let id_type = named.ids.of(&UInt64Array::from(Vec::<u64>::new()))?.data_type().clone();
    let schema = Schema::new(vec![
        Field::new("id", id_type.clone(), true),
        Field::new("row", DataType::UInt64, false),
        Field::new("cluster", DataType::UInt32, true),
        Field::new("centroid_similarity", DataType::Float32, true),
        Field::new("score", DataType::Float32, true),
        Field::new("duplicate_of", id_type, true),
        Field::new("duplicate_of_row", DataType::UInt64, true),
    ]);
    let mut table = TableWriter::create(path, schema, metadata)?;
    let rows = columns.cluster.len();
    for start in (0..rows).step_by(BATCH_ROWS) {
        let range = start..rows.min(start + BATCH_ROWS);
        let numbers = UInt64Array::from_iter_values(range.clone().map(|row| row as u64));
        let placed = |row: &usize| columns.cluster[*row] != NO_CLUSTER;
        let read = |row: &usize| named.skipped.binary_search(&(*row as u64)).is_err();
        let of = |row: usize| Some(columns.duplicate_of[row]).filter(|&of| of != NO_ROW);
        let of: UInt64Array = range.clone().map(of).collect();
        table.write(vec![
            named.ids.of(&numbers)?,
            Arc::new(numbers),
            Arc::new(
                range.clone().map(|row| placed(&row).then(|| columns.cluster[row])).collect::<UInt32Array>(),
            ),
            Arc::new(
                range
                    .clone()
                    .map(|row| Some(columns.similarity[row]).filter(|similarity| !similarity.is_nan()))
                    .collect::<Float32Array>(),
            ),
            Arc::new(range.map(|row| read(&row).then(|| columns.score[row])).collect::<Float32Array>()),
            named.ids.of(&of)?,
            Arc::new(of),
        ])?;
    }
    table.finish()
}

/// The names of the rows that a table is written for.
pub(crate) struct NamedRows<'a> {
    pub(crate) ids: &'a Ids,
    pub(crate) row_index: &'a RowIndex,
    /// The rows that could not be read, ascending.
    pub(crate) skipped: &'a [u64],
    /// What they were compared by, if that is known.
    pub(crate) by: Option<CompareBy>,
    /// Which columns were compared, and by which model, if that is known.
    pub(crate) compared: Option<Comparison>,
}

/// No cosine similarity is above this, rounding included.
const HIGHEST_COSINE: f32 = 1.001;

/// An existing `scores.parquet`.
#[derive(Debug)]
pub(crate) struct ScoresFile {
    pub(crate) path: PathBuf,
    pub(crate) ranking: Ranking,
    pub(crate) row_index: RowIndex,
    /// What rows were compared by; text, where nothing says so.
    pub(crate) by: CompareBy,
    /// Which columns were compared, and by which model, if the file says so.
    pub(crate) compared: Option<Comparison>,
}

impl ScoresFile {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = Blob::open(path)?;
        let foreign = |problem: String| {
            Error::input(path, problem)
                .hint("give it a scores.parquet that `semdedup run` or `semdedup score` wrote")
        };
        let builder = ParquetRecordBatchReaderBuilder::try_new(file)
            .map_err(|e| foreign(format!("not a Parquet table: {e}")))?;
        let metadata = builder.metadata().file_metadata();
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
        let rows = metadata.num_rows();
        if u64::try_from(rows) != Ok(row_index.rows()) {
            return Err(foreign(format!("{rows} rows, its metadata says {}", row_index.rows())));
        }
        let compared = value(COMPARED_KEY).ok().and_then(|json| serde_json::from_str(&json).ok());
        let by = value(BY_KEY).ok();
        let by =
            [CompareBy::Image, CompareBy::Both].into_iter().find(|known| by.as_deref() == Some(known.name()));
        Ok(Self { path: path.to_path_buf(), ranking, row_index, by: by.unwrap_or_default(), compared })
    }

    /// The comparison's result; rows that could not be read have a score of NaN.
    ///
    /// # Errors
    /// If it is not what a comparison can have written: somebody may have sorted or joined the table since.
    pub(crate) fn columns(&self) -> Result<ScoreColumns> {
        let mut columns = ScoreColumns::default();
        let names = ["row", "cluster", "centroid_similarity", "score", "duplicate_of_row"];
        for batch in open_columns(&self.path, &names)? {
            let batch = batch.map_err(|error| Error::input(&self.path, error))?;
            let typed = |name: &str, kind: DataType| match batch.column_by_name(name) {
                Some(column) if *column.data_type() == kind => Ok(column.clone()),
                _ => Err(Error::input(&self.path, format!("column `{name}` is not of type {kind}"))),
            };
            let row = typed("row", DataType::UInt64)?;
            let expected = columns.score.len() as u64..;
            if row
                .as_primitive::<UInt64Type>()
                .iter()
                .zip(expected)
                .any(|(row, expected)| row != Some(expected))
            {
                return Err(self.altered(columns.score.len(), "the rows from here on are not in their order"));
            }
            let cluster = typed("cluster", DataType::UInt32)?;
            let similarity = typed("centroid_similarity", DataType::Float32)?;
            let score = typed("score", DataType::Float32)?;
            let of = typed("duplicate_of_row", DataType::UInt64)?;
            columns
                .cluster
                .extend(cluster.as_primitive::<UInt32Type>().iter().map(|c| c.unwrap_or(NO_CLUSTER)));
            columns
                .similarity
                .extend(similarity.as_primitive::<Float32Type>().iter().map(|s| s.unwrap_or(f32::NAN)));
            let score = score.as_primitive::<Float32Type>();
            // Without a score a row counts as one that could not be read; that is null, not NaN.
            if score.iter().flatten().any(f32::is_nan) {
                return Err(self.altered(columns.score.len(), "or one after it has a score of NaN"));
            }
            columns.score.extend(score.iter().map(|s| s.unwrap_or(f32::NAN)));
            columns
                .duplicate_of
                .extend(of.as_primitive::<UInt64Type>().iter().map(|of| of.unwrap_or(NO_ROW)));
        }
        let rows = self.row_index.rows();
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

    fn altered(&self, row: usize, problem: &str) -> Error {
        Error::input(&self.path, format!("row {row}: {problem}"))
            .hint("use the file as `semdedup run` or `semdedup score` wrote it")
    }

    /// All rows in order, some columns of them.
    pub(crate) fn batches(&self, names: &[&str]) -> Result<ParquetRecordBatchReader> {
        open_columns(&self.path, names)
    }
}

fn parse_ranking(text: &str) -> Option<Ranking> {
    let (keep, seed) = text.split_once(' ')?;
    let keep = [Keep::Hard, Keep::Easy, Keep::Random].into_iter().find(|&k| keep_name(k) == keep)?;
    Some(Ranking { keep, seed: seed.parse().ok()? })
}
