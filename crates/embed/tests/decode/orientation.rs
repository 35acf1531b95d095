//! The orientation counts whatever type of number holds it, and wherever PIL finds it.
//!
//! The right values are those of Pillow 13, except for the type BYTE, which Pillow ignores.

use image::RgbImage;
use semdedup_embed::{ImageLimits, decode_image};

use super::data;

/// The tag of the orientation, and another one.
const ORIENTATION: u16 = 274;
const WIDTH: u16 = 256;
const SHORT: u16 = 3;

/// An entry of a directory: a tag, a type, the number of values, and their bytes in little-endian
/// order.
type Entry<'a> = (u16, u16, u32, &'a [u8]);

/// Makes Exif data without its prefix.
fn exif(entries: &[Entry]) -> Vec<u8> {
    let mut file = b"II*\0\x08\0\0\0".to_vec();
    let mut behind = Vec::new();
    let end = 8 + 2 + 12 * entries.len() + 4;
    file.extend((entries.len() as u16).to_le_bytes());
    for (tag, kind, count, values) in entries {
        file.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        file.extend(count.to_le_bytes());
        let mut field = values.to_vec();
        if values.len() > 4 {
            field = ((end + behind.len()) as u32).to_le_bytes().to_vec();
            behind.extend_from_slice(values);
        }
        field.resize(4, 0);
        file.extend(field);
    }
    file.extend([0; 4]);
    [file, behind].concat()
}

fn turned(orientation: u8) -> Vec<u8> {
    exif(&[(ORIENTATION, SHORT, 1, &[orientation, 0])])
}

/// Makes a JPEG with these blocks of Exif data, before which they get their prefix.
fn jpeg(blocks: &[&[u8]]) -> Vec<u8> {
    let plain = data("orientation-1.jpg");
    let own = plain.windows(6).position(|part| part == b"Exif\0\0").expect("Exif data") - 4;
    let length = usize::from(u16::from_be_bytes([plain[own + 2], plain[own + 3]]));
    let mut file = plain[..own].to_vec();
    for block in blocks {
        file.extend([0xff, 0xe1]);
        file.extend((block.len() as u16 + 8).to_be_bytes());
        file.extend([&b"Exif\0\0"[..], block].concat());
    }
    [&file[..], &plain[own + 2 + length..]].concat()
}

fn decoded(file: &[u8]) -> RgbImage {
    decode_image(file, &ImageLimits::default()).expect("an image")
}

/// Checks that a JPEG with such blocks has an orientation.
#[track_caller]
fn assert_turned(blocks: &[&[u8]], orientation: u8) {
    let wanted = decoded(&data(&format!("orientation-{orientation}.jpg")));
    assert!(decoded(&jpeg(blocks)) == wanted, "{blocks:?} is not turned as {orientation}");
}

#[test]
fn whatever_type_of_number_holds_the_orientation_it_counts() {
    let six = |kind: u16, values: &[u8]| exif(&[(ORIENTATION, kind, 1, values)]);
    let numbers: [(u16, &[u8]); 11] = [
        (1, &[6]),                       // BYTE
        (3, &[6, 0]),                    // SHORT
        (4, &[6, 0, 0, 0]),              // LONG
        (6, &[6]),                       // SBYTE
        (8, &[6, 0]),                    // SSHORT
        (9, &[6, 0, 0, 0]),              // SLONG
        (13, &[6, 0, 0, 0]),             // IFD
        (16, &[6, 0, 0, 0, 0, 0, 0, 0]), // LONG8
        (5, &[12, 0, 0, 0, 2, 0, 0, 0]), // RATIONAL
        (11, &6.0_f32.to_le_bytes()),    // FLOAT
        (12, &6.0_f64.to_le_bytes()),    // DOUBLE
    ];
    for (kind, values) in numbers {
        assert_turned(&[&six(kind, values)], 6);
    }
    // Text, and values that are no orientation.
    let others: [(u16, &[u8]); 5] = [(2, &[b'6', 0]), (7, &[6]), (3, &[0, 0]), (3, &[9, 0]), (3, &[6, 1])];
    for (kind, values) in others {
        assert_turned(&[&six(kind, values)], 1);
    }
    assert_turned(&[&six(9, &(-6_i32).to_le_bytes())], 1);
    assert_turned(&[&six(4, &65_542_u32.to_le_bytes())], 1);
    // Of several values the first counts.
    assert_turned(&[&exif(&[(ORIENTATION, 4, 2, &[8, 0, 0, 0, 3, 0, 0, 0])])], 8);
    assert_turned(&[&exif(&[(ORIENTATION, SHORT, 0, &[6, 0])])], 1);
}

