//! JPEG: headers are read as leniently as by libjpeg, pixels strictly. A file that is cut off is
//! broken, not gray at the bottom.

use image::RgbImage;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::color::{cmyk_to_rgb, upright, ycc_to_rgb};
use super::error::ImageError;
use super::exif;
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
    let guarded = guarded(bytes);
    let mut decoder =
        JpegDecoder::new_with_options(ZCursor::new(guarded.as_deref().unwrap_or(bytes)), options);
    decoder.decode_headers().map_err(failed)?;
    let info = decoder.info().ok_or_else(|| ImageError::broken(FORMAT, "it has no frame"))?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    check_size(FORMAT, width, height, limits)?;
    if guarded.is_none() {
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
    let samples = decoder.decode().map_err(failed)?;
    let image = RgbImage::from_raw(width, height, rgb(samples, out))
        .ok_or_else(|| ImageError::broken(FORMAT, "its pixels do not fill the image"))?;
    Ok(upright(image, exif::orientation(&exif_data(bytes))))
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

/// A marker of a file.
struct Marker<'a> {
    /// The position of its first byte.
    at: usize,
    kind: u8,
    /// What belongs to it.
    content: &'a [u8],
}

const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;
/// The marker of Exif data, among others.
const APP1: u8 = 0xe1;

/// Returns the markers of a file, except those of restarts, with whatever lies between them left
/// out.
fn markers(bytes: &[u8]) -> impl Iterator<Item = Marker<'_>> {
    let mut at = 2;
    std::iter::from_fn(move || {
        loop {
            at += memchr::memchr(0xff, bytes.get(at..)?)? + 1;
            match *bytes.get(at)? {
                0 | 0xff | 0x01 | 0xd0..=0xd8 => {}
                kind => {
                    let start = at - 1;
                    let length = bytes.get(at + 1..at + 3).filter(|_| kind != END_OF_IMAGE);
                    let length = length.map_or(0, |l| usize::from(u16::from_be_bytes([l[0], l[1]])));
                    let content = bytes.get(at + 3..at + 1 + length).unwrap_or_default();
                    at += if kind == END_OF_IMAGE { 0 } else { 1 + length };
                    return Some(Marker { at: start, kind, content });
                }
            }
        }
    })
}

/// Returns the Exif data. Long data is divided among several markers. Of two pieces that are whole
/// by themselves the first counts, because the second one only lies behind it.
fn exif_data(bytes: &[u8]) -> Vec<u8> {
    let header = markers(bytes).take_while(|marker| marker.kind != START_OF_SCAN);
    let pieces = header.filter(|marker| marker.kind == APP1);
    pieces.filter_map(|marker| marker.content.strip_prefix(exif::PREFIX)).flatten().copied().collect()
}

/// Returns a copy of a file up to the end of the image, with bits before the end that stand for
/// nothing. Returns `None` if no end of image follows the first scan.
///
/// The decoder takes whatever a scan lacks for zeros, so that a file that was cut off and closed
/// with an end of image would be gray or noise at the bottom. No code consists of ones alone, so
/// the decoder fails at these bits if it still needs some.
fn guarded(bytes: &[u8]) -> Option<Vec<u8>> {
    /// A byte of ones. In a scan, a zero follows each of them.
    const ONES: [u8; 2] = [0xff, 0];
    /// The rest of a value, of 15 bits at most, and the longest code after it take 31 bits.
    const BYTES: usize = 8;
    let mut markers = markers(bytes).skip_while(|marker| marker.kind != START_OF_SCAN);
    let end = markers.find(|marker| marker.kind == END_OF_IMAGE)?.at;
    Some([&bytes[..end], &ONES.repeat(BYTES), &[0xff, END_OF_IMAGE]].concat())
}

fn failed(error: DecodeErrors) -> ImageError {
    match &error {
        DecodeErrors::Unsupported(kind) => ImageError::unsupported(FORMAT, format!("{kind:?}")),
        _ => ImageError::broken(FORMAT, format!("{error:?}")),
    }
}
