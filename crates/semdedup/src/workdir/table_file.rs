//! Writes and reads the program's own Parquet tables, such as `scores.parquet`.

use std::collections::HashMap;
use std::fmt::Display;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchReader};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::concat::concat;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, ParquetMetaDataReader};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::Type;

use crate::error::{Error, Result};
use crate::formats::arrow::guard::catch_panics;
use crate::formats::parquet::stored_type::with_type;
use crate::storage::atomic::PendingFile;
use crate::storage::{Blob, is_url};
use crate::workdir::sums::{Hashing, TableSum, damaged};

/// The rows of a batch when tables are read and written.
pub(crate) const BATCH_ROWS: usize = 1 << 16;

/// Writes a Parquet file. Nothing exists under its name before [`TableWriter::finish`].
pub(crate) struct TableWriter {
    writer: ArrowWriter<Hashing<BufWriter<PendingFile>>>,
    /// The metadata that the file begins with.
    metadata: Vec<KeyValue>,
    schema: SchemaRef,
    path: PathBuf,
}

/// The columns of a table that hold ids.
const ID_COLUMNS: [&str; 5] = ["id", "duplicate_of", "kept_as", "id_a", "id_b"];

/// The program that a table names as its writer. Another that copies the metadata of a table writes
/// other bytes.
const WRITER: &str = "semdedup";

/// The key of the metadata by which pandas chooses the types of columns.
const PANDAS_KEY: &str = "pandas";

impl TableWriter {
    /// Begins a file with a schema and key-value metadata.
    pub(crate) fn create(path: &Path, schema: Schema, metadata: Vec<KeyValue>) -> Result<Self> {
        Self::create_with_ids(path, schema, metadata, None)
    }

    /// Begins a file in which ids have the logical type of `id_type`, if they have its bytes.
    pub(crate) fn create_with_ids(
        path: &Path,
        schema: Schema,
        mut metadata: Vec<KeyValue>,
        id_type: Option<&Type>,
    ) -> Result<Self> {
        let failed = |error: ParquetError| Error::output(path, error);
        // Arrow's C++ reader takes the metadata of the Arrow schema, others take that of the file.
        let pandas = pandas_metadata(&schema);
        let in_schema: HashMap<_, _> =
            pandas.iter().map(|pandas| (PANDAS_KEY.to_owned(), pandas.clone())).collect();
        let schema = Schema::new_with_metadata(schema.fields, in_schema);
        metadata.extend(pandas.map(|pandas| KeyValue::new(PANDAS_KEY.to_owned(), pandas)));
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).map_err(failed)?))
            .set_key_value_metadata(Some(metadata.clone()))
            .set_created_by(format!("{WRITER} version {} (build parquet-rs)", env!("CARGO_PKG_VERSION")))
            .build();
        let mut options = ArrowWriterOptions::new().with_properties(properties);
        if let Some(id_type) = id_type {
            let stored = with_type(&schema, id_type, &ID_COLUMNS).map_err(failed)?;
            options = options.with_parquet_schema(stored);
        }
        let schema = Arc::new(schema);
        let file = Hashing::new(BufWriter::new(PendingFile::create(path)?));
        let writer = ArrowWriter::try_new_with_options(file, schema.clone(), options).map_err(failed)?;
        Ok(Self { writer, metadata, schema, path: path.to_path_buf() })
    }

    /// Appends rows. `columns` are in the order of the schema.
    pub(crate) fn write(&mut self, columns: Vec<ArrayRef>) -> Result<()> {
        let batch =
            RecordBatch::try_new(self.schema.clone(), columns).map_err(|e| Error::output(&self.path, e))?;
        self.writer.write(&batch).map_err(|error| Error::output(&self.path, error))
    }

    /// Completes and commits the file.
    pub(crate) fn finish(mut self) -> Result<()> {
        let failed = |error: ParquetError| Error::output(&self.path, error);
        // All rows are in the file then, and what follows is about them.
        self.writer.flush().map_err(failed)?;
        self.writer.sync().map_err(Error::io)?;
        let Hashing { hash, bytes, .. } = self.writer.inner();
        let sum = TableSum::new(*bytes, hash.clone(), &self.metadata);
        self.writer.append_key_value_metadata(sum.metadata());
        let out = self.writer.into_inner().map_err(failed)?.inner;
        out.into_inner().map_err(|error| Error::io(error.into_error()))?.commit()
    }
}

/// Returns the metadata by which pandas reads whole numbers that may be missing as whole numbers.
/// Otherwise it makes floats of them, which do not hold every id.
fn pandas_metadata(schema: &Schema) -> Option<String> {
    let fields = schema.fields().iter();
    let columns: Vec<_> = fields
        .filter(|field| field.is_nullable() && field.data_type().is_integer())
        .map(|field| {
            let (name, kind) = (field.name(), field.data_type().to_string());
            serde_json::json!({
                "name": name, "field_name": name, "pandas_type": kind.to_lowercase(), "numpy_type": kind, "metadata": null,
            })
        })
        .collect();
    let pandas = serde_json::json!({ "index_columns": [], "column_indexes": [], "columns": columns });
    (!columns.is_empty()).then(|| pandas.to_string())
}

