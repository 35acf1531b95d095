//! TIFF: the first image of the file, with samples of 1, 2, 4, 8 or 16 bits, in gray, RGB, CMYK,
//! YCbCr or a palette. BigTIFF is read too.

use std::io::Cursor;

use image::{RgbImage, RgbaImage};
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;
use tiff::{ColorType, TiffError};

use super::blend;
use super::color::{cmyk_to_rgb, upright, ycc_to_rgb};
use super::directory::Directory;
use super::error::ImageError;
use super::exif;
use super::limits::{ImageLimits, check_size, memory_bytes};

const FORMAT: &str = "TIFF";

/// Decodes the first image of a TIFF.
pub(super) fn decode(bytes: &[u8], limits: &ImageLimits) -> Result<RgbImage, ImageError> {
    let indices = as_indices(bytes);
    let mut decoder = Decoder::new(Cursor::new(indices.as_deref().unwrap_or(bytes))).map_err(failed)?;
    let (width, height) = decoder.dimensions().map_err(failed)?;
    check_size(FORMAT, width, height, limits)?;
    let mut memory = Limits::default();
    let most = usize::try_from(memory_bytes(width, height)).unwrap_or(usize::MAX);
    (memory.decoding_buffer_size, memory.intermediate_buffer_size) = (most, most);
    let mut decoder = decoder.with_limits(memory);
    let pixels = match indices {
        None => direct(&mut decoder)?,
        Some(_) => Pixels::Rgb(through_palette(&mut decoder)?),
    };
    let unfilled = || ImageError::broken(FORMAT, "its pixels do not fill the image");
    let image = match pixels {
        Pixels::Rgb(pixels) => RgbImage::from_raw(width, height, pixels).ok_or_else(unfilled)?,
        Pixels::Rgba(pixels) => {
            let image = RgbaImage::from_raw(width, height, pixels).ok_or_else(unfilled)?;
            blend::over_background(FORMAT, &image)?
        }
    };
    Ok(upright(image, exif::orientation(bytes)))
}

type Tiff<'a> = Decoder<Cursor<&'a [u8]>>;

enum Pixels {
    Rgb(Vec<u8>),
    Rgba(Vec<u8>),
}

/// Decodes an image without a palette.
fn direct(decoder: &mut Tiff) -> Result<Pixels, ImageError> {
    let colors = decoder.colortype().map_err(failed)?;
    let extra = Extra::read(decoder)?;
    let samples = samples(decoder, colors)?;
    let pixels: Vec<u8> = match colors {
        ColorType::Gray(bits @ 1..=8) => {
            let white = (1_u32 << bits) - 1;
            samples.iter().flat_map(|&l| [(u32::from(l) * 255 / white) as u8; 3]).collect()
        }
        ColorType::Gray(_) => samples.iter().flat_map(|&l| [l; 3]).collect(),
        ColorType::GrayA(_) | ColorType::Multiband { num_samples: 2, .. } => {
            let pixels = samples.as_chunks().0.iter().map(|&[l, extra]| [l, l, l, extra]);
            return Ok(extra.applied(pixels));
        }
        ColorType::RGB(_) => samples,
        ColorType::RGBA(_) => return Ok(extra.applied(samples.as_chunks().0.iter().copied())),
        ColorType::CMYK(_) => samples.as_chunks().0.iter().flat_map(|&inks| cmyk_to_rgb(inks)).collect(),
        ColorType::YCbCr(_) => samples.as_chunks().0.iter().flat_map(|&pixel| ycc_to_rgb(pixel)).collect(),
        _ => return Err(ImageError::unsupported(FORMAT, format!("{colors:?}"))),
    };
    Ok(Pixels::Rgb(pixels))
}

/// The meaning of the sample after the color of a pixel.
enum Extra {
    /// Alpha.
    Straight,
    /// Alpha, by which the color has been multiplied.
    Premultiplied,
    /// Anything else.
    Unknown,
}

impl Extra {
    /// Reads the tag as PIL does: without it, the additional sample is alpha. Corel Draw writes 999
    /// for alpha.
    fn read(decoder: &mut Tiff) -> Result<Self, ImageError> {
        let kinds = decoder.find_tag_unsigned_vec::<u16>(Tag::ExtraSamples).map_err(failed)?;
        Ok(match kinds.as_deref() {
            Some([1, ..]) => Self::Premultiplied,
            None | Some([2 | 999, ..]) => Self::Straight,
            Some(_) => Self::Unknown,
        })
    }

