//! The visible part of a transparent image stays visible after decoding, whatever its colors and
//! its format.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use image::{ExtendedColorType, ImageEncoder, RgbImage, Rgba, RgbaImage, codecs};
use semdedup_embed::{ImageError, ImageLimits, decode_image};

const SIDE: u32 = 48;
const BLACK: [u8; 3] = [0; 3];
const WHITE: [u8; 3] = [255; 3];
/// The distance from the background at which a color is visible at first sight.
const VISIBLE: u8 = 48;

type Shape = fn(i32, i32) -> bool;

/// A disc, a square, a cross, two diagonals and three bars, centered.
const SHAPES: [Shape; 6] = [
    |x, y| x * x + y * y < 300,
    |x, y| x.abs() < 15 && y.abs() < 15,
    |x, y| x.abs().min(y.abs()) < 4 && x.abs().max(y.abs()) < 20,
    |x, y| (x - y).abs() < 5,
    |x, y| (x + y).abs() < 5,
    |x, y| y.rem_euclid(16) < 6 && x.abs() < 18,
];

fn icon(shape: Shape, color: impl Fn(i32, i32) -> [u8; 3]) -> RgbaImage {
    RgbaImage::from_fn(SIDE, SIDE, |x, y| {
        let (x, y) = (x as i32 - 24, y as i32 - 24);
        let [r, g, b] = color(x, y);
        // Most programs leave black where nothing is visible.
        if shape(x, y) { Rgba([r, g, b, 255]) } else { Rgba([0; 4]) }
    })
}

fn png(samples: &[u8], kind: ExtendedColorType) -> Vec<u8> {
    let mut file = Vec::new();
    codecs::png::PngEncoder::new(&mut file).write_image(samples, SIDE, SIDE, kind).expect("a PNG");
    file
}

fn decoded(file: &[u8]) -> RgbImage {
    decode_image(file, &ImageLimits::default()).expect("an image")
}

fn seen(image: &RgbaImage) -> RgbImage {
    decoded(&png(image, ExtendedColorType::Rgba8))
}

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Counts the pixels that differ visibly from one that no shape covers.
fn visible(image: &RgbImage) -> usize {
    let background = image.get_pixel(0, 20);
    let distance = |pixel: &image::Rgb<u8>| (0..3).map(|c| pixel[c].abs_diff(background[c])).max();
    image.pixels().filter(|pixel| distance(pixel) >= Some(VISIBLE)).count()
}

#[test]
fn icons_of_one_color_show_their_whole_shape() {
    for color in [BLACK, WHITE, [128; 3], [250; 3], [5; 3], [200; 3], [255, 0, 0], [255, 255, 0], [0, 0, 90]]
    {
        for shape in SHAPES {
            let icon = icon(shape, |_, _| color);
            let opaque = icon.pixels().filter(|pixel| pixel[3] > 0).count();
            let image = seen(&icon);
            let pixels = image.pixels().filter(|pixel| pixel.0 == color).count();
            assert_eq!((pixels, visible(&image)), (opaque, opaque), "{color:?}");
        }
    }
}

#[test]
fn a_black_icon_is_the_inverse_of_its_white_counterpart() {
    for shape in SHAPES {
        let (black, mut white) = (seen(&icon(shape, |_, _| BLACK)), seen(&icon(shape, |_, _| WHITE)));
        assert_ne!(black, white);
        image::imageops::invert(&mut white);
        assert_eq!(black, white);
    }
}

#[test]
fn icons_of_two_colors_show_both() {
    let colors = [BLACK, WHITE, [128; 3], [255, 0, 0]];
    for (i, left) in colors.into_iter().enumerate() {
        for right in colors.into_iter().skip(i + 1) {
            let icon = icon(SHAPES[5], |x, _| if x < 0 { left } else { right });
            let opaque = icon.pixels().filter(|pixel| pixel[3] > 0).count();
            assert_eq!(visible(&seen(&icon)), opaque, "{left:?} and {right:?}");
        }
    }
}

#[test]
fn soft_shadows_can_be_seen() {
    for shade in [BLACK, WHITE, [60, 60, 90]] {
        let shadow = RgbaImage::from_fn(SIDE, SIDE, |x, y| {
            let far = (x as i32 - 24).pow(2) + (y as i32 - 24).pow(2);
            let [r, g, b] = shade;
            Rgba([r, g, b, (140 - far / 3).clamp(0, 140) as u8])
        });
        assert!(visible(&seen(&shadow)) > 400, "{shade:?}");
    }
}

