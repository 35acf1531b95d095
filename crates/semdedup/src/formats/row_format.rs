//! The trait that every format implements in its own folder.

use std::path::Path;

use arrow_array::RecordBatch;
use parquet::schema::types::TypePtr;

use crate::error::{Error, Result};
use crate::formats::added_columns::AddedColumns;
use crate::formats::columns::{Column, Columns, RunColumns, Wanted};
use crate::formats::file::{Format, InputFile, ReadLimits};
use crate::formats::ids::IdSource;
use crate::formats::rows::Rows;

/// A file format. The methods with a body have the answer of most formats.
pub(crate) trait RowFormat: Sync {
    /// Lists the extensions of its files (in lower case, without the dot), each with the format
    /// that it stands for. A format whose files are found otherwise has none.
    fn extensions(&self) -> &'static [(&'static str, Format)] {
        &[]
    }

    /// Returns the format of a file that begins with these decompressed bytes, if they can belong
    /// to no other format.
    fn by_content(&self, _beginning: &[u8]) -> Option<Format> {
        None
    }

    /// Whether its files are text, in one encoding or another.
    fn is_text(&self) -> bool {
        false
    }

    /// Whether whole files may be compressed, with gzip for example.
    fn is_compressible(&self) -> bool {
        false
    }

    /// Returns what a row of the format is.
    fn row_of(&self) -> RowOf {
        RowOf::Record
    }

    /// Returns how [`crate::formats::ids::unify_ids`] has to take the ids of the format.
    fn id_source(&self) -> IdSource {
        IdSource::Typed
    }

    /// Whether a file stores its columns and their types, so that no row has to be read.
    fn has_schema(&self) -> bool {
        false
    }

    /// Lists the columns of a file; `None` where rows have no columns to choose from.
    ///
    /// # Errors
    /// A damaged file; a wanted column that the format cannot have.
    fn columns(&self, file: &InputFile, wanted: &Wanted) -> Result<Option<Vec<Column>>>;

    /// Returns the error that says what a file without texts is instead of rows, if its content
    /// tells.
    fn not_rows(&self, _file: &InputFile) -> Option<Error> {
        None
    }

    /// Settles which columns are read, if the format itself decides it. `None` if the choice is
    /// made among the columns of the file.
    fn resolve(&self, _file: &InputFile, _run: &RunColumns) -> Result<Option<Columns>> {
        Ok(None)
    }

    /// Returns the type with which a file stores a column, if Arrow loses a part of it.
    fn stored_type(&self, _file: &InputFile, _column: &str) -> Result<Option<TypePtr>> {
        Ok(None)
    }

    /// Returns where the images of a file are.
    fn images(&self, _file: &InputFile) -> Result<Images> {
        Ok(Images::Never)
    }

    /// Reads the first few rows of a format with a schema, to show what its columns hold.
    fn first_rows(&self, _file: &InputFile) -> Result<Option<RecordBatch>> {
        Ok(None)
    }

    /// Opens a file to read from row `first_row` on.
    fn open(
        &self,
        file: &InputFile,
        columns: &Columns,
        limits: &ReadLimits,
        first_row: u64,
    ) -> Result<Box<dyn RowSource>>;

    /// Counts the rows of a file.
    fn count_rows(&self, file: &InputFile, limits: &ReadLimits) -> Result<u64>;

    /// Reads the texts of some rows (ascending) without the rows between them; `None` if the format
    /// has to be read from the first of them on.
    fn texts_at(
        &self,
        _file: &InputFile,
        _columns: &Columns,
        _limits: &ReadLimits,
        _rows: &[u64],
    ) -> Option<Result<Vec<Option<String>>>> {
        None
    }

    /// Fails where the kept rows of a file cannot be written in its own format.
    fn check_kept(&self, _file: &InputFile) -> Result<()> {
        Ok(())
    }

    /// Writes the rows that `keep` picks; see [`crate::formats::write::write_kept`].
    fn write_kept(
        &self,
        file: &InputFile,
        limits: &ReadLimits,
        destination: &Path,
        keep: &mut dyn FnMut(u64) -> Result<bool>,
    ) -> Result<u64>;

    /// Whether columns can be added to the rows.
    fn can_annotate(&self) -> bool {
        false
    }

    /// Writes all rows with columns added; see [`crate::formats::annotate::write_annotated`].
    fn annotate(
        &self,
        file: &InputFile,
        _limits: &ReadLimits,
        _destination: &Path,
        _added: &mut AddedColumns,
    ) -> Result<u64> {
        Err(no_columns(file))
    }
}

/// The unit of a file that is a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowOf {
    /// A record with columns.
    #[default]
    Record,
    /// A line of plain text.
    Line,
    /// A file.
    File,
    /// The files of one key in a shard.
    Sample,
    /// A row of a matrix.
    Vector,
}

/// Where a file has images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Images {
    /// Nowhere.
    Never,
    /// In every row.
    Always,
    /// The file has no rows, so it is not known.
    Unknown,
    /// In a column, if a column holds images.
    InColumns,
}

/// An open file that returns its rows in order.
pub(crate) trait RowSource: Send {
    /// Returns the next rows, not parsed yet; `None` at the end of the file.
    ///
    /// # Errors
    /// Truncated or damaged data, with the row that was reached.
    fn next_rows(&mut self) -> Result<Option<Box<dyn UnparsedRows>>>;

    /// Returns about how many of the file's bytes have been read.
    fn bytes_read(&self) -> u64;
}

/// Some consecutive rows, which are parsed in parallel with others.
pub(crate) trait UnparsedRows: Send + Sync {
    /// Returns the number of the first row in the file.
    fn first_row(&self) -> u64;

    /// Returns the number of rows.
    fn rows(&self) -> usize;

    /// Parses the texts, ids, embeddings and images. A row that cannot be read is listed as bad.
    ///
    /// # Errors
    /// A column that the file does not have.
    fn parse(&self, columns: &Columns) -> Result<Rows>;
}

/// The error for a format that has no columns, so that none can be added.
pub(crate) fn no_columns(file: &InputFile) -> Error {
    Error::input(&file.path, "cannot be annotated: its rows have no columns that others could be added to").hint(
        "--output ids lists the rows that stay, and scores.parquet has the score of every row, whatever the format",
    )
}
