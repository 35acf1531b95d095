//! Encoded images in, RGB pixels out: what PIL's `ImageOps.exif_transpose(Image.open(f)).convert("RGB")` gives, but for alpha.
//!
//! Transparent images are blended with a background (`blend.rs`); palettes are expanded; of 16 bits a sample the upper eight
//! count; of an animation the first frame is read; colour profiles are not applied. `docs/images.md` lists the differences from PIL.

mod blend;
mod error;
mod gif;
mod jpeg;
mod tiff;

use std::io::Cursor;

use image::codecs::{bmp::BmpDecoder, png::PngDecoder, webp::WebPDecoder};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, Limits, RgbImage, RgbaImage};

pub use error::ImageError;

/// Part of the fingerprint of every image model: to be raised whenever a file would give other pixels.
pub(crate) const REVISION: u32 = 4;

/// What an image may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageLimits {
    /// How many pixels an image may have, from 1 on. The header is checked before anything of the size of the image is
    /// allocated. While an image is decoded it takes at most [`ImageLimits::BYTES_PER_PIXEL`] bytes for each of its pixels, and
    /// [`ImageLimits::FIXED_BYTES`] besides.
    pub max_pixels: u64,
}

impl ImageLimits {
    /// The most that decoders hold for a pixel: four samples of 16 bits twice, such as the coefficients of a progressive
    /// JPEG and its samples, or a row of bytes and what becomes of it.
    pub const BYTES_PER_PIXEL: u64 = 16;
    /// What decoders hold whatever the size of the image, such as tables, colour profiles and metadata.
    pub const FIXED_BYTES: u64 = 16 << 20;
}

impl Default for ImageLimits {
    /// 89,478,485 pixels, 256 MiB as RGB: the number from which PIL warns of a decompression bomb.
    fn default() -> Self {
        Self { max_pixels: 89_478_485 }
    }
}

/// Decodes a JPEG, PNG, WebP, GIF, BMP or TIFF, whatever its file is called, to RGB with the EXIF orientation applied.
///
/// A transparent image is blended with white, or with black or grey where more than a fifth of its outline would be lost on white.
///
/// # Errors
/// If there are more pixels than `limits` allow, or the bytes are empty, of another format, broken or cut off, or every pixel is
/// transparent.
pub fn decode_image(bytes: &[u8], limits: &ImageLimits) -> Result<RgbImage, ImageError> {
    if bytes.is_empty() {
        return Err(ImageError::Empty);
    }
    match image::guess_format(bytes) {
        Ok(ImageFormat::Jpeg) => jpeg::decode(bytes, limits),
        Ok(ImageFormat::Png) => png(bytes, limits),
        Ok(ImageFormat::WebP) => webp(bytes, limits),
        Ok(ImageFormat::Gif) => gif::decode(bytes, limits),
        Ok(ImageFormat::Bmp) => bmp(bytes, limits),
        Ok(ImageFormat::Tiff) => tiff::decode(bytes, limits),
        _ => {
            let start: Vec<String> = bytes.iter().take(8).map(|b| format!("{b:02x}")).collect();
            Err(ImageError::Unknown { start: start.join(" ") })
        }
    }
}

/// Whether bytes begin as a file of an image does.
pub fn looks_like_image(bytes: &[u8]) -> bool {
    match image::guess_format(bytes) {
        // Its mark are two letters, so look at four bytes of its header that are always zero too.
        Ok(ImageFormat::Bmp) => bytes.get(6..10) == Some(&[0; 4]),
        Ok(format) => matches!(
            format,
            ImageFormat::Jpeg
                | ImageFormat::Png
                | ImageFormat::WebP
                | ImageFormat::Gif
                | ImageFormat::Tiff
                | ImageFormat::Avif
        ),
        Err(_) => false,
    }
}

/// A decoder of PNG needs its limits before it reads the header, as a colour profile may lie before the pixels. So the size is
/// read where it always stands: the first chunk is `IHDR`.
fn png(bytes: &[u8], limits: &ImageLimits) -> Result<RgbImage, ImageError> {
    let size = |at: usize| bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_be_bytes);
    let (Some(width), Some(height)) = (size(16), size(20)) else {
        return Err(ImageError::broken("PNG", format!("it ends after {} bytes", bytes.len())));
    };
    check_size("PNG", width, height, limits)?;
    let decoder = PngDecoder::with_limits(Cursor::new(bytes), memory(width, height));
    read("PNG", decoder, limits)
}

/// A decoder of WebP takes as much memory as a chunk says that it needs. So the chunks must lie inside the file.
fn webp(bytes: &[u8], limits: &ImageLimits) -> Result<RgbImage, ImageError> {
    let mut at = 12;
    while let Some([name @ .., a, b, c, d]) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let length = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
        let rest = bytes.len() - at - 8;
        if length > rest {
            let name = String::from_utf8_lossy(name);
            let reason = format!("its part {name:?} should have {length} bytes, {rest} are left in the file");
            return Err(ImageError::broken("WebP", reason));
        }
        at += 8 + length.next_multiple_of(2);
    }
    read("WebP", WebPDecoder::new(Cursor::new(bytes)), limits)
}