#[test]
fn the_inside_of_an_outline_does_not_matter() {
    let face = icon(SHAPES[0], |x, y| if x * x + y * y < 200 { WHITE } else { [250, 200, 70] });
    assert_eq!(seen(&face).get_pixel(0, 0).0, WHITE);
}

#[test]
fn an_opaque_image_with_alpha_is_the_image_without() {
    let picture = RgbImage::from_fn(SIDE, SIDE, |x, y| image::Rgb([5 * x as u8, 5 * y as u8, (x * y) as u8]));
    let with_alpha: RgbaImage = image::DynamicImage::ImageRgb8(picture.clone()).into_rgba8();
    assert_eq!(seen(&with_alpha), picture);
    let deep: Vec<u8> = with_alpha.iter().flat_map(|&s| [s, s]).collect();
    assert_eq!(decoded(&png(&deep, ExtendedColorType::Rgba16)), picture);
    let mut webp = Vec::new();
    let encoder = codecs::webp::WebPEncoder::new_lossless(&mut webp);
    encoder.write_image(&with_alpha, SIDE, SIDE, ExtendedColorType::Rgba8).expect("a WebP");
    assert_eq!(decoded(&webp), picture);
}

/// Adds a transparent color to a PNG, given as samples of the file.
fn with_key(mut png: Vec<u8>, key: &[u8]) -> Vec<u8> {
    let chunk = [b"tRNS", key].concat();
    let crc = !chunk.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    });
    let whole = [&(key.len() as u32).to_be_bytes(), chunk.as_slice(), &crc.to_be_bytes()].concat();
    // After the signature and the header.
    png.splice(33..33, whole);
    png
}

#[test]
fn every_kind_of_png_gives_the_same_picture() {
    for (color, nothing) in [(BLACK, WHITE), (WHITE, BLACK)] {
        let icon = icon(SHAPES[4], |_, _| color);
        let expected = seen(&icon);
        let grey = |pixel: &Rgba<u8>| if pixel[3] > 0 { pixel[0] } else { 90 };
        let l: Vec<u8> = icon.pixels().map(grey).collect();
        let twice = |samples: &[u8]| samples.iter().flat_map(|&s| [s, s]).collect::<Vec<u8>>();
        let la: Vec<u8> = icon.pixels().flat_map(|pixel| [grey(pixel), pixel[3]]).collect();
        let rgb: Vec<u8> = l.iter().flat_map(|&l| [l; 3]).collect();
        let files = [
            ("grey and alpha", png(&la, ExtendedColorType::La8)),
            ("16-bit grey and alpha", png(&twice(&la), ExtendedColorType::La16)),
            ("16-bit alpha", png(&twice(&icon), ExtendedColorType::Rgba16)),
            ("grey", with_key(png(&l, ExtendedColorType::L8), &[0, 90])),
            ("16-bit grey", with_key(png(&twice(&l), ExtendedColorType::L16), &[90, 90])),
            ("RGB", with_key(png(&rgb, ExtendedColorType::Rgb8), &[0, 90].repeat(3))),
            ("16-bit RGB", with_key(png(&twice(&rgb), ExtendedColorType::Rgb16), &[90; 6])),
        ];
        assert_eq!(expected.get_pixel(0, 0).0, nothing);
        for (name, file) in files {
            assert_eq!(decoded(&file), expected, "{name}, {color:?}");
        }
    }
    let other = with_key(png(&[90; 48 * 48 * 2], ExtendedColorType::L16), &[90, 91]);
    assert_eq!(
        decoded(&other),
        RgbImage::from_pixel(SIDE, SIDE, image::Rgb([90; 3])),
        "no pixel has the key"
    );
}

#[test]
fn other_formats_give_the_picture_of_the_png() {
    let expected = decoded(&fixture("images/glyph-white.png"));
    for name in [
        "glyph-white.gif",
        "glyph-white.webp",
        "animated-alpha.webp",
        "glyph-grey-alpha.png",
        "glyph-key-1.png",
    ] {
        assert_eq!(decoded(&fixture(&format!("images/{name}"))), expected, "{name}");
    }
    let black = decoded(&fixture("images/glyph-black.png"));
    assert_eq!(decoded(&fixture("images/associated-black.tif")), black);
}

