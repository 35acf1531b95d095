//! Embeddings that were paid for are found by the content of the rows: nothing that leaves a row as
//! it is makes a model embed it again.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::embedding_server::{Answer, good, serve};
use super::support::{Sandbox, number};

/// A server that counts the texts that it was asked for.
struct Counted {
    address: SocketAddr,
    texts: Arc<AtomicUsize>,
}

impl Counted {
    fn start(answer: fn(&[String]) -> Answer) -> Self {
        let texts = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&texts);
        let address = serve(move |asked: &[String]| {
            // A run asks for this word first, to learn the dimension.
            count.fetch_add(asked.iter().filter(|text| *text != "semdedup").count(), Ordering::SeqCst);
            answer(asked)
        });
        Self { address, texts }
    }

    /// Returns the texts since the last call.
    fn paid(&self) -> usize {
        self.texts.swap(0, Ordering::SeqCst)
    }

    fn command(&self, command: &str, input: &str, out: &str, more: &str) -> String {
        let Self { address, .. } = self;
        format!(
            "{command} {input} --out {out} --model http://{address}/v1/embeddings#m --server-attempts 1 {more}"
        )
    }

    fn run(&self, input: &str, out: &str, more: &str) -> String {
        self.command("run", input, out, &format!("--work w --epsilon 0.01 {more}"))
    }
}

/// Returns rows of JSON with different texts, of which every fifth repeats the one before.
fn rows(numbers: std::ops::Range<usize>) -> String {
    let text = |row: usize| format!("sentence {} of many", if row % 5 == 4 { row - 1 } else { row });
    numbers.map(|row| format!("{}\n", json!({"text": text(row), "id": row, "key": 2 * row}))).collect()
}

fn rows_of(number: usize) -> String {
    format!("{}\n", json!({"text": format!("sentence {number} of some")}))
}

/// Returns a sandbox with 300 rows.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("in/b.jsonl", rows(0..300));
    sandbox
}

#[test]
fn rows_that_stay_the_same_are_never_paid_for_twice() {
    let (sandbox, server) = (sandbox(), Counted::start(good));
    let mut step = 0;
    let mut paid = |input: &str, more: &str| {
        step += 1;
        let said =
            sandbox.semdedup(&server.run(input, &format!("o{step}"), &format!("--json {more}"))).succeeded();
        (server.paid(), number(&said.json(), "reused_embeddings"))
    };
    // Copies in one request are asked for once.
    assert_eq!(paid("in", ""), (240, 0));
    // A file that sorts before the other, so that every row has another number.
    sandbox.write("in/a.jsonl", rows(300..310));
    assert_eq!(paid("in", ""), (8, 300));
    let whole = sandbox.result("o2");
    fs::hard_link(sandbox.path("in/b.jsonl"), sandbox.path("link")).unwrap();
    assert_eq!(paid("in", ""), (0, 310));
    let mut mode = fs::metadata(sandbox.path("in/a.jsonl")).unwrap().permissions();
    mode.set_readonly(true);
    fs::set_permissions(sandbox.path("in/a.jsonl"), mode).unwrap();
    assert_eq!(paid("in", ""), (0, 310));
    assert_eq!(sandbox.result("o4"), whole);
    fs::create_dir(sandbox.path("copy")).unwrap();
    for name in ["a.jsonl", "b.jsonl"] {
        fs::copy(sandbox.path(&format!("in/{name}")), sandbox.path(&format!("copy/{name}"))).unwrap();
    }
    assert_eq!(paid("copy", ""), (0, 310));
    fs::rename(sandbox.path("copy"), sandbox.path("renamed")).unwrap();
    assert_eq!(paid("renamed", ""), (0, 310));
    assert_eq!(sandbox.result("o6"), whole);
    assert_eq!(paid("in", "--id-column key"), (0, 310));
    assert_eq!(paid("in", "--max-row-bytes 100000"), (0, 310));
    // One row is edited, one is new, and the rest has moved.
    let edited = rows(0..300).replacen("sentence 7 ", "sentence seven ", 1);
    sandbox.write("in/b.jsonl", format!("{}{edited}", rows(900..901)));
    assert_eq!(paid("in", ""), (2, 309));
    // The result is that of a run that embeds everything.
    sandbox.semdedup(&server.command("run", "in", "fresh", "--epsilon 0.01")).succeeded();
    assert_eq!(sandbox.result("o9"), sandbox.result("fresh"));
}

#[test]
fn a_text_is_paid_for_once_in_a_run_however_far_apart_its_rows_are() {
    let (sandbox, server) = (Sandbox::new(), Counted::start(good));
    // A request has 32 texts, and a thread asks for 256 at a time.
    let file = |rows: usize| (0..rows).map(|row| rows_of(row % 700)).collect::<String>();
    sandbox.write("in/a.jsonl", file(5000));
    sandbox.write("in/b.jsonl", file(900));
    let said = sandbox.semdedup(&server.run("in", "out", "")).succeeded();
    assert_eq!(server.paid(), 700);
    assert!(said.stdout.contains("700 rows, each a different one; 5,200 more rows repeat them"), "{said:?}");
    let summary: serde_json::Value = serde_json::from_slice(&sandbox.read("out/summary.json")).unwrap();
    let counts = ["embedded_rows", "repeated_rows", "exact_duplicates"].map(|name| number(&summary, name));
    assert_eq!(counts, [700, 5200, 5200]);
}

