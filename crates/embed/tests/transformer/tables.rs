//! Static models: a table with a vector for each token, of model2vec and of sentence-transformers.

use std::fs;

use semdedup_embed::{EmbedStats, LoadOptions, Towers, load};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{assert_says, embed, module, open, problem, safetensors, write};

const WORDS: [&str; 6] = ["[UNK]", "[CLS]", "a", "cat", "sat", "mats"];
const VECTORS: [f32; 18] = [
    9.0, 9.0, 9.0, // [UNK]
    8.0, 8.0, 8.0, // [CLS]
    0.0, 1.0, 2.0, // a
    4.0, 0.0, -1.0, // cat
    1.0, -2.0, 0.5, // sat
    0.25, 3.0, 7.0, // mats
];

/// Writes a tokenizer of whole words in lower case, which puts `[CLS]` before a text.
fn write_tokenizer(folder: &TempDir, truncation: &Value) {
    let vocabulary: serde_json::Map<String, Value> =
        WORDS.iter().enumerate().map(|(number, word)| ((*word).to_owned(), json!(number))).collect();
    let special = json!({"SpecialToken": {"id": "[CLS]", "type_id": 0}});
    let text = json!({"Sequence": {"id": "A", "type_id": 0}});
    write(
        folder,
        "tokenizer.json",
        &json!({
            "version": "1.0",
            "truncation": truncation,
            "padding": {
                "strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": 8,
                "pad_id": 0, "pad_type_id": 0, "pad_token": "[UNK]",
            },
            "added_tokens": [],
            "normalizer": {"type": "Lowercase"},
            "pre_tokenizer": {"type": "Whitespace"},
            "post_processor": {
                "type": "TemplateProcessing",
                "single": [special, text],
                "pair": [special, text],
                "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [1], "tokens": ["[CLS]"]}},
            },
            "decoder": null,
            "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"},
        }),
    );
}

fn write_table(folder: &TempDir, tensor: &str) {
    let table: [(&str, &[usize], &[f32]); 1] = [(tensor, &[6, 3], &VECTORS)];
    fs::write(folder.path().join("model.safetensors"), safetensors(&table)).unwrap();
}

/// Makes a folder as model2vec's `save_pretrained` writes it.
fn model2vec(config: &Value) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_tokenizer(&folder, &Value::Null);
    write_table(&folder, "embeddings");
    let mut whole = json!({"model_type": "model2vec", "architectures": ["StaticModel"], "normalize": true});
    whole.as_object_mut().unwrap().extend(config.as_object().unwrap().clone());
    write(&folder, "config.json", &whole);
    let modules = [module(0, ".", "StaticEmbedding"), module(1, "1_Normalize", "Normalize")];
    write(&folder, "modules.json", &json!(modules));
    folder
}

/// Makes a folder as sentence-transformers saves a `StaticEmbedding`.
fn sentence_transformers(truncation: &Value) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_tokenizer(&folder, truncation);
    write_table(&folder, "embedding.weight");
    write(&folder, "modules.json", &json!([module(0, "", "StaticEmbedding")]));
    folder
}

fn unit(row: [f32; 3]) -> Vec<f32> {
    let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
    row.iter().map(|x| x / length).collect()
}

#[track_caller]
fn assert_near(found: &[f32], wanted: &[f32]) {
    let near = found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-6);
    assert!(near && found.len() == wanted.len(), "{found:?}, {wanted:?}");
}

#[test]
fn a_model2vec_folder_gives_the_mean_of_the_known_words() {
    let folder = model2vec(&json!({}));
    let model = open(folder.path()).unwrap();
    assert_eq!(model.dim(), 3);
    assert_near(&embed(&*model, &["A Cat sat"]), &unit([5.0, -1.0, 1.5]));
    // Unknown words do not count, and a text without any other is similar to nothing.
    assert_near(
        &embed(&*model, &["a horse cat", "horse", ""]),
        &[unit([4.0, 1.0, 1.0]), vec![0.0; 6]].concat(),
    );
    // The same without modules.json, as older versions wrote it.
    fs::remove_file(folder.path().join("modules.json")).unwrap();
    assert_near(&embed(&*open(folder.path()).unwrap(), &["A Cat sat"]), &[5.0 / 3.0, -1.0 / 3.0, 0.5]);
}

