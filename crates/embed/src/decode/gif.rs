//! GIF: the first frame, on the canvas that PIL gives it.

use std::num::NonZeroU64;

use gif::{ColorOutput, DecodeOptions, DecodingError, Frame, MemoryLimit};
use image::{RgbImage, Rgba, RgbaImage};

use super::blend;
use super::error::ImageError;
use super::limits::{ImageLimits, check_size};

const FORMAT: &str = "GIF";

/// Decodes the first frame of a GIF.
pub(super) fn decode(bytes: &[u8], limits: &ImageLimits) -> Result<RgbImage, ImageError> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    let most = NonZeroU64::new(limits.max_pixels).unwrap_or(NonZeroU64::MIN);
    options.set_memory_limit(MemoryLimit::Bytes(most));
    let mut decoder = options.read_info(bytes).map_err(failed)?;
    let (screen_width, screen_height) = (u32::from(decoder.width()), u32::from(decoder.height()));
    check_size(FORMAT, screen_width, screen_height, limits)?;
    let no_frame = || ImageError::broken(FORMAT, "it has no frame");
    let frame = decoder.next_frame_info().map_err(failed)?.ok_or_else(no_frame)?.clone();
    let width = screen_width.max(u32::from(frame.left) + u32::from(frame.width));
    let height = screen_height.max(u32::from(frame.top) + u32::from(frame.height));
    check_size(FORMAT, width, height, limits)?;
    let mut indices = vec![0; usize::from(frame.width) * usize::from(frame.height)];
    decoder.read_into_buffer(&mut indices).map_err(failed)?;
    let palette = decoder.palette().map_err(failed)?;
    blend::over_background(FORMAT, &paint(&frame, &indices, palette, RgbaImage::new(width, height)))
}

/// Paints the frame on a canvas. The rest of the canvas is transparent, or has the palette's first
/// color if none is transparent, as with PIL.
fn paint(frame: &Frame, indices: &[u8], palette: &[u8], mut canvas: RgbaImage) -> RgbaImage {
    let color = |index: u8| {
        let [r, g, b] = palette.as_chunks().0.get(usize::from(index)).copied().unwrap_or([0; 3]);
        Rgba([r, g, b, if frame.transparent == Some(index) { 0 } else { 255 }])
    };
    let background = color(frame.transparent.unwrap_or(0));
    canvas.pixels_mut().for_each(|pixel| *pixel = background);
    let rows = indices.chunks_exact(usize::from(frame.width).max(1));
    for (y, row) in (u32::from(frame.top)..).zip(rows) {
        for (x, &index) in (u32::from(frame.left)..).zip(row) {
            canvas.put_pixel(x, y, color(index));
        }
    }
    canvas
}

fn failed(error: DecodingError) -> ImageError {
    ImageError::broken(FORMAT, error)
}
