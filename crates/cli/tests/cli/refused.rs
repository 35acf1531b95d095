//! Rows that a model behind a server cannot embed.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::embedding_server::{good, serve};
use super::support::{Sandbox, number};

fn refusing_bad(texts: &[String]) -> (&'static str, Value) {
    match texts.iter().any(|text| text.contains("BAD")) {
        true => ("400 Bad Request", json!({"error": {"message": "maximum context length is 512 tokens"}})),
        false => good(texts),
    }
}

/// Returns a sandbox with 100 rows, of which rows 20 and 60 are bad.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let row = |row: usize| match row {
        20 | 60 => json!({"text": format!("BAD text {row}")}),
        // The second half repeats the first.
        _ => json!({"text": format!("sentence number {} about apples", row % 50)}),
    };
    sandbox.write("data.jsonl", (0..100).map(|number| format!("{}\n", row(number))).collect::<String>());
    sandbox
}

fn run(server: SocketAddr, more: &str) -> String {
    format!(
        "run data.jsonl --out out --epsilon 0.01 --model http://{server}/v1/embeddings#m --server-attempts 1 {more}"
    )
}

#[test]
fn a_row_that_the_server_refuses_is_skipped_and_listed_with_its_words() {
    let sandbox = sandbox();
    let said = sandbox.semdedup(&run(serve(refusing_bad), "--json")).skipped_rows();
    let summary = said.json();
    assert_eq!((number(&summary, "rows_in"), number(&summary, "rows_skipped")), (100, 2), "{summary}");
    assert_eq!(number(&summary, "rows_kept") + number(&summary, "rows_removed"), 98, "{summary}");
    assert_eq!(sandbox.column("out/skipped.parquet", "row"), ["20", "60"]);
    let reason = "the server answered 400: maximum context length is 512 tokens";
    assert_eq!(sandbox.column("out/skipped.parquet", "reason"), [reason, reason]);
    assert!(said.stderr.contains("data.jsonl row 20: the server answered 400"), "{}", said.stderr);
    let kept = sandbox.text("out/kept/data.jsonl");
    assert!(!kept.contains("BAD") && kept.lines().count() as u64 == number(&summary, "rows_kept"));
    let input = sandbox.text("data.jsonl");
    assert!(kept.lines().all(|line| input.lines().any(|other| other == line)), "byte for byte");
}

#[test]
fn strict_stops_at_a_row_that_the_server_refuses_and_names_it() {
    let sandbox = sandbox();
    let words = ["data.jsonl: row 20: the server answered 400", "512 tokens"];
    let said = sandbox.semdedup(&run(serve(refusing_bad), "--strict")).failed_with(&words);
    assert!(said.stderr.contains("--strict"), "{}", said.stderr);
    sandbox.has_no_result("out");
}

#[test]
fn a_server_that_refuses_every_row_stops_the_run() {
    let sandbox = sandbox();
    let only_the_first = |texts: &[String]| match texts == ["semdedup"] {
        true => good(texts),
        false => ("422 Unprocessable Entity", json!({"detail": "no such field"})),
    };
    let words = ["could not embed any of the first 100 texts", "data.jsonl row 0", "422: no such field"];
    sandbox.semdedup(&run(serve(only_the_first), "")).failed_with(&words);
    sandbox.has_no_result("out");
    // Nothing of it is stored, so a server that works embeds all rows.
    let said = sandbox.semdedup(&run(serve(refusing_bad), "--json")).skipped_rows();
    assert_eq!(number(&said.json(), "rows_skipped"), 2);
}

#[test]
fn a_server_that_is_out_of_order_stops_the_run_and_costs_no_row() {
    let sandbox = sandbox();
    let broken = |texts: &[String]| match texts.iter().any(|text| text.contains("BAD")) {
        true => ("503 Service Unavailable", json!({"error": {"message": "overloaded"}})),
        false => good(texts),
    };
    sandbox.semdedup(&run(serve(broken), "")).failed_with(&["503: overloaded"]);
    sandbox.has_no_result("out");
    let said = sandbox.semdedup(&run(serve(good), "--json")).succeeded();
    assert_eq!(number(&said.json(), "rows_skipped"), 0);
}
