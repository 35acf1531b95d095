//! Decodes the images of rows, a few at a time, and embeds them.

use arrow_array::Array;
use arrow_array::cast::AsArray;
use semdedup_embed::{ImageError, ImageLimits, ImageModel, RgbImage, decode_image};

use crate::embed::outcome::EmbedOutcome;
use crate::error::{Error, Result};
use crate::formats::{BadRow, Rows};

/// The pixels of decoded images after which the model embeds them.
const PIXELS_PER_CALL: u64 = 1 << 22;

/// A model of images, and the limits on the images that are decoded for it.
pub(crate) struct ImageSource<'a> {
    pub(crate) model: &'a dyn ImageModel,
    pub(crate) limits: ImageLimits,
}

impl ImageSource<'_> {
    /// Writes the embeddings of the images of some rows. A row with a broken image is a bad row,
    /// and its values stay as they are.
    pub(crate) fn embed(&self, rows: &Rows, picked: &[usize], values: &mut [f32]) -> Result<EmbedOutcome> {
        let mut bad = Vec::new();
        let mut decoded = Decoded { model: self.model, first: 0, images: Vec::new(), pixels: 0 };
        for (place, &row) in picked.iter().enumerate() {
            match self.decode(rows, row) {
                Some(Ok(image)) => decoded.push(place, image, values)?,
                // A row without an image is already a bad row.
                None => decoded.flush(values)?,
                Some(Err(error)) => {
                    decoded.flush(values)?;
                    let reason = reason(rows, row, &error);
                    bad.push(BadRow { row: rows.first_row + row as u64, reason });
                }
            }
        }
        decoded.flush(values)?;
        Ok(EmbedOutcome { bad, ..EmbedOutcome::default() })
    }

    /// Returns what is wrong with the image of a row, if it has one.
    pub(crate) fn fault(&self, rows: &Rows, row: usize) -> Option<String> {
        self.decode(rows, row)?.err().map(|error| reason(rows, row, &error))
    }

    /// Decodes the image of a row, if it has one.
    fn decode(&self, rows: &Rows, row: usize) -> Option<std::result::Result<RgbImage, ImageError>> {
        let images = rows.images.as_ref().filter(|images| images.is_valid(row))?;
        Some(decode_image(images.value(row), &self.limits))
    }
}

/// Says why an image is broken, after the id of its row, if it has one. In a folder of images the
/// id is the file.
fn reason(rows: &Rows, row: usize, error: &ImageError) -> String {
    let ids = rows.ids.as_ref().and_then(|ids| ids.as_string_opt::<i32>());
    match ids.filter(|ids| ids.is_valid(row)) {
        Some(ids) => format!("{}: {error}", ids.value(row)),
        None => error.to_string(),
    }
}

/// Images of consecutive rows that wait for the model.
struct Decoded<'a> {
    model: &'a dyn ImageModel,
    /// The position of the first one in the values.
    first: usize,
    images: Vec<RgbImage>,
    pixels: u64,
}

impl Decoded<'_> {
    fn push(&mut self, place: usize, image: RgbImage, values: &mut [f32]) -> Result<()> {
        if self.images.is_empty() {
            self.first = place;
        }
        self.pixels += u64::from(image.width()) * u64::from(image.height());
        self.images.push(image);
        if self.pixels >= PIXELS_PER_CALL { self.flush(values) } else { Ok(()) }
    }

    fn flush(&mut self, values: &mut [f32]) -> Result<()> {
        if self.images.is_empty() {
            return Ok(());
        }
        let dim = self.model.dim();
        let values = &mut values[self.first * dim..(self.first + self.images.len()) * dim];
        self.model.embed(&self.images, values).map_err(Error::model)?;
        self.images.clear();
        self.pixels = 0;
        Ok(())
    }
}
