//! Images that PIL wrote are decoded as PIL decodes and blends them. Other bytes and too large
//! images are errors.

mod orientation;

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use semdedup_embed::{ImageError, ImageLimits, decode_image, looks_like_image};

const LIMITS: ImageLimits = ImageLimits { max_pixels: 1 << 20 };

#[derive(Debug)]
struct Expected {
    file: String,
    width: u32,
    height: u32,
    tolerance: u8,
    pixels: Vec<u8>,
}

fn data(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/images").join(name);
    fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn expected() -> Vec<Expected> {
    let pixels = zstd::decode_all(data("expected.rgb.zst").as_slice()).expect("zstd");
    let mut rest = pixels.as_slice();
    let text = String::from_utf8(data("expected.jsonl")).expect("UTF-8");
    let mut all = Vec::new();
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let number = |name: &str| line[name].as_u64().expect("a number") as u32;
        let (width, height) = (number("width"), number("height"));
        let (own, after) = rest.split_at((width * height * 3) as usize);
        rest = after;
        let file = line["file"].as_str().expect("a name").to_owned();
        all.push(Expected {
            file,
            width,
            height,
            tolerance: number("tolerance") as u8,
            pixels: own.to_vec(),
        });
    }
    assert!(rest.is_empty(), "expected.rgb.zst has more pixels than expected.jsonl lists");
    all
}

#[test]
fn a_bitmap_without_the_header_of_a_file_is_read() {
    let whole = data("rgb.bmp");
    let limits = LIMITS;
    let decoded = |bytes: &[u8]| decode_image(bytes, &limits).expect("a bitmap");
    assert_eq!(decoded(&whole[14..]), decoded(&whole));
    // A number of 40 alone is no bitmap.
    let other = [40_u8, 0, 0, 0].repeat(20);
    let error = decode_image(&other, &limits).expect_err("no bitmap").to_string();
    assert!(error.contains("it starts with 28 00 00 00"), "{error}");
}

