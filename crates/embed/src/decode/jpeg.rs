//! JPEG: headers are read as leniently as by libjpeg, pixels strictly. A file that is cut off is
//! broken, not gray at the bottom.

use image::RgbImage;
use image::metadata::Orientation;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::color::{cmyk_to_rgb, upright, ycc_to_rgb};
use super::error::ImageError;
use super::limits::{ImageLimits, check_size};

const FORMAT: &str = "JPEG";
/// The largest number of scans. Many scans make a small file expensive, because each may cover all
/// pixels with a few bytes.
const MAX_SCANS: usize = 64;

/// Decodes a JPEG.
pub(super) fn decode(bytes: &[u8], limits: &ImageLimits) -> Result<RgbImage, ImageError> {
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
        .jpeg_set_max_scans(MAX_SCANS);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(failed)?;
    let info = decoder.info().ok_or_else(|| ImageError::broken(FORMAT, "it has no frame"))?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    check_size(FORMAT, width, height, limits)?;
    if !is_complete(bytes) {
        return Err(ImageError::broken(
            FORMAT,
            format!("it is cut off: no end of image in {} bytes", bytes.len()),
        ));
    }
    let colors = decoder.input_colorspace().unwrap_or(ColorSpace::YCbCr);
    let out = match colors {
        ColorSpace::Luma | ColorSpace::CMYK | ColorSpace::YCCK => colors,
        _ => ColorSpace::RGB,
    };
    decoder.set_options(options.set_strict_mode(true).jpeg_set_out_colorspace(out));
    let orientation = decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif));
    let samples = decoder.decode().map_err(failed)?;
    let image = RgbImage::from_raw(width, height, rgb(samples, out))
        .ok_or_else(|| ImageError::broken(FORMAT, "its pixels do not fill the image"))?;
    Ok(upright(image, orientation.unwrap_or(Orientation::NoTransforms)))
}

/// Converts samples to RGB. Files with four inks are inverted, as Adobe writes them; libjpeg and
/// PIL assume so too.
fn rgb(samples: Vec<u8>, colors: ColorSpace) -> Vec<u8> {
    match colors {
        ColorSpace::Luma => samples.iter().flat_map(|&l| [l; 3]).collect(),
        ColorSpace::CMYK => samples
            .as_chunks()
            .0
            .iter()
            .flat_map(|inks: &[u8; 4]| cmyk_to_rgb(inks.map(|i| 255 - i)))
            .collect(),
        ColorSpace::YCCK => {
            let pixel = |&[y, cb, cr, k]: &[u8; 4]| {
                let [r, g, b] = ycc_to_rgb([y, cb, cr]);
                cmyk_to_rgb([r, g, b, 255 - k])
            };
            samples.as_chunks().0.iter().flat_map(pixel).collect()
        }
        _ => samples,
    }
}

/// Whether an end-of-image marker follows the first scan. The decoder notices a missing end only
/// where a row of blocks is missing.
fn is_complete(bytes: &[u8]) -> bool {
    const START_OF_SCAN: u8 = 0xda;
    const END_OF_IMAGE: u8 = 0xd9;
    let mut at = 2;
    let mut in_scan = false;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr(0xff, rest)) {
        at += found + 1;
        match bytes.get(at) {
            Some(0 | 0xff | 0x01 | 0xd0..=0xd8) => {}
            Some(&END_OF_IMAGE) if in_scan => return true,
            Some(&END_OF_IMAGE) | None => {}
            Some(&marker) => {
                in_scan |= marker == START_OF_SCAN;
                let length =
                    bytes.get(at + 1..at + 3).map_or(0, |l| usize::from(u16::from_be_bytes([l[0], l[1]])));
                at += 1 + length;
            }
        }
    }
    false
}

fn failed(error: DecodeErrors) -> ImageError {
    match &error {
        DecodeErrors::Unsupported(kind) => ImageError::unsupported(FORMAT, format!("{kind:?}")),
        _ => ImageError::broken(FORMAT, format!("{error:?}")),
    }
}
