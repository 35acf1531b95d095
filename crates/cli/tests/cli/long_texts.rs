//! Texts that are longer than the limit of the model: rows that are equal up to it are no exact
//! copies.

use serde_json::{Value, json};

use super::embedding_server::{good, serve};
use super::support::{Sandbox, number};

/// Returns rows of which the second and the third agree with the first up to the limit of 8 tokens.
/// The third is a copy of the second, and the rest is different.
fn rows() -> String {
    let begin = "one two three four five six seven eight nine ten eleven";
    let mut texts = vec![format!("{begin} a"), format!("{begin} b"), format!("{begin} b")];
    texts.extend((0..20).map(|row| format!("row {row} is short")));
    texts.iter().map(|text| format!("{}\n", json!({"text": text}))).collect()
}

/// Runs with some options, and returns the summary and what was printed.
fn run(options: &str) -> (Value, String) {
    let sandbox = Sandbox::new();
    sandbox.write("data.jsonl", rows());
    let command = format!("run data.jsonl --out out --epsilon 0.00001 {options}");
    let said = sandbox.semdedup(&command).succeeded();
    let summary = serde_json::from_slice(&sandbox.read("out/summary.json")).unwrap();
    (summary, said.stdout + &said.stderr)
}

/// Returns the exact copies, the other rows of one embedding, and those that are equal up to the
/// limit.
fn counts(summary: &Value) -> [u64; 3] {
    ["exact_duplicates", "same_embedding", "equal_up_to_limit"].map(|name| number(summary, name))
}

fn bert() -> String {
    format!("--model {}/../embed/tests/data/models/bert-tiny", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn rows_that_are_equal_up_to_the_limit_of_the_model_are_no_exact_copies() {
    for model in ["", &bert()] {
        let (summary, said) = run(&format!("--max-tokens 8 {model}"));
        assert_eq!(counts(&summary), [1, 0, 1], "{model}: {summary:#}");
        assert!(number(&summary, "rows_removed") >= 2, "{model}: {summary:#}");
        assert!(said.contains("equal at first") && said.contains("equal up to the limit"), "{said}");
        assert!(said.contains("1 row is equal to another text up to there"), "{said}");
        assert!(said.contains("a higher --max-tokens compares more"), "{said}");
        let (whole, said) = run(model);
        assert_eq!(counts(&whole), [1, 0, 0], "{model}: {whole:#}");
        assert!(!said.contains("up to"), "{said}");
    }
}

#[test]
fn texts_that_a_server_cuts_off_without_a_word_are_other_texts_of_one_embedding() {
    let address = serve(|texts| {
        let cut = |text: &String| text.split(' ').take(8).collect::<Vec<_>>().join(" ");
        let (status, mut body) = good(&texts.iter().map(cut).collect::<Vec<_>>());
        // A field of this name that says something else is ignored.
        body["data"][0]["truncated"] = json!("perhaps");
        (status, body)
    });
    let (summary, said) = run(&format!("--model http://{address}/v1/embeddings#m"));
    assert_eq!(counts(&summary), [1, 1, 0], "{summary:#}");
    assert!(said.contains("another text"), "{said}");
}

#[test]
fn texts_of_which_a_server_says_that_it_cut_them_off_are_equal_up_to_the_limit() {
    let address = serve(|texts| {
        let cut = |text: &String| text.split(' ').take(8).collect::<Vec<_>>().join(" ");
        let (status, mut body) = good(&texts.iter().map(cut).collect::<Vec<_>>());
        for (item, text) in body["data"].as_array_mut().unwrap().iter_mut().zip(texts) {
            item["truncated"] = json!(text.split(' ').count() > 8);
        }
        (status, body)
    });
    let (summary, said) = run(&format!("--model http://{address}/v1/embeddings#m"));
    assert_eq!(counts(&summary), [1, 0, 1], "{summary:#}");
    assert_eq!(number(&summary, "truncated_texts"), 3);
    assert!(said.contains("equal up to the limit"), "{said}");
    assert!(said.contains("3, which the server cut off"), "{said}");
    assert!(said.contains("longer than the server reads") && said.contains("--server-fields"), "{said}");
    assert!(!said.contains("--max-tokens"), "{said}");
    let sandbox = Sandbox::new();
    sandbox.write("data.jsonl", rows());
    let embed = format!("embed data.jsonl --out e --model http://{address}/v1/embeddings#m");
    let said = sandbox.semdedup(&embed).succeeded().stdout;
    assert!(said.contains("3, which the server cut off"), "{said}");
}

#[test]
fn a_short_text_that_equals_the_beginning_of_a_long_one_is_equal_up_to_the_limit() {
    for texts in [["cat dog bird", "cat dog bird x"], ["cat dog bird x", "cat dog bird"]] {
        let sandbox = Sandbox::new();
        sandbox.write("data.txt", texts.join("\n"));
        let summary = sandbox.summary("run data.txt --out out --max-tokens 3");
        assert_eq!(number(&summary, "truncated_texts"), 1, "{summary:#}");
        assert_eq!(counts(&summary), [0, 0, 1], "{texts:?}: {summary:#}");
    }
}

#[test]
fn scores_of_embeddings_do_not_speak_of_copies() {
    let sandbox = Sandbox::new();
    sandbox.write("data.jsonl", rows());
    sandbox.semdedup("embed data.jsonl --out e --max-tokens 8").succeeded();
    sandbox.semdedup("cluster e --clusters 2 --out c").succeeded();
    let score = "score e --centroids c/centroids.npy --assignments c/assignments.npy --out s.parquet";
    let said = sandbox.semdedup(score).succeeded().stdout;
    assert!(said.contains("same embedding  2 (") && !said.contains("cop"), "{said}");
}
