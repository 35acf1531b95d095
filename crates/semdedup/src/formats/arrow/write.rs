//! Writes Arrow IPC back: with the same layout, schema, metadata, codec and batches, and with fewer
//! rows or more columns.

use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{DictionaryHandling, FileWriter, IpcWriteOptions, StreamWriter};
use arrow_schema::ArrowError;
use arrow_schema::{DataType, Schema};
use arrow_select::filter::filter_record_batch;
use fs_err::File;

use crate::error::{Error, Result};
use crate::formats::added_columns::{AddedColumns, Edit, with_columns, with_fields};
use crate::formats::arrow::guard::{damaged, guarded};
use crate::formats::arrow::ipc::Ipc;
use crate::formats::file::InputFile;

/// Writes the rows that `keep` picks; see [`crate::formats::write::write_kept`]. A batch of which
/// no row is kept is left out.
pub(crate) fn write_kept(
    file: &InputFile,
    destination: &Path,
    keep: &mut dyn FnMut(u64) -> Result<bool>,
) -> Result<u64> {
    rewrite(file, destination, None, &mut |row, batch| {
        let kept = (row..).take(batch.num_rows()).map(|row| keep(row).map(Some));
        let kept = kept.collect::<Result<BooleanArray>>()?;
        filtered(&batch, &kept).map_err(|error| damaged(&file.path, row, &error))
    })
}

/// Writes all rows with columns added; see [`crate::formats::annotate::write_annotated`].
pub(crate) fn write_annotated(file: &InputFile, destination: &Path, added: &mut AddedColumns) -> Result<u64> {
    let schema = added.schema.clone();
    rewrite(file, destination, Some(&schema), &mut |row, batch| {
        let values = (added.next)(batch.num_rows())?;
        with_columns(&batch, &values).map_err(|error| damaged(&file.path, row, &error))
    })
}

/// Copies a file batch by batch, and returns how many rows it has written. A batch without rows is
/// left out.
fn rewrite(file: &InputFile, destination: &Path, added: Option<&Schema>, edit: &mut Edit) -> Result<u64> {
    let path = &file.path;
    let mut ipc = Ipc::open(file)?;
    let unreadable = |row| move |error: ArrowError| damaged(path, row, &error);
    let unwritable = |error: ArrowError| Error::output(destination, error);
    let mut next = guarded(path, 0, || ipc.next_batch().map_err(unreadable(0)))?;
    let codec = next.as_ref().and_then(|batch| batch.compression);
    let mut writer = guarded(path, 0, || IpcWriter::create(destination, &ipc, added, codec))?;
    let (mut row, mut written) = (0u64, 0);
    while let Some(place) = next {
        let batch = guarded(path, row, || ipc.read(&place, None).map_err(unreadable(row)))?;
        let rows = batch.num_rows() as u64;
        let edited = guarded(path, row, || edit(row, batch))?;
        if edited.num_rows() > 0 {
            guarded(path, row, || writer.write(&edited).map_err(unwritable))?;
        }
        written += edited.num_rows() as u64;
        row += rows;
        next = guarded(path, row, || ipc.next_batch().map_err(unreadable(row)))?;
    }
    let output = writer.finish().map_err(unwritable)?;
    output.sync_all().map_err(|error| Error::output(destination, error))?;
    Ok(written)
}

/// Returns the kept rows of a batch.
fn filtered(batch: &RecordBatch, kept: &BooleanArray) -> std::result::Result<RecordBatch, ArrowError> {
    if kept.true_count() == kept.len() {
        return Ok(batch.clone());
    }
    let filtered = filter_record_batch(batch, kept)?;
    let columns = filtered.columns().iter().map(without_garbage).collect();
    RecordBatch::try_new(filtered.schema(), columns)
}

/// Copies a column of views, which still hold the bytes of the removed rows, without these bytes.
fn without_garbage(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Utf8View => Arc::new(column.as_string_view().gc()),
        DataType::BinaryView => Arc::new(column.as_binary_view().gc()),
        _ => column.clone(),
    }
}

/// A file or a stream that is being written.
enum IpcWriter {
    File(FileWriter<BufWriter<File>>),
    Stream(StreamWriter<BufWriter<File>>),
}

impl IpcWriter {
    fn create(
        destination: &Path,
        source: &Ipc,
        added: Option<&Schema>,
        codec: Option<CompressionType>,
    ) -> Result<Self> {
        let output = File::create(destination).map_err(|error| Error::output(destination, error))?;
        let output = BufWriter::with_capacity(1 << 20, output);
        let schema = match added {
            Some(added) => with_fields(&source.schema, added),
            None => source.schema.clone(),
        };
        let create = || {
            let options = IpcWriteOptions::default().try_with_compression(codec)?;
            if source.is_stream() {
                // A dictionary that grew from batch to batch grows in the written stream too.
                let options = options.with_dictionary_handling(DictionaryHandling::Delta);
                return StreamWriter::try_new_with_options(output, &schema, options).map(Self::Stream);
            }
            let mut writer = FileWriter::try_new_with_options(output, &schema, options)?;
            for (key, value) in &source.metadata {
                writer.write_metadata(key, value);
            }
            Ok(Self::File(writer))
        };
        create().map_err(|error: ArrowError| Error::output(destination, error))
    }

    fn write(&mut self, batch: &RecordBatch) -> std::result::Result<(), ArrowError> {
        match self {
            Self::File(writer) => writer.write(batch),
            Self::Stream(writer) => writer.write(batch),
        }
    }

    fn finish(self) -> std::result::Result<File, ArrowError> {
        let output = match self {
            Self::File(writer) => writer.into_inner(),
            Self::Stream(writer) => writer.into_inner(),
        };
        output?.into_inner().map_err(|error| error.into_error().into())
    }
}
