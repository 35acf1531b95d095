//! Folders of sentence-transformers: truncated embeddings, and CLIP below `modules.json`.

use std::fs;
use std::path::Path;

use semdedup_embed::{LoadOptions, Loaded, ModelError, load};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    assert_says, bits, copy_of, data, embed, images, module, open, problem, safetensors, write,
};

const SETTINGS: &str = "config_sentence_transformers.json";
const TEXTS: [&str; 2] = ["a library for numbers", "fast transforms"];

/// Makes a BERT that pools by the mean and scales to unit length, with these settings.
fn bert(settings: &Value) -> TempDir {
    let folder = copy_of("bert-tiny");
    let modules = [
        module(0, "", "Transformer"),
        module(1, "1_Pooling", "Pooling"),
        module(2, "2_Normalize", "Normalize"),
    ];
    write(&folder, "modules.json", &json!(modules));
    write(&folder, "1_Pooling/config.json", &json!({"pooling_mode": "mean"}));
    write(&folder, SETTINGS, settings);
    folder
}

fn first_values(rows: &[f32], dim: usize, most: usize) -> Vec<u32> {
    rows.chunks(dim).flat_map(|row| bits(&row[..most])).collect()
}

#[test]
fn embeddings_are_truncated_as_the_models_file_says_after_all_modules() {
    let whole_folder = bert(&json!({"truncate_dim": null}));
    let whole = open(whole_folder.path()).unwrap();
    let rows = embed(&*whole, &TEXTS);
    let folder = bert(&json!({"truncate_dim": 16}));
    let model = open(folder.path()).unwrap();
    assert_eq!((whole.dim(), model.dim()), (48, 16));
    assert_eq!(bits(&embed(&*model, &TEXTS)), first_values(&rows, 48, 16), "not scaled once more");
    assert_ne!(model.fingerprint(), whole.fingerprint());
    assert_eq!(open(bert(&json!({"truncate_dim": 500})).path()).unwrap().dim(), 48, "as a slice in Python");
    for wrong in [json!(0), json!(-4), json!("16"), json!(1.5)] {
        assert_says(&problem(&bert(&json!({"truncate_dim": wrong}))), &[SETTINGS, "truncate_dim"]);
    }
}

#[test]
fn a_truncated_model_says_so_in_its_fingerprint() {
    // A version that did not truncate left other embeddings under the hash of the same files.
    let model = open(bert(&json!({"truncate_dim": 16})).path()).unwrap();
    assert!(model.fingerprint().ends_with("/first16"), "{}", model.fingerprint());
}

/// Makes a folder whose `modules.json` names a CLIP model below it, and further modules.
fn clip(further: &[Value], settings: &Value) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("0_CLIPModel")).unwrap();
    for entry in fs::read_dir(data().join("clip-tiny")).unwrap() {
        let from = entry.unwrap().path();
        fs::copy(&from, folder.path().join("0_CLIPModel").join(from.file_name().unwrap())).unwrap();
    }
    let modules = [&[module(0, "0_CLIPModel", "CLIPModel")], further].concat();
    write(&folder, "modules.json", &json!(modules));
    write(&folder, SETTINGS, settings);
    folder
}

fn both(folder: &Path) -> Result<Loaded, ModelError> {
    load(folder.to_str().unwrap(), &LoadOptions::default())
}

/// Returns the embeddings of texts and of images.
fn rows(loaded: Loaded) -> (Vec<f32>, Vec<f32>) {
    let (text, image) = (loaded.text.unwrap(), loaded.image.unwrap());
    assert_eq!(text.dim(), image.dim());
    let images = images();
    let mut of_images = vec![f32::NAN; images.len() * image.dim()];
    image.embed(&images, &mut of_images).unwrap();
    (embed(&*text, &TEXTS), of_images)
}

#[test]
fn clip_below_modules_json_is_read_like_its_own_folder() {
    let plain = both(&data().join("clip-tiny")).unwrap();
    let dim = plain.text.as_ref().map_or(0, |text| text.dim());
    let (texts, images) = rows(plain);
    let below = rows(both(clip(&[], &json!({})).path()).unwrap());
    assert_eq!((bits(&below.0), bits(&below.1)), (bits(&texts), bits(&images)));

    let (few_texts, few_images) = rows(both(clip(&[], &json!({"truncate_dim": 8})).path()).unwrap());
    assert_eq!(bits(&few_texts), first_values(&texts, dim, 8));
    assert_eq!(bits(&few_images), first_values(&images, dim, 8));

    let (unit, _) = rows(both(clip(&[module(1, "1_Normalize", "Normalize")], &json!({})).path()).unwrap());
    for row in unit.chunks(dim) {
        assert!((row.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-5);
    }
}

#[test]
fn a_layer_behind_clip_is_refused_because_images_would_go_through_it_too() {
    let folder = clip(&[module(1, "1_Dense", "Dense")], &json!({}));
    write(&folder, "1_Dense/config.json", &json!({"in_features": 32, "out_features": 2}));
    fs::write(folder.path().join("1_Dense/model.safetensors"), safetensors(&[])).unwrap();
    assert_says(&problem(&folder), &["modules.json", "Dense", "a place that is not known", "CLIPModel"]);
}

#[test]
fn clip_as_newer_versions_of_sentence_transformers_save_it_is_the_same_model() {
    let folder = copy_of("clip-tiny");
    write(&folder, "modules.json", &json!([module(0, "", "Transformer")]));
    let features =
        |kind: &str| json!({"method": format!("get_{kind}_features"), "method_output_name": "pooler_output"});
    let settings = json!({
        "transformer_task": "feature-extraction",
        "modality_config": {"text": features("text"), "image": features("image")},
        "module_output_name": "sentence_embedding",
    });
    write(&folder, "sentence_bert_config.json", &settings);
    let (plain, saved) = (rows(both(&data().join("clip-tiny")).unwrap()), rows(both(folder.path()).unwrap()));
    assert_eq!((bits(&saved.0), bits(&saved.1)), (bits(&plain.0), bits(&plain.1)));
    write(&folder, "sentence_bert_config.json", &json!({}));
    assert_says(&problem(&folder), &["names no module of the kind `Pooling`"]);
}