#[test]
fn embed_finds_what_run_has_paid_for() {
    let (sandbox, server) = (sandbox(), Counted::start(good));
    sandbox.semdedup(&server.command("embed", "in", "e", "")).succeeded();
    sandbox.write("in/c.jsonl", rows(400..420));
    server.paid();
    sandbox.semdedup(&server.command("embed", "in", "e", "")).succeeded();
    assert_eq!(server.paid(), 16);
    sandbox.semdedup("cluster e --clusters 3 --out c").succeeded();
    sandbox
        .semdedup("score e --centroids c/centroids.npy --assignments c/assignments.npy --out s.parquet")
        .succeeded();
    assert_eq!(sandbox.column("s.parquet", "row").len(), 320);
}

#[test]
fn results_of_different_rows_share_a_work_directory_and_both_can_be_shown() {
    let (sandbox, server) = (sandbox(), Counted::start(good));
    sandbox.write("other.jsonl", rows(1000..1100));
    sandbox.semdedup(&server.run("in", "a", "")).succeeded();
    let pairs = sandbox.semdedup("show a --random 5").succeeded().stdout;
    sandbox.semdedup(&server.run("other.jsonl", "b", "")).succeeded();
    assert_eq!(sandbox.semdedup("show a --random 5").succeeded().stdout, pairs);
    sandbox.semdedup("show b --random 5").succeeded();
    // The embeddings of both stay, so that neither is paid for again.
    server.paid();
    for (input, again) in [("in", "a2"), ("other.jsonl", "b2")] {
        let summary = sandbox.summary(&server.run(input, again, ""));
        assert!(summary["reused_stages"].to_string().contains("embed"), "{summary}");
    }
    assert_eq!(server.paid(), 0);
    assert_eq!(sandbox.result("a2"), sandbox.result("a"));
    assert_eq!(sandbox.result("b2"), sandbox.result("b"));
}

#[test]
fn embeddings_that_other_rows_contain_are_stored_once() {
    let (sandbox, server) = (sandbox(), Counted::start(good));
    sandbox.semdedup(&server.run("in", "a", "")).succeeded();
    let pairs = sandbox.semdedup("show a --random 5").succeeded().stdout;
    sandbox.write("in/c.jsonl", rows(400..401));
    sandbox.semdedup(&server.run("in", "b", "")).succeeded();
    let matrices =
        sandbox.files("w").into_keys().filter(|name| name.ends_with(".npy") && name.contains("embeddings-"));
    assert_eq!(matrices.count(), 1);
    assert_eq!(sandbox.semdedup("show a --random 5").succeeded().stdout, pairs);
    // The first rows alone are made of the second ones.
    fs::remove_file(sandbox.path("in/c.jsonl")).unwrap();
    server.paid();
    sandbox.semdedup(&server.run("in", "a2", "")).succeeded();
    assert_eq!(server.paid(), 0);
    assert_eq!(sandbox.result("a2"), sandbox.result("a"));
}

#[test]
fn another_model_is_refused_and_costs_nothing_that_was_paid_for() {
    let (sandbox, server) = (sandbox(), Counted::start(good));
    sandbox.semdedup(&server.run("in", "a", "")).succeeded();
    let before = sandbox.files("w");
    sandbox.semdedup("run in --out b --work w").failed_with(&["w: holds other embeddings", "this run: "]);
    assert_eq!(sandbox.files("w"), before);
    server.paid();
    sandbox.semdedup(&server.run("in", "a", "--overwrite")).succeeded();
    assert_eq!(server.paid(), 0);
}

#[test]
fn a_server_that_only_refuses_is_at_fault_however_much_was_reused() {
    fn refusing_new(texts: &[String]) -> Answer {
        match texts.iter().any(|text| text.contains("of none")) {
            true => ("400 Bad Request", json!({"error": {"message": "no such model"}})),
            false => good(texts),
        }
    }
    let (sandbox, server) = (sandbox(), Counted::start(refusing_new));
    sandbox.semdedup(&server.run("in", "a", "")).succeeded();
    let new = rows(500..600).replace("of many", "of none");
    sandbox.write("in/c.jsonl", new);
    sandbox
        .semdedup(&server.run("in", "b", ""))
        .failed_with(&["could not embed any of the first", "no such model"]);
    sandbox.has_no_result("b");
}

#[test]
fn ids_are_checked_before_anything_is_paid_for() {
    let (sandbox, server) = (Sandbox::new(), Counted::start(good));
    for (name, last, words) in [
        ("twice", json!({"text": "the last", "id": 7}), "id 7 names two rows"),
        ("none", json!({"text": "the last"}), "has no id"),
    ] {
        sandbox.write(&format!("{name}.jsonl"), format!("{}{last}\n", rows(0..300)));
        sandbox
            .semdedup(&server.run(&format!("{name}.jsonl"), name, "--id-column id"))
            .failed_with(&[words, "300"]);
        assert_eq!(server.paid(), 0);
    }
}

#[test]
fn a_changed_bit_in_embeddings_that_are_looked_up_is_noticed() {
    let (server, sandbox) = (Counted::start(good), sandbox());
    sandbox.semdedup(&server.run("in", "out", "")).succeeded();
    server.paid();
    let path = "w/embed/embeddings-00000.npy";
    let whole = sandbox.read(path);
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 4;
    sandbox.write(path, flipped);
    sandbox.write("in/c.jsonl", rows(300..310));
    sandbox.semdedup(&server.run("in", "second", "")).failed_with(&["is damaged: its bytes are not those"]);
    assert_eq!(server.paid(), 0);
    let moved = sandbox.files("w").into_keys().find(|name| name.ends_with("embeddings-00000.npy")).unwrap();
    sandbox.write(&format!("w/{moved}"), whole);
    sandbox.semdedup(&server.run("in", "second", "")).succeeded();
    // Two of the ten repeat the one before.
    assert_eq!(server.paid(), 8);
}
