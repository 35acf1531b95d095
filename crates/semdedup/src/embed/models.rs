//! The models that embed rows: of texts, of images, or of both. Rows that this run or an earlier one
//! has embedded are not embedded again.

use std::ops::Range;

use arrow_array::Array;
use semdedup_embed::{EmbeddedTexts, RefusedText, TextModel};

use crate::embed::images::ImageSource;
use crate::embed::outcome::EmbedOutcome;
use crate::embed::seen::{Origin, Seen};
use crate::embed::stored::StoredEmbeddings;
use crate::error::{Error, Result};
use crate::formats::{BadRow, Rows};
use crate::workdir::contents::Content;

/// The rows of one file that are to be embedded.
pub(crate) struct Wanted<'a> {
    pub(crate) rows: &'a Rows,
    /// Which of the rows.
    pub(crate) range: Range<usize>,
    /// The hash of what the models read of each.
    pub(crate) contents: &'a [Content],
    /// The origin of the embedding of each; empty if equal rows are not looked up.
    pub(crate) origins: &'a [Origin],
    pub(crate) seen: Option<&'a Seen>,
}

impl<'a> Wanted<'a> {
    /// A range of rows that the model embeds, whatever is known.
    pub(crate) fn of(rows: &'a Rows, range: Range<usize>) -> Self {
        Self { rows, range, contents: &[], origins: &[], seen: None }
    }

    /// The number of the first row in its file.
    pub(crate) fn first_number(&self) -> u64 {
        self.rows.first_row + self.range.start as u64
    }

    fn origin(&self, place: usize) -> Origin {
        self.origins.get(place).copied().unwrap_or(Origin::Model)
    }
}

/// The models of a run, at least one, and the embeddings that they made in earlier runs.
pub(crate) struct Models<'a> {
    pub(crate) image: Option<ImageSource<'a>>,
    pub(crate) text: Option<&'a dyn TextModel>,
    pub(crate) stored: StoredEmbeddings,
}

