//! The image model computes what LiteRT computes for the same files, bit by bit, alone or in a
//! batch.

use std::fs;
use std::path::Path;

use image::RgbImage;
use rayon::prelude::*;
use semdedup_embed::{ImageLimits, ImageModel, MobileNet, decode_image};

fn data(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Reads the members of a tar of plain files: 512 bytes of header, the content, zeros up to 512
/// bytes.
fn emoji() -> Vec<(String, RgbImage)> {
    let tar = data("emoji.tar");
    let mut rest = tar.as_slice();
    let mut images = Vec::new();
    while rest[0] != 0 {
        let header = &rest[..512];
        let text =
            |from: usize, to: usize| String::from_utf8_lossy(&header[from..to]).trim_matches('\0').to_owned();
        let size = usize::from_str_radix(&text(124, 135), 8).expect("a size");
        let image = decode_image(&rest[512..512 + size], &ImageLimits::default()).expect("an image");
        images.push((text(0, 100), image));
        rest = &rest[512 + size.next_multiple_of(512)..];
    }
    images
}

fn embed(model: &MobileNet, images: &[RgbImage]) -> Vec<f32> {
    let mut out = vec![0.0; images.len() * model.dim()];
    model.embed(images, &mut out).expect("embeddings");
    out
}

#[test]
fn embeddings_of_emoji_are_those_of_litert() {
    let model = MobileNet::load().expect("the model");
    let emoji = emoji();
    let expected = data("emoji.u8");
    assert_eq!((emoji.len(), expected.len()), (237, 237 * model.dim()));
    emoji.par_iter().zip(expected.par_chunks_exact(model.dim())).for_each(|((name, image), expected)| {
        assert_eq!(model.raw(image).as_slice(), expected, "{name}");
    });
}

#[test]
fn an_embedding_depends_on_its_image_alone() {
    let model = MobileNet::load().expect("the model");
    let images: Vec<RgbImage> = emoji().into_iter().map(|(_, image)| image).step_by(10).collect();
    let together = embed(&model, &images);
    let mut backwards: Vec<RgbImage> = images.clone();
    backwards.reverse();
    let backwards = embed(&model, &backwards);
    let rows = || together.chunks_exact(model.dim());
    assert!(rows().eq(backwards.chunks_exact(model.dim()).rev()));
    assert!(
        images
            .par_iter()
            .map(|image| embed(&model, std::slice::from_ref(image)))
            .collect::<Vec<_>>()
            .iter()
            .eq(rows())
    );
    assert_eq!(model.fingerprint(), MobileNet::load().expect("the model").fingerprint());
}

#[test]
fn images_of_every_shape_have_an_embedding_with_a_direction() {
    let model = MobileNet::load().expect("the model");
    for (width, height) in [(1, 1), (1, 5_000), (5_000, 1), (223, 225), (3, 1_000)] {
        let image = RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, (x ^ y) as u8]));
        let row = embed(&model, &[image]);
        assert!(row.iter().all(|v| v.is_finite()) && row.iter().any(|&v| v != 0.0), "{width}x{height}");
    }
    let black = embed(&model, &[RgbImage::new(10, 10)]);
    assert!(black.iter().any(|&v| v != 0.0), "a black image has a direction too");
    assert!(embed(&model, &[]).is_empty());
}

#[test]
fn an_image_without_pixels_is_an_error_and_not_the_image_before_it() {
    let model = MobileNet::load().expect("the model");
    for (width, height) in [(50, 0), (0, 50), (0, 0)] {
        let images = [RgbImage::new(50, 50), RgbImage::new(width, height)];
        let mut out = vec![0.0; 2 * model.dim()];
        let error = model.embed(&images, &mut out).expect_err("an image without pixels").to_string();
        assert_eq!(error, format!("image 1 of 2 has no pixels ({width}x{height})"));
    }
}

#[test]
#[should_panic(expected = "an image without pixels")]
fn the_raw_outputs_of_an_image_without_pixels_are_refused() {
    MobileNet::load().expect("the model").raw(&RgbImage::new(50, 0));
}
