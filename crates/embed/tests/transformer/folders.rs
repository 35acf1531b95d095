//! Folders: what their files set, and the errors of incomplete ones.

use std::fs;

use semdedup_embed::{LoadOptions, load};
use serde_json::{Value, json};

use crate::support::{
    assert_says, copy_of, cosine, data, embed, module, open, problem, safetensors, tensors, text_model, write,
};

#[test]
fn an_unknown_architecture_is_an_error_that_lists_the_known_ones() {
    let folder = copy_of("bert-tiny");
    write(&folder, "config.json", &json!({"model_type": "rwkv"}));
    assert_says(&problem(&folder), &["config.json", "rwkv", "bert, ", "modernbert", "opt", "clip", "dinov2"]);
}

#[test]
fn half_a_folder_is_an_error_that_names_what_is_missing() {
    let missing = |name: &str| {
        let folder = copy_of("bert-tiny");
        fs::remove_file(folder.path().join(name)).unwrap();
        (problem(&folder), folder)
    };
    assert_says(&missing("config.json").0, &["no config.json"]);
    assert_says(&missing("tokenizer.json").0, &["tokenizer.json: not there", "save_pretrained"]);
    let (said, folder) = missing("model.safetensors");
    assert_says(&said, &["no weights", "model.safetensors"]);
    fs::write(folder.path().join("pytorch_model.bin"), "pickle").unwrap();
    assert_says(&problem(&folder), &["only pytorch_model.bin"]);
    write(&folder, "model.safetensors.index.json", &json!({"weight_map": {"a": "model-1.safetensors"}}));
    assert_says(&problem(&folder), &["model-1.safetensors", "not fetched whole"]);
    write(&folder, "model.safetensors.index.json", &json!({"weight_map": {"a": "../model.safetensors"}}));
    assert_says(&problem(&folder), &["names `../model.safetensors`"]);

    let folder = copy_of("bert-tiny");
    write(&folder, "modules.json", &json!([module(0, "", "Transformer"), module(1, "1_Pooling", "Pooling")]));
    assert_says(&problem(&folder), &["1_Pooling/config.json", "named by modules.json, but not there"]);
}

#[test]
fn damaged_weights_are_an_error_that_names_the_file() {
    let damaged = |change: &dyn Fn(&mut Vec<u8>)| {
        let folder = copy_of("bert-tiny");
        let path = folder.path().join("model.safetensors");
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::write(path, bytes).unwrap();
        problem(&folder)
    };
    let whole = "model.safetensors: not a whole safetensors file";
    assert_says(&damaged(&|bytes| bytes.truncate(5)), &[whole]);
    assert_says(&damaged(&|bytes| bytes.truncate(100_000)), &[whole]);
    assert_says(&damaged(&|bytes| bytes[3] = 0xff), &[whole]);
    assert_says(&damaged(&|bytes| bytes[9] = b'!'), &[whole]);
    assert_says(
        &damaged(&|bytes| *bytes = b"version https://git-lfs.github.com/spec/v1\n".to_vec()),
        &["Git LFS"],
    );
}

#[test]
fn weights_that_do_not_fit_the_config_are_an_error() {
    let folder = copy_of("bert-tiny");
    let path = folder.path().join("config.json");
    let whole: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let changed = |field: &str, value: Value| {
        let mut config = whole.clone();
        config[field] = value;
        write(&folder, "config.json", &config);
        problem(&folder)
    };
    assert_says(&changed("hidden_size", json!(64)), &["[800, 48] instead of [800, 64]"]);
    assert_says(&changed("num_hidden_layers", json!(3)), &["no tensor `encoder.layer.2."]);
    assert_says(
        &changed("num_attention_heads", json!(7)),
        &["`num_attention_heads` is 7", "a divisor of the width 48"],
    );
    assert_says(&changed("hidden_size", Value::Null), &["`hidden_size` is missing"]);
    assert_says(&changed("vocab_size", json!(-1)), &["`vocab_size` is -1", "a whole number"]);
    assert_says(&changed("hidden_act", json!("xielu")), &["`hidden_act` is \"xielu\"", "gelu"]);
    assert_says(&changed("position_embedding_type", json!("relative_key")), &["must be absolute"]);
}

#[test]
fn limits_that_the_model_cannot_keep_are_errors() {
    let folder = data().join("bert-tiny");
    let limited = |limit| {
        let options = LoadOptions { max_tokens: Some(limit), ..LoadOptions::default() };
        load(folder.to_str().unwrap(), &options).err().unwrap().to_string()
    };
    assert_eq!(limited(97), "the limit on tokens is 97, the model reads at most 96");
    assert_eq!(limited(2), "the limit on tokens is 2, at least 3 are needed");
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let error = load("no/such/folder/at/all", &LoadOptions::default()).err().unwrap();
    assert_says(&error.to_string(), &["no/such/folder/at/all"]);
}