#[test]
fn a_folder_of_static_embedding_gives_the_mean_of_all_words() {
    let folder = sentence_transformers(&Value::Null);
    let model = open(folder.path()).unwrap();
    assert_near(
        &embed(&*model, &["A Cat sat", "cat horse", ""]),
        &[5.0 / 3.0, -1.0 / 3.0, 0.5, 6.5, 4.5, 4.0, 0.0, 0.0, 0.0],
    );
    let prefixed = LoadOptions { prefix: Some("mats ".to_owned()), ..LoadOptions::default() };
    let prefixed = load(folder.path().to_str().unwrap(), &prefixed).unwrap().text.unwrap();
    assert_near(&embed(&*prefixed, &["cat"]), &[2.125, 1.5, 3.0]);
    assert_ne!(prefixed.fingerprint(), model.fingerprint());
    // In a folder of its own, without a config.json, and truncated.
    let below = tempfile::tempdir().unwrap();
    fs::rename(folder.path(), below.path().join("0_StaticEmbedding")).unwrap();
    write(&below, "modules.json", &json!([module(0, "0_StaticEmbedding", "StaticEmbedding")]));
    write(&below, "config_sentence_transformers.json", &json!({"truncate_dim": 2}));
    assert_near(&embed(&*open(below.path()).unwrap(), &["cat sat"]), &[2.5, -1.0]);
}

#[test]
fn texts_are_cut_where_the_models_files_say() {
    let read = |folder: &TempDir, max_tokens: Option<usize>| {
        let options = LoadOptions { max_tokens, ..LoadOptions::default() };
        let model = load(folder.path().to_str().unwrap(), &options).unwrap().text.unwrap();
        let mut row = [0.0; 3];
        let stats = model.embed(&["cat cat sat sat sat"], &mut row).unwrap();
        (stats.tokens, stats.truncated)
    };
    assert_eq!(read(&model2vec(&json!({})), None), (5, 0));
    assert_eq!(read(&model2vec(&json!({"max_length": 4})), None), (3, 1), "characters of median words first");
    assert_eq!(read(&model2vec(&json!({"max_length": null})), None), (5, 0));
    assert_eq!(read(&model2vec(&json!({"max_length": null})), Some(1)), (1, 1));
    let truncation = json!({"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0});
    assert_eq!(read(&sentence_transformers(&truncation), None), (2, 1));
    assert_eq!(read(&sentence_transformers(&truncation), Some(4)), (4, 1));
}

#[test]
fn a_table_reads_texts_alone_and_in_any_batch_alike() {
    let folder = model2vec(&json!({}));
    let images = LoadOptions { towers: Towers::Images, ..LoadOptions::default() };
    let loaded = load(folder.path().to_str().unwrap(), &images).unwrap();
    assert!(loaded.text.is_none() && loaded.image.is_none());
    let model = open(folder.path()).unwrap();
    let texts: Vec<String> = (0..300).map(|row| WORDS[row % 5 + 1..].join(" ")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let alone: Vec<f32> = texts.iter().flat_map(|text| embed(&*model, &[text])).collect();
    assert_eq!(alone, embed(&*model, &texts));
    assert_eq!(model.embed(&[], &mut []).unwrap(), EmbedStats::default());
}

#[test]
fn tables_that_are_not_simple_are_refused_by_name() {
    let refused = |config: Value, parts: &[&str]| assert_says(&problem(&model2vec(&config)), parts);
    refused(json!({"vocabulary_quantization": 4}), &["config.json", "vocabulary_quantization"]);
    let folder = model2vec(&json!({}));
    let few: [(&str, &[usize], &[f32]); 1] = [("embeddings", &[3, 3], &VECTORS[..9])];
    fs::write(folder.path().join("model.safetensors"), safetensors(&few)).unwrap();
    assert_says(&problem(&folder), &["tokenizer.json: 6 tokens", "3 vectors", "quantization"]);
    let weighted: [(&str, &[usize], &[f32]); 2] =
        [("embeddings", &[6, 3], &VECTORS), ("weights", &[6], &VECTORS[..6])];
    fs::write(folder.path().join("model.safetensors"), safetensors(&weighted)).unwrap();
    assert_says(&problem(&folder), &["`weights`", "quantization"]);
    fs::write(folder.path().join("model.safetensors"), safetensors(&[("linear.weight", &[1, 1], &[1.0])]))
        .unwrap();
    assert_says(&problem(&folder), &["no tensor `embeddings`"]);
}