/// Many programs write a BMP that announces alpha and leave it at zero. Windows and browsers show such a file as opaque.
fn bmp(bytes: &[u8], limits: &ImageLimits) -> Result<RgbImage, ImageError> {
    let (mut image, orientation) = decoded("BMP", BmpDecoder::new(Cursor::new(bytes)), limits)?;
    if let DynamicImage::ImageRgba8(image) = &mut image
        && image.pixels().all(|pixel| pixel[3] == 0)
    {
        image.pixels_mut().for_each(|pixel| pixel[3] = u8::MAX);
    }
    Ok(upright(rgb("BMP", image)?, orientation))
}

/// Checks the size, decodes, and turns what comes out into upright RGB.
fn read(
    format: &'static str,
    decoder: image::ImageResult<impl ImageDecoder>,
    limits: &ImageLimits,
) -> Result<RgbImage, ImageError> {
    let (image, orientation) = decoded(format, decoder, limits)?;
    Ok(upright(rgb(format, image)?, orientation))
}

/// Checks the size and decodes.
fn decoded(
    format: &'static str,
    decoder: image::ImageResult<impl ImageDecoder>,
    limits: &ImageLimits,
) -> Result<(DynamicImage, Orientation), ImageError> {
    let failed = |e: image::ImageError| ImageError::from_image(format, &e);
    let mut decoder = decoder.map_err(failed)?;
    let (width, height) = decoder.dimensions();
    check_size(format, width, height, limits)?;
    decoder.set_limits(memory(width, height)).map_err(failed)?;
    let orientation = decoder.orientation().map_err(failed)?;
    Ok((DynamicImage::from_decoder(decoder).map_err(failed)?, orientation))
}

fn check_size(format: &'static str, width: u32, height: u32, limits: &ImageLimits) -> Result<(), ImageError> {
    if width == 0 || height == 0 {
        return Err(ImageError::broken(format, format!("it has {width}x{height} pixels")));
    }
    if u64::from(width) * u64::from(height) > limits.max_pixels {
        return Err(ImageError::TooLarge { format, width, height, limit: limits.max_pixels });
    }
    Ok(())
}

/// What a decoder may allocate for an image of this size.
fn memory(width: u32, height: u32) -> Limits {
    let mut memory = Limits::no_limits();
    memory.max_alloc = Some(memory_bytes(width, height));
    memory
}

fn memory_bytes(width: u32, height: u32) -> u64 {
    (u64::from(width) * u64::from(height)).saturating_mul(ImageLimits::BYTES_PER_PIXEL)
        + ImageLimits::FIXED_BYTES
}

/// Blends alpha with a background and drops the lower half of 16-bit samples.
fn rgb(format: &'static str, image: DynamicImage) -> Result<RgbImage, ImageError> {
    let (width, height) = (image.width(), image.height());
    let high = |sample: u16| (sample >> 8) as u8;
    let opaque: Vec<u8> = match image {
        DynamicImage::ImageRgb8(image) => return Ok(image),
        DynamicImage::ImageLuma8(image) => image.iter().flat_map(|&l| [l; 3]).collect(),
        DynamicImage::ImageLuma16(image) => image.iter().flat_map(|&l| [high(l); 3]).collect(),
        DynamicImage::ImageRgb16(image) => image.iter().map(|&s| high(s)).collect(),
        image => return blend::over_background(format, &rgba(format, image)?),
    };
    RgbImage::from_raw(width, height, opaque)
        .ok_or_else(|| ImageError::broken(format, "its pixels do not fill the image"))
}

/// Every kind of image with alpha as four samples of eight bits.
fn rgba(format: &'static str, image: DynamicImage) -> Result<RgbaImage, ImageError> {
    let (width, height) = (image.width(), image.height());
    let high = |sample: u16| (sample >> 8) as u8;
    let pixels: Vec<u8> = match image {
        DynamicImage::ImageRgba8(image) => return Ok(image),
        DynamicImage::ImageLumaA8(image) => {
            image.as_chunks().0.iter().flat_map(|&[l, a]| [l, l, l, a]).collect()
        }
        DynamicImage::ImageLumaA16(image) => {
            image.as_chunks().0.iter().flat_map(|&[l, a]| [l, l, l, a].map(high)).collect()
        }
        DynamicImage::ImageRgba16(image) => image.iter().map(|&s| high(s)).collect(),
        _ => return Err(ImageError::unsupported(format, "samples of floating point")),
    };
    RgbaImage::from_raw(width, height, pixels)
        .ok_or_else(|| ImageError::broken(format, "its pixels do not fill the image"))
}

fn upright(image: RgbImage, orientation: Orientation) -> RgbImage {
    let mut image = DynamicImage::ImageRgb8(image);
    image.apply_orientation(orientation);
    image.into_rgb8()
}

/// PIL's `cmyk2rgb`: what is left of white after black and the colour, divided by 255 with rounding.
fn cmyk_to_rgb([c, m, y, k]: [u8; 4]) -> [u8; 3] {
    let left = 255 - u32::from(k);
    [c, m, y].map(|ink| {
        let product = u32::from(ink) * left + 128;
        (left - (((product >> 8) + product) >> 8)) as u8
    })
}

/// The conversion of JPEG (BT.601, all values from 0 to 255), with the rounding of libjpeg.
fn ycc_to_rgb([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    const HALF: i32 = 1 << 15;
    let (y, cb, cr) = (i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128);
    let red = y + ((91_881 * cr + HALF) >> 16);
    let green = y + ((-22_554 * cb - 46_802 * cr + HALF) >> 16);
    let blue = y + ((116_130 * cb + HALF) >> 16);
    [red, green, blue].map(|sample| sample.clamp(0, 255) as u8)
}
