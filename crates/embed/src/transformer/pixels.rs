//! The preparation of images, as `preprocessor_config.json` describes it: resizing, cropping and
//! normalizing, as PIL and `transformers` do.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeError, ResizeOptions, Resizer};
use image::RgbImage;

use super::config::Config;
use super::failure::Result;
use crate::error::ModelError;

/// The size of prepared images, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) height: u32,
    pub(crate) width: u32,
}

/// How images are prepared.
#[derive(Debug, Clone)]
pub(crate) struct Pixels {
    resize: Option<Resize>,
    /// The size of the middle that is cut out.
    crop: Option<Size>,
    method: ResizeAlg,
    /// The normalized value of each of the 256 values of a channel.
    table: [[f32; 256]; 3],
}

/// The size that an image is resized to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resize {
    /// The shorter edge gets this length, and the image keeps its proportions.
    Shortest(u32),
    /// The image gets this size.
    Exactly(Size),
}

/// The longest edge of a prepared image.
const LONGEST_EDGE: usize = 4_096;

impl Pixels {
    /// Reads the settings of a model of type `model`. The file may not name its processor.
    pub(crate) fn read(config: &Config, model: &str) -> Result<Self> {
        for field in ["do_pad", "do_flip_channel_order", "do_reduce_labels", "do_image_splitting"] {
            if config.flag_or(field, false)? {
                return Err(config.wrong(field, "false"));
            }
        }
        // These processors read a single number as the length of both edges, the others as that of
        // the shorter one.
        let usual = match model {
            "vit" => "ViT",
            "siglip" => "Siglip",
            _ => "",
        };
        let kind =
            config.text_or("image_processor_type", config.text_or("feature_extractor_type", usual)?)?;
        let square = ["ViT", "Siglip", "DeiT"].iter().any(|name| kind.starts_with(name));
        let resize = if config.flag_or("do_resize", true)? { Some(resize(config, square)?) } else { None };
        let crop = if config.flag_or("do_center_crop", false)? { Some(crop(config)?) } else { None };
        let pixels = Self { resize, crop, method: method(config, kind)?, table: table(config)? };
        match (pixels.crop, pixels.resize) {
            (Some(_), _) | (None, Some(Resize::Exactly(..))) => Ok(pixels),
            _ => Err(config.wrong("size", "a height and a width, where images are not cropped to one size")),
        }
    }

    /// Returns the size of prepared images.
    pub(crate) fn size(&self) -> Size {
        match (self.crop, self.resize) {
            (Some(crop), _) => crop,
            (None, Some(Resize::Exactly(size))) => size,
            (None, _) => Size { height: 0, width: 0 },
        }
    }

