//! The embeddings of rows as the embedding stage takes them: made by a model, or copied.

use std::collections::HashSet;
use std::ops::Range;

use arrow::array::Array;
use semdedup_embed::{EmbedStats, TextModel};

use crate::embedder::{Embedder, Given, check_rows};
use crate::formats::{BadRow, InputFile, Rows, Vectors};
use crate::input::Input;
use crate::matrix::Matrix;
use crate::{Error, Result};

/// Where the embeddings of the rows come from.
pub(crate) enum Source<'a> {
    Model(&'a dyn TextModel),
    /// The rows have them.
    Column {
        name: &'a str,
        dim: usize,
    },
    /// A matrix for each file of the input, a row each.
    Files(Vec<Matrix>),
}

impl<'a> Source<'a> {
    pub(crate) fn open(input: &'a Input, embedder: Embedder<'a>) -> Result<Self> {
        Ok(match (embedder, &input.given) {
            (Embedder::Model(model), _) => Self::Model(model),
            (Embedder::Given, Some(Given::Files { files, .. })) => {
                Self::Files(files.iter().map(|(path, _)| Matrix::open(path)).collect::<Result<_>>()?)
            }
            (Embedder::Given, Some(Given::Column { name, dim })) => Self::Column { name, dim: *dim },
            (Embedder::Given, None) => Self::Column { name: "", dim: 1 },
        })
    }

    pub(crate) fn dim(&self) -> usize {
        match self {
            Self::Model(model) => model.dim(),
            Self::Column { dim, .. } => *dim,
            Self::Files(matrices) => matrices.first().map_or(1, Matrix::dim),
        }
    }

    /// Fails where a file of rows has more of them, up to here, than its file of embeddings.
    pub(crate) fn check_up_to(&self, file: usize, source: &InputFile, rows: u64) -> Result<()> {
        match self {
            Self::Files(matrices) if rows > matrices[file].rows() => {
                check_rows(&matrices[file], source, rows)
            }
            _ => Ok(()),
        }
    }

    /// Fails where a file of rows has another number of them than its file of embeddings.
    pub(crate) fn check_rows(&self, file: usize, source: &InputFile, rows: u64) -> Result<()> {
        match self {
            Self::Files(matrices) => check_rows(&matrices[file], source, rows),
            _ => Ok(()),
        }
    }

    /// How many rows are written down together, where it would otherwise be so many.
    pub(crate) fn rows_per_part(&self, most: u64) -> u64 {
        self.dear_rows().map_or(most, |rows| most.min(rows as u64)).max(1)
    }

    /// How many rows are on their way before the first of them is written.
    pub(crate) fn rows_at_once(&self) -> usize {
        self.dear_rows().unwrap_or(usize::MAX)
    }

    fn dear_rows(&self) -> Option<usize> {
        if let Self::Model(model) = self { model.rows_per_save() } else { None }
    }

    /// So many rows are copied at a time; a model takes what it gets.
    pub(crate) fn rows_together(&self) -> usize {
        match self {
            Self::Model(_) => usize::MAX,
            _ => (COPIED_TOGETHER / (4 * self.dim())).max(1),
        }
    }

    /// Lists the rows that have no embedding of the right length.
    pub(crate) fn check_lengths(&self, rows: &mut Rows) {
        if let (Self::Column { name, dim }, Some(vectors)) = (self, &rows.vectors) {
            check_lengths(&mut rows.bad, (vectors, rows.first_row), (name, *dim));
        }
    }

    /// Writes the embeddings of some of the rows of a file, and says what was cut off.
    pub(crate) fn embed(
        &self,
        (file, rows): (usize, &Rows),
        some: Range<usize>,
        values: &mut [f32],
    ) -> Result<EmbedStats> {
        match self {
            Self::Model(model) => {
                let text = |row: usize| if rows.texts.is_valid(row) { rows.texts.value(row) } else { "" };
                return model.embed(&some.map(text).collect::<Vec<&str>>(), values).map_err(Error::model);
            }
            Self::Column { dim, .. } => {
                for (values, vector) in values.chunks_exact_mut(*dim).zip(some).filter_map(|(values, row)| {
                    let vector = rows.vectors.as_ref()?.row(row);
                    (vector.len() == *dim).then_some((values, vector))
                }) {
                    values.copy_from_slice(vector);
                }
            }
            Self::Files(matrices) => matrices[file].read(rows.first_row + some.start as u64, values)?,
        }
        Ok(EmbedStats::default())
    }
}

/// Bytes of given embeddings that a task copies.
const COPIED_TOGETHER: usize = 1 << 20;

/// Rows whose embeddings have another length than most cannot be compared.
fn check_lengths(bad: &mut Vec<BadRow>, (vectors, first_row): (&Vectors, u64), (name, dim): (&str, usize)) {
    let known: HashSet<u64> = bad.iter().map(|bad| bad.row).collect();
    for (row, vector) in (first_row..).zip(vectors.rows()) {
        if vector.len() != dim && !known.contains(&row) {
            let reason = format!("column `{name}` has {} numbers instead of {dim}", vector.len());
            bad.push(BadRow { row, reason });
        }
    }
    bad.sort_by_key(|bad| bad.row);
}