#[test]
fn big_endian_data_gives_the_same_orientation() {
    for (kind, field) in [(3, [0, 6, 0, 0]), (4, [0, 0, 0, 6]), (1, [6, 0, 0, 0]), (9, [0, 0, 0, 6])] {
        let head = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0";
        assert_turned(&[&[&head[..], &[kind, 0, 0, 0, 1], &field, &[0; 4]].concat()], 6);
    }
}

#[test]
fn the_first_of_several_blocks_and_tags_counts() {
    let none = exif(&[(WIDTH, SHORT, 1, &[24, 0])]);
    assert_turned(&[&turned(6), &turned(3)], 6);
    assert_turned(&[&turned(3), &turned(6)], 3);
    assert_turned(&[&none, &turned(6)], 1);
    assert_turned(&[b"garbage!", &turned(6)], 1);
    assert_turned(&[b"", &turned(6)], 6);
    assert_turned(&[&exif(&[(ORIENTATION, SHORT, 1, &[5, 0]), (ORIENTATION, SHORT, 1, &[7, 0])])], 5);
    assert_turned(&[&exif(&[(ORIENTATION, 99, 1, &[5, 0]), (ORIENTATION, SHORT, 1, &[7, 0])])], 7);
    // Data that is too long for a marker is divided among several.
    let whole = turned(8);
    assert_turned(&[&whole[..20], &whole[20..]], 8);
    // A second prefix, and a directory that ends early.
    assert_turned(&[&[&b"Exif\0\0"[..], &turned(2)].concat()], 2);
    let mut long = turned(4);
    long[8] = 5;
    assert_turned(&[&long], 4);
}

#[test]
fn damaged_data_leaves_an_image_as_it_is() {
    let cases: [&[u8]; 4] = [
        b"II*\0",
        b"II*\0\xff\xff\xff\xff",
        b"MM\0+\0\x08\0\0\xff\xff\xff\xff\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0",
    ];
    for damaged in cases {
        assert_turned(&[damaged], 1);
    }
    let mut far = exif(&[(ORIENTATION, 4, 2, &[6, 0, 0, 0, 6, 0, 0, 0])]);
    far[18..22].copy_from_slice(&[0xff; 4]);
    assert_turned(&[&far], 1);
}

/// Returns the chunks of a PNG, without those of Exif data.
fn png_chunks() -> Vec<Vec<u8>> {
    let (file, mut at, mut chunks) = (data("orientation-6.png"), 8, Vec::new());
    while at < file.len() {
        let length = u32::from_be_bytes([file[at], file[at + 1], file[at + 2], file[at + 3]]) as usize;
        chunks.push(file[at..at + 12 + length].to_vec());
        at += 12 + length;
    }
    chunks.retain(|chunk| &chunk[4..8] != b"eXIf");
    chunks
}

fn exif_chunk(exif: &[u8]) -> Vec<u8> {
    let content = [&b"eXIf"[..], exif].concat();
    let step = |sum: u32, byte: &u8| {
        (0..8).fold(
            sum ^ u32::from(*byte),
            |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 },
        )
    };
    let sum = !content.iter().fold(u32::MAX, step);
    [&(exif.len() as u32).to_be_bytes()[..], &content, &sum.to_be_bytes()].concat()
}

/// Makes a PNG with Exif data in front of the chunks with these numbers.
fn png(added: &[(usize, &[u8])]) -> Vec<u8> {
    let mut chunks = png_chunks();
    for (place, exif) in added.iter().rev() {
        chunks.insert(if *place == usize::MAX { chunks.len() - 1 } else { *place }, exif_chunk(exif));
    }
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunks.concat()].concat()
}

