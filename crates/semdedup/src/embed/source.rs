//! The embeddings of rows as the embedding stage takes them: made by models, or copied.

use std::collections::HashSet;
use std::ops::Range;

use arrow::array::Array;
use semdedup_embed::{ImageLimits, ImageModel, TextModel};

use crate::arrays::matrix::Matrix;
use crate::embed::embedder::Embedder;
use crate::embed::images::{Embedded, embed_images};
use crate::error::{Error, Result};
use crate::formats::{BadRow, InputFile, Rows, Vectors};
use crate::input::find::Input;
use crate::input::provided::{ProvidedEmbeddings, check_rows};

/// Where the embeddings of the rows come from.
pub(crate) enum Source<'a> {
    /// Models read the images, or the texts, or both.
    Models { image: Option<&'a dyn ImageModel>, text: Option<&'a dyn TextModel>, limits: ImageLimits },
    /// The rows have them.
    Column { name: &'a str, dim: usize },
    /// A matrix for each file of the input, a row each.
    Files(Vec<Matrix>),
}

impl<'a> Source<'a> {
    pub(crate) fn open(input: &'a Input, embedder: Embedder<'a>) -> Result<Self> {
        let (image, text) = match (embedder, &input.given) {
            (Embedder::Text(text), _) => (None, Some(text)),
            (Embedder::Image(image), _) => (Some(image), None),
            (Embedder::Both(image, text), _) => (Some(image), Some(text)),
            (Embedder::Provided, Some(ProvidedEmbeddings::Files { files, .. })) => {
                let matrices = files.iter().map(|(path, _)| Matrix::open(path));
                return Ok(Self::Files(matrices.collect::<Result<_>>()?));
            }
            (Embedder::Provided, Some(ProvidedEmbeddings::Column { name, dim })) => {
                return Ok(Self::Column { name, dim: *dim });
            }
            (Embedder::Provided, None) => return Ok(Self::Column { name: "", dim: 1 }),
        };
        Ok(Self::Models { image, text, limits: ImageLimits { max_pixels: input.limits.max_pixels } })
    }

    pub(crate) fn dim(&self) -> usize {
        match self {
            Self::Models { image, text, .. } => {
                image.map_or(0, ImageModel::dim) + text.map_or(0, TextModel::dim)
            }
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

    /// How many rows the part of this number has, where it would otherwise have so many. Parts of dear rows are small at first and
    /// grow with what there is, so that a kill loses little of it, and they stay few: each is an open file later.
    pub(crate) fn rows_per_part(&self, most: u64, part: usize) -> u64 {
        let doublings = (part / PARTS_OF_A_SIZE).min(32);
        self.rows_per_checkpoint().map_or(most, |rows| most.min((rows as u64) << doublings)).max(1)
    }

    /// How many rows are on their way before the first of them is written.
    pub(crate) fn rows_at_once(&self) -> usize {
        self.rows_per_checkpoint().unwrap_or(usize::MAX)
    }

    /// After how many rows to write down what there is, where a row costs much time or money.
    pub(crate) fn rows_per_checkpoint(&self) -> Option<usize> {
        let Self::Models { text, image, .. } = self else { return None };
        let of_texts = text.and_then(|text| text.rows_per_save());
        let of_images = image.and_then(|image| image.rows_per_save());
        of_texts.into_iter().chain(of_images).min()
    }

    /// So many rows are copied, or their images decoded, at a time; a model of texts takes what it gets.
    pub(crate) fn rows_together(&self) -> usize {
        match self {
            Self::Models { image: Some(_), .. } => IMAGES_TOGETHER,
            Self::Models { text, .. } => text.and_then(|text| text.rows_per_call()).unwrap_or(usize::MAX),
            _ => (COPIED_TOGETHER / (4 * self.dim())).max(1),
        }
    }

    /// Lists the rows that have no embedding of the right length.
    pub(crate) fn check_lengths(&self, rows: &mut Rows) {
        if let (Self::Column { name, dim }, Some(vectors)) = (self, &rows.vectors) {
            check_lengths(&mut rows.bad, (vectors, rows.first_row), (name, *dim));
        }
    }

    /// Writes the embeddings of some of the rows of a file, and says what was cut off and what could not be read.
    pub(crate) fn embed(
        &self,
        (file, rows): (usize, &Rows),
        some: Range<usize>,
        values: &mut [f32],
    ) -> Result<Embedded> {
        match self {
            Self::Models { image: Some(image), text: None, limits } => {
                return embed_images((*image, limits), rows, some, values);
            }
            Self::Models { image: Some(image), text: Some(text), limits } => {
                return embed_both((*image, limits, *text), rows, some, values);
            }
            Self::Models { image: None, text, .. } => {
                if let Some(text) = text {
                    return embed_texts(*text, rows, some, values);
                }
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
        Ok(Embedded::default())
    }
}

fn embed_texts(
    model: &dyn TextModel,
    rows: &Rows,
    some: Range<usize>,
    values: &mut [f32],
) -> Result<Embedded> {
    let text = |row: usize| if rows.texts.is_valid(row) { rows.texts.value(row) } else { "" };
    let texts: Vec<&str> = some.map(text).collect();
    let stats = model.embed(&texts, values).map_err(Error::model)?;
    Ok(Embedded { stats, bad: Vec::new() })
}

/// The embedding of the image and that of the text side by side, each of length √½: the cosine similarity of two such rows
/// is the mean of the two similarities. A row that lacks one of them has no such mean, so it stays zero: it is like nothing, and
/// is kept. (With one half alone it would be compared by that alone, at a threshold that was meant for both.)
fn embed_both(
    (image, limits, text): (&dyn ImageModel, &ImageLimits, &dyn TextModel),
    rows: &Rows,
    some: Range<usize>,
    values: &mut [f32],
) -> Result<Embedded> {
    let (left, right) = (image.dim(), text.dim());
    let (mut images, mut texts) = (vec![0.0; some.len() * left], vec![0.0; some.len() * right]);
    let Embedded { bad, .. } = embed_images((image, limits), rows, some.clone(), &mut images)?;
    let Embedded { stats, .. } = embed_texts(text, rows, some, &mut texts)?;
    let parts = images.chunks_exact(left).zip(texts.chunks_exact(right));
    for (row, (image, text)) in values.chunks_exact_mut(left + right).zip(parts) {
        let (first, second) = row.split_at_mut(left);
        let (of_image, of_text) = (length(image), length(text));
        if of_image != 0.0 && of_text != 0.0 {
            copy_half((image, of_image), first);
            copy_half((text, of_text), second);
        }
    }
    Ok(Embedded { stats, bad })
}

fn length(vector: &[f32]) -> f64 {
    vector.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>().sqrt()
}

/// Copies a vector at length √½.
fn copy_half((from, length): (&[f32], f64), to: &mut [f32]) {
    let scale = std::f64::consts::FRAC_1_SQRT_2 / length;
    for (to, &from) in to.iter_mut().zip(from) {
        *to = (f64::from(from) * scale) as f32;
    }
}

/// After so many parts they double.
const PARTS_OF_A_SIZE: usize = 64;

/// Images that a task decodes: few, because most of the time goes into them.
const IMAGES_TOGETHER: usize = 16;

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
