//! The source of the embeddings: models that make them, or the input that has them.

use std::collections::HashSet;
use std::ops::Range;
use std::path::Path;

use semdedup_embed::ImageLimits;

use crate::arrays::matrix::Matrix;
use crate::embed::embedder::Embedder;
use crate::embed::images::ImageSource;
use crate::embed::models::{Models, Wanted};
use crate::embed::outcome::EmbedOutcome;
use crate::embed::seen::Seen;
use crate::embed::stored::StoredEmbeddings;
use crate::error::Result;
use crate::formats::{BadRow, InputFile, Rows};
use crate::input::find::Input;
use crate::input::provided::{ProvidedEmbeddings, check_rows};
use crate::workdir::contents::Content;
use crate::workdir::parts::PartRecord;

/// The parts after which the number of rows of a part doubles.
const PARTS_PER_DOUBLING: usize = 64;

/// The rows of a task whose images are decoded: few, because most of the time goes into them.
const IMAGES_PER_TASK: usize = 16;

/// The bytes of provided embeddings that a task copies.
const COPIED_BYTES_PER_TASK: usize = 1 << 20;

/// The source of the embeddings of the rows.
pub(crate) enum Source<'a> {
    /// Models read the images, or the texts, or both.
    Models(Models<'a>),
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
        let image = image.map(|model| ImageSource { model, limits });
        Ok(Self::Models(Models { image, text, stored: StoredEmbeddings::default() }))
    }

    /// The number of values of an embedding.
    pub(crate) fn dim(&self) -> usize {
        match self {
            Self::Models(models) => models.dim(),
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
        let Self::Models(Models { text, image, .. }) = self else { return None };
        let of_texts = text.and_then(|text| text.rows_per_save());
        let of_images = image.as_ref().and_then(|image| image.model.rows_per_save());
        of_texts.into_iter().chain(of_images).min()
    }

    /// The most rows of a task.
    pub(crate) fn rows_per_task(&self) -> usize {
        match self {
            Self::Models(Models { image: Some(_), .. }) => IMAGES_PER_TASK,
            Self::Models(Models { text, .. }) => {
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

    /// Uses the embeddings that earlier runs stored, if a row costs much time or money.
    pub(crate) fn reuse(&mut self, found: impl FnOnce() -> Result<StoredEmbeddings>) -> Result<()> {
        let costs = self.rows_per_checkpoint().is_some();
        if let (Self::Models(models), true) = (self, costs) {
            models.stored = found()?;
        }
        Ok(())
    }

    /// Returns the hashes of what the models read of a range of rows; none if there are no models.
    pub(crate) fn contents(&self, rows: &Rows, range: Range<usize>) -> Vec<Content> {
        match self {
            Self::Models(models) => models.contents(rows, range),
            _ => Vec::new(),
        }
    }

    /// Returns what this run has embedded, to begin with; none if embedding costs next to nothing.
    pub(crate) fn seen(&self, done: &[PartRecord], folder: &Path) -> Result<Option<Seen>> {
        self.rows_per_checkpoint().map(|_| Seen::after(done, folder, self.dim())).transpose()
    }

    /// Whether an earlier run has stored the embedding of a row with this content.
    pub(crate) fn is_stored(&self, content: Content) -> bool {
        matches!(self, Self::Models(models) if models.stored.contains(content))
    }

    /// Whether what is wrong with a row depends on its content alone, and not on the row.
    pub(crate) fn refuses_contents(&self) -> bool {
        matches!(self, Self::Models(Models { image: None, .. }))
    }

    /// Returns what is wrong with the image of a row, if images are compared. No model is asked.
    pub(crate) fn image_fault(&self, rows: &Rows, row: usize) -> Option<String> {
        let Self::Models(Models { image: Some(image), .. }) = self else { return None };
        image.fault(rows, row)
    }

    /// Writes the embeddings of rows of the input file `file` to `values`, row-major. A row without
    /// an embedding keeps its values.
    pub(crate) fn embed(&self, file: usize, wanted: &Wanted, values: &mut [f32]) -> Result<EmbedOutcome> {
        match self {
            Self::Models(models) => return models.embed(wanted, values),
            Self::Column { dim, .. } => {
                for (values, row) in values.chunks_exact_mut(*dim).zip(wanted.range.clone()) {
                    let vector = wanted.rows.vectors.as_ref().map(|vectors| vectors.row(row));
                    if let Some(vector) = vector.filter(|vector| vector.len() == *dim) {
                        values.copy_from_slice(vector);
                    }
                }
            }
            Self::Files(matrices) => matrices[file].read(wanted.first_number(), values)?,
        }
        Ok(EmbedOutcome::default())
    }
}
