//! Models, inputs and references of the tests.

use std::path::{Path, PathBuf};

use semdedup_embed::{LoadOptions, TextModel, load};

pub fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/models")
}

/// The text model of a folder of the test data.
pub fn text_model(name: &str, options: &LoadOptions) -> Box<dyn TextModel> {
    load(data().join(name).to_str().unwrap(), options).unwrap().text.unwrap()
}

pub fn texts() -> Vec<String> {
    serde_json::from_slice(&std::fs::read(data().join("texts.json")).unwrap()).unwrap()
}

pub fn as_strs(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

pub fn embed(model: &dyn TextModel, texts: &[&str]) -> Vec<f32> {
    let mut rows = vec![f32::NAN; texts.len() * model.dim()];
    model.embed(texts, &mut rows).unwrap();
    rows
}

pub fn bits(rows: &[f32]) -> Vec<u32> {
    rows.iter().map(|value| value.to_bits()).collect()
}

/// The rows of a .npy file of f32 in C order, and how long each is.
pub fn read_npy(path: &Path) -> (Vec<f32>, usize) {
    let bytes = std::fs::read(path).unwrap();
    let header = u16::from_le_bytes([bytes[8], bytes[9]]) as usize;
    let text = std::str::from_utf8(&bytes[10..10 + header]).unwrap();
    assert!(text.contains("'<f4'") && text.contains("'fortran_order': False"), "{text}");
    let shape = text.split_once("'shape': (").unwrap().1.split_once(')').unwrap().0;
    let width = shape.split(',').nth(1).unwrap().trim().parse().unwrap();
    let values = bytes[10 + header..].as_chunks::<4>().0.iter().map(|&value| f32::from_le_bytes(value));
    (values.collect(), width)
}

/// NaN if either is zero.
pub fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}