#[test]
fn premultiplied_colors_are_divided_before_they_are_blended() {
    let (straight, associated) =
        (decoded(&fixture("images/rgba.tif")), decoded(&fixture("images/associated.tif")));
    let off = straight.iter().zip(associated.iter()).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(off <= Some(2), "{off:?}");
}

#[test]
fn an_extra_sample_that_is_not_alpha_is_no_transparency() {
    let image = decoded(&fixture("images/unspecified.tif"));
    assert_eq!(image.pixels().filter(|pixel| pixel.0 == WHITE).count(), 240, "the white square");
    assert!(image.pixels().all(|pixel| [WHITE, BLACK].contains(&pixel.0)));
}

#[test]
fn an_image_that_shows_nothing_is_an_error_that_says_so() {
    let of_alpha = |alpha: u8| {
        let picture = RgbaImage::from_fn(SIDE, SIDE, |x, y| Rgba([5 * x as u8, 5 * y as u8, 0, alpha]));
        decode_image(&png(&picture, ExtendedColorType::Rgba8), &ImageLimits::default())
    };
    let error = of_alpha(0).expect_err("nothing to see");
    assert_eq!(error, ImageError::Invisible { format: "PNG", alpha: 0, limit: 8 });
    assert_eq!(
        error.to_string(),
        "the PNG is transparent everywhere: its largest alpha is 0 of 255, from 8 on something can be seen"
    );
    assert!(matches!(of_alpha(7), Err(ImageError::Invisible { alpha: 7, .. })));
    assert!(of_alpha(8).is_ok());
}

#[test]
fn a_bmp_that_announces_alpha_and_leaves_it_at_zero_is_opaque() {
    let mut file = fixture("images/glyph.bmp");
    let start = u32::from_le_bytes(file[10..14].try_into().expect("four bytes")) as usize;
    assert_eq!(decoded(&file).get_pixel(0, 0).0, [128; 3], "the background of white with a black shadow");
    file[start..].as_chunks_mut::<4>().0.iter_mut().for_each(|pixel| *pixel = [10, 20, pixel[2], 0]);
    let red: Vec<u8> = decoded(&file).pixels().map(|pixel| pixel[0]).collect();
    assert!(decoded(&file).pixels().all(|pixel| pixel.0[1..] == [20, 10]));
    assert!(red.contains(&255) && red.contains(&0));
}

/// Draws three bars of several colors, and a small shape of another color below them.
fn bars_and(shape: Shape, bars: [[u8; 3]; 3], color: [u8; 3]) -> RgbaImage {
    RgbaImage::from_fn(96, 96, |x, y| {
        let (x, y) = (x as i32, y as i32);
        let bar = (y < 60 && y % 20 < 12 && (x + y / 4) % 9 < 5).then(|| bars[(y / 20) as usize]);
        let small = (y >= 66).then(|| shape(2 * (x - 48), 2 * (y - 80)).then_some(color)).flatten();
        bar.or(small).map_or(Rgba([0; 4]), |[r, g, b]| Rgba([r, g, b, 255]))
    })
}

#[test]
fn a_small_shape_is_not_lost_whatever_colors_are_around_it() {
    let (red, grey) = ([200, 0, 0], [128; 3]);
    for (bars, color) in [
        ([BLACK; 3], WHITE),
        ([WHITE; 3], BLACK),
        ([red; 3], WHITE),
        ([BLACK, grey, BLACK], WHITE),
        ([BLACK, WHITE, BLACK], grey),
        ([BLACK, WHITE, grey], [250; 3]),
    ] {
        let pictures: Vec<RgbImage> =
            SHAPES.iter().map(|shape| decoded_page(&bars_and(*shape, bars, color))).collect();
        for (number, picture) in pictures.iter().enumerate() {
            assert!(pictures[..number].iter().all(|other| other != picture), "{bars:?}, {color:?}");
            let background = *picture.get_pixel(95, 63);
            let far = |pixel: &image::Rgb<u8>| (0..3).map(|c| pixel[c].abs_diff(background[c])).max();
            let shown =
                picture.enumerate_pixels().filter(|(_, y, pixel)| *y >= 66 && far(pixel) >= Some(VISIBLE));
            assert!(shown.count() > 20, "{bars:?}, {color:?}");
        }
    }
}