/// Writes arrays of one type as the only column of a file, one after another.
pub(crate) fn write_column(path: &Path, name: &str, arrays: &[ArrayRef]) -> Result<()> {
    let kind = arrays.first().map_or(DataType::Null, |array| array.data_type().clone());
    let mut table = TableWriter::create(path, Schema::new(vec![Field::new(name, kind, true)]), Vec::new())?;
    for array in arrays {
        table.write(vec![array.clone()])?;
    }
    table.finish()
}

/// Reads a column into one array.
pub(crate) fn read_column(path: &Path, name: &str) -> Result<ArrayRef> {
    let batches = open_columns(path, &[name])?;
    let arrays = batches.map(|batch| Ok(batch?.column(0).clone())).collect::<Result<Vec<_>>>()?;
    let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
    if arrays.is_empty() {
        return Ok(arrow_array::new_empty_array(&DataType::Utf8));
    }
    concat(&arrays).map_err(|error| Error::input(path, error))
}

/// The error for a table that cannot be read.
fn unreadable(path: &Path, _: u64, cause: &dyn Display) -> Error {
    let cause = cause.to_string().replace('\n', " ");
    Error::input(path, format!("not a table that can be read: {}", plain(&cause)))
        .hint("it may have been cut short")
}

/// Runs one step of the Parquet library, which panics on some damaged tables.
pub(crate) fn guarded<T>(path: &Path, step: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_panics(unreadable, path, 0, step)
}

/// Fails if a table on a disk is no more as semdedup wrote it. One by an earlier version, or by another
/// program, has no sum. An object of a store is not read for it: the store checks its bytes itself.
pub(crate) fn check_table(path: &Path) -> Result<()> {
    if is_url(path) {
        return Ok(());
    }
    let file = Blob::open(path)?;
    let metadata = guarded(path, || Ok(ParquetMetaDataReader::new().parse_and_finish(&file).ok()))?;
    let Some(metadata) = metadata else { return Ok(()) };
    let metadata = metadata.file_metadata();
    let is_ours = metadata.created_by().is_some_and(|name| name.starts_with(WRITER));
    let pairs = metadata.key_value_metadata().map_or(&[][..], Vec::as_slice);
    let Some(sum) = TableSum::of(pairs).filter(|_| is_ours) else { return Ok(()) };
    match sum.is_of(file.reader(0), pairs).map_err(Error::io)? {
        true => Ok(()),
        false => Err(damaged(path).hint("put it back as it was, or make it again from the input")),
    }
}

/// Returns a message without the values that only programmers read, which some libraries append:
/// `… as message: RangeOutOfBounds { range: …`.
fn plain(message: &str) -> &str {
    let end = message.find(" {").unwrap_or(message.len());
    let inner = message[..end].rfind(": ").filter(|_| end < message.len());
    message[..inner.unwrap_or(end)].trim_end()
}

/// Opens a table to read some of its columns in batches.
///
/// # Errors
/// Fails if the file is no table, or if it lacks one of the columns.
pub(crate) fn open_columns(path: &Path, names: &[&str]) -> Result<TableBatches> {
    guarded(path, || {
        let builder = ParquetRecordBatchReaderBuilder::try_new(Blob::open(path)?)
            .map_err(|error| unreadable(path, 0, &error))?;
        for name in names {
            if builder.schema().field_with_name(name).is_err() {
                let there: Vec<&str> =
                    builder.schema().fields().iter().map(|field| field.name().as_str()).collect();
                return Err(Error::input(
                    path,
                    format!("no column `{name}`; columns are {}", there.join(", ")),
                )
                .hint("give it a scores.parquet that semdedup wrote"));
            }
        }
        let rows_left = builder.metadata().file_metadata().num_rows().try_into().unwrap_or(0);
        let mask = ProjectionMask::columns(builder.parquet_schema(), names.iter().copied());
        let reader = builder.with_projection(mask).with_batch_size(BATCH_ROWS).build();
        let reader = reader.map_err(|error| unreadable(path, 0, &error))?;
        Ok(TableBatches { path: path.to_path_buf(), reader, rows_left, is_done: false })
    })
}

/// Reads the rows of a table, as many as it says that it has; ends at the first error.
pub(crate) struct TableBatches {
    path: PathBuf,
    reader: ParquetRecordBatchReader,
    rows_left: usize,
    is_done: bool,
}

impl TableBatches {
    /// Returns the columns that are read.
    pub(crate) fn schema(&self) -> SchemaRef {
        self.reader.schema()
    }

    /// Returns the next rows; `None` at the end.
    fn read(&mut self) -> Result<Option<RecordBatch>> {
        let Self { path, reader, rows_left, .. } = self;
        let batch = guarded(path, || reader.next().transpose().map_err(|error| unreadable(path, 0, &error)))?;
        let rows = batch.as_ref().map_or(0, RecordBatch::num_rows);
        if rows > *rows_left || batch.is_none() && *rows_left > 0 {
            return Err(unreadable(path, 0, &"it has another number of rows than it says"));
        }
        *rows_left -= rows;
        Ok(batch)
    }
}

impl Iterator for TableBatches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let batch = self.read().transpose();
        self.is_done = !matches!(batch, Some(Ok(_)));
        batch
    }
}
