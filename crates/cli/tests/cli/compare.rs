//! `compare`: what results keep together, and what only one of them removes.

use serde_json::Value;

use super::support::{Sandbox, jsonl, number, texts};

/// Returns the ids of a table.
fn ids(sandbox: &Sandbox, table: &str) -> Vec<String> {
    sandbox.column(table, "id")
}

/// Compares two results with a slow twin: the ids of their tables.
#[track_caller]
fn assert_compared(compared: &Value, all: &[String], removed: [&[String]; 2]) {
    let [a, b] = removed.map(|removed| move |id: &&String| removed.contains(id));
    let count = |wanted: &dyn Fn(&&String) -> bool| all.iter().filter(wanted).count() as u64;
    let pair = &compared["pairs"][0];
    assert_eq!(number(pair, "kept_by_both"), count(&|id| !a(id) && !b(id)), "{compared}");
    assert_eq!(number(pair, "removed_by_both"), count(&|id| a(id) && b(id)), "{compared}");
    assert_eq!(number(pair, "only_first_removed"), count(&|id| a(id) && !b(id)), "{compared}");
    assert_eq!(number(pair, "only_second_removed"), count(&|id| !a(id) && b(id)), "{compared}");
    let kept = count(&|id| !a(id));
    let share = number(pair, "kept_by_both") as f64 / kept as f64;
    assert!((pair["share_of_first"].as_f64().unwrap() - share).abs() < 1e-12, "{compared}");
    assert_eq!(number(&compared["results"][0], "rows_kept"), kept);
    assert_eq!(number(&compared["results"][1], "rows_removed"), count(&b));
    assert_eq!(number(&compared["only_removed"][0], "rows"), number(pair, "only_first_removed"));
}

/// Returns a sandbox with two results of the same rows that differ: `a` and `b`.
fn two_results(options: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("in/one.jsonl", jsonl(&texts(300)));
    let rows = |row: usize, text: &String| {
        format!("{}\n", serde_json::json!({"id": format!("s{row}"), "text": text}))
    };
    let more: String = texts(145).iter().enumerate().map(|(row, text)| rows(row, text)).collect();
    sandbox.write("in/two.jsonl", more);
    sandbox.semdedup(&format!("run in --out a --keep hard --epsilon 0.02 {options}")).succeeded();
    sandbox.semdedup(&format!("run in --out b --keep easy --epsilon 0.3 {options}")).succeeded();
    sandbox
}

#[test]
fn two_runs_are_compared_as_their_tables_say_with_ids_and_without() {
    for options in ["", "--id-column id"] {
        let sandbox = two_results(options);
        let compared = sandbox.summary("compare a b");
        let all = ids(&sandbox, "a/scores.parquet");
        let removed = ["a", "b"].map(|out| ids(&sandbox, &format!("{out}/removed.parquet")));
        assert_compared(&compared, &all, [&removed[0], &removed[1]]);
        assert_eq!(number(&compared, "rows"), 445);
        assert!(number(&compared["pairs"][0], "only_first_removed") > 0, "{compared}");
        assert_eq!(compared["results"][1]["epsilon"], 0.3);
        let files = compared["files"].as_array().unwrap();
        assert_eq!(files.len(), 2, "{compared}");
        let kept = |out: &str, file: usize| {
            let summary: Value = serde_json::from_str(&sandbox.text(&format!("{out}/summary.json"))).unwrap();
            number(&summary["files"][file], "rows_kept")
        };
        for (number, file) in files.iter().enumerate() {
            assert_eq!(
                file["rows_kept"],
                serde_json::json!([kept("a", number), kept("b", number)]),
                "{file}"
            );
        }
    }
}

#[test]
fn a_result_keeps_all_of_what_it_keeps_itself() {
    let sandbox = two_results("");
    let compared = sandbox.summary("compare a a");
    let pair = &compared["pairs"][0];
    assert_eq!((&pair["share_of_first"], &pair["share_of_second"]), (&Value::from(1.0), &Value::from(1.0)));
    assert_eq!((number(pair, "only_first_removed"), number(pair, "only_second_removed")), (0, 0));
}

