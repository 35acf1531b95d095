//! The formats of images, by the first bytes of a file.

use crate::file_kind::{Group, kind_of_content};

/// A format of images that is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signature {
    Jpeg,
    Png,
    WebP,
    Gif,
    Bmp,
    Tiff,
    Pnm,
}

impl Signature {
    /// Returns the format of a file that begins with these bytes. The marks of BMP and PNM are only
    /// two letters, with which other files may begin too.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        Some(match bytes {
            [0xff, 0xd8, 0xff, ..] => Self::Jpeg,
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Self::Png,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Self::WebP,
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Self::Gif,
            [b'B', b'M', ..] => Self::Bmp,
            [b'I', b'I', 0x2a, 0, ..] | [b'M', b'M', 0, 0x2a, ..] => Self::Tiff,
            // A BigTIFF has offsets of 64 bits.
            [b'I', b'I', 0x2b, 0, 8, 0, 0, 0, ..] | [b'M', b'M', 0, 0x2b, 0, 8, 0, 0, ..] => Self::Tiff,
            [b'P', b'1'..=b'7', ..] => Self::Pnm,
            bytes if is_bare_bitmap(bytes) => Self::Bmp,
            _ => return None,
        })
    }
}

/// The header of most bitmaps: 40 bytes, of which the first four are their number.
const INFO_HEADER: [u8; 4] = [40, 0, 0, 0];

/// Whether bytes are a bitmap without the header of a file (DIB), as `.dib` files often are: one plane
/// of a known number of bits behind the width and the height.
pub(super) fn is_bare_bitmap(bytes: &[u8]) -> bool {
    bytes.starts_with(&INFO_HEADER)
        && bytes.get(12..14) == Some(&[1, 0])
        && matches!(bytes.get(14..16), Some([1 | 4 | 8 | 16 | 24 | 32, 0]))
}

/// Whether bytes begin like the file of an image.
pub fn looks_like_image(bytes: &[u8]) -> bool {
    match Signature::of(bytes) {
        // Four bytes of the header that are always zero are checked too.
        Some(Signature::Bmp) => bytes.starts_with(b"BM") && bytes.get(6..10) == Some(&[0; 4]),
        Some(Signature::Pnm) => false,
        Some(_) => true,
        None => kind_of_content(bytes).is_some_and(|kind| kind.group == Group::Picture),
    }
}
