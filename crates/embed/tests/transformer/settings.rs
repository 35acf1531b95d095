//! Settings that are easily overlooked: each has the effect that it has in the reference, or is
//! refused by name.

use std::fs;
use std::path::Path;

use semdedup_embed::{LoadOptions, Towers, load};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    assert_says, copy_of, cosine, data, embed, images, module, open, problem, read_npy, safetensors, tensors,
    text_model, write,
};

fn read(folder: &TempDir, file: &str) -> Value {
    fs::read(folder.path().join(file))
        .map_or_else(|_| json!({}), |bytes| serde_json::from_slice(&bytes).unwrap())
}

/// Copies a folder and sets fields in one of its files. Null removes a field.
fn changed(name: &str, file: &str, fields: &Value) -> TempDir {
    let folder = copy_of(name);
    let mut config = read(&folder, file);
    for (field, value) in fields.as_object().unwrap() {
        match value {
            Value::Null => drop(config.as_object_mut().unwrap().remove(field)),
            value => config[field] = value.clone(),
        }
    }
    write(&folder, file, &config);
    folder
}

#[track_caller]
fn assert_refused(name: &str, file: &str, fields: &Value, parts: &[&str]) {
    assert_says(&problem(&changed(name, file, fields)), &[&[file], parts].concat());
}

/// Whether a text model gives the same embeddings with other fields as without them.
fn same(name: &str, file: &str, fields: &Value) -> bool {
    let text = ["a library for numbers, arrays and fast transforms"];
    let plain = embed(&*text_model(name, &LoadOptions::default()), &text);
    embed(&*open(changed(name, file, fields).path()).unwrap(), &text) == plain
}

