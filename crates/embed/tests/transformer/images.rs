//! Image models.

use rayon::prelude::*;
use semdedup_embed::{ImageModel, LoadOptions, RgbImage, Towers, load};

use crate::support::{bits, cosine, data, images, read_npy};

const MODELS: [&str; 6] =
    ["clip-tiny", "dinov2-tiny", "dinov2-registers-tiny", "dinov2-swiglu-tiny", "siglip-tiny", "vit-tiny"];

fn model(name: &str) -> Box<dyn ImageModel> {
    let options = LoadOptions { towers: Towers::Images, ..LoadOptions::default() };
    let loaded = load(data().join(name).to_str().unwrap(), &options).unwrap();
    assert!(loaded.text.is_none());
    loaded.image.unwrap()
}

fn embed(model: &dyn ImageModel, images: &[RgbImage]) -> Vec<f32> {
    let mut rows = vec![f32::NAN; images.len() * model.dim()];
    model.embed(images, &mut rows).unwrap();
    rows
}

#[test]
fn every_reference_image_is_embedded_as_transformers_does() {
    let images = images();
    for name in MODELS {
        let model = model(name);
        let rows = embed(&*model, &images);
        let (references, dim) = read_npy(&data().join(name).join("image_embeddings.npy"));
        assert_eq!((model.dim(), rows.len()), (dim, references.len()), "{name}");
        for (number, (ours, reference)) in rows.chunks(dim).zip(references.chunks(dim)).enumerate() {
            let found = cosine(ours, reference);
            assert!(found >= 0.999, "{name}: image {number}: {found}");
        }
    }
}

#[test]
fn an_image_alone_has_the_bytes_that_it_has_in_a_batch_and_on_any_thread() {
    let images: Vec<RgbImage> = images().into_iter().cycle().take(150).collect();
    for name in MODELS {
        let model = model(name);
        let batch = bits(&embed(&*model, &images));
        let singles: Vec<u32> =
            images.iter().flat_map(|image| bits(&embed(&*model, std::slice::from_ref(image)))).collect();
        assert!(singles == batch, "{name}: one by one");
        let pool = rayon::ThreadPoolBuilder::new().num_threads(8).build().unwrap();
        let threads: Vec<f32> =
            pool.install(|| images.par_chunks(7).flat_map_iter(|images| embed(&*model, images)).collect());
        assert!(bits(&threads) == batch, "{name}: on eight threads");
    }
}

#[test]
fn images_of_extreme_shapes_are_embedded() {
    for name in MODELS {
        let model = model(name);
        for (width, height) in [(1, 1), (1, 20_000), (20_000, 1), (3, 31), (2_000, 1_500)] {
            let image = RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 7]));
            let row = embed(&*model, &[image]);
            assert!(row.iter().all(|value| value.is_finite()), "{name}: {width} by {height}");
        }
    }
}

#[test]
fn a_model_of_both_gives_both_and_each_has_its_own_fingerprint() {
    let loaded = load(data().join("clip-tiny").to_str().unwrap(), &LoadOptions::default()).unwrap();
    let (text, image) = (loaded.text.unwrap(), loaded.image.unwrap());
    assert_eq!(text.dim(), image.dim());
    assert_ne!(text.fingerprint(), image.fingerprint());
}

#[test]
fn an_image_without_pixels_is_an_error() {
    for name in MODELS {
        let model = model(name);
        for (width, height) in [(50, 0), (0, 50)] {
            let images = [RgbImage::new(50, 50), RgbImage::new(width, height)];
            let error = model.embed(&images, &mut vec![0.0; 2 * model.dim()]).unwrap_err();
            assert_eq!(error.to_string(), format!("image 1 of 2 has no pixels ({width}x{height})"), "{name}");
        }
    }
}
