//! Transparent images: blended over the first of a few backgrounds on which their outline can be seen.
//!
//! Dropping alpha would turn every black icon whose shape is in its alpha into the same black square. A fixed background would
//! do the same to the icons of its own colour. So the background depends on the picture: on the colours along its *outline*,
//! which is wherever alpha differs between two neighbouring pixels. Colours inside the outline, such as the white of an eye, can be
//! seen on any background.
//!
//! No more of the outline may be lost than a dot has. If more were, pictures could be equal that differ in just that part: a white word
//! among black ones. The length of an outline is the total variation of alpha: the sum of its steps between neighbours. So a soft edge,
//! whose step is spread over many pixels, counts as much as a sharp one.
//!
//! A choice among a few backgrounds is not continuous: of two nearly equal pictures that lose about one part in [`MOST_LOST`] of
//! their side on white, one may get white and the other black. The two then look different and both stay: a duplicate is
//! missed, and nothing is lost. That is rare, because resizing and compressing hardly change the length of an outline beside that of
//! the side.

use image::{RgbImage, RgbaImage};

use super::ImageError;

/// White, black, grey, magenta and green, the preferred one first. White is what such pictures are usually made for, and shown and
/// flattened on. An outline in shades of grey can be seen on the last two, whatever its shades.
const BACKGROUNDS: [[u8; 3]; 5] = [[255; 3], [0; 3], [128; 3], [255, 0, 255], [0, 255, 0]];
/// An outline is lost on a background of its own colour, and less and less so up to this distance in any of the three channels.
const NEAR: u8 = 48;
/// A background may hide outlines that are together one part in 50 as long as the picture's side, the square root of its area. If it hides
/// more, the next one is tried.
const MOST_LOST: u64 = 50;
/// A picture whose alpha is below this everywhere shows nothing: it differs from its background by less than 3 %.
const FAINTEST: u8 = 8;

type Rgba = [u8; 4];

/// Blends with the background. An image whose alpha is the same everywhere has no shape in it, so its colours stay as they are.
///
/// # Errors
/// If nothing can be seen: all such pictures would be exact copies of each other, whatever their invisible pixels hold.
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
            pixels.iter().flat_map(|&pixel| blend(pixel, background)).collect()
        }
    };
    RgbImage::from_raw(image.width(), image.height(), rgb)
        .ok_or_else(|| ImageError::broken(format, "its pixels do not fill the image"))
}

/// `(colour · alpha + background · (255 - alpha)) / 255`, rounded to the nearest whole number: what PIL's `alpha_composite` computes.
/// There are no ties, as 255 is odd.
fn blend([r, g, b, alpha]: Rgba, background: [u8; 3]) -> [u8; 3] {
    let alpha = u32::from(alpha);
    let channel =
        |(colour, below)| ((u32::from(colour) * alpha + u32::from(below) * (255 - alpha) + 127) / 255) as u8;
    let [red, green, blue] = background;
    [(r, red), (g, green), (b, blue)].map(channel)
}

/// Returns the first background that hides hardly any of the outline, or else the one that hides least.
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

/// The length of the outline that each background loses, in parts of [`WHOLE`] pixels. The sums fit: a picture of 2³² pixels has less
/// than 2³³ steps, and each counts less than 2¹⁴.
#[derive(Default)]
struct Lost([u64; BACKGROUNDS.len()]);

/// What a step from opaque to transparent counts on a background of its own colour.
const WHOLE: u64 = u8::MAX as u64 * NEAR as u64;

impl Lost {
    /// Adds the step of alpha between two neighbours, with the colour of the less transparent one.
    fn add(&mut self, a: &Rgba, b: &Rgba) {
        let step = u64::from(a[3].abs_diff(b[3]));
        if step == 0 {
            return;
        }
        let &[ref colour @ .., _] = if a[3] > b[3] { a } else { b };
        for (lost, background) in self.0.iter_mut().zip(BACKGROUNDS) {
            let distance = colour.iter().zip(background).map(|(colour, below)| colour.abs_diff(below)).max();
            *lost += step * u64::from(NEAR.saturating_sub(distance.unwrap_or(0)));
        }
    }

    /// The background for a picture of this side.
    fn background(&self, side: u64) -> [u8; 3] {
        let choices = || BACKGROUNDS.into_iter().zip(self.0);
        let enough = choices().find(|(_, lost)| lost * MOST_LOST <= WHOLE * side);
        // Of equals the first is taken.
        enough
            .or_else(|| choices().min_by_key(|&(_, lost)| lost))
            .map_or(BACKGROUNDS[0], |(colour, _)| colour)
    }
}
