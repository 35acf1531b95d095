//! Images of rows: decoded, a few at a time, and embedded.

use std::ops::Range;

use arrow::array::{Array, AsArray};
use semdedup_embed::{EmbedStats, ImageError, ImageLimits, ImageModel, RgbImage, decode_image};

use crate::error::{Error, Result};
use crate::formats::{BadRow, Rows};

/// Decoded images are held until they have so many pixels.
const PIXELS_TOGETHER: u64 = 1 << 22;

/// Writes the embeddings of the images of some rows. A broken image is a bad row: its values are left as they are.
pub(crate) fn embed_images(
    (model, limits): (&dyn ImageModel, &ImageLimits),
    rows: &Rows,
    some: Range<usize>,
    values: &mut [f32],
) -> Result<Embedded> {
    let mut bad = Vec::new();
    let mut decoded = Decoded { model, first: 0, images: Vec::new(), pixels: 0 };
    for (place, row) in some.enumerate() {
        let bytes =
            rows.images.as_ref().filter(|images| images.is_valid(row)).map(|images| images.value(row));
        match bytes.map(|bytes| decode_image(bytes, limits)) {
            Some(Ok(image)) => decoded.push(place, image, values)?,
            // A row without an image is known to be bad already.
            None => decoded.flush(values)?,
            Some(Err(error)) => {
                decoded.flush(values)?;
                bad.push(BadRow { row: rows.first_row + row as u64, reason: named(rows, row, &error) });
            }
        }
    }
    decoded.flush(values)?;
    Ok(Embedded { stats: EmbedStats::default(), bad })
}

/// Why an image is none, behind the row's id, if it has one: in a folder that is the file.
fn named(rows: &Rows, row: usize, error: &ImageError) -> String {
    let ids = rows.ids.as_ref().and_then(|ids| ids.as_string_opt::<i32>());
    match ids.filter(|ids| ids.is_valid(row)) {
        Some(ids) => format!("{}: {error}", ids.value(row)),
        None => error.to_string(),
    }
}

/// Images of consecutive rows that wait for the model.
struct Decoded<'a> {
    model: &'a dyn ImageModel,
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
        if self.pixels >= PIXELS_TOGETHER { self.flush(values) } else { Ok(()) }
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

/// What came of embedding some rows.
#[derive(Default)]
pub(crate) struct Embedded {
    pub(crate) stats: EmbedStats,
    /// Rows that turned out to be none, such as broken images, in order.
    pub(crate) bad: Vec<BadRow>,
}
