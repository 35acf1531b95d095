//! Images to numbers, as `preprocessor_config.json` says: resized, cropped, normalised, as PIL and `transformers` do it.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;

use super::config::Config;
use crate::ModelError;

type Result<T> = std::result::Result<T, ModelError>;

/// How images are prepared.
#[derive(Debug, Clone)]
pub(crate) struct Pixels {
    resize: Option<Resize>,
    /// Height and width of the middle that is cut out.
    crop: Option<(u32, u32)>,
    method: ResizeAlg,
    /// What each value of each channel becomes.
    table: [[f32; 256]; 3],
}

/// The size that an image is resized to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resize {
    /// The shorter edge gets this length, the longer one follows.
    Shortest(u32),
    /// Height and width.
    Exactly(u32, u32),
}

/// No edge of a prepared image is longer.
const LONGEST_EDGE: usize = 4_096;

impl Pixels {
    /// Of a file that may not name its processor, beside a model of such a `model_type`.
    pub(crate) fn read(config: &Config, model: &str) -> Result<Self> {
        for field in ["do_pad", "do_flip_channel_order", "do_reduce_labels", "do_image_splitting"] {
            if config.flag_or(field, false)? {
                return Err(config.wrong(field, "false"));
            }
        }
        // These processors take a lone number as the length of both edges, the others as that of the shorter one.
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

    /// Height and width of prepared images.
    pub(crate) fn size(&self) -> (u32, u32) {
        match (self.crop, self.resize) {
            (Some(crop), _) => crop,
            (None, Some(Resize::Exactly(height, width))) => (height, width),
            (None, _) => (0, 0),
        }
    }

    /// The prepared image as rows of patches: for each patch from left to right and from above, channel by channel, its rows.
    pub(crate) fn patches(&self, image: &RgbImage, patch: usize, out: &mut Vec<f32>) -> Result<()> {
        let (height, width) = self.size();
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

    /// The resized and cropped image. Only what stays is computed: the resized whole of a long strip may be huge.
    fn prepare(&self, image: &RgbImage) -> Result<Vec<u8>> {
        let (height, width) = self.size();
        let (whole_width, whole_height) = self.resized(image);
        let (down, right) = (Span::of(whole_height, height), Span::of(whole_width, width));
        let source = ImageRef::new(image.width(), image.height(), image.as_raw(), PixelType::U8x3);
        let source = source.map_err(|error| failed(&error))?;
        let mut part = Image::new(right.length, down.length, PixelType::U8x3);
        let scale = |edge: u32, whole: u32| f64::from(edge) / f64::from(whole);
        let (x, y) = (scale(image.width(), whole_width), scale(image.height(), whole_height));
        let inside = |first: u32, scale: f64| f64::from(first) * scale;
        // Rounding must not reach over the edge.
        let long = |span: &Span, scale: f64, edge: u32| {
            (f64::from(span.length) * scale).min(f64::from(edge) - inside(span.from, scale))
        };
        let options = ResizeOptions::new().use_alpha(false).resize_alg(self.method).crop(
            inside(right.from, x),
            inside(down.from, y),
            long(&right, x, image.width()),
            long(&down, y, image.height()),
        );
        Resizer::new().resize(&source, &mut part, &options).map_err(|error| failed(&error))?;
        let part = part.into_vec();
        if (right.length, down.length) == (width, height) {
            return Ok(part);
        }
        // A smaller image stands in the middle of black.
        let mut padded = vec![0; 3 * (width * height) as usize];
        for (y, row) in part.chunks_exact(3 * right.length as usize).enumerate() {
            let start = 3 * ((down.to as usize + y) * width as usize + right.to as usize);
            padded[start..start + row.len()].copy_from_slice(row);
        }
        Ok(padded)
    }

    /// Width and height of the resized image, before it is cropped.
    fn resized(&self, image: &RgbImage) -> (u32, u32) {
        let (width, height) = image.dimensions();
        let follow = |short: u32, edge: u32, long: u32| {
            let long = u64::from(short) * u64::from(long) / u64::from(edge.max(1));
            long.min(u64::from(u32::MAX)) as u32
        };
        match self.resize {
            None => (width, height),
            Some(Resize::Exactly(height, width)) => (width, height),
            Some(Resize::Shortest(short)) if width <= height => (short, follow(short, width, height)),
            Some(Resize::Shortest(short)) => (follow(short, height, width), short),
        }
    }
}

/// What of an edge stays, and where it stands.
struct Span {
    from: u32,
    length: u32,
    to: u32,
}

impl Span {
    /// The middle `room` of an edge of length `whole`, or all of it in the middle of `room`.
    fn of(whole: u32, room: u32) -> Self {
        match whole >= room {
            true => Self { from: (whole - room) / 2, length: room, to: 0 },
            false => Self { from: 0, length: whole, to: (room - whole).div_ceil(2) },
        }
    }
}

fn edge(config: &Config, name: &str) -> Result<u32> {
    let edge = config.count(name)?;
    if edge > LONGEST_EDGE {
        Err(config.wrong(name, &format!("at most {LONGEST_EDGE}")))
    } else {
        Ok(edge as u32)
    }
}

fn resize(config: &Config, square: bool) -> Result<Resize> {
    let Some(size) = config.section("size") else { return Err(config.missing("size")) };
    if size.value().is_number() {
        let edge = edge(config, "size")?;
        return Ok(if square { Resize::Exactly(edge, edge) } else { Resize::Shortest(edge) });
    }
    if size.has("height") && size.has("width") {
        return Ok(Resize::Exactly(edge(&size, "height")?, edge(&size, "width")?));
    }
    if size.has("longest_edge") || size.has("max_pixels") {
        return Err(config.wrong("size", "a height and a width, or a shortest_edge"));
    }
    edge(&size, "shortest_edge").map(Resize::Shortest)
}

fn crop(config: &Config) -> Result<(u32, u32)> {
    let Some(size) = config.section("crop_size") else { return Err(config.missing("crop_size")) };
    if size.value().is_number() {
        return edge(config, "crop_size").map(|edge| (edge, edge));
    }
    Ok((edge(&size, "height")?, edge(&size, "width")?))
}

/// PIL's numbers of its filters.
fn method(config: &Config, kind: &str) -> Result<ResizeAlg> {
    // What the processors' code has; only ViT's is not bicubic.
    let usual = if kind.starts_with("ViT") { 2 } else { 3 };
    Ok(match config.whole_or("resample", usual)? {
        0 => ResizeAlg::Nearest,
        1 => ResizeAlg::Convolution(FilterType::Lanczos3),
        2 => ResizeAlg::Convolution(FilterType::Bilinear),
        3 => ResizeAlg::Convolution(FilterType::CatmullRom),
        4 => ResizeAlg::Convolution(FilterType::Box),
        5 => ResizeAlg::Convolution(FilterType::Hamming),
        _ => return Err(config.wrong("resample", "a filter of PIL, from 0 to 5")),
    })
}

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
    ModelError::new(
        format!("an image could not be resized: {error}"),
        "please report the image that it fails on",
    )
}