impl Models<'_> {
    /// The number of values of an embedding.
    pub(crate) fn dim(&self) -> usize {
        self.image.as_ref().map_or(0, |image| image.model.dim()) + self.text.map_or(0, TextModel::dim)
    }

    /// Hashes what the models read of a range of rows. A row that lacks one of two halves has no
    /// embedding of its own.
    pub(crate) fn contents(&self, rows: &Rows, range: Range<usize>) -> Vec<Content> {
        let text = |row: usize| text_of(rows, row).as_bytes();
        let images = rows.images.as_ref();
        let image = |row: usize| {
            images.filter(|images| images.is_valid(row)).map_or(&[][..], |images| images.value(row))
        };
        match (&self.image, self.text) {
            (Some(_), Some(_)) => {
                range.map(|row| Content::of_both(Content::of(image(row)), Content::of(text(row)))).collect()
            }
            (Some(_), None) => range.map(|row| Content::of(image(row))).collect(),
            (None, _) => range.map(|row| Content::of(text(row))).collect(),
        }
    }

    /// Writes the embeddings of rows to `values`, row-major: those that are known, and then the
    /// others. A row whose origin is a row that is not embedded yet keeps its values.
    pub(crate) fn embed(&self, wanted: &Wanted, values: &mut [f32]) -> Result<EmbedOutcome> {
        let range = &wanted.range;
        let (mut known, mut missing) = (EmbedOutcome::default(), Vec::new());
        if self.stored.is_empty() && wanted.seen.is_none() {
            missing.extend(range.clone());
        } else {
            for (place, values) in values.chunks_exact_mut(self.dim()).enumerate() {
                if !self.find(wanted, place, values, &mut known)? {
                    missing.push(range.start + place);
                }
            }
        }
        known.stats.truncated = known.truncated.len();
        if !missing.is_empty() {
            known.extend(self.embed_missing(wanted, &missing, values)?);
        }
        Ok(known)
    }

    /// Writes the embedding of a row, if it is known. Returns false if the model must make it.
    fn find(
        &self,
        wanted: &Wanted,
        place: usize,
        values: &mut [f32],
        known: &mut EmbedOutcome,
    ) -> Result<bool> {
        let (content, row) = (wanted.contents[place], wanted.first_number() + place as u64);
        match (wanted.origin(place), wanted.seen) {
            (Origin::Row { row, content }, Some(seen)) if row < seen.end() => {
                seen.read(row, values)?;
                known.truncated.extend(content.is_truncated().then_some(place));
            }
            (Origin::Row { .. }, _) => {}
            (Origin::Refused, seen) => {
                let reason = seen.map_or("", |seen| seen.refusal(content)).to_owned();
                known.bad.push(BadRow { row, reason });
                known.refused.push(row);
            }
            (Origin::Model, _) => match self.stored.read(content, values)? {
                Some(content) => {
                    known.reused += 1;
                    known.truncated.extend(content.is_truncated().then_some(place));
                }
                None => return Ok(false),
            },
        }
        Ok(true)
    }

    /// Writes the embeddings of the rows that are not known. `missing` are their places in the rows.
    fn embed_missing(&self, wanted: &Wanted, missing: &[usize], values: &mut [f32]) -> Result<EmbedOutcome> {
        let Wanted { rows, range, .. } = wanted;
        if missing.len() == range.len() {
            return self.embed_new(rows, missing, values);
        }
        let dim = self.dim();
        let mut new = vec![0.0; missing.len() * dim];
        let mut outcome = self.embed_new(rows, missing, &mut new)?;
        for (row, new) in missing.iter().zip(new.chunks_exact(dim)) {
            values[(row - range.start) * dim..][..dim].copy_from_slice(new);
        }
        outcome.truncated.iter_mut().for_each(|place| *place = missing[*place] - range.start);
        Ok(outcome)
    }

    /// Writes the embeddings that the models make of some rows, in this order. The rows are not
    /// copied first, because their images may take much memory.
    fn embed_new(&self, rows: &Rows, picked: &[usize], values: &mut [f32]) -> Result<EmbedOutcome> {
        match (&self.image, self.text) {
            (Some(image), None) => image.embed(rows, picked, values),
            (Some(image), Some(text)) => Pair { image, text }.embed(rows, picked, values),
            (None, Some(text)) => embed_texts(text, rows, picked, values),
            (None, None) => Ok(EmbedOutcome::default()),
        }
    }
}

fn text_of(rows: &Rows, row: usize) -> &str {
    if rows.texts.is_valid(row) { rows.texts.value(row) } else { "" }
}

/// Writes the embeddings of the texts of some rows. A row with a text that the model refuses is a
/// bad row.
fn embed_texts(
    model: &dyn TextModel,
    rows: &Rows,
    picked: &[usize],
    values: &mut [f32],
) -> Result<EmbedOutcome> {
    let texts: Vec<&str> = picked.iter().map(|&row| text_of(rows, row)).collect();
    let EmbeddedTexts { stats, truncated, refused } =
        model.embed_each(&texts, values).map_err(Error::model)?;
    let bad_row =
        |RefusedText { index, reason }| BadRow { row: rows.first_row + picked[index] as u64, reason };
    let bad: Vec<BadRow> = refused.into_iter().map(bad_row).collect();
    let refused = bad.iter().map(|bad| bad.row).collect();
    Ok(EmbedOutcome { stats, bad, refused, truncated, reused: 0 })
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
    fn embed(&self, rows: &Rows, picked: &[usize], values: &mut [f32]) -> Result<EmbedOutcome> {
        let (left, right) = (self.image.model.dim(), self.text.dim());
        let (mut images, mut texts) = (vec![0.0; picked.len() * left], vec![0.0; picked.len() * right]);
        let EmbedOutcome { bad: mut all_bad, .. } = self.image.embed(rows, picked, &mut images)?;
        let EmbedOutcome { stats, bad, refused, truncated, .. } =
            embed_texts(self.text, rows, picked, &mut texts)?;
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
        Ok(EmbedOutcome { stats, bad: all_bad, refused, truncated, reused: 0 })
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
