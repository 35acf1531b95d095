//! `label`: pairs are asked in bands, and no answer is lost.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use serde_json::{Value, json};

use super::support::{Finished, Sandbox};

/// Texts that share more or less of their words with one before them, and copies.
fn with_run() -> Sandbox {
    let sandbox = Sandbox::new();
    let words = |from: usize, count: usize| {
        (from..from + count)
            .map(|word| format!("word{}", word * 7919 % 100_003))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let mut rows = Vec::new();
    for row in 0..60 {
        let text = words(40 * row, 24);
        rows.push(format!("{text} {}", words(5000 + row, row % 12)));
        rows.push(text.clone());
        rows.push(text);
    }
    let lines = rows.iter().enumerate().map(|(row, text)| format!("{}\n", json!({"id": row, "text": text})));
    sandbox.write("data.jsonl", lines.collect::<String>());
    sandbox.semdedup("run data.jsonl --id-column id --out out").succeeded();
    sandbox
}

/// Runs `label` with these lines as its input.
fn answered(sandbox: &Sandbox, options: &str, lines: &str) -> Finished {
    let mut command = sandbox.command(&format!("label out {options}"));
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that is refused may be gone by now.
    let _ = child.stdin.take().unwrap().write_all(lines.as_bytes());
    child.wait_with_output().unwrap().into()
}

/// The labels in the file, without its header.
fn labels(sandbox: &Sandbox) -> Vec<String> {
    sandbox.text("labels.csv").lines().skip(1).map(str::to_owned).collect()
}

fn answers(sandbox: &Sandbox) -> Vec<String> {
    labels(sandbox).iter().map(|line| line.split(',').nth(2).unwrap().to_owned()).collect()
}

#[test]
fn answers_are_stored_taken_back_and_summed_up() {
    let sandbox = with_run();
    let done = answered(&sandbox, "--json", "y\nn\nwhat\nu\nb\ny\n\nq\ny\n").succeeded();
    assert_eq!(answers(&sandbox), ["true", "false", "true"]);
    assert!(
        done.stderr.contains("Do both say the same?") && done.stderr.contains("similarity 0."),
        "{done:?}"
    );
    let state = done.json();
    assert_eq!((&state["labels"], &state["unsure"], &state["epsilon"]), (&json!(3), &json!(0), &json!(0.07)));
    let bands = state["bands"].as_array().unwrap();
    let sum = |name: &str| bands.iter().map(|band| band[name].as_u64().unwrap()).sum::<u64>();
    let summary: Value = serde_json::from_slice(&sandbox.read("out/summary.json")).unwrap();
    assert_eq!(sum("rows_removed"), summary["rows_removed"].as_u64().unwrap());
    // Each text comes twice, and one of the two is a copy of the other.
    let copies = bands.iter().find(|band| band["band"] == "copies").unwrap();
    assert!(copies["rows"].as_u64().unwrap() >= 55, "{state}");
    // The bands are asked in turn.
    let asked: Vec<String> =
        labels(&sandbox).iter().map(|line| line.split(',').nth(4).unwrap().to_owned()).collect();
    assert!(asked[0] != asked[1] && asked[1] != asked[2] && asked[0] != asked[2], "{asked:?}");
}

#[test]
fn a_session_goes_on_after_a_kill_with_a_half_written_line_and_asks_no_pair_twice() {
    let sandbox = with_run();
    let mut command = sandbox.command("label out");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(b"y\nn\n").unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let said = lines.map(Result::unwrap).filter(|line| line.starts_with("precision")).take(2).count();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!((said, answers(&sandbox)), (2, vec!["true".to_owned(), "false".to_owned()]));

    let mut bytes = sandbox.read("labels.csv");
    bytes.extend(b"17,\"1");
    sandbox.write("labels.csv", bytes);
    let done = answered(&sandbox, "", "u\ny\nb\nb\nb\nn\n");
    assert!(done.stderr.contains("half-written") && done.stderr.contains("no earlier answer"), "{done:?}");
    assert_eq!(answers(&sandbox), ["true", "false", "false"]);
    assert!(done.stdout.contains("semdedup calibrate out --pairs labels.csv --precision 0.95"), "{done:?}");

    // To the end: every pair once.
    let done = answered(&sandbox, "--quiet", &"y\n".repeat(300));
    assert!(done.stderr.contains("every pair that was drawn is labelled"), "{done:?}");
    let mut pairs: Vec<String> = labels(&sandbox)
        .iter()
        .map(|line| line.splitn(3, ',').take(2).collect::<Vec<_>>().join(","))
        .collect();
    let count = pairs.len();
    pairs.sort();
    pairs.dedup();
    assert_eq!(pairs.len(), count);
    let before = sandbox.read("labels.csv");
    assert_eq!(answered(&sandbox, "--quiet", "n\n").succeeded().stdout, "");
    assert_eq!(sandbox.read("labels.csv"), before);
}

#[test]
fn labels_by_band_count_by_the_rows_of_their_bands() {
    let sandbox = with_run();
    answered(&sandbox, "--seed 3", &"y\nn\ny\n".repeat(100)).succeeded();
    let found = sandbox.summary("calibrate out --pairs labels.csv --precision 0.3 --svg plot.svg");
    assert_eq!(found["labels"], "bands");
    // Every row is labelled, so the share is that of all removed rows and nothing is uncertain.
    let at = found["table"].as_array().unwrap().iter().find(|at| at["epsilon"] == 0.07).unwrap();
    let removed = sandbox.column("out/removed.parquet", "id");
    let copies = found["bands"].as_array().unwrap().iter().find(|band| band["band"] == "copies").unwrap();
    let said: Vec<String> = labels(&sandbox)
        .iter()
        .filter(|line| removed.contains(&line.split(',').next().unwrap().to_owned()))
        .map(|line| line.split(',').nth(2).unwrap().to_owned())
        .collect();
    let copies = copies["rows"].as_u64().unwrap() as f64;
    let right = said.iter().filter(|said| *said == "true").count() as f64 + copies;
    let precision = &at["precision"];
    assert!(
        (precision["share"].as_f64().unwrap() - right / removed.len() as f64).abs() < 1e-9,
        "{precision}"
    );
    let interval = [0, 1].map(|end| precision["interval"][end].as_f64().unwrap());
    assert!(interval.iter().all(|end| (end - right / removed.len() as f64).abs() < 1e-9), "{precision}");
    assert_eq!(said.len() as f64 + copies, removed.len() as f64);

    // A pair that this result did not find in its band does not count.
    let first = labels(&sandbox).remove(0);
    let band = first.split(',').nth(4).unwrap();
    let moved = first.replace(&format!(",{band},"), ",0.5-0.7,");
    sandbox.write("labels.csv", sandbox.text("labels.csv").replace(&first, &moved));
    let less = sandbox.summary("calibrate out --pairs labels.csv");
    assert_eq!(less["pairs"]["not_drawn"]["count"], 1, "{less}");
    assert!(sandbox.semdedup("calibrate out --pairs labels.csv").stdout.contains("not drawn here"));
}

#[test]
fn what_cannot_be_labelled_is_refused() {
    let sandbox = with_run();
    sandbox.write("mine.csv", "id_a,id_b,same\n1,2,true\n");
    answered(&sandbox, "--labels mine.csv", "y\n")
        .failed_with(&["mine.csv", "not a file"])
        .hinted("--labels");
    assert_eq!(sandbox.text("mine.csv"), "id_a,id_b,same\n1,2,true\n");
    sandbox.write("apart.jsonl", "{\"text\": \"one cat sat\"}\n{\"text\": \"prices rose again\"}\n");
    sandbox.semdedup("run apart.jsonl --out apart").succeeded();
    sandbox.semdedup("label apart").failed_with(&["no two rows are alike"]).hinted("nothing to label");
    assert!(!sandbox.path("labels.csv").exists());
}
