//! Pictures of formats that are not decoded, films and sounds.

use super::kind::{FileKind, Group, never};
use super::marks;

/// What to do with a picture that is not decoded.
const CONVERT: &str = "convert it first, for example by ImageMagick: mogrify -format png FILE";

/// Pictures, films and sounds.
pub(super) static KINDS: [FileKind; 11] = [
    FileKind {
        what: "a HEIC picture (HEIF)",
        remedy: "convert it first: heif-convert FILE picture.jpg, or by ImageMagick: mogrify -format jpg FILE",
        group: Group::Picture,
        extensions: &["heic", "heif"],
        begins: |bytes| {
            marks::brand(bytes, &[b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"])
        },
    },
    FileKind {
        what: "an AVIF picture",
        remedy: CONVERT,
        group: Group::Picture,
        extensions: &["avif"],
        begins: |bytes| marks::brand(bytes, &[b"avif", b"avis"]),
    },
    FileKind {
        what: "a JPEG XL picture",
        remedy: "convert it first: djxl FILE picture.png",
        group: Group::Picture,
        extensions: &["jxl"],
        begins: |bytes| bytes.starts_with(b"\0\0\0\x0cJXL \r\n\x87\n"),
    },
    FileKind {
        what: "a JPEG 2000 picture",
        remedy: CONVERT,
        group: Group::Picture,
        extensions: &["jp2", "j2k", "jpf", "jpx"],
        begins: |bytes| {
            bytes.starts_with(b"\0\0\0\x0cjP  \r\n\x87\n") || bytes.starts_with(b"\xff\x4f\xff\x51")
        },
    },
    FileKind {
        what: "a Photoshop file (PSD)",
        remedy: CONVERT,
        group: Group::Picture,
        extensions: &["psd", "psb"],
        begins: |bytes| bytes.starts_with(b"8BPS\0"),
    },
    FileKind {
        what: "an SVG drawing",
        remedy: "draw it first: rsvg-convert FILE -o picture.png",
        group: Group::Picture,
        extensions: &["svg"],
        begins: marks::svg,
    },
    FileKind {
        what: "an icon (ICO)",
        remedy: CONVERT,
        group: Group::Picture,
        extensions: &["ico"],
        begins: |bytes| bytes.starts_with(b"\0\0\x01\0") && bytes.get(9) == Some(&0),
    },
    FileKind {
        what: "an OpenEXR, Radiance or DDS picture",
        remedy: CONVERT,
        group: Group::Picture,
        extensions: &["exr", "dds"],
        begins: |bytes| {
            bytes.starts_with(b"\x76\x2f\x31\x01")
                || bytes.starts_with(b"#?RADIANCE\n")
                || bytes.starts_with(b"DDS |\0")
        },
    },
    FileKind {
        what: "a TGA, PCX, QOI or raw picture",
        remedy: CONVERT,
        group: Group::Picture,
        extensions: &["tga", "pcx", "qoi", "dng", "cr2", "nef", "arw"],
        begins: never,
    },
    FileKind {
        what: "a film",
        remedy: "write its pictures first: ffmpeg -i FILE -vf fps=1 frame-%05d.png",
        group: Group::Media,
        extensions: &["mp4", "mov", "avi", "mkv", "webm", "mpg", "mpeg"],
        begins: |bytes| {
            marks::brand(bytes, &[b"isom", b"iso2", b"mp41", b"mp42", b"avc1", b"M4V ", b"qt  "])
                || bytes.starts_with(b"\x1a\x45\xdf\xa3")
                || bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"AVI ")
        },
    },
    FileKind {
        what: "a sound",
        remedy: "write it as text first: only texts and pictures are compared",
        group: Group::Media,
        extensions: &["mp3", "wav", "flac", "ogg", "opus", "m4a"],
        begins: |bytes| {
            bytes.starts_with(b"ID3\x03\0")
                || bytes.starts_with(b"ID3\x04\0")
                || bytes.starts_with(b"fLaC\0")
                || bytes.starts_with(b"OggS\0")
                || bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WAVE")
        },
    },
];