#[test]
fn every_variant_is_embedded_as_transformers_does() {
    let folder = data().join("variants");
    let listed: Value = serde_json::from_slice(&fs::read(folder.join("variants.json")).unwrap()).unwrap();
    let texts: Vec<&str> =
        listed["texts"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    for variant in listed["variants"].as_array().unwrap() {
        let text = |field: &str| variant[field].as_str().unwrap();
        let copy = copy_of(text("folder"));
        let mut config = read(&copy, text("file"));
        for (field, value) in variant["change"].as_object().unwrap() {
            config[field] = value.clone();
        }
        for field in variant["remove"].as_array().unwrap() {
            config.as_object_mut().unwrap().remove(field.as_str().unwrap());
        }
        write(&copy, text("file"), &config);
        if data().join(text("folder")).join("1_Pooling").is_dir() {
            write(&copy, "1_Pooling/config.json", &json!({"pooling_mode": "mean"}));
        }
        let (references, dim) = read_npy(&folder.join(format!("{}.npy", text("name"))));
        let (rows, least) = match text("folder") {
            "vit-tiny" => (embed_images(copy.path()), 0.9995),
            _ => (embed(&*open(copy.path()).unwrap(), &texts), 0.99999),
        };
        assert_eq!(rows.len(), references.len(), "{}", text("name"));
        for (number, (ours, reference)) in rows.chunks(dim).zip(references.chunks(dim)).enumerate() {
            let found = cosine(ours, reference);
            assert!(found >= least, "{}: row {number}: {found}", text("name"));
        }
    }
}

fn embed_images(folder: &Path) -> Vec<f32> {
    let images = images();
    let options = LoadOptions { towers: Towers::Images, ..LoadOptions::default() };
    let model = load(folder.to_str().unwrap(), &options).unwrap().image.unwrap();
    let mut rows = vec![f32::NAN; images.len() * model.dim()];
    model.embed(&images, &mut rows).unwrap();
    rows
}

#[test]
fn vit_without_the_name_of_its_processor_is_prepared_as_vit() {
    let named = changed("vit-tiny", "preprocessor_config.json", &json!({"resample": null}));
    let unnamed = changed(
        "vit-tiny",
        "preprocessor_config.json",
        &json!({"resample": null, "image_processor_type": null, "size": 32}),
    );
    assert_eq!(embed_images(named.path()), embed_images(unnamed.path()));
}

#[test]
fn code_that_a_model_brings_is_not_ignored() {
    let map = json!({"auto_map": {"AutoModel": "modeling_qwen.Qwen2Model", "AutoConfig": "c.C"}});
    assert_refused(
        "qwen2-tiny",
        "config.json",
        &map,
        &["auto_map", "modeling_qwen.Qwen2Model", "its own code"],
    );
    let heads = json!({"auto_map": {"AutoModelForSequenceClassification": "m.M", "AutoConfig": "c.C"}});
    assert!(same("qwen2-tiny", "config.json", &heads), "none of it is computed here");
}

#[test]
fn contradictions_in_a_config_are_errors() {
    let refused = |name, fields: Value, parts: &[&str]| assert_refused(name, "config.json", &fields, parts);
    refused(
        "gemma-tiny",
        json!({"use_bidirectional_attention": true}),
        &["use_bidirectional_attention", "is_causal"],
    );
    refused("mistral-tiny", json!({"layer_types": ["full_attention", "full_attention"]}), &["layer_types"]);
    refused("gemma2-tiny", json!({"attn_logit_softcapping": 0.0}), &["attn_logit_softcapping", "above 0"]);
    let linear = json!({"rope_type": "linear", "factor": 3.0});
    refused("llama-tiny", json!({"rope_scaling": linear}), &["`rope_scaling`", "rope_parameters"]);
    refused(
        "gemma3-tiny",
        json!({"rope_parameters": {"rope_type": "default", "rope_theta": 77.0}}),
        &["a section for each kind"],
    );
    refused("llama-tiny", json!({"rope_parameters": {"rope_theta": 0.0}}), &["rope_theta", "above 0"]);
    refused(
        "llama-tiny",
        json!({"rope_parameters": {"rope_type": "linear", "factor": 0.0}}),
        &["factor", "above 0"],
    );
}

#[test]
fn the_same_rotation_said_twice_is_no_contradiction() {
    let folder = copy_of("llama-tiny");
    let new = read(&folder, "config.json")["rope_parameters"].clone();
    let mut old = new.clone();
    old.as_object_mut().unwrap().remove("rope_theta");
    assert!(same(
        "llama-tiny",
        "config.json",
        &json!({"rope_scaling": old, "rope_theta": new["rope_theta"]})
    ));
    assert!(same("llama-tiny", "config.json", &json!({"rope_scaling": {}})));
}

#[test]
fn the_second_description_of_clips_text_model_is_the_one_that_counts() {
    let folder = copy_of("clip-tiny");
    let config = read(&folder, "config.json");
    let mut second = config["text_config"].clone();
    assert!(same("clip-tiny", "config.json", &json!({"text_config_dict": second})));
    assert!(same(
        "clip-tiny",
        "config.json",
        &json!({"text_config": {"hidden_size": 7}, "text_config_dict": second})
    ));
    second["hidden_act"] = "gelu".into();
    assert!(!same("clip-tiny", "config.json", &json!({"text_config_dict": second})));
    second["num_attention_heads"] = Value::Null;
    let folder = changed("clip-tiny", "config.json", &json!({"text_config_dict": second}));
    assert!(open(folder.path()).is_ok(), "8 heads, as transformers has it");
}

#[test]
fn adapters_are_refused() {
    assert_refused(
        "bert-tiny",
        "adapter_config.json",
        &json!({"peft_type": "LORA"}),
        &["adapter", "merge_and_unload"],
    );
}

#[test]
fn modules_are_applied_in_their_order() {
    let folder = copy_of("bert-tiny");
    write(&folder, "1_Pooling/config.json", &json!({"pooling_mode": "mean"}));
    let weight: Vec<f32> = (0..96).map(|i| ((i * 37 % 19) as f32 - 9.0) / 5.0).collect();
    let bias = [3.0, -2.0];
    let dense = json!({"in_features": 48, "out_features": 2, "activation_function": "torch.nn.modules.linear.Identity"});
    write(&folder, "3_Dense/config.json", &dense);
    let tensors: [(&str, &[usize], &[f32]); 2] =
        [("linear.weight", &[2, 48], &weight), ("linear.bias", &[2], &bias)];
    fs::write(folder.path().join("3_Dense/model.safetensors"), safetensors(&tensors)).unwrap();
    let (transformer, pooling) = (module(0, "", "Transformer"), module(1, "1_Pooling", "Pooling"));
    let (normalize, dense) = (module(2, "2_Normalize", "Normalize"), module(3, "3_Dense", "Dense"));
    let modules = |list: &[&Value]| write(&folder, "modules.json", &json!(list));
    modules(&[&transformer, &pooling, &normalize]);
    let unit = embed(&*open(folder.path()).unwrap(), &["a library"]);
    assert!(
        (cosine(&unit, &unit) - 1.0).abs() < 1e-12
            && (unit.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-5
    );

    modules(&[&transformer, &pooling, &normalize, &dense]);
    let found = embed(&*open(folder.path()).unwrap(), &["a library"]);
    for ((found, weight), bias) in found.iter().zip(weight.chunks(48)).zip(bias) {
        let wanted = weight.iter().zip(&unit).map(|(w, x)| w * x).sum::<f32>() + bias;
        assert!((found - wanted).abs() < 1e-5, "{found}, {wanted}");
    }

    modules(&[&transformer, &pooling, &pooling]);
    assert_says(&problem(&folder), &["modules.json", "Pooling", "a place that is not known"]);
    modules(&[&transformer, &dense, &pooling]);
    assert_says(&problem(&folder), &["modules.json", "Dense", "a place that is not known"]);
    write(&folder, "2_Normalize/config.json", &json!({"module_input_name": "token_embeddings"}));
    modules(&[&transformer, &pooling, &normalize]);
    assert_says(&problem(&folder), &["2_Normalize/config.json", "module_input_name", "sentence_embedding"]);
}

#[test]
fn only_modules_of_sentence_transformers_are_known() {
    let folder = copy_of("bert-tiny");
    write(&folder, "1_Pooling/config.json", &json!({"pooling_mode": "mean"}));
    let kinds = |transformer: &str, pooling: &str| {
        write(
            &folder,
            "modules.json",
            &json!([{"path": "", "type": transformer}, {"path": "1_Pooling", "type": pooling}]),
        );
    };
    kinds(
        "sentence_transformers.base.modules.transformer.Transformer",
        "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
    );
    assert!(open(folder.path()).is_ok(), "as version 6 calls them");
    for other in ["custom_st.Transformer", "Transformer", "pylate.models.Transformer"] {
        kinds(other, "sentence_transformers.models.Pooling");
        assert_says(&problem(&folder), &["modules.json", other, "is not known"]);
    }
}

#[test]
fn the_default_prompt_is_found_beside_modules_json() {
    let folder = copy_of("bert-tiny");
    let below = folder.path().join("0_Transformer");
    fs::create_dir(&below).unwrap();
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        fs::rename(folder.path().join(file), below.join(file)).unwrap();
    }
    write(&folder, "1_Pooling/config.json", &json!({"pooling_mode": "mean"}));
    write(
        &folder,
        "modules.json",
        &json!([module(0, "0_Transformer", "Transformer"), module(1, "1_Pooling", "Pooling")]),
    );
    let without = open(folder.path()).unwrap();
    let prompts = |name: &str| {
        write(
            &folder,
            "config_sentence_transformers.json",
            &json!({"prompts": {"q": "query: "}, "default_prompt_name": name}),
        );
    };
    prompts("q");
    let with = open(folder.path()).unwrap();
    assert_eq!(embed(&*with, &["library"]), embed(&*without, &["query: library"]));
    assert_ne!(with.fingerprint(), without.fingerprint());
    prompts("passage");
    assert_says(&problem(&folder), &["config_sentence_transformers.json", "default_prompt_name", "passage"]);
    write(&folder, "config_sentence_transformers.json", &json!({"default_prompt_name": "q"}));
    assert_says(&problem(&folder), &["config_sentence_transformers.json", "default_prompt_name"]);
}

#[test]
fn the_limit_is_read_from_every_name_that_its_file_has_had() {
    for kind in ["bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet"] {
        let file = format!("sentence_{kind}_config.json");
        let folder = copy_of("bert-tiny");
        let plain = open(folder.path()).unwrap().fingerprint();
        write(&folder, &file, &json!({"max_seq_length": 5, "do_lower_case": true}));
        let model = open(folder.path()).unwrap();
        let stats = model.embed(&["one two three four five"], &mut [0.0; 48]).unwrap();
        assert_eq!((stats.truncated, stats.tokens), (1, 5), "{file}");
        assert_ne!(model.fingerprint(), plain);
        write(&folder, &file, &json!({"max_seq_length": 5, "do_lower_case": false}));
        assert_ne!(open(folder.path()).unwrap().fingerprint(), model.fingerprint(), "{file} is in the hash");
    }
}

#[test]
fn arguments_for_the_reference_are_not_ignored() {
    let refused = |fields: Value, parts: &[&str]| {
        assert_refused("bert-tiny", "sentence_bert_config.json", &fields, parts)
    };
    for name in
        ["tokenizer_args", "processor_kwargs", "model_args", "model_kwargs", "config_args", "config_kwargs"]
    {
        refused(json!({name: {"model_max_length": 8}}), &[name, "model_max_length"]);
    }
    refused(json!({"processing_kwargs": {"text": {"max_length": 8}}}), &["processing_kwargs", "text"]);
    refused(json!({"transformer_task": "fill-mask"}), &["transformer_task", "feature-extraction"]);
    let pooled =
        json!({"modality_config": {"text": {"method": "forward", "method_output_name": "pooler_output"}}});
    refused(pooled, &["method_output_name", "last_hidden_state"]);
    let harmless = json!({
        "model_args": {"attn_implementation": "sdpa", "trust_remote_code": true},
        "processing_kwargs": {"text": {}},
        "transformer_task": "feature-extraction",
        "modality_config": {"text": {"method": "forward", "method_output_name": "last_hidden_state"}},
    });
    assert!(same("bert-tiny", "sentence_bert_config.json", &harmless));
}

#[test]
fn a_cased_tokenizer_without_its_settings_is_an_error() {
    let fields = json!({"normalizer": {
        "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": false
    }});
    let folder = changed("bert-tiny", "tokenizer.json", &fields);
    assert_says(&problem(&folder), &["tokenizer_config.json: not there", "case"]);
    write(&folder, "tokenizer_config.json", &json!({"do_lower_case": false}));
    assert!(open(folder.path()).is_ok());
}

/// Returns the error of a folder whose tensors have other shapes, and zeros as values.
fn reshaped(name: &str, change: impl Fn(&str, &mut Vec<usize>)) -> String {
    let folder = copy_of(name);
    let path = folder.path().join("model.safetensors");
    let mut all: Vec<(String, Vec<usize>, Vec<f32>)> = Vec::new();
    for (name, mut shape, _) in tensors(&path) {
        change(&name, &mut shape);
        let values = vec![0.0; shape.iter().product()];
        all.push((name, shape, values));
    }
    let all: Vec<(&str, &[usize], &[f32])> = all
        .iter()
        .map(|(name, shape, values)| (name.as_str(), shape.as_slice(), values.as_slice()))
        .collect();
    fs::write(path, safetensors(&all)).unwrap();
    let error = load(folder.path().to_str().unwrap(), &LoadOptions::default()).err().unwrap();
    format!("{error}\n{}", error.hint())
}

#[test]
fn tensors_without_values_are_errors() {
    for part in
        ["text_projection.weight", "visual_projection.weight", "text_model.encoder.layers.0.mlp.fc1.weight"]
    {
        let said = reshaped("clip-tiny", |name, shape| {
            if name == part {
                shape[0] = 0;
            }
        });
        assert_says(&said, &["model.safetensors", part, "[0, "]);
    }
    let said = reshaped("dinov2-tiny", |name, shape| {
        if name.ends_with("encoder.layer.0.mlp.fc1.weight") {
            shape[0] = 0;
        }
    });
    assert_says(&said, &["model.safetensors", "mlp.fc1.weight", "[0, "]);
}

#[test]
fn a_gate_without_its_other_half_is_an_error() {
    let said = reshaped("dinov2-swiglu-tiny", |name, shape| {
        if name.ends_with("encoder.layer.0.mlp.weights_in.weight") {
            shape[0] -= 1;
        }
    });
    assert_says(&said, &["mlp.weights_in.weight", "an even number of rows"]);
}

#[test]
fn sizes_that_no_model_has_are_errors() {
    let huge = 1_u64 << 39;
    let fields = json!({"num_attention_heads": huge, "num_key_value_heads": huge, "head_dim": huge});
    assert_refused("llama-tiny", "config.json", &fields, &["head_dim", "smaller"]);
    assert_refused("llama-tiny", "config.json", &json!({"head_dim": huge}), &["smaller"]);
    for name in ["llama-tiny", "modernbert-tiny"] {
        let folder = changed(name, "sentence_bert_config.json", &json!({"max_seq_length": huge}));
        assert!(open(folder.path()).is_ok(), "{name}: a table for what is read, not for what was asked");
        let mut config = read(&folder, "config.json");
        config["max_position_embeddings"] = huge.into();
        write(&folder, "config.json", &config);
        assert_says(&problem(&folder), &["max_position_embeddings", "smaller"]);
    }
}

#[test]
fn a_prefix_that_leaves_no_room_for_a_text_is_an_error() {
    let options = LoadOptions { prefix: Some("query ".repeat(300)), ..LoadOptions::default() };
    let error = load(data().join("bert-tiny").to_str().unwrap(), &options).err().unwrap();
    assert!(error.to_string().contains("the prefix alone has"), "{error}");
    assert!(error.hint().contains("--text-prefix"));
}
