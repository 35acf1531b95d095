//! The formats, by the first bytes of a file.

use image::{ImageFormat, RgbImage};

use super::error::ImageError;
use super::limits::ImageLimits;
use super::{bmp, gif, jpeg, png, pnm, tiff, webp};
use crate::file_kind::{FileKind, Group, kind_of_content, kind_of_name};

/// The version of decoding, which the fingerprint of every image model includes. Raise it when a
/// file gives other pixels.
pub(crate) const REVISION: u32 = 6;

/// Decodes a JPEG, PNG, WebP, GIF, BMP, TIFF or PNM to RGB and applies its EXIF orientation. The name of
/// the file does not matter.
///
/// A transparent image is blended with white, or with another background if white would hide more
/// of its outline than a dot has.
///
/// # Errors
/// If there are more pixels than `limits` allow, if the bytes are empty, of another format, broken
/// or cut off, or if every pixel is transparent.
pub fn decode_image(bytes: &[u8], limits: &ImageLimits) -> Result<RgbImage, ImageError> {
    if bytes.is_empty() {
        return Err(ImageError::Empty);
    }
    match image::guess_format(bytes) {
        Ok(ImageFormat::Jpeg) => jpeg::decode(bytes, limits),
        Ok(ImageFormat::Png) => png::decode(bytes, limits),
        Ok(ImageFormat::WebP) => webp::decode(bytes, limits),
        Ok(ImageFormat::Gif) => gif::decode(bytes, limits),
        Ok(ImageFormat::Bmp) => bmp::decode(bytes, limits),
        Ok(ImageFormat::Tiff) => tiff::decode(bytes, limits),
        Ok(ImageFormat::Pnm) => pnm::decode(bytes, limits),
        _ if is_big_tiff(bytes) => tiff::decode(bytes, limits),
        _ => Err(unknown(bytes)),
    }
}

/// Whether bytes begin like a BigTIFF, a TIFF with offsets of 64 bits.
fn is_big_tiff(bytes: &[u8]) -> bool {
    bytes.starts_with(b"II\x2b\0\x08\0\0\0") || bytes.starts_with(b"MM\0\x2b\0\x08\0\0")
}

/// The error for bytes that are no image, or one of a format that is not decoded.
fn unknown(bytes: &[u8]) -> ImageError {
    // The mark of a bare JPEG XL stream is too short for files that are not said to be images.
    let bare = || kind_of_name("x.jxl").filter(|_| bytes.starts_with(b"\xff\x0a"));
    match kind_of_content(bytes).or_else(bare) {
        Some(kind) => ImageError::OtherKind { what: kind.what, remedy: kind.remedy },
        None => {
            let start: Vec<String> = bytes.iter().take(8).map(|b| format!("{b:02x}")).collect();
            ImageError::Unknown { start: start.join(" ") }
        }
    }
}

/// Whether bytes begin like the file of an image.
pub fn looks_like_image(bytes: &[u8]) -> bool {
    match image::guess_format(bytes) {
        // The signature of BMP is only two letters, so four bytes of its header that are always
        // zero are checked too.
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
        Err(_) => {
            let is_picture = |kind: &FileKind| kind.group == Group::Picture;
            is_big_tiff(bytes) || kind_of_content(bytes).is_some_and(is_picture)
        }
    }
}
