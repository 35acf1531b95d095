//! The source of the embeddings: models that make them, or the input that has them.

use std::collections::HashSet;
use std::ops::Range;

use arrow_array::Array;
use semdedup_embed::{EmbeddedTexts, ImageLimits, RefusedText, TextModel};

use crate::arrays::matrix::Matrix;
use crate::embed::embedder::Embedder;
use crate::embed::images::ImageSource;
use crate::embed::outcome::EmbedOutcome;
use crate::error::{Error, Result};
use crate::formats::{BadRow, InputFile, Rows};
use crate::input::find::Input;
use crate::input::provided::{ProvidedEmbeddings, check_rows};

/// The parts after which the number of rows of a part doubles.
const PARTS_PER_DOUBLING: usize = 64;

/// The rows of a task whose images are decoded: few, because most of the time goes into them.
const IMAGES_PER_TASK: usize = 16;

/// The bytes of provided embeddings that a task copies.
const COPIED_BYTES_PER_TASK: usize = 1 << 20;

/// The source of the embeddings of the rows.
pub(crate) enum Source<'a> {
    /// Models read the images, or the texts, or both.
    Models { image: Option<ImageSource<'a>>, text: Option<&'a dyn TextModel> },
    /// A column of the input has them.
    Column { name: &'a str, dim: usize },
    /// Each file of the input has a matrix with one row for each of its rows.
    Files(Vec<Matrix>),
}

impl<'a> Source<'a> {
    /// Opens the source that an embedder stands for.
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
        let limits = ImageLimits { max_pixels: input.limits.max_pixels };
        Ok(Self::Models { image: image.map(|model| ImageSource { model, limits }), text })
    }

    /// The number of values of an embedding.
    pub(crate) fn dim(&self) -> usize {
        match self {
            Self::Models { image, text } => {
                image.as_ref().map_or(0, |image| image.model.dim()) + text.map_or(0, TextModel::dim)
            }
            Self::Column { dim, .. } => *dim,
            Self::Files(matrices) => matrices.first().map_or(1, Matrix::dim),
        }
    }

    /// Fails if a file has more rows than its file of embeddings. `rows` is how many were read so
    /// far.
    pub(crate) fn check_up_to(&self, file: usize, source: &InputFile, rows: u64) -> Result<()> {
        match self {
            Self::Files(matrices) if rows > matrices[file].rows() => {
                check_rows(&matrices[file], source, rows)
            }
            _ => Ok(()),
        }
    }

    /// Fails if a file does not have as many rows as its file of embeddings.
    pub(crate) fn check_rows(&self, file: usize, source: &InputFile, rows: u64) -> Result<()> {
        match self {
            Self::Files(matrices) => check_rows(&matrices[file], source, rows),
            _ => Ok(()),
        }
    }

    /// Returns the number of rows of a part, at most `most`. If rows are expensive, parts are small
    /// at first, so that a kill loses little. They double from time to time, so that there are not
    /// too many: each part is an open file later.
    pub(crate) fn rows_per_part(&self, most: u64, part: usize) -> u64 {
        let doublings = (part / PARTS_PER_DOUBLING).min(32);
        self.rows_per_checkpoint().map_or(most, |rows| most.min((rows as u64) << doublings)).max(1)
    }

    /// The number of rows that may be embedded together before the first of them is stored.
    pub(crate) fn rows_at_once(&self) -> usize {
        self.rows_per_checkpoint().unwrap_or(usize::MAX)
    }

    /// The number of rows after which to store them, if a row costs much time or money.
    pub(crate) fn rows_per_checkpoint(&self) -> Option<usize> {
        let Self::Models { text, image } = self else { return None };
        let of_texts = text.and_then(|text| text.rows_per_save());
        let of_images = image.as_ref().and_then(|image| image.model.rows_per_save());
        of_texts.into_iter().chain(of_images).min()
    }

    /// The most rows of a task.
    pub(crate) fn rows_per_task(&self) -> usize {
        match self {
            Self::Models { image: Some(_), .. } => IMAGES_PER_TASK,
            Self::Models { text, .. } => {
                text.and_then(|text| text.rows_per_call()).unwrap_or(usize::MAX).max(1)
            }
            _ => (COPIED_BYTES_PER_TASK / (4 * self.dim())).max(1),
        }
    }

    /// Adds the rows whose embedding in the column has the wrong length to the bad rows.
    pub(crate) fn check_lengths(&self, rows: &mut Rows) {
        let (Self::Column { name, dim }, Some(vectors)) = (self, &rows.vectors) else { return };
        let known: HashSet<u64> = rows.bad.iter().map(|bad| bad.row).collect();
        for (row, vector) in (rows.first_row..).zip(vectors.rows()) {
            if vector.len() != *dim && !known.contains(&row) {
                let reason = format!("column `{name}` has {} numbers instead of {dim}", vector.len());
                rows.bad.push(BadRow { row, reason });
            }
        }
        rows.bad.sort_by_key(|bad| bad.row);
    }

    /// Writes the embeddings of a range of `rows`, which are rows of the input file `file`, to
    /// `values`, row-major. A row without an embedding keeps its values.
    pub(crate) fn embed(
        &self,
        file: usize,
        rows: &Rows,
        range: Range<usize>,
        values: &mut [f32],
    ) -> Result<EmbedOutcome> {
        match self {
            Self::Models { image: Some(image), text: None } => return image.embed(rows, range, values),
            Self::Models { image: Some(image), text: Some(text) } => {
                return Pair { image, text: *text }.embed(rows, range, values);
            }
            Self::Models { image: None, text: Some(text) } => {
                return embed_texts(*text, rows, range, values);
            }
            Self::Models { image: None, text: None } => {}
            Self::Column { dim, .. } => {
                for (values, row) in values.chunks_exact_mut(*dim).zip(range) {
                    let vector = rows.vectors.as_ref().map(|vectors| vectors.row(row));
                    if let Some(vector) = vector.filter(|vector| vector.len() == *dim) {
                        values.copy_from_slice(vector);
                    }
                }
            }
            Self::Files(matrices) => matrices[file].read(rows.first_row + range.start as u64, values)?,
        }
        Ok(EmbedOutcome::default())
    }
}