#[test]
fn rows_that_only_one_result_removes_are_shown_with_their_texts() {
    let sandbox = two_results("--id-column id");
    let compared = sandbox.summary("compare a b --random 5");
    let removed = ["a", "b"].map(|out| ids(&sandbox, &format!("{out}/removed.parquet")));
    for (one, other) in [(0, 1), (1, 0)] {
        let samples = compared["only_removed"][one]["samples"].as_array().unwrap();
        assert_eq!(samples.len(), 5, "{compared}");
        for sample in samples {
            let id = sample["id"].as_str().unwrap().to_owned();
            assert!(removed[one].contains(&id) && !removed[other].contains(&id), "{sample}");
            let line = sandbox.text(&format!("in/{}", sample["file"].as_str().unwrap()));
            let line = line.lines().nth(number(sample, "row") as usize).unwrap().to_owned();
            let row: Value = serde_json::from_str(&line).unwrap();
            assert_eq!((&row["id"], &row["text"]), (&sample["id"], &sample["text"]));
        }
    }
    let said = sandbox.semdedup("compare a b").succeeded().stdout;
    for word in ["rows", "A and B keep", "% of A", "only A removes", "only B removes", "one.jsonl"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert_eq!(sandbox.semdedup("compare a b").stdout, said, "not the same sample");
    // Without the input, the ids remain.
    std::fs::remove_dir_all(sandbox.path("in")).unwrap();
    let without = sandbox.summary("compare a b --random 5");
    let sample = &without["only_removed"][0]["samples"][0];
    assert!(sample["text"].is_null() && sample["id"] == compared["only_removed"][0]["samples"][0]["id"]);
}

#[test]
fn selections_tables_and_lists_of_ids_say_the_same_as_the_run() {
    let sandbox = two_results("--id-column id --output files,ids --ids-format txt,parquet");
    let expected = sandbox.summary("compare a b");
    sandbox.semdedup("select b/scores.parquet --epsilon 0.3 --out s").succeeded();
    for (list, of) in [
        ("b/ids.txt", "ids.txt"),
        ("b/ids.parquet", "kept.parquet"),
        ("b/removed.parquet", "removed.parquet"),
    ] {
        sandbox.write(&format!("elsewhere/{of}"), sandbox.read(list));
    }
    let removed = ids(&sandbox, "b/removed.parquet").join("\r\n");
    sandbox.write("elsewhere/removed-ids.txt", removed);
    for other in [
        "s",
        "b/removed.parquet",
        "elsewhere/ids.txt",
        "elsewhere/kept.parquet",
        "elsewhere/removed.parquet",
        "elsewhere/removed-ids.txt",
    ] {
        let compared = sandbox.summary(&format!("compare a {other}"));
        assert_eq!(compared["pairs"], expected["pairs"], "{other}");
        assert_eq!(compared["files"], expected["files"], "{other}");
        assert_eq!(compared["only_removed"], expected["only_removed"], "{other}");
    }
    // The selection lists all rows too, in another order.
    let compared = sandbox.summary("compare s a");
    let (pair, expected) = (&compared["pairs"][0], &expected["pairs"][0]);
    assert_eq!(pair["only_first_removed"], expected["only_second_removed"]);
    assert_eq!(pair["share_of_first"], expected["share_of_second"]);
}

#[test]
fn lists_alone_are_compared_as_far_as_they_say() {
    let sandbox = Sandbox::new();
    sandbox.write("kept-1.txt", "a\nb\nc\nd\n");
    sandbox.write("kept-2.txt", "d\nc\ne\n");
    let compared = sandbox.summary("compare kept-1.txt kept-2.txt");
    let pair = &compared["pairs"][0];
    assert_eq!((number(pair, "kept_by_both"), &pair["share_of_first"]), (2, &Value::from(0.5)));
    assert!(pair["removed_by_both"].is_null() && compared["rows"].is_null(), "{compared}");
    assert_eq!((number(pair, "only_first_removed"), number(pair, "only_second_removed")), (1, 2));
    assert_eq!(compared["only_removed"][0]["samples"][0]["id"], "e");
    sandbox.write("removed-1.txt", "a\nb\n");
    sandbox.write("removed-2.txt", "b\nc\nd\n");
    let compared = sandbox.summary("compare removed-1.txt removed-2.txt");
    let pair = &compared["pairs"][0];
    assert!(pair["kept_by_both"].is_null() && pair["share_of_first"].is_null(), "{compared}");
    let counts =
        ["removed_by_both", "only_first_removed", "only_second_removed"].map(|name| number(pair, name));
    assert_eq!(counts, [1, 1, 2]);
}

#[test]
fn three_results_are_compared_two_by_two_and_all_together() {
    let sandbox = Sandbox::new();
    for (name, ids) in [("kept-1", "a\nb\nc\n"), ("kept-2", "a\nb\nd\n"), ("kept-3", "a\nd\n")] {
        sandbox.write(name, ids);
    }
    let compared = sandbox.summary("compare kept-1 kept-2 kept-3");
    let both: Vec<u64> =
        compared["pairs"].as_array().unwrap().iter().map(|pair| number(pair, "kept_by_both")).collect();
    assert_eq!((both, number(&compared, "kept_by_all")), (vec![2, 1, 2], 1));
    // Only the third does not keep b; d is missing from the first alone, c from two.
    let only: Vec<u64> =
        compared["only_removed"].as_array().unwrap().iter().map(|only| number(only, "rows")).collect();
    assert_eq!(only, [1, 0, 1]);
}

#[test]
fn results_of_different_inputs_are_refused() {
    let sandbox = two_results("--id-column id");
    sandbox.write("other.jsonl", jsonl(&texts(300)));
    sandbox.semdedup("run other.jsonl --id-column id --out c").succeeded();
    sandbox.semdedup("compare a c").failed_with(&["a: 145 of its rows are not in c"]);
    sandbox.semdedup("compare c a").failed_with(&["a: 145 of its rows are not in c, such as s"]);
    sandbox.write("ids.txt", "r1\nnobody\n");
    sandbox
        .semdedup("compare a ids.txt")
        .failed_with(&["ids.txt: 1 of its rows are not in a, such as nobody"]);
    sandbox.write("kept.txt", "x\ny\n");
    sandbox.semdedup("compare ids.txt kept.txt").failed_with(&["no row in common"]);
    sandbox.write("removed.txt", "r1\n");
    sandbox.semdedup("compare ids.txt removed.txt").failed_with(&["removed.txt", "no row in common"]);
    // Without a column of ids, rows of other files with the same names and numbers are told by their sizes.
    for (folder, word) in [("x", "cat"), ("y", "catfish")] {
        sandbox.write(&format!("{folder}/data.txt"), format!("a {word}\nprices rose\n"));
        sandbox.semdedup(&format!("run {folder} --out out-{folder}")).succeeded();
    }
    sandbox.semdedup("compare out-x out-y").failed_with(&["data.txt had 22 bytes", "18", "different inputs"]);
}

#[test]
fn what_cannot_be_compared_is_refused_with_what_can() {
    let sandbox = two_results("");
    sandbox.write("kept.txt", "a\nb\na\n");
    sandbox.write("subset.txt", "a\n");
    sandbox.write("ids.npy", b"\x93NUMPY\x01\x00");
    sandbox.write("empty/file.txt", "");
    for (other, words) in [
        ("kept.txt", &["kept.txt: the id a names two rows"][..]),
        ("subset.txt", &["subset.txt", "stay, or those that go"]),
        ("ids.npy", &["ids.npy", "an array of numpy"]),
        ("in/one.jsonl", &["one.jsonl", "a file of JSON"]),
        ("empty", &["empty", "no finished scores"]),
        ("a/work", &["a/work", "no result"]),
        ("nowhere", &["nowhere"]),
    ] {
        sandbox.semdedup(&format!("compare a {other}")).failed_with(words);
    }
    sandbox.semdedup("compare a").failed_with(&["2"]);
}

#[test]
fn rows_that_could_not_be_read_are_neither_kept_nor_removed() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "data.jsonl",
        "{\"text\": \"a cat sat\"}\nno json\n{\"text\": \"a cat sat\"}\n{\"text\": \"prices\"}\n",
    );
    for (out, keep) in [("a", "hard"), ("b", "easy")] {
        sandbox.semdedup(&format!("run data.jsonl --out {out} --keep {keep}")).skipped_rows();
    }
    let compared = sandbox.summary("compare a b");
    let result = &compared["results"][0];
    let counts = ["rows_kept", "rows_removed", "rows_skipped"].map(|name| number(result, name));
    assert_eq!((number(&compared, "rows"), counts), (4, [2, 1, 1]));
    assert_eq!(number(&compared["pairs"][0], "kept_by_both"), 2, "{compared}");
    // A selection does not list them.
    sandbox.semdedup("select a/scores.parquet --out s").succeeded();
    for results in ["a s", "s a"] {
        let compared = sandbox.summary(&format!("compare {results}"));
        assert_eq!(compared["pairs"][0]["share_of_first"], 1.0, "{compared}");
        assert_eq!(number(&compared["pairs"][0], "removed_by_both"), 1, "{compared}");
    }
}
