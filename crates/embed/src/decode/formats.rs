//! The formats, by the first bytes of a file.

use image::{ImageFormat, RgbImage};

use super::directory::is_big;
use super::error::ImageError;
use super::limits::ImageLimits;
use super::{bmp, gif, jpeg, png, pnm, tiff, webp};

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
        _ if is_big(bytes) => tiff::decode(bytes, limits),
        _ => {
            let start: Vec<String> = bytes.iter().take(8).map(|b| format!("{b:02x}")).collect();
            Err(ImageError::Unknown { start: start.join(" ") })
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
        Err(_) => is_big(bytes),
    }
}
