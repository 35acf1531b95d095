//! The embeddings that come with the input: in a column, or in files beside it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::arrays::bare_type;
use crate::arrays::matrix::{MAX_DIM, Matrix};
use crate::arrays::place::file_of;
use crate::error::{Error, Result};
use crate::formats::{
    BadRow, Columns, EmbeddingForm, FloatType, InputFile, ReadLimits, Reader, Vectors, count_rows,
    first_bytes,
};
use crate::input::pairs::{ONE_EACH, pair_files};
use crate::options::InputOptions;
use crate::storage::Stamp;

/// The place of the embeddings that come with the input, and their dimension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ProvidedEmbeddings {
    /// A column of the input; [`Columns::embedding_form`] says what it holds.
    Column { name: String, dim: usize },
    /// Files of their own: one for each file of the input, in order.
    Files { files: Vec<(PathBuf, Stamp)>, dim: usize },
}

impl ProvidedEmbeddings {
    /// Takes the embeddings in the column `name`. `columns` are the columns of each file. The
    /// dimension is the most common length in the first rows of each file.
    ///
    /// # Errors
    /// Fails if no row has an embedding, if the dimension is too large or not the one that the user
    /// expects, or if it differs between files.
    pub(crate) fn column(
        name: &str,
        files: &[InputFile],
        columns: &[Columns],
        options: &InputOptions,
    ) -> Result<Self> {
        let (mut first, mut has_rows, mut problem) = (None, false, None);
        for (file, columns) in files.iter().zip(columns) {
            let found = column_dim(file, columns, &options.limits)?;
            has_rows |= found.has_rows;
            problem = problem.or(found.problem);
            let Some(dim) = found.dim else { continue };
            check_dim(file, name, dim as u64, options.columns.embedding_dim)?;
            let &mut (other, first) = first.get_or_insert((file, dim));
            if dim != first {
                let problem =
                    format!("the dimension of `{name}` is {dim}, but {} has {first}", other.path.display());
                return Err(Error::input(&file.path, problem).hint("give embeddings of one model"));
            }
        }
        match first {
            None if has_rows => {
                let row =
                    problem.map_or(String::new(), |BadRow { row, reason }| format!(": row {row}: {reason}"));
                let problem = format!("no row has an embedding in column `{name}`{row}");
                Err(Error::input(&files[0].path, problem)
                    .hint("name a column of lists of numbers with --embedding-column"))
            }
            // If there are no rows at all, a later check says so.
            first => Ok(Self::Column { name: name.to_owned(), dim: first.map_or(1, |(_, dim)| dim) }),
        }
    }

    /// Takes the files of embeddings `given`, one for each of the `files` of rows. `inputs` is how
    /// the user names the files of rows.
    ///
    /// # Errors
    /// Fails if it is unclear which file belongs to which, or if the numbers of rows differ.
    pub(crate) fn files(given: &[String], inputs: &[String], files: &[InputFile]) -> Result<Self> {
        let paths = pair_files(given, inputs, files)?;
        Self::of_one_dimension(paths, |number, matrix| match &files[number] {
            file if file.format.rows().has_schema() => {
                check_rows(matrix, file, count_rows(file, &ReadLimits::default())?)
            }
            _ => Ok(()),
        })
    }

    /// Opens files of embeddings and calls `check` for each, with its position in `paths`.
    ///
    /// # Errors
    /// Fails if the dimensions differ, or if `check` fails.
    fn of_one_dimension(paths: Vec<PathBuf>, check: impl Fn(usize, &Matrix) -> Result<()>) -> Result<Self> {
        let mut first = None;
        let mut stamped = Vec::with_capacity(paths.len());
        for (number, path) in paths.into_iter().enumerate() {
            let stamp = Stamp::of(&file_of(&path))?;
            let matrix = Matrix::open(&path)?;
            let &mut (ref other, dim) = first.get_or_insert_with(|| (path.clone(), matrix.dim()));
            if matrix.dim() != dim {
                let problem = format!("the dimension is {}, but {} has {dim}", matrix.dim(), other.display());
                return Err(Error::input(&path, problem).hint("give embeddings of one model"));
            }
            check(number, &matrix)?;
            stamped.push((path, stamp));
        }
        Ok(Self::Files { files: stamped, dim: first.map_or(1, |(_, dim)| dim) })
    }

    /// Takes the files of rows themselves as the embeddings.
    pub(crate) fn alone(files: &[InputFile]) -> Result<Self> {
        let paths = files.iter().map(|file| file.path.clone()).collect();
        Self::of_one_dimension(paths, |_, _| Ok(()))
    }

