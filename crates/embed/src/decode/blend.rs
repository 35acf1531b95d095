//! Transparent images: blending with the first of a few backgrounds that shows their outline.
//!
//! Dropping alpha would turn every black icon whose shape is in its alpha into the same black
//! square. A fixed background would do the same to the icons of its own color. So the background
//! depends on the colors along the *outline* of the picture, which is wherever alpha differs
//! between two neighboring pixels. Colors inside the outline, such as the white of an eye, are
//! visible on any background.
//!
//! A background may hide no more of the outline than a dot has. Otherwise pictures could become
//! equal that differ only in the hidden part, for example a white word among black ones. The length
//! of an outline is the total variation of alpha: the sum of its differences between neighbors. So
//! a soft edge over many pixels counts as much as a sharp one.
//!
//! A choice among a few backgrounds is not continuous. Of two nearly equal pictures that lose about
//! one part in [`MOST_LOST`] of their side on white, one may get white and the other black. They
//! then look different and both stay, so a duplicate is missed, and nothing is lost. This is rare,
//! because resizing and compressing hardly change the ratio of the outline to the side.

use image::{RgbImage, RgbaImage};

use super::error::ImageError;

/// White, black, gray, magenta and green, the preferred one first. Most pictures are made for
/// white, and shown and flattened on it. An outline in shades of gray is visible on the last two,
/// whatever its shades.
const BACKGROUNDS: [[u8; 3]; 5] = [[255; 3], [0; 3], [128; 3], [255, 0, 255], [0, 255, 0]];
/// The distance, in any of the three channels, from which a color is fully visible on a background.
/// Below it the outline is partly lost, at distance 0 completely.
const NEAR: u8 = 48;
/// A background may hide outlines with a total length of one part in 50 of the picture's side, the
/// square root of its area. If it hides more, the next background is tried.
const MOST_LOST: u64 = 50;
/// The smallest alpha that shows something. Below it a picture differs from its background by less
/// than 3 %.
const FAINTEST: u8 = 8;

type Rgba = [u8; 4];

/// Blends an image with a background. An image with the same alpha everywhere has no outline, so
/// its colors stay.
///
/// # Errors
/// If nothing is visible, because all such pictures would be exact copies of each other, whatever
/// their invisible pixels hold.
pub(super) fn over_background(format: &'static str, image: &RgbaImage) -> Result<RgbImage, ImageError> {
    let pixels: &[Rgba] = image.as_chunks().0;
    let extremes =
        pixels.iter().fold((u8::MAX, 0), |(low, high), pixel| (low.min(pixel[3]), high.max(pixel[3])));
    let rgb: Vec<u8> = match extremes {
        (_, alpha) if alpha < FAINTEST => {
            return Err(ImageError::Invisible { format, alpha, limit: FAINTEST });
        }
        (low, high) if low == high => pixels.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect(),
        _ => {
            let background = background(pixels, image.width() as usize);
            let mut rgb = vec![0; 3 * pixels.len()];
            for (to, &pixel) in rgb.as_chunks_mut().0.iter_mut().zip(pixels) {
                *to = blend(pixel, background);
            }
            rgb
        }
    };
    RgbImage::from_raw(image.width(), image.height(), rgb)
        .ok_or_else(|| ImageError::broken(format, "its pixels do not fill the image"))
}

/// Computes `(color · alpha + background · (255 - alpha)) / 255`, rounded to the nearest integer,
/// as PIL's `alpha_composite` does. There are no ties, because 255 is odd.
/// `(s + (s >> 8)) >> 8` with `s = x + 128` equals `x / 255` rounded, for `x` up to 255².
#[inline(always)]
fn blend([r, g, b, alpha]: Rgba, background: [u8; 3]) -> [u8; 3] {
    let alpha = u32::from(alpha);
    let channel = |(color, below)| {
        let sum = u32::from(color) * alpha + u32::from(below) * (255 - alpha) + 128;
        ((sum + (sum >> 8)) >> 8) as u8
    };
    let [red, green, blue] = background;
    [(r, red), (g, green), (b, blue)].map(channel)
}

/// Returns the first background that hides little enough of the outline, or else the one that hides
/// least.
fn background(pixels: &[Rgba], width: usize) -> [u8; 3] {
    let mut lost = Lost::default();
    let rows = || pixels.chunks_exact(width.max(1));
    for row in rows() {
        row.iter().zip(&row[1..]).for_each(|(left, right)| lost.add(left, right));
    }
    for (above, below) in rows().zip(rows().skip(1)) {
        above.iter().zip(below).for_each(|(upper, lower)| lost.add(upper, lower));
    }
    lost.background((pixels.len() as u64).isqrt())
}

/// The length of the outline that each background hides, in units of 1 / [`WHOLE`] pixels. The sums
/// fit: a picture of 2³² pixels has fewer than 2³³ pairs of neighbors, and each counts less than
/// 2¹⁴.
#[derive(Default)]
struct Lost([u64; BACKGROUNDS.len()]);

/// The count of a step from opaque to transparent on a background of its own color.
const WHOLE: u64 = u8::MAX as u64 * NEAR as u64;

impl Lost {
    /// Adds the step of alpha between two neighbors, with the color of the less transparent one.
    fn add(&mut self, a: &Rgba, b: &Rgba) {
        let step = u64::from(a[3].abs_diff(b[3]));
        if step == 0 {
            return;
        }
        let &[ref color @ .., _] = if a[3] > b[3] { a } else { b };
        for (lost, background) in self.0.iter_mut().zip(BACKGROUNDS) {
            let distance = color.iter().zip(background).map(|(color, below)| color.abs_diff(below)).max();
            *lost += step * u64::from(NEAR.saturating_sub(distance.unwrap_or(0)));
        }
    }

    /// Returns the background for a picture of this side.
    fn background(&self, side: u64) -> [u8; 3] {
        let choices = || BACKGROUNDS.into_iter().zip(self.0);
        let enough = choices().find(|(_, lost)| lost * MOST_LOST <= WHOLE * side);
        // `min_by_key` returns the first of equals.
        enough.or_else(|| choices().min_by_key(|&(_, lost)| lost)).map_or(BACKGROUNDS[0], |(color, _)| color)
    }
}