#[test]
fn exif_data_of_a_png_counts_before_and_after_the_pixels() {
    let wanted = decoded(&data("orientation-6.png"));
    let upright = decoded(&png(&[]));
    assert_ne!(wanted.dimensions(), upright.dimensions());
    let long = exif(&[(ORIENTATION, 4, 1, &[6, 0, 0, 0])]);
    let prefixed = [&b"Exif\0\0"[..], &long].concat();
    for added in [(1, &long[..]), (usize::MAX, &long[..]), (1, &prefixed[..])] {
        assert!(decoded(&png(&[added])) == wanted, "{added:?}");
    }
    // The standard allows one; Pillow takes the last.
    assert!(decoded(&png(&[(1, &turned(1)[..]), (usize::MAX, &long[..])])) == wanted);
    assert!(decoded(&png(&[(1, &long[..]), (usize::MAX, &turned(1)[..])])) == upright);
}

/// Makes a WebP with these parts of Exif data.
fn webp(blocks: &[&[u8]], announced: bool) -> Vec<u8> {
    let whole = data("orientation-6.webp");
    let own = whole.windows(4).position(|name| name == b"EXIF").expect("Exif data");
    let mut file = whole[..own].to_vec();
    if !announced {
        file[20] &= !0b1000;
    }
    for block in blocks {
        file.extend(b"EXIF");
        file.extend((block.len() as u32).to_le_bytes());
        file.extend_from_slice(block);
        file.resize(file.len().next_multiple_of(2), 0);
    }
    let size = file.len() as u32 - 8;
    file[4..8].copy_from_slice(&size.to_le_bytes());
    file
}

#[test]
fn the_first_part_of_exif_data_of_a_webp_counts() {
    let wanted = decoded(&data("orientation-6.webp"));
    let (six, other) = (exif(&[(ORIENTATION, 9, 1, &[6, 0, 0, 0])]), turned(1));
    assert!(decoded(&webp(&[&six], true)) == wanted);
    assert!(decoded(&webp(&[&six, &other], true)) == wanted);
    let upright = decoded(&webp(&[&other, &six], true));
    assert_ne!(wanted.dimensions(), upright.dimensions());
    assert!(decoded(&webp(&[&six], false)) == upright, "libwebp ignores what is not announced");
}

#[test]
fn a_tiff_is_turned_whatever_type_of_number_it_has() {
    let whole = data("orientation-6.tif");
    let wanted = decoded(&whole);
    let entry = whole.windows(4).position(|tag| tag == [0x12, 1, 3, 0]).expect("an orientation");
    let with = |kind: u8, values: [u8; 4]| {
        let mut file = whole.clone();
        file[entry + 2] = kind;
        file[entry + 8..entry + 12].copy_from_slice(&values);
        decoded(&file)
    };
    for kind in [1, 4, 6, 8, 9, 13] {
        assert!(with(kind, [6, 0, 0, 0]) == wanted, "type {kind}");
    }
    let upright = with(3, [1, 0, 0, 0]);
    for (kind, values) in
        [(4, [6, 1, 0, 0]), (9, (-6_i32).to_le_bytes()), (7, [6, 0, 0, 0]), (99, [6, 0, 0, 0])]
    {
        assert!(with(kind, values) == upright, "type {kind}: {values:?}");
    }
}

#[test]
fn a_big_tiff_is_read() {
    // 2 x 1 pixels of gray, turned by orientation 6.
    let mut file = b"II\x2b\0\x08\0\0\0\x10\0\0\0\0\0\0\0".to_vec();
    let entries: [(u16, u16, u64); 9] = [
        (256, 3, 2),
        (257, 3, 1),
        (258, 3, 8),
        (259, 3, 1),
        (262, 3, 1),
        (273, 16, 16 + 8 + 180 + 8),
        (274, 4, 6),
        (278, 3, 1),
        (279, 16, 2),
    ];
    file.extend((entries.len() as u64).to_le_bytes());
    for (tag, kind, value) in entries {
        file.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        file.extend([1_u64.to_le_bytes(), value.to_le_bytes()].concat());
    }
    file.extend([0; 8]);
    file.extend([10, 200]);
    let image = decoded(&file);
    assert_eq!(
        (image.dimensions(), image.get_pixel(0, 0).0, image.get_pixel(0, 1).0),
        ((1, 2), [10; 3], [200; 3])
    );
    assert!(semdedup_embed::looks_like_image(&file));
}