    /// The number of values of an embedding.
    pub(crate) fn dim(&self) -> usize {
        match self {
            Self::Column { dim, .. } | Self::Files { dim, .. } => *dim,
        }
    }

    /// Returns the file of embeddings that belongs to a file of the input.
    pub(crate) fn file(&self, file: usize) -> Option<&Path> {
        match self {
            Self::Column { .. } => None,
            Self::Files { files, .. } => files.get(file).map(|(path, _)| path.as_path()),
        }
    }

    /// Returns the paths of the files of embeddings.
    pub(crate) fn paths(&self) -> impl Iterator<Item = PathBuf> {
        let files = match self {
            Self::Column { .. } => &[][..],
            Self::Files { files, .. } => files,
        };
        files.iter().map(|(path, _)| file_of(path))
    }

    /// Fails if a file of embeddings has changed since it was found.
    pub(crate) fn check_unchanged(&self) -> Result<()> {
        match self {
            Self::Column { .. } => Ok(()),
            Self::Files { files, .. } => {
                let files: Vec<_> = files.iter().map(|(path, stamp)| (file_of(path), *stamp)).collect();
                Stamp::check_all(&files)
            }
        }
    }
}

/// Fails unless there is one embedding for each row.
pub(crate) fn check_rows(matrix: &Matrix, file: &InputFile, rows: u64) -> Result<()> {
    if matrix.rows() == rows {
        return Ok(());
    }
    let problem = format!("{} embeddings for the {rows} rows of {}", matrix.rows(), file.path.display());
    Err(Error::input(matrix.path(), problem).hint(ONE_EACH))
}

/// Fails if embeddings in a column are too large, or not of the dimension that the user expects.
fn check_dim(file: &InputFile, name: &str, dim: u64, expected: Option<u64>) -> Result<()> {
    if dim > MAX_DIM {
        let problem =
            format!("the embeddings in `{name}` have dimension {dim}, it must be from 1 to {MAX_DIM}");
        return Err(Error::input(&file.path, problem));
    }
    match expected.filter(|expected| *expected != dim) {
        Some(expected) => {
            let problem = format!("--dim {expected}: the embeddings in `{name}` have {dim} numbers");
            Err(Error::usage(problem).hint("leave out --dim, or name another column or another --dtype"))
        }
        None => Ok(()),
    }
}

/// The embeddings in a column of one file.
struct ColumnDim {
    /// The dimension, or none if no row has an embedding.
    dim: Option<usize>,
    has_rows: bool,
    /// The first row that cannot be read, unless one has an embedding.
    problem: Option<BadRow>,
}

/// Reads a file until some row has an embedding, and returns the dimension of its column.
fn column_dim(file: &InputFile, columns: &Columns, limits: &ReadLimits) -> Result<ColumnDim> {
    let Columns { embedding, embedding_form, .. } = columns.clone();
    let columns = Columns { embedding, embedding_form, ..Columns::default() };
    let mut reader = Reader::open(file, &columns, limits, 0)?;
    let mut found = ColumnDim { dim: None, has_rows: false, problem: None };
    while found.dim.is_none()
        && let Some(chunk) = reader.next_chunk()?
    {
        found.has_rows = true;
        let rows = chunk.parse(&columns)?;
        found.dim = rows.vectors.as_ref().and_then(most_common_length);
        found.problem = found.problem.or_else(|| rows.bad.into_iter().next());
    }
    if let EmbeddingForm::Bytes(float) = embedding_form {
        check_type(file, &columns, float)?;
    }
    Ok(found)
}

/// Fails if the numbers in a column of bytes are no embeddings, or of another type.
fn check_type(file: &InputFile, columns: &Columns, float: FloatType) -> Result<()> {
    let Some(column) = &columns.embedding else { return Ok(()) };
    let rows = first_bytes(file, column, bare_type::SAMPLE_BYTES)?;
    bare_type::check(&file.path, float.number(), rows.iter().map(Vec::as_slice))
}

/// Returns the most common length of embeddings, or the greatest of those. Embeddings without a
/// number do not count.
fn most_common_length(vectors: &Vectors) -> Option<usize> {
    let mut lengths = BTreeMap::new();
    vectors.rows().filter(|row| !row.is_empty()).for_each(|row| *lengths.entry(row.len()).or_insert(0) += 1);
    lengths.into_iter().max_by_key(|&(length, rows)| (rows, length)).map(|(length, _)| length)
}