/// Draws many black bars, and a word or a cloud of another color that is a small part of all
/// outlines.
fn page(side: i32, alpha_of: impl Fn(i32, i32) -> u8) -> RgbaImage {
    RgbaImage::from_fn(side as u32, side as u32, |x, y| {
        let (x, y) = (x as i32, y as i32);
        match y < side - 40 {
            true if x % 8 < 3 && y % 8 < 5 => Rgba([0, 0, 0, 255]),
            true => Rgba([0; 4]),
            false => Rgba([255, 255, 255, alpha_of(x - side / 2, y - (side - 20))]),
        }
    })
}

#[test]
fn a_small_word_or_a_soft_cloud_is_not_lost_in_a_page_of_another_color() {
    let sharp = |shape: Shape| page(240, move |x, y| if shape(3 * x, 3 * y) { 255 } else { 0 });
    let soft = |shape: Shape| {
        page(240, move |x, y| {
            let inside = |dx: i32| u32::from(shape((x + dx) / 3, y));
            ((-12..=12).map(inside).sum::<u32>() * 255 / 25) as u8
        })
    };
    let pictures: Vec<RgbImage> = SHAPES[..4]
        .iter()
        .flat_map(|&shape| [sharp(shape), soft(shape)])
        .map(|page| decoded_page(&page))
        .collect();
    for (number, picture) in pictures.iter().enumerate() {
        assert!(pictures[..number].iter().all(|other| other != picture), "{number}");
    }
}

fn decoded_page(page: &RgbaImage) -> RgbImage {
    let mut file = Cursor::new(Vec::new());
    page.write_to(&mut file, image::ImageFormat::Png).expect("a PNG");
    decoded(file.get_ref())
}

#[test]
fn a_picture_of_equal_alpha_everywhere_keeps_its_colors() {
    let picture = |alpha| RgbaImage::from_fn(SIDE, SIDE, |x, y| Rgba([5 * x as u8, 5 * y as u8, 0, alpha]));
    assert_eq!(seen(&picture(12)), seen(&picture(255)));
}

/// Halves an image: each pixel is the mean of four, weighted by alpha.
fn halved(image: &RgbaImage) -> RgbaImage {
    RgbaImage::from_fn(image.width() / 2, image.height() / 2, |x, y| {
        let four = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(dx, dy)| image.get_pixel(2 * x + dx, 2 * y + dy).0);
        let alpha: u32 = four.iter().map(|pixel| u32::from(pixel[3])).sum();
        let mean =
            |c: usize| four.iter().map(|p| u32::from(p[c]) * u32::from(p[3])).sum::<u32>() / alpha.max(1);
        Rgba([mean(0) as u8, mean(1) as u8, mean(2) as u8, (alpha / 4) as u8])
    })
}

/// Returns the background of an image, if it has a transparent pixel.
fn background(image: &RgbaImage) -> Option<[u8; 3]> {
    let place = image.enumerate_pixels().find(|(_, _, pixel)| pixel[3] == 0)?;
    let mut file = Cursor::new(Vec::new());
    image.write_to(&mut file, image::ImageFormat::Png).expect("a PNG");
    Some(decoded(file.get_ref()).get_pixel(place.0, place.1).0)
}

#[test]
fn nearly_all_emoji_of_half_the_size_get_the_same_background() {
    let tar = fixture("emoji.tar");
    let starts = (0..tar.len()).step_by(512).filter(|&at| tar[at..].starts_with(b"\x89PNG"));
    let (mut backgrounds, mut flips) = (Vec::new(), 0);
    for start in starts {
        let image = image::load_from_memory(&tar[start..]).expect("a PNG").into_rgba8();
        if let (Some(large), Some(small)) = (background(&image), background(&halved(&image))) {
            flips += usize::from(large != small);
            backgrounds.push(large);
        }
    }
    let of = |color| backgrounds.iter().filter(|&&found| found == color).count();
    assert_eq!((backgrounds.len(), of(WHITE), of(BLACK), flips), (236, 185, 47, 1));
}
