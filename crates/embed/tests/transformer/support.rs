//! The models, inputs and references of the tests.

use std::fs;
use std::path::{Path, PathBuf};

use semdedup_embed::{ImageLimits, LoadOptions, ModelError, RgbImage, TextModel, decode_image, load};
use serde_json::{Value, json};
use tempfile::TempDir;

pub fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/models")
}

/// Loads the text model of a folder of the test data.
pub fn text_model(name: &str, options: &LoadOptions) -> Box<dyn TextModel> {
    load(data().join(name).to_str().unwrap(), options).unwrap().text.unwrap()
}

/// Returns the images of the references, without alpha, because the references were made with PIL's
/// `convert("RGB")`, which drops it.
pub fn images() -> Vec<RgbImage> {
    let folder = data().join("images");
    let names: Vec<String> = serde_json::from_slice(&fs::read(folder.join("names.json")).unwrap()).unwrap();
    let read = |name: &String| {
        let bytes = fs::read(folder.join(name)).unwrap();
        match name.ends_with(".png") {
            true => image::load_from_memory(&bytes).unwrap().to_rgb8(),
            false => decode_image(&bytes, &ImageLimits::default()).unwrap(),
        }
    };
    names.iter().map(read).collect()
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

/// Reads a .npy file of f32 in C order. Returns its values and the length of a row.
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

/// Returns the cosine similarity, or NaN if either row is zero.
pub fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// Copies a folder of the test data, so that a test may change it.
pub fn copy_of(name: &str) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(data().join(name)).unwrap() {
        let from = entry.unwrap().path();
        if from.is_file() {
            fs::copy(&from, copy.path().join(from.file_name().unwrap())).unwrap();
        }
    }
    copy
}

pub fn write(folder: &TempDir, name: &str, value: &Value) {
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, value.to_string()).unwrap();
}

pub fn open(folder: &Path) -> Result<Box<dyn TextModel>, ModelError> {
    load(folder.to_str().unwrap(), &LoadOptions::default()).map(|loaded| loaded.text.unwrap())
}

/// Returns the message and the hint of the error of a folder that cannot be loaded.
pub fn problem(folder: &TempDir) -> String {
    let error = open(folder.path()).err().unwrap();
    assert!(!error.to_string().contains('\n'), "{error}");
    format!("{error}\n{}", error.hint())
}

#[track_caller]
pub fn assert_says(problem: &str, parts: &[&str]) {
    for part in parts {
        assert!(problem.contains(part), "{part:?} is not in {problem:?}");
    }
}

/// Makes a safetensors file of f32.
pub fn safetensors(tensors: &[(&str, &[usize], &[f32])]) -> Vec<u8> {
    let (mut header, mut values) = (serde_json::Map::new(), Vec::new());
    for (name, shape, numbers) in tensors {
        let start = values.len();
        numbers.iter().for_each(|number| values.extend(number.to_le_bytes()));
        let entry = json!({"dtype": "F32", "shape": shape, "data_offsets": [start, values.len()]});
        header.insert((*name).to_owned(), entry);
    }
    let header = Value::Object(header).to_string().into_bytes();
    [&(header.len() as u64).to_le_bytes()[..], &header, &values].concat()
}

pub fn module(number: usize, path: &str, kind: &str) -> Value {
    json!({"idx": number, "name": number.to_string(), "path": path, "type": format!("sentence_transformers.models.{kind}")})
}

/// Reads the tensors of a safetensors file of f32.
pub fn tensors(path: &Path) -> Vec<(String, Vec<usize>, Vec<f32>)> {
    let bytes = fs::read(path).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Map<String, Value> = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let data = &bytes[8 + length..];
    let of = |(name, entry): (String, Value)| {
        let range = entry["data_offsets"][0].as_u64().unwrap() as usize
            ..entry["data_offsets"][1].as_u64().unwrap() as usize;
        let values = data[range].as_chunks::<4>().0.iter().map(|&value| f32::from_le_bytes(value)).collect();
        let shape = entry["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
        (name, shape, values)
    };
    header.into_iter().filter(|(name, _)| name != "__metadata__").map(of).collect()
}