#[test]
fn every_kind_of_image_is_read_as_pil_reads_and_blends_it() {
    let mut wrong = Vec::new();
    for image in expected() {
        let file = &image.file;
        match decode_image(&data(file), &LIMITS) {
            Err(e) => wrong.push(format!("{file}: {e}")),
            Ok(got) if got.dimensions() != (image.width, image.height) => {
                wrong.push(format!(
                    "{file}: {:?} instead of {}x{}",
                    got.dimensions(),
                    image.width,
                    image.height
                ));
            }
            Ok(got) => {
                let off = got.iter().zip(&image.pixels).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0);
                if off > image.tolerance {
                    let pixels = got.iter().zip(&image.pixels).filter(|(a, b)| a != b).count();
                    wrong.push(format!("{file}: off by {off} at most, {pixels} samples differ"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_header_with_too_many_pixels_is_an_error_that_names_both_numbers() {
    for image in expected() {
        let (width, height) = (u64::from(image.width), u64::from(image.height));
        let pixels = width * height;
        let enough = ImageLimits { max_pixels: pixels };
        decode_image(&data(&image.file), &enough).unwrap_or_else(|e| panic!("{}: {e}", image.file));
        let error =
            decode_image(&data(&image.file), &ImageLimits { max_pixels: pixels - 1 }).expect_err(&image.file);
        let message = error.to_string();
        assert!(matches!(error, ImageError::TooLarge { .. }), "{}: {message}", image.file);
        assert!(message.contains(&format!("{pixels} pixels, the limit is {}", pixels - 1)), "{message}");
    }
}

#[test]
fn a_file_that_is_cut_off_is_an_error() {
    for image in expected() {
        let whole = data(&image.file);
        // PIL too ignores what follows the pixels of a PNG (12 bytes), a GIF (1 byte) and some
        // TIFFs (their directory).
        for kept in [1, 2, 4, 7, 11, 20, whole.len() / 4, whole.len() / 2, whole.len() * 3 / 4] {
            let file = &image.file;
            let result = decode_image(&whole[..kept.min(whole.len())], &LIMITS);
            let fine =
                file.ends_with(".tif") || file.starts_with("animated") || file.starts_with("orientation");
            assert!(
                result.is_err() || fine,
                "{file}: the first {kept} of {} bytes are taken for an image",
                whole.len()
            );
        }
    }
    for file in ["rgb-420.jpg", "progressive.jpg", "cmyk.jpg", "grey.jpg"] {
        let whole = data(file);
        for cut in 1..whole.len().min(200) {
            assert!(
                decode_image(&whole[..whole.len() - cut], &LIMITS).is_err(),
                "{file} without {cut} bytes"
            );
        }
    }
}

/// Downloads that broke off are closed so by some programs, and browsers show them gray at the bottom.
#[test]
fn a_jpeg_that_is_cut_off_and_closed_with_an_end_of_image_is_an_error() {
    const END: [u8; 2] = [0xff, 0xd9];
    for file in ["rgb-420.jpg", "rgb-422.jpg", "rgb-444.jpg", "restart.jpg", "cmyk.jpg", "grey.jpg"] {
        let whole = data(file);
        let scan = whole.windows(2).position(|marker| marker == [0xff, 0xda]).expect("a scan") + 14;
        // The last bytes may hold the end of a value alone.
        for kept in scan..whole.len() - 12 {
            let cut = [&whole[..kept], &END].concat();
            let message = decode_image(&cut, &LIMITS).expect_err(file).to_string();
            assert!(message.starts_with("broken JPEG: "), "{file}: {kept} bytes: {message}");
        }
        // A second image behind the end changes nothing.
        let two = [&whole[..], &whole[..200], &END].concat();
        assert_eq!(decode_image(&two, &LIMITS), decode_image(&whole, &LIMITS), "{file}");
    }
}

#[test]
fn bytes_of_another_kind_are_an_error_that_shows_them() {
    assert_eq!(decode_image(&[], &LIMITS), Err(ImageError::Empty));
    assert_eq!(ImageError::Empty.to_string(), "the image is empty (0 bytes)");
    let message = decode_image(b"MZ\x90\0\x03\0\0\0\x04", &LIMITS).expect_err("no image").to_string();
    assert!(message.contains("it starts with 4d 5a 90 00 03 00 00 00"), "{message}");
}

#[test]
fn bytes_of_a_known_kind_are_an_error_that_names_it_and_says_what_to_do() {
    let cases: [(&[u8], &str, &str); 7] = [
        (b"%PDF-1.7 and so on", "it is a PDF document", "pdftotext"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "it is an SVG drawing", "rsvg-convert"),
        (b"\0\0\0\x1cftypheic\0\0\0\0mif1heic", "it is a HEIC picture", "heif-convert"),
        (b"\0\0\0\x20ftypavif\0\0\0\0avifmif1", "it is an AVIF picture", "mogrify"),
        (b"\xff\x0a", "it is a JPEG XL picture", "djxl"),
        (b"<!DOCTYPE html><html>", "it is a web page (HTML)", "download the data again"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "Git LFS", "git lfs pull"),
    ];
    for (bytes, what, remedy) in cases {
        let message = decode_image(bytes, &LIMITS).expect_err("no image").to_string();
        assert!(message.starts_with("not an image that can be read: "), "{message}");
        assert!(message.contains(what) && message.contains(remedy), "{message}");
    }
    assert!(looks_like_image(b"\0\0\0\x1cftypheic\0\0\0\0mif1heic") && !looks_like_image(b"%PDF-1.7"));
}

/// Writes a BigTIFF of one strip of RGB pixels.
fn big_tiff(width: u16, height: u16, pixels: &[u8]) -> Vec<u8> {
    let mut file = b"II\x2b\0\x08\0\0\0\x10\0\0\0\0\0\0\0".to_vec();
    let strip = 16 + 8 + 9 * 20 + 8;
    // The tag, the type (3: 16 bits, 4: 32 bits), the count and the value.
    let entries: [(u16, u16, u64, u64); 9] = [
        (256, 3, 1, width.into()),
        (257, 3, 1, height.into()),
        (258, 3, 3, 0x0008_0008_0008),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, strip),
        (277, 3, 1, 3),
        (278, 3, 1, height.into()),
        (279, 4, 1, pixels.len() as u64),
    ];
    file.extend((entries.len() as u64).to_le_bytes());
    for (tag, kind, count, value) in entries {
        file.extend(tag.to_le_bytes().into_iter().chain(kind.to_le_bytes()));
        file.extend(count.to_le_bytes().into_iter().chain(value.to_le_bytes()));
    }
    file.extend(0u64.to_le_bytes());
    file.extend(pixels);
    file
}

#[test]
fn a_big_tiff_is_read_as_a_tiff() {
    let pixels: Vec<u8> = (0..4 * 3 * 3).map(|value| value * 7).collect();
    let file = big_tiff(4, 3, &pixels);
    let image = decode_image(&file, &LIMITS).expect("an image");
    assert_eq!((image.dimensions(), image.as_raw()), ((4, 3), &pixels));
    assert!(looks_like_image(&file));
}

/// The files have headers of 65,500 x 65,500 pixels and little else, and nothing of that size may
/// be allocated. A test that takes minutes would show an allocation; the limit on the address space
/// of the continuous integration would not.
#[test]
fn a_decompression_bomb_is_refused_by_its_header() {
    let mut png = data("rgb.png");
    png[16..24].copy_from_slice(&[0, 0, 0xff, 0xdc, 0, 0, 0xff, 0xdc]);
    let mut bmp = data("rgb.bmp");
    bmp[18..26].copy_from_slice(&[0xdc, 0xff, 0, 0, 0xdc, 0xff, 0, 0]);
    let mut gif = data("palette.gif");
    gif[6..10].copy_from_slice(&[0xdc, 0xff, 0xdc, 0xff]);
    let mut jpeg = data("rgb-420.jpg");
    let frame = jpeg.windows(2).position(|w| w == [0xff, 0xc0]).expect("a frame");
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xdc, 0xff, 0xdc]);
    for bomb in [png, bmp, gif, jpeg] {
        let message = decode_image(&bomb, &ImageLimits::default()).expect_err("a bomb").to_string();
        assert!(message.ends_with("has 65500x65500 = 4290250000 pixels, the limit is 89478485"), "{message}");
    }
}

/// The decoder would allocate 4 GB for the metadata of this file.
#[test]
fn a_webp_whose_part_is_larger_than_the_file_is_an_error() {
    let mut webp = data("orientation-6.webp");
    let exif = webp.windows(4).position(|w| w == b"EXIF").expect("metadata");
    webp[exif + 4..exif + 8].copy_from_slice(&[0xf0, 0xff, 0xff, 0xff]);
    let message = decode_image(&webp, &LIMITS).expect_err("no such part").to_string();
    assert!(message.contains("\"EXIF\" should have 4294967280 bytes"), "{message}");
}

#[derive(Debug, Clone)]
enum Damage {
    Byte(usize, u8),
    Cut(usize),
    Insert(usize, Vec<u8>),
    Remove(usize, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        6 => (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        1 => any::<usize>().prop_map(Damage::Cut),
        1 => (any::<usize>(), proptest::collection::vec(any::<u8>(), 1..9)).prop_map(|(at, b)| Damage::Insert(at, b)),
        1 => (any::<usize>(), 1..40_usize).prop_map(|(at, length)| Damage::Remove(at, length)),
    ]
}

fn damaged(mut bytes: Vec<u8>, all: &[Damage]) -> Vec<u8> {
    for one in all {
        if bytes.is_empty() {
            break;
        }
        let length = bytes.len();
        match one {
            Damage::Byte(at, byte) => bytes[at % length] = *byte,
            Damage::Cut(at) => bytes.truncate(at % length),
            Damage::Insert(at, new) => drop(bytes.splice(at % length..at % length, new.iter().copied())),
            Damage::Remove(at, count) => drop(bytes.drain(at % length..(at % length + count).min(length))),
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    /// A panic fails the test, and so does a message of several lines.
    #[test]
    fn damaged_images_are_errors_or_images(which in any::<usize>(), all in proptest::collection::vec(damage(), 1..6)) {
        let names = images();
        let name = &names[which % names.len()];
        if let Err(error) = decode_image(&damaged(data(name), &all), &LIMITS) {
            let message = error.to_string();
            prop_assert!(!message.contains('\n') && message.len() < 400, "{}: {}", name, message);
        }
    }
}

/// Returns the number of damaged images to try: `SEMDEDUP_DAMAGED_IMAGES`, or a number that takes
/// seconds.
fn cases() -> u32 {
    std::env::var("SEMDEDUP_DAMAGED_IMAGES").ok().and_then(|n| n.parse().ok()).unwrap_or(4_000)
}

fn images() -> Vec<String> {
    expected().into_iter().map(|image| image.file).collect()
}

#[test]
fn pixels_of_the_pnm_family_are_read_whatever_form_they_have() {
    let red =
        |bytes: &[u8]| decode_image(bytes, &ImageLimits::default()).expect("an image").get_pixel(1, 0).0;
    assert_eq!(red(b"P6 2 1 255\n\x00\x00\x00\xff\x10\x20"), [255, 16, 32]);
    assert_eq!(red(b"P3 2 1 255\n0 0 0 255 16 32\n"), [255, 16, 32]);
    assert_eq!(red(b"P5 2 1 255\n\x00\x40"), [64, 64, 64]);
    assert_eq!(red(b"P1 2 1\n1 0\n"), [255, 255, 255]);
    for broken in [&b"P6 2 1 255\n\x00\x00"[..], b"P6 2", b"P6 99999999 99999999 255\n"] {
        assert!(decode_image(broken, &ImageLimits::default()).is_err());
    }
}

#[test]
fn the_content_decides_what_a_file_is() {
    // A camera's MPO begins with a whole JPEG; what follows it is another image.
    let mut mpo = data("grey.jpg");
    mpo.extend(data("grey.jpg"));
    let both =
        [mpo, data("grey.jpg")].map(|bytes| decode_image(&bytes, &ImageLimits::default()).expect("an image"));
    assert_eq!(both[0], both[1]);
}