/// Writes the embeddings of the texts of a range of rows. A row with a text that the model refuses
/// is a bad row.
fn embed_texts(
    model: &dyn TextModel,
    rows: &Rows,
    range: Range<usize>,
    values: &mut [f32],
) -> Result<EmbedOutcome> {
    let text = |row: usize| if rows.texts.is_valid(row) { rows.texts.value(row) } else { "" };
    let first = rows.first_row + range.start as u64;
    let texts: Vec<&str> = range.map(text).collect();
    let EmbeddedTexts { stats, refused } = model.embed_each(&texts, values).map_err(Error::model)?;
    let bad_row = |RefusedText { index, reason }| BadRow { row: first + index as u64, reason };
    let bad: Vec<BadRow> = refused.into_iter().map(bad_row).collect();
    let refused = bad.iter().map(|bad| bad.row).collect();
    Ok(EmbedOutcome { stats, bad, refused })
}

/// A model of images and a model of texts, which together embed rows of both.
struct Pair<'a> {
    image: &'a ImageSource<'a>,
    text: &'a dyn TextModel,
}

impl Pair<'_> {
    /// Puts the embeddings of the image and of the text side by side, each with length √½. The
    /// cosine similarity of two such rows is the mean of the two similarities.
    ///
    /// A row that lacks one of the two has no such mean. Its embedding stays zero, so that it is
    /// compared with nothing and kept. (If it were compared by the other half alone, the threshold
    /// would be wrong, because it is meant for both.)
    fn embed(&self, rows: &Rows, range: Range<usize>, values: &mut [f32]) -> Result<EmbedOutcome> {
        let (left, right) = (self.image.model.dim(), self.text.dim());
        let (mut images, mut texts) = (vec![0.0; range.len() * left], vec![0.0; range.len() * right]);
        let EmbedOutcome { bad: mut all_bad, .. } = self.image.embed(rows, range.clone(), &mut images)?;
        let EmbedOutcome { stats, bad, refused } = embed_texts(self.text, rows, range, &mut texts)?;
        let halves = images.chunks_exact(left).zip(texts.chunks_exact(right));
        for (row, (image, text)) in values.chunks_exact_mut(left + right).zip(halves) {
            let (first, second) = row.split_at_mut(left);
            let (image_length, text_length) = (length(image), length(text));
            if image_length != 0.0 && text_length != 0.0 {
                copy_half(image, image_length, first);
                copy_half(text, text_length, second);
            }
        }
        all_bad.extend(bad);
        all_bad.sort_by_key(|bad| bad.row);
        // A row whose image is broken and whose text is refused is one bad row.
        all_bad.dedup_by_key(|bad| bad.row);
        Ok(EmbedOutcome { stats, bad: all_bad, refused })
    }
}

fn length(vector: &[f32]) -> f64 {
    vector.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>().sqrt()
}

/// Copies a vector and scales it from `length` to √½.
fn copy_half(from: &[f32], length: f64, to: &mut [f32]) {
    let scale = std::f64::consts::FRAC_1_SQRT_2 / length;
    for (to, &from) in to.iter_mut().zip(from) {
        *to = (f64::from(from) * scale) as f32;
    }
}