    /// Appends the prepared image to `out`, patch by patch in row-major order. Each patch is `[3,
    /// patch, patch]`: channels, rows, columns.
    pub(crate) fn patches(&self, image: &RgbImage, patch: usize, out: &mut Vec<f32>) -> Result<()> {
        let Size { height, width } = self.size();
        let prepared = self.prepare(image)?;
        let row = 3 * width as usize;
        for top in (0..=height as usize - patch).step_by(patch) {
            for left in (0..=width as usize - patch).step_by(patch) {
                for (channel, table) in self.table.iter().enumerate() {
                    for y in top..top + patch {
                        let pixels = &prepared[y * row + 3 * left..][..3 * patch];
                        out.extend(
                            pixels[channel..].iter().step_by(3).map(|&value| table[usize::from(value)]),
                        );
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns the resized and cropped image, centered on black if it is smaller than the prepared
    /// one.
    fn prepare(&self, image: &RgbImage) -> Result<Vec<u8>> {
        let Size { height, width } = self.size();
        let whole = self.resized(image);
        let (down, right) = (Span::of(whole.height, height), Span::of(whole.width, width));
        let part = self.part(image, whole, &down, &right)?;
        if (right.length, down.length) == (width, height) {
            return Ok(part);
        }
        let mut padded = vec![0; 3 * (width * height) as usize];
        for (y, row) in part.chunks_exact(3 * right.length as usize).enumerate() {
            let start = 3 * ((down.to as usize + y) * width as usize + right.to as usize);
            padded[start..start + row.len()].copy_from_slice(row);
        }
        Ok(padded)
    }

    /// Returns a part of the image resized to `whole`. Only this part is computed, because the
    /// whole of a long strip could be huge.
    fn part(&self, image: &RgbImage, whole: Size, down: &Span, right: &Span) -> Result<Vec<u8>> {
        let source = ImageRef::new(image.width(), image.height(), image.as_raw(), PixelType::U8x3);
        let source = source.map_err(|error| failed(&error))?;
        let mut part = Image::new(right.length, down.length, PixelType::U8x3);
        let scale = |edge: u32, whole: u32| f64::from(edge) / f64::from(whole);
        let (x, y) = (scale(image.width(), whole.width), scale(image.height(), whole.height));
        let inside = |first: u32, scale: f64| f64::from(first) * scale;
        // Rounding must not reach beyond the edge.
        let long = |span: &Span, scale: f64, edge: u32| {
            (f64::from(span.length) * scale).min(f64::from(edge) - inside(span.from, scale))
        };
        let options = ResizeOptions::new().use_alpha(false).resize_alg(self.method).crop(
            inside(right.from, x),
            inside(down.from, y),
            long(right, x, image.width()),
            long(down, y, image.height()),
        );
        let (Some(from), Some(mut to)) = (source.typed_image::<U8x3>(), part.typed_image_mut::<U8x3>())
        else {
            return Err(failed(&ResizeError::PixelTypesAreDifferent));
        };
        // `resize` gives the same, but compiles the kernels of all thirteen types of pixels into
        // this crate: two thirds of its code.
        Resizer::new().resize_typed(&from, &mut to, &options).map_err(|error| failed(&error))?;
        Ok(part.into_vec())
    }

    /// Returns the size of the resized image, before it is cropped.
    fn resized(&self, image: &RgbImage) -> Size {
        let (width, height) = image.dimensions();
        let follow = |short: u32, edge: u32, long: u32| {
            let long = u64::from(short) * u64::from(long) / u64::from(edge.max(1));
            long.min(u64::from(u32::MAX)) as u32
        };
        match self.resize {
            None => Size { height, width },
            Some(Resize::Exactly(size)) => size,
            Some(Resize::Shortest(short)) if width <= height => {
                Size { height: follow(short, width, height), width: short }
            }
            Some(Resize::Shortest(short)) => Size { height: short, width: follow(short, height, width) },
        }
    }
}

/// The part of an edge that stays.
struct Span {
    /// Its start in the resized image.
    from: u32,
    length: u32,
    /// Its start in the prepared image.
    to: u32,
}

impl Span {
    /// Returns the middle of an edge of length `whole` that fits into `room`, or all of it,
    /// centered in `room`.
    fn of(whole: u32, room: u32) -> Self {
        match whole >= room {
            true => Self { from: (whole - room) / 2, length: room, to: 0 },
            false => Self { from: 0, length: whole, to: (room - whole).div_ceil(2) },
        }
    }
}

/// Reads the length of an edge.
fn edge(config: &Config, name: &str) -> Result<u32> {
    let edge = config.count(name)?;
    if edge > LONGEST_EDGE {
        Err(config.wrong(name, &format!("at most {LONGEST_EDGE}")))
    } else {
        Ok(edge as u32)
    }
}

/// Reads the size of resized images. `square` tells whether a single number means both edges.
fn resize(config: &Config, square: bool) -> Result<Resize> {
    let Some(size) = config.section("size") else { return Err(config.missing("size")) };
    if size.value().is_number() {
        let edge = edge(config, "size")?;
        return Ok(if square {
            Resize::Exactly(Size { height: edge, width: edge })
        } else {
            Resize::Shortest(edge)
        });
    }
    if size.has("height") && size.has("width") {
        return both_edges(&size).map(Resize::Exactly);
    }
    if size.has("longest_edge") || size.has("max_pixels") {
        return Err(config.wrong("size", "a height and a width, or a shortest_edge"));
    }
    edge(&size, "shortest_edge").map(Resize::Shortest)
}

/// Reads the height and the width of a section.
fn both_edges(size: &Config) -> Result<Size> {
    Ok(Size { height: edge(size, "height")?, width: edge(size, "width")? })
}

/// Reads the size of the middle that is cut out.
fn crop(config: &Config) -> Result<Size> {
    let Some(size) = config.section("crop_size") else { return Err(config.missing("crop_size")) };
    if size.value().is_number() {
        return edge(config, "crop_size").map(|edge| Size { height: edge, width: edge });
    }
    both_edges(&size)
}

/// The filters, by the numbers that PIL gives them.
const FILTERS: [ResizeAlg; 6] = [
    ResizeAlg::Nearest,
    ResizeAlg::Convolution(FilterType::Lanczos3),
    ResizeAlg::Convolution(FilterType::Bilinear),
    ResizeAlg::Convolution(FilterType::CatmullRom),
    ResizeAlg::Convolution(FilterType::Box),
    ResizeAlg::Convolution(FilterType::Hamming),
];

/// Reads the filter.
fn method(config: &Config, kind: &str) -> Result<ResizeAlg> {
    // The defaults in the code of the processors: bilinear for ViT, bicubic for the others.
    let usual = if kind.starts_with("ViT") { 2 } else { 3 };
    let number = config.whole_or("resample", usual)?;
    let known = FILTERS.get(number).copied();
    known.ok_or_else(|| config.wrong("resample", "a filter of PIL, from 0 to 5"))
}

/// Computes the normalized values.
fn table(config: &Config) -> Result<[[f32; 256]; 3]> {
    let factor = if config.flag_or("do_rescale", true)? {
        config.number_or("rescale_factor", 1.0 / 255.0)?
    } else {
        1.0
    };
    let normalised = config.flag_or("do_normalize", true)?;
    let channels = |name: &str, default: f64| match config.numbers(name)? {
        _ if !normalised => Ok([default; 3]),
        None => Err(config.missing(name)),
        Some(values) => <[f64; 3]>::try_from(values)
            .map_err(|_| config.wrong(name, "three numbers, one for each of red, green and blue")),
    };
    let (means, deviations) = (channels("image_mean", 0.0)?, channels("image_std", 1.0)?);
    if deviations.iter().any(|&deviation| deviation <= 0.0) {
        return Err(config.wrong("image_std", "above 0"));
    }
    let mut table = [[0.0; 256]; 3];
    for (channel, values) in table.iter_mut().enumerate() {
        for (value, out) in values.iter_mut().enumerate() {
            *out = ((value as f64 * factor - means[channel]) / deviations[channel]) as f32;
        }
    }
    Ok(table)
}

fn failed(error: &dyn std::fmt::Display) -> ModelError {
    ModelError::with_hint(
        format!("an image could not be resized: {error}"),
        "please report the image that it fails on",
    )
}
