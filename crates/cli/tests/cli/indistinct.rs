//! Texts that a model cannot tell apart: a cosine of nearly 1 with a text that says something else.

use std::net::SocketAddr;

use serde_json::{Map, Value, json};

use super::embedding_server::{Answer, serve};
use super::support::{Finished, Random, Sandbox, csv, gzip, jsonl, npy_f32, number, parquet, texts};

/// What the warning says, whatever the numbers.
const WARNING: &str = "with a text that says something else";

/// Returns distinct sentences of different words.
fn distinct(count: usize) -> Vec<String> {
    texts(5 * count).into_iter().step_by(5).collect()
}

/// Returns distinct sentences in Gujarati letters.
fn gujarati(count: usize) -> Vec<String> {
    let mut random = Random(7);
    let letters: Vec<char> = ('ક'..='હ').filter(|c| c.is_alphabetic()).collect();
    let mut word = || (0..5).map(|_| letters[random.below(letters.len())]).collect::<String>();
    (0..count).map(|_| [word(), word(), word(), word()].join(" ")).collect()
}

/// Answers with one embedding for all texts outside ASCII, and with random ones for all others.
fn blind(texts: &[String]) -> Answer {
    let embedding = |text: &String| {
        let bytes = text.bytes().filter(|_| text.is_ascii());
        let mut random =
            Random(bytes.fold(0, |hash, byte| hash.wrapping_mul(1_099_511_628_211) ^ u64::from(byte)));
        json!({"embedding": (0..16).map(|_| random.below(1009) as i64 - 504).collect::<Vec<_>>()})
    };
    ("200 OK", json!({"data": texts.iter().map(embedding).collect::<Vec<_>>()}))
}

fn command(address: SocketAddr, inputs: &str, out: &str) -> String {
    format!("run {inputs} --out {out} --model http://{address}/v1/embeddings#m --server-attempts 1")
}

/// Returns the warning of a run.
#[track_caller]
fn warning(said: &Finished) -> &str {
    let line = said.stderr.lines().find(|line| line.contains(WARNING));
    line.unwrap_or_else(|| panic!("no warning: {}", said.stderr))
}

#[track_caller]
fn no_warning(said: &Finished) {
    assert!(!said.stderr.contains(WARNING), "{}", said.stderr);
}

/// Returns what a finished run found.
fn found(sandbox: &Sandbox, out: &str) -> Value {
    let summary: Value = serde_json::from_str(&sandbox.text(&format!("{out}/summary.json"))).unwrap();
    summary["indistinct_texts"].clone()
}

/// Returns the close rows, those compared, those that differ, and the estimate.
fn counts(found: &Value) -> [u64; 4] {
    ["close_rows", "compared", "different", "rows"].map(|name| number(found, name))
}

#[test]
fn a_server_with_one_vector_for_a_script_is_told_with_an_example_also_when_the_result_is_there() {
    let sandbox = Sandbox::new();
    let copies = gujarati(40).into_iter().take(5);
    let rows: Vec<String> = distinct(60).into_iter().chain(gujarati(40)).chain(copies).collect();
    sandbox.write("data.jsonl", jsonl(&rows));
    let typed = command(serve(blind), "data.jsonl", "out");
    let said = sandbox.semdedup(&typed).succeeded();
    let first = warning(&said).to_owned();
    // The exact copies are not counted.
    assert!(first.contains("warning: 39 of 105 texts (37.1 %) have a cosine above 0.9999"), "{first}");
    for words in ["--epsilon does not help", "semdedup show OUT --between 0.9999 1", "another --model"] {
        assert!(first.contains(words), "{first}");
    }
    assert!(!first.contains("about") && !first.contains("sample"), "{first}");
    let found = found(&sandbox, "out");
    assert_eq!(counts(&found), [39, 39, 39, 39]);
    let example = &found["example"];
    for (place, text) in [("row", "text"), ("duplicate_of", "duplicate_of_text")] {
        let (place, text) = (example[place].as_str().unwrap(), example[text].as_str().unwrap());
        let row: usize = place.strip_prefix("data.jsonl:").unwrap().parse().unwrap();
        assert_eq!(rows[row], text);
        assert!(first.contains(&format!("{place} \u{201c}{text}\u{201d}")), "{first}");
    }
    let again = sandbox.semdedup(&typed).succeeded();
    assert_eq!(warning(&again), first);
}

#[test]
fn of_many_rows_a_sample_is_read_in_any_format_and_the_estimate_does_not_depend_on_threads() {
    let sandbox = Sandbox::new();
    let rows = gujarati(900);
    sandbox.write("in/a.jsonl.gz", gzip(jsonl(&rows[..300])));
    sandbox.write("in/b.parquet", parquet(&rows[300..600]));
    sandbox.write("in/c.csv", csv(&rows[600..]));
    let address = serve(blind);
    let one = sandbox.semdedup(&format!("{} --threads 1", command(address, "in", "one"))).succeeded();
    let start = "warning: about 899 of 900 texts (99.9 %) have a cosine above 0.9999";
    assert!(warning(&one).contains(start), "{}", warning(&one));
    assert!(warning(&one).contains("estimated from a sample of 256 pairs"), "{}", warning(&one));
    assert_eq!(counts(&found(&sandbox, "one")), [899, 256, 256, 899]);
    sandbox.semdedup(&format!("{} --threads 4", command(address, "in", "four"))).succeeded();
    assert_eq!(found(&sandbox, "one").to_string(), found(&sandbox, "four").to_string());
}

