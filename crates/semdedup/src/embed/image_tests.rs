//! Tests images and captions in the embedding stage, with models small enough to check by hand.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use semdedup_core::UnitEmbeddings;
use semdedup_embed::{EmbedStats, EmbeddedTexts, ImageModel, ModelError, RefusedText, RgbImage, TextModel};

use super::*;
use crate::embed::dataset::Dataset;
use crate::formats::{ColumnChoice, CompareBy, ReadLimits};
use crate::options::InputOptions;
use crate::progress::Silent;

/// Embeds an image as the colour of its last pixel.
struct Colour;

impl ImageModel for Colour {
    fn name(&self) -> &str {
        "colour"
    }
    fn dim(&self) -> usize {
        3
    }
    fn fingerprint(&self) -> String {
        "colour/1".into()
    }
    fn embed(&self, images: &[RgbImage], out: &mut [f32]) -> std::result::Result<(), ModelError> {
        for (image, out) in images.iter().zip(out.chunks_exact_mut(3)) {
            let pixel = image.get_pixel(image.width() - 1, image.height() - 1);
            out.copy_from_slice(&pixel.0.map(|value| f32::from(value) + 1.0));
        }
        Ok(())
    }
}

/// Embeds a text as its length, and 1 if the text is not empty.
struct Length;

impl TextModel for Length {
    fn name(&self) -> &str {
        "length"
    }
    fn dim(&self) -> usize {
        2
    }
    fn fingerprint(&self) -> String {
        "length/1".into()
    }
    fn embed(&self, texts: &[&str], out: &mut [f32]) -> std::result::Result<EmbedStats, ModelError> {
        for (text, out) in texts.iter().zip(out.chunks_exact_mut(2)) {
            out.copy_from_slice(&[text.len() as f32, if text.is_empty() { 0.0 } else { 1.0 }]);
        }
        Ok(EmbedStats::default())
    }
}

fn shard(by: CompareBy, part_rows: u64, strict: bool) -> Input {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/images/webdataset.tar");
    let options = InputOptions {
        inputs: vec![path.display().to_string()],
        columns: ColumnChoice { by: Some(by), ..ColumnChoice::default() },
        embeddings: Vec::new(),
        limits: ReadLimits::default(),
        strict,
        ..InputOptions::new([""; 0])
    };
    Input { part_rows, ..Input::find(&options, &[]).unwrap() }
}

fn rows(input: &Input, embedder: Embedder) -> (UnitEmbeddings, Vec<(u64, String)>) {
    let out = tempfile::tempdir().unwrap();
    embed_parts(input, embedder, out.path(), &Silent).unwrap();
    let dataset = Dataset::open(input, out.path(), &embed_fingerprint(input, embedder).unwrap()).unwrap();
    let skipped = dataset.skipped.iter().map(|skipped| (skipped.row, skipped.reason.clone())).collect();
    let store = dataset.open_embeddings().unwrap();
    (store.read(0..store.rows()).unwrap(), skipped)
}

fn cosine(rows: &UnitEmbeddings, a: usize, b: usize) -> f32 {
    rows.row(a).iter().zip(rows.row(b)).map(|(a, b)| a * b).sum()
}

#[test]
fn broken_images_are_named_and_the_others_keep_their_rows_for_any_length_of_the_parts() {
    let (whole, skipped) = rows(&shard(CompareBy::Image, 1 << 17, false), Embedder::Image(&Colour));
    assert_eq!(whole.len(), 12);
    assert_eq!(skipped.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [5, 7]);
    assert!(skipped[0].1.contains("no image in the sample"), "{}", skipped[0].1);
    assert_eq!(whole.non_finite_rows(), [5, 7]);
    // Rows 2n and 2n + 1 have picture n.
    for row in [0, 2, 8, 10] {
        assert_eq!(whole.row(row), whole.row(row + 1), "{row}");
    }
    assert_ne!(whole.row(0), whole.row(2));
    for part_rows in [1, 2, 5, 12] {
        let (cut, again) = rows(&shard(CompareBy::Image, part_rows, false), Embedder::Image(&Colour));
        assert_eq!(again, skipped);
        for row in (0..12).filter(|row| ![5, 7].contains(row)) {
            assert_eq!(cut.row(row), whole.row(row), "row {row} in parts of {part_rows}");
        }
    }
}

#[test]
fn the_similarity_of_both_is_the_mean_of_the_two_cosines() {
    let (images, _) = rows(&shard(CompareBy::Image, 100, false), Embedder::Image(&Colour));
    let (texts, _) = rows(&shard(CompareBy::Text, 100, false), Embedder::Text(&Length));
    let (both, skipped) = rows(&shard(CompareBy::Both, 100, false), Embedder::Both(&Colour, &Length));
    assert_eq!(skipped.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [5, 7]);
    // Row 3 has no caption, rows 5 and 7 no image.
    let whole = [0, 1, 2, 4, 6, 8, 9, 10, 11];
    for (a, b) in whole.into_iter().flat_map(|a| whole.map(|b| (a, b))) {
        let mean = (cosine(&images, a, b) + cosine(&texts, a, b)) / 2.0;
        assert!((cosine(&both, a, b) - mean).abs() < 1e-6, "{a} {b}");
    }
    assert!(both.row(3).iter().all(|&value| value == 0.0), "a row with one half is compared with nothing");
}

/// Refuses the captions of the samples 7 and 9, and embeds others as [`Length`] does.
struct RefusesTwo;

impl TextModel for RefusesTwo {
    fn name(&self) -> &str {
        "refuses two"
    }
    fn dim(&self) -> usize {
        2
    }
    fn fingerprint(&self) -> String {
        "refuses two/1".into()
    }
    fn embed(&self, texts: &[&str], out: &mut [f32]) -> std::result::Result<EmbedStats, ModelError> {
        Length.embed(texts, out)
    }
    fn embed_each(&self, texts: &[&str], out: &mut [f32]) -> std::result::Result<EmbeddedTexts, ModelError> {
        let is_refused = |text: &str| ["caption 7", "caption 9"].contains(&text.trim());
        let refused = texts.iter().enumerate().filter(|(_, text)| is_refused(text));
        let refused = refused.map(|(index, _)| RefusedText { index, reason: "refused".into() }).collect();
        Ok(EmbeddedTexts { stats: Length.embed(texts, out)?, refused, ..EmbeddedTexts::default() })
    }
}

#[test]
fn a_row_with_a_broken_image_and_a_refused_text_is_skipped_once() {
    let both = Embedder::Both(&Colour, &RefusesTwo);
    let (_, skipped) = rows(&shard(CompareBy::Both, 100, false), both);
    assert_eq!(skipped.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [5, 7, 9]);
    assert!(skipped[1].1 != "refused" && skipped[2].1 == "refused", "{skipped:?}");
}

#[test]
fn strict_stops_at_a_broken_image() {
    let out = tempfile::tempdir().unwrap();
    let input = Input { part_rows: 4, ..shard(CompareBy::Both, 4, true) };
    let error = embed_parts(&input, Embedder::Both(&Colour, &Length), out.path(), &Silent).unwrap_err();
    assert!(error.to_string().contains("row 5: no image in the sample"), "{error}");
}

#[test]
fn a_model_that_reads_something_else_is_refused() {
    let error = Embedder::Text(&Length).check(&shard(CompareBy::Image, 4, false)).unwrap_err();
    assert!(error.to_string().contains("rows are compared by image"), "{error}");
}

#[path = "linked_tests.rs"]
mod linked_tests;
