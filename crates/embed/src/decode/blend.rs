//! Transparent images: blended over white, black or grey, whichever lets their outline be seen.
//!
//! Dropping alpha would turn every black icon whose shape is in its alpha into the same black square. A fixed background would
//! do the same to the icons of its own colour. So the background depends on the picture: on the colours along its *outline*,
//! which is wherever alpha differs between two neighbouring pixels. Colours inside the outline, such as the white of an eye, can be
//! seen on any background.
//!
//! A choice among three backgrounds is not continuous: of two nearly equal pictures that lose nearly [`MOST_LOST`] of their
//! outline on white, one may get white and the other black. The two then look different and both stay: a duplicate is missed,
//! and nothing is lost. Few pictures are near that border: shares of the outline hardly change when a picture is resized or
//! compressed again, and of most pictures white loses next to nothing or next to everything.

use image::{RgbImage, RgbaImage};

use super::ImageError;

/// Shades of grey, the preferred one first. White is what such pictures are usually made for, and shown and flattened on.
const BACKGROUNDS: [u8; 3] = [255, 0, 128];
/// An outline is lost on a background of its own colour, and less and less so up to this distance in any of the three channels.
const NEAR: u8 = 48;
/// One part in so many of the outline may be lost on a background before another is tried.
const MOST_LOST: u64 = 5;
/// A picture whose alpha is below this everywhere shows nothing: it differs from its background by less than 3 %.
const FAINTEST: u8 = 8;

type Rgba = [u8; 4];

/// Blends with the background. An opaque image keeps its bytes.
///
/// # Errors
/// If nothing can be seen: all such pictures would be exact copies of each other, whatever their invisible pixels hold.
pub(super) fn over_background(format: &'static str, image: &RgbaImage) -> Result<RgbImage, ImageError> {
    let pixels: &[Rgba] = image.as_chunks().0;
    let rgb: Vec<u8> = if pixels.iter().fold(u8::MAX, |all, pixel| all & pixel[3]) == u8::MAX {
        pixels.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect()
    } else {
        let alpha = pixels.iter().map(|pixel| pixel[3]).max().unwrap_or(0);
        if alpha < FAINTEST {
            return Err(ImageError::Invisible { format, alpha, limit: FAINTEST });
        }
        let background = background(pixels, image.width() as usize);
        pixels.iter().flat_map(|&pixel| blend(pixel, background)).collect()
    };
    RgbImage::from_raw(image.width(), image.height(), rgb)
        .ok_or_else(|| ImageError::broken(format, "its pixels do not fill the image"))
}

/// `(colour · alpha + background · (255 - alpha)) / 255`, rounded to the nearest whole number: what PIL's `alpha_composite` computes.
/// There are no ties, as 255 is odd.
fn blend([r, g, b, alpha]: Rgba, background: u8) -> [u8; 3] {
    let (alpha, rest) = (u32::from(alpha), u32::from(background) * (255 - u32::from(alpha)));
    [r, g, b].map(|colour| ((u32::from(colour) * alpha + rest + 127) / 255) as u8)
}

/// Returns the first background that loses at most one part in [`MOST_LOST`] of the outline, or else the one that loses least. A
/// picture of equal alpha everywhere has no outline and gets white.
fn background(pixels: &[Rgba], width: usize) -> u8 {
    let mut outline = Outline::default();
    let rows = || pixels.chunks_exact(width.max(1));
    for row in rows() {
        row.iter().zip(&row[1..]).for_each(|(left, right)| outline.add(left, right));
    }
    for (above, below) in rows().zip(rows().skip(1)) {
        above.iter().zip(below).for_each(|(upper, lower)| outline.add(upper, lower));
    }
    outline.background()
}

/// How much outline there is, and how much of it each background loses. The sums fit: a picture of 2³² pixels has less than 2³³
/// steps, and each counts less than 2²².
#[derive(Default)]
struct Outline {
    total: u64,
    lost: [u64; 3],
}

impl Outline {
    /// Adds the step of alpha between two neighbours, with the colour of the less transparent one. Its square counts, so that
    /// noise in alpha does not.
    fn add(&mut self, a: &Rgba, b: &Rgba) {
        let step = u64::from(a[3].abs_diff(b[3]));
        if step == 0 {
            return;
        }
        let &[red, green, blue, _] = if a[3] > b[3] { a } else { b };
        self.total += step * step * u64::from(NEAR);
        for (lost, background) in self.lost.iter_mut().zip(BACKGROUNDS) {
            let distance = [red, green, blue].map(|colour| colour.abs_diff(background)).into_iter().max();
            *lost += step * step * u64::from(NEAR.saturating_sub(distance.unwrap_or(0)));
        }
    }

    fn background(&self) -> u8 {
        let choices = || BACKGROUNDS.into_iter().zip(self.lost);
        let enough = choices().find(|(_, lost)| lost * MOST_LOST <= self.total);
        // Of equals the first is taken.
        enough.or_else(|| choices().min_by_key(|&(_, lost)| lost)).map_or(BACKGROUNDS[0], |(shade, _)| shade)
    }
}
