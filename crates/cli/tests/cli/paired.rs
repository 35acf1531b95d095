//! Files of embeddings are paired with the input files.

use serde_json::json;

use super::provided::{DIM, with_embeddings};
use super::support::{Sandbox, npy_f32, number};

#[test]
fn embeddings_in_files_belong_to_the_rows_of_the_input_files_in_order() {
    let (sandbox, values) = with_embeddings(300);
    sandbox.semdedup("run data.jsonl --id-column id --out texts").succeeded();
    let expected = sandbox.column("texts/removed.parquet", "id");
    let lines = sandbox.text("data.jsonl");
    let lines: Vec<&str> = lines.lines().collect();
    for (name, rows) in [("0", 0..100), ("1", 100..300)] {
        sandbox.write(&format!("rows/part-{name}.jsonl"), lines[rows.clone()].join("\n"));
        // These names sort in another order; the numbers in them decide.
        sandbox.write(
            &format!("npy/emb-{name:0>2}.npy"),
            npy_f32(&values[rows.start * DIM..rows.end * DIM], DIM),
        );
    }
    sandbox.semdedup("run rows --embeddings npy --id-column id --out a").succeeded();
    assert_eq!(sandbox.column("a/removed.parquet", "id"), expected);
    sandbox
        .semdedup("run rows --embeddings npy/emb-00.npy --embeddings npy/emb-01.npy --id-column id --out b")
        .succeeded();
    assert_eq!(sandbox.result("b"), sandbox.result("a"));
    let said = sandbox.semdedup("show a").succeeded();
    assert!(!said.stdout.contains("(no text)"), "the texts are available: {}", said.stdout);
    let plan = sandbox.summary("run rows --embeddings npy --out c --dry-run");
    assert_eq!(number(&plan, "rows"), 300);
    // Other embeddings make another result.
    sandbox.write("npy/emb-01.npy", npy_f32(&values[..200 * DIM], DIM));
    sandbox.semdedup("run rows --embeddings npy --id-column id --out a").failed_with(&["another result"]);
}

/// Returns 30 rows whose ids start with `name`.
fn rows(name: &str) -> String {
    (0..30).map(|row| format!("{}\n", json!({"id": format!("{name}-{row}"), "text": "x"}))).collect()
}

/// Returns the embeddings of 30 rows, of which the last `equal` are the same.
fn embeddings(equal: usize) -> Vec<u8> {
    let value = |row: usize, p: usize| ((row.min(30 - equal) * 8 + p + 1000 * equal) as f32 * 1.7).sin();
    npy_f32(&(0..240).map(|i| value(i / 8, i % 8)).collect::<Vec<f32>>(), 8)
}

/// Returns how many rows of `one` and of `two` were removed.
fn removed(sandbox: &Sandbox, out: &str) -> [usize; 2] {
    let ids = sandbox.column(&format!("{out}/removed.parquet"), "id");
    ["one-", "two-"].map(|name| ids.iter().filter(|id| id.starts_with(name)).count())
}

#[test]
fn a_hidden_file_that_is_named_needs_its_file_of_embeddings() {
    let sandbox = Sandbox::new();
    for name in ["a", "_b", "c"] {
        sandbox.write(&format!("r/{name}.jsonl"), rows(name));
    }
    ["x", "y", "z"].iter().for_each(|name| sandbox.write(&format!("e/{name}.npy"), embeddings(3)));
    let run = "run r/a.jsonl r/_b.jsonl r/c.jsonl --out out --dry-run --embeddings e/x.npy";
    sandbox
        .semdedup(&format!("{run} --embeddings e/z.npy"))
        .failed_with(&["2 files of embeddings for 3 files of rows"]);
    let plan = sandbox.summary(&format!("{run} --embeddings e/y.npy --embeddings e/z.npy"));
    assert_eq!(number(&plan, "rows"), 90);
}

#[test]
fn files_are_paired_by_their_names_and_not_by_their_order() {
    let sandbox = Sandbox::new();
    // The extensions, the zeros and the case of these names change their order.
    for (number, names) in [
        ["r/train.jsonl", "r/train.more.jsonl", "e/train.npy", "e/train.more.npy"],
        ["r/m_9.jsonl", "r/m_10.jsonl", "e/i_09.npy", "e/i_10.npy"],
        ["r/B.jsonl", "r/a.jsonl", "e/B.npy", "e/a.npy"],
        ["r/x-y/1.jsonl", "r/x/1.jsonl", "e/x-y/1.npy", "e/x/1.npy"],
    ]
    .iter()
    .enumerate()
    {
        let at = |name: &str| format!("{number}/{name}");
        sandbox.write(&at(names[0]), rows("one"));
        sandbox.write(&at(names[1]), rows("two"));
        // A wrong pair would remove other numbers of rows.
        sandbox.write(&at(names[2]), embeddings(3));
        sandbox.write(&at(names[3]), embeddings(9));
        let run = format!("run {number}/r --id-column id --epsilon 0.001 --out {number}/out");
        let embeddings = if names[2].matches('/').count() > 1 { "e/*/*.npy" } else { "e" };
        sandbox.semdedup(&format!("{run} --embeddings {number}/{embeddings}")).succeeded();
        assert_eq!(removed(&sandbox, &format!("{number}/out")), [2, 8], "{names:?}");
    }
    // For files that are named one by one, the order must agree with the names, and decides if the
    // names do not.
    let typed =
        "run 1/r/m_9.jsonl 1/r/m_10.jsonl --embeddings 1/e/i_10.npy --embeddings 1/e/i_09.npy --out out";
    sandbox.semdedup(typed).failed_with(&["1/e/i_10.npy", "1/r/m_9.jsonl", "belong to others"]);
    let typed = "run 2/r/a.jsonl 2/r/B.jsonl --embeddings 1/e/i_10.npy --embeddings 1/e/i_09.npy";
    sandbox.semdedup(&format!("{typed} --id-column id --epsilon 0.001 --out typed")).succeeded();
    assert_eq!(removed(&sandbox, "typed"), [2, 8]);
    let others = ["0/r/train.jsonl", "1/r/m_9.jsonl"].join(" ");
    sandbox
        .semdedup(&format!("run {others} --embeddings 2/e --out out"))
        .failed_with(&["which file belongs to which"]);
    sandbox.has_no_result("out");
}