#[test]
fn pooling_and_the_limit_are_those_of_the_models_own_files() {
    let folder = copy_of("bert-tiny");
    let pooled = |config: Value| {
        write(
            &folder,
            "modules.json",
            &json!([module(0, "", "Transformer"), module(1, "1_Pooling", "Pooling")]),
        );
        write(&folder, "1_Pooling/config.json", &config);
        let model = open(folder.path()).unwrap();
        (embed(&*model, &["a library for numbers"]), model.fingerprint())
    };
    let (mean, mean_print) =
        pooled(json!({"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": false}));
    assert_eq!(mean, embed(&*text_model("bert-tiny", &LoadOptions::default()), &["a library for numbers"]));
    let (cls, cls_print) = pooled(json!({"pooling_mode": "cls"}));
    let (last, _) = pooled(json!({"pooling_mode_lasttoken": true}));
    let (max, _) = pooled(json!({"pooling_mode_max_tokens": true}));
    let (root, _) = pooled(json!({"pooling_mode_mean_sqrt_len_tokens": true}));
    let (weighted, _) = pooled(json!({"pooling_mode_weightedmean_tokens": true}));
    let (both, _) = pooled(json!({"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": true}));
    assert_eq!(both, [cls.clone(), mean.clone()].concat(), "in sentence-transformers' order");
    assert!(cosine(&mean, &root) > 0.999_999 && root[0].abs() > 2.0 * mean[0].abs());
    assert!(mean_print != cls_print && cls != mean && last != cls && weighted != mean);
    assert!(max.iter().zip(&cls).zip(&last).all(|((max, cls), last)| max >= cls && max >= last));

    write(&folder, "sentence_bert_config.json", &json!({"max_seq_length": 5, "do_lower_case": false}));
    let mut row = vec![0.0; 96];
    let stats = open(folder.path()).unwrap().embed(&["one two three four five"], &mut row).unwrap();
    assert_eq!((stats.truncated, stats.tokens), (1, 5));
}

#[test]
fn layers_after_pooling_are_computed_and_others_are_refused_by_name() {
    let folder = copy_of("bert-tiny");
    write(&folder, "1_Pooling/config.json", &json!({"pooling_mode": "mean"}));
    let plain = embed(&*open(folder.path()).unwrap(), &["a library"]);
    let dense = json!({
        "in_features": 48, "out_features": 2, "bias": true, "activation_function": "torch.nn.modules.linear.Identity"
    });
    write(&folder, "2_Dense/config.json", &dense);
    let mut weight = vec![0.0; 96];
    (weight[3], weight[48 + 7]) = (2.0, -1.0);
    let tensors: [(&str, &[usize], &[f32]); 2] =
        [("linear.weight", &[2, 48], &weight), ("linear.bias", &[2], &[0.5, 0.25])];
    fs::write(folder.path().join("2_Dense/model.safetensors"), safetensors(&tensors)).unwrap();
    let modules = |last: &[Value]| {
        let first =
            [module(0, "", "Transformer"), module(1, "1_Pooling", "Pooling"), module(2, "2_Dense", "Dense")];
        write(&folder, "modules.json", &Value::Array([&first, last].concat()));
    };
    modules(&[]);
    let model = open(folder.path()).unwrap();
    let found = embed(&*model, &["a library"]);
    assert_eq!(model.dim(), 2);
    assert!((found[0] - (2.0 * plain[3] + 0.5)).abs() < 1e-6 && (found[1] - (0.25 - plain[7])).abs() < 1e-6);

    modules(&[module(3, "3_Normalize", "Normalize")]);
    let unit = embed(&*open(folder.path()).unwrap(), &["a library"]);
    assert!((unit[0].hypot(unit[1]) - 1.0).abs() < 1e-6 && cosine(&unit, &found) > 0.999_999);

    modules(&[module(3, "3_LSTM", "LSTM")]);
    assert_says(&problem(&folder), &["modules.json", "models.LSTM`", "Pooling"]);
    fs::remove_file(folder.path().join("2_Dense/model.safetensors")).unwrap();
    assert_says(&problem(&folder), &["2_Dense", "no weights"]);
}

#[test]
fn weights_in_shards_with_other_names_are_the_same_weights() {
    let folder = copy_of("bert-tiny");
    let path = folder.path().join("model.safetensors");
    // The names in old checkpoints of language models.
    let renamed: Vec<(String, Vec<usize>, Vec<f32>)> = tensors(&path)
        .into_iter()
        .map(|(name, shape, values)| {
            let name = name
                .replace("LayerNorm.weight", "LayerNorm.gamma")
                .replace("LayerNorm.bias", "LayerNorm.beta");
            (format!("bert.{name}"), shape, values)
        })
        .collect();
    fs::remove_file(path).unwrap();
    let mut map = serde_json::Map::new();
    for (number, shard) in renamed.chunks(renamed.len().div_ceil(3)).enumerate() {
        let file = format!("model-{number}.safetensors");
        let shard: Vec<(&str, &[usize], &[f32])> = shard
            .iter()
            .map(|(name, shape, values)| (name.as_str(), shape.as_slice(), values.as_slice()))
            .collect();
        fs::write(folder.path().join(&file), safetensors(&shard)).unwrap();
        shard.iter().for_each(|(name, ..)| drop(map.insert((*name).to_owned(), json!(file))));
    }
    write(&folder, "model.safetensors.index.json", &json!({"weight_map": map}));
    let single = text_model("bert-tiny", &LoadOptions::default());
    let sharded = open(folder.path()).unwrap();
    assert_eq!(embed(&*sharded, &["a library"]), embed(&*single, &["a library"]));
    assert_ne!(sharded.fingerprint(), single.fingerprint());
}