    /// Applies the meaning to pixels of three samples and the additional one.
    fn applied(&self, pixels: impl Iterator<Item = [u8; 4]>) -> Pixels {
        match self {
            Self::Straight => Pixels::Rgba(pixels.flatten().collect()),
            Self::Premultiplied => Pixels::Rgba(pixels.flat_map(straight).collect()),
            Self::Unknown => Pixels::Rgb(pixels.flat_map(|[r, g, b, _]| [r, g, b]).collect()),
        }
    }
}

/// Divides the color by alpha, rounded down and at most white, as PIL does for its mode `RGBa`.
fn straight([r, g, b, alpha]: [u8; 4]) -> [u8; 4] {
    let divided = |color: u8| match alpha {
        0 => color,
        _ => (255 * u32::from(color) / u32::from(alpha)).min(255) as u8,
    };
    [divided(r), divided(g), divided(b), alpha]
}

/// Returns all samples, pixel by pixel: the upper eight bits of 16, and less than eight bits as
/// they are.
fn samples(decoder: &mut Tiff, colors: ColorType) -> Result<Vec<u8>, ImageError> {
    let mut read = DecodingResult::U8(Vec::new());
    let layout = decoder.read_image_to_buffer(&mut read).map_err(failed)?;
    let samples = match read {
        DecodingResult::U8(samples) if colors.bit_depth() < 8 => unpack(&samples, colors, decoder)?,
        DecodingResult::U8(samples) => samples,
        DecodingResult::U16(samples) => samples.iter().map(|s| (s >> 8) as u8).collect(),
        _ => {
            return Err(ImageError::unsupported(
                FORMAT,
                format!("samples that are not whole numbers of 1 to 16 bits, {colors:?}"),
            ));
        }
    };
    if layout.planes <= 1 {
        return Ok(samples);
    }
    let plane = samples.len() / layout.planes;
    Ok((0..plane).flat_map(|i| (0..layout.planes).map(move |p| p * plane + i)).map(|i| samples[i]).collect())
}

/// Unpacks samples of 1, 2 or 4 bits into a byte each. Every row begins at a byte.
fn unpack(packed: &[u8], colors: ColorType, decoder: &mut Tiff) -> Result<Vec<u8>, ImageError> {
    let bits = usize::from(colors.bit_depth());
    if colors.num_samples() != 1 || ![1, 2, 4].contains(&bits) {
        return Err(ImageError::unsupported(FORMAT, format!("{colors:?}")));
    }
    let width = decoder.dimensions().map_err(failed)?.0 as usize;
    let sample = |row: &[u8], x: usize| (row[x * bits / 8] >> (8 - bits - x * bits % 8)) & ((1 << bits) - 1);
    let rows = packed.chunks_exact((width * bits).div_ceil(8));
    Ok(rows.flat_map(|row| (0..width).map(move |x| sample(row, x))).collect())
}

/// Decodes an image with a palette.
fn through_palette(decoder: &mut Tiff) -> Result<Vec<u8>, ImageError> {
    let colors = decoder.colortype().map_err(failed)?;
    if !matches!(colors, ColorType::Gray(1..=8)) {
        return Err(ImageError::unsupported(FORMAT, format!("a palette with {colors:?}")));
    }
    let map = decoder.find_tag_unsigned_vec::<u16>(Tag::ColorMap).map_err(failed)?.unwrap_or_default();
    let size = 1 << colors.bit_depth();
    if map.len() != 3 * size {
        let reason = format!("its palette has {} values, {} are needed", map.len(), 3 * size);
        return Err(ImageError::broken(FORMAT, reason));
    }
    let color = |index: u8| [0, size, 2 * size].map(|channel| (map[channel + usize::from(index)] >> 8) as u8);
    Ok(samples(decoder, colors)?.into_iter().flat_map(color).collect())
}

/// Returns a copy of a file with a palette whose first directory says that the indices are shades
/// of gray, because the `tiff` crate does not read palettes. Returns `None` for all other files.
fn as_indices(bytes: &[u8]) -> Option<Vec<u8>> {
    const PHOTOMETRIC: u64 = 262;
    const GRAY: u8 = 1;
    const PALETTE: u8 = 3;
    let directory = Directory::open(bytes)?;
    let entry = directory.find(PHOTOMETRIC).next()?;
    if directory.number(&entry)? != f64::from(PALETTE) {
        return None;
    }
    let digit = entry.field.iter().position(|&byte| byte == PALETTE)?;
    let mut copy = bytes.to_vec();
    copy[entry.at + digit] = GRAY;
    Some(copy)
}

fn failed(error: TiffError) -> ImageError {
    match &error {
        TiffError::UnsupportedError(kind) => ImageError::unsupported(FORMAT, kind),
        _ => ImageError::broken(FORMAT, error),
    }
}
