//! Pretrained models in folders and on the hub.

use super::support::{Finished, Sandbox};

/// Returns the folder of a small model for tests.
fn folder(name: &str) -> String {
    format!("{}/../embed/tests/data/models/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_run_with_a_model_from_a_folder_removes_copies_and_resumes_under_its_name() {
    let sandbox = Sandbox::with_rows(60);
    let model = folder("bert-tiny");
    let typed = format!("run data.jsonl --out out --json --epsilon 0.00001 --model {model}");
    let summary = sandbox.semdedup(&typed).succeeded().json();
    assert_eq!(summary["model"], model.as_str());
    assert_eq!(summary["dim"], 48);
    assert!(summary["rows_removed"].as_u64().unwrap() > 0, "{summary}");
    // Another prefix gives other embeddings, so nothing is reused.
    let typed =
        format!("{typed} --overwrite --text-prefix query: --max-tokens 20 --precision bf16 --device cpu");
    sandbox.semdedup(&typed).succeeded();
}

#[test]
fn a_missing_model_or_one_of_another_kind_is_refused_before_anything_is_written() {
    let refused = |options: &str, words: &[&str]| {
        let sandbox = Sandbox::with_rows(20);
        let before = sandbox.files("");
        let said = sandbox.semdedup(&format!("run data.jsonl --out out {options}")).failed_with(words);
        assert_eq!(sandbox.files(""), before, "a file was written");
        said.stderr
    };
    let said = refused("--model wordlama", &["wordlama", "there is no such model"]);
    assert!(said.contains("org/name"), "{said}");
    refused("--model no/such/folder", &["no/such/folder", "no such folder"]);
    refused("--model .", &["no config.json"]);
    refused(&format!("--model {}", folder("dinov2-tiny")), &["dinov2-tiny", "reads images, not texts"]);
    refused(&format!("--model {} --max-tokens 97", folder("bert-tiny")), &["97", "at most 96"]);
    refused(&format!("--model {} --device cuda:3", folder("bert-tiny")), &["cuda cannot be used"]);
    refused(&format!("--model {} --device tpu", folder("bert-tiny")), &["tpu", "cpu, cuda or metal"]);
    refused("--text-prefix query:", &["--text-prefix", "pretrained"]);
    refused("--precision f16", &["--precision", "pretrained"]);
}

#[test]
fn a_name_on_a_hub_that_cannot_be_reached_is_an_error_that_names_the_folder_alternative() {
    let sandbox = Sandbox::with_rows(20);
    let ask = |offline: &str| {
        let mut command = sandbox.command("run data.jsonl --out out --model org/name@v1");
        command.env("HF_HOME", sandbox.path("cache")).env("HF_ENDPOINT", "http://127.0.0.1:1");
        Finished::from(command.env("HF_HUB_OFFLINE", offline).output().unwrap())
    };
    let said = ask("0").failed_with(&["org/name", "not in the cache", "http://127.0.0.1:1 cannot be asked"]);
    assert!(said.stderr.contains("name a folder"), "{}", said.stderr);
    let said = ask("1").failed_with(&["org/name", "HF_HUB_OFFLINE is set"]);
    assert!(said.stderr.contains("hf download org/name"), "{}", said.stderr);
}