/// Writes a static model of sentence-transformers with a vector for each of twelve words and one for
/// all other words.
fn write_static_model(sandbox: &Sandbox, words: &[String]) {
    let dim = words.len() + 1;
    let mut vocabulary = Map::from_iter([("[UNK]".to_owned(), json!(0))]);
    vocabulary.extend(words.iter().zip(1..).map(|(word, number)| (word.clone(), json!(number))));
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null, "decoder": null,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"},
    });
    let module = "sentence_transformers.models.StaticEmbedding";
    let modules = json!([{"idx": 0, "name": "0", "path": "", "type": module}]);
    let values = (0..dim * dim).flat_map(|i| f32::from(u8::from(i % (dim + 1) == 0)).to_le_bytes());
    let values: Vec<u8> = values.collect();
    let tensor = json!({"dtype": "F32", "shape": [dim, dim], "data_offsets": [0, values.len()]});
    let header = json!({"embedding.weight": tensor}).to_string().into_bytes();
    let file = [&(header.len() as u64).to_le_bytes()[..], &header, &values].concat();
    sandbox.write("model/tokenizer.json", tokenizer.to_string());
    sandbox.write("model/modules.json", modules.to_string());
    sandbox.write("model/model.safetensors", file);
}

#[test]
fn a_static_model_whose_vocabulary_lacks_a_script_is_told() {
    let sandbox = Sandbox::new();
    let words: Vec<String> = ('a'..='l').map(|letter| format!("word{letter}")).collect();
    write_static_model(&sandbox, &words);
    let known: Vec<String> =
        (0..60).map(|n| [n % 12, n / 12 + 3, 11 - n % 7].map(|w| &*words[w]).join(" ")).collect();
    sandbox.write("known.jsonl", jsonl(&known));
    sandbox.write("all.jsonl", jsonl(&[known, gujarati(30)].concat()));
    let said = sandbox.semdedup("run all.jsonl --model model --out all").succeeded();
    assert_eq!(number(&found(&sandbox, "all"), "different"), 29, "{}", said.stderr);
    assert!(warning(&said).contains("29 of 90 texts (32.2 %)"), "{}", warning(&said));
    no_warning(&sandbox.semdedup("run known.jsonl --model model --out known").succeeded());
}

#[test]
fn spellings_of_the_same_texts_are_compared_and_give_no_warning() {
    let sandbox = Sandbox::new();
    let spell =
        |text: &String| [text.clone(), text.to_uppercase(), text.replace(' ', "  "), format!("{text}\n")];
    sandbox.write("data.jsonl", jsonl(&distinct(50).iter().flat_map(spell).collect::<Vec<_>>()));
    no_warning(&sandbox.semdedup("run data.jsonl --out out").succeeded());
    assert_eq!(counts(&found(&sandbox, "out")), [150, 150, 0, 0]);
}

#[test]
fn few_close_rows_are_not_read_again() {
    let sandbox = Sandbox::new();
    let rows = [distinct(20), vec!["One text here".to_owned(), "one  TEXT here".to_owned()]].concat();
    sandbox.write("data.jsonl", jsonl(&rows));
    no_warning(&sandbox.semdedup("run data.jsonl --out out").succeeded());
    assert_eq!(counts(&found(&sandbox, "out")), [1, 0, 0, 0]);
}

#[test]
fn texts_that_are_equal_up_to_the_limit_of_the_model_are_told_once() {
    let sandbox = Sandbox::new();
    let start = "these words are the beginning of each and every text that follows";
    let rows: Vec<String> = distinct(30).iter().map(|text| format!("{start} {text}")).collect();
    sandbox.write("data.jsonl", jsonl(&rows));
    let said = sandbox.semdedup("run data.jsonl --out out --max-tokens 5").succeeded();
    assert!(said.stderr.contains("29 rows are equal to another text up to there"), "{}", said.stderr);
    no_warning(&said);
    assert_eq!(counts(&found(&sandbox, "out")), [0; 4]);
}

#[test]
fn given_embeddings_are_checked_if_their_texts_are_known() {
    let sandbox = Sandbox::new();
    sandbox.write("data.jsonl", jsonl(&distinct(30)));
    let value = |i: usize| f32::from(u8::from(i % 24 == (i / 24).min(20)));
    sandbox.write("e.npy", npy_f32(&(0..30 * 24).map(value).collect::<Vec<_>>(), 24));
    let said = sandbox.semdedup("run data.jsonl --embeddings e.npy --out out").succeeded();
    assert!(warning(&said).contains("9 of 30 texts (30.0 %)"), "{}", warning(&said));
    no_warning(&sandbox.semdedup("run --embeddings e.npy --out alone").succeeded());
    assert_eq!(found(&sandbox, "alone"), Value::Null);
}
