//! The share of rows that each file and each script loses, and words that the model does not know.

use super::support::{Sandbox, jsonl, number, texts};

/// Returns distinct sentences of different words.
fn distinct(count: usize) -> Vec<String> {
    texts(5 * count).into_iter().step_by(5).collect()
}

/// Returns one sentence `count` times.
fn copies(text: &str, count: usize) -> Vec<String> {
    vec![text.to_owned(); count]
}

const GUJARATI: &str = "આ ઈસુ ખ્રિસ્તનો કૌટુંબિક ઈતિહાસ છે";

#[test]
fn a_file_that_loses_nearly_everything_is_named_in_a_warning_and_in_the_summary() {
    let sandbox = Sandbox::new();
    sandbox.write("in/good.jsonl", jsonl(&distinct(60)));
    sandbox.write("in/lost.jsonl", jsonl(&copies("the same sentence in every row of the file", 30)));
    let said = sandbox.semdedup("run in --out out").succeeded();
    let warning = said.stderr.lines().find(|line| line.contains("1 file loses most of its rows"));
    let warning = warning.unwrap_or_else(|| panic!("{}", said.stderr));
    assert!(warning.contains("lost.jsonl loses 29 of 30 rows (96.7 %)"), "{warning}");
    assert!(warning.contains("all other files lose 0.0 %") && warning.contains("semdedup show"), "{warning}");
    assert!(
        said.stdout.contains("by file") && said.stdout.contains("96.7 % of 30 lost.jsonl"),
        "{}",
        said.stdout
    );
    let summary: serde_json::Value = serde_json::from_str(&sandbox.text("out/summary.json")).unwrap();
    let lost = &summary["files"][1];
    assert_eq!(
        (number(lost, "rows_in"), number(lost, "rows_removed"), number(lost, "rows_kept")),
        (30, 29, 1)
    );
    assert!(
        summary["warnings"].as_array().unwrap().iter().any(|w| w.as_str().unwrap().contains("lost.jsonl"))
    );
}

#[test]
fn a_script_that_loses_nearly_everything_within_a_file_is_named() {
    let sandbox = Sandbox::new();
    sandbox.write("data.jsonl", jsonl(&[distinct(60), copies(GUJARATI, 20)].concat()));
    let said = sandbox.semdedup("run data.jsonl --out out").succeeded();
    assert!(
        said.stderr.contains("1 script loses most of its rows: Gujarati loses 19 of 20 rows (95.0 %)"),
        "{}",
        said.stderr
    );
    assert!(!said.stderr.contains("file loses"), "{}", said.stderr);
    assert!(
        said.stdout.contains("0.0 % of 60 Latin removed, 95.0 % of 20 Gujarati removed"),
        "{}",
        said.stdout
    );
    let summary: serde_json::Value = serde_json::from_str(&sandbox.text("out/summary.json")).unwrap();
    let scripts = summary["scripts"].as_array().unwrap();
    let named = |n: usize| {
        (
            scripts[n]["name"].as_str().unwrap(),
            number(&scripts[n], "rows"),
            number(&scripts[n], "rows_removed"),
        )
    };
    assert_eq!((named(0), named(1)), (("Latin", 60, 0), ("Gujarati", 20, 19)));
}

#[test]
fn files_that_lose_similar_shares_are_not_named() {
    let sandbox = Sandbox::new();
    sandbox.write("in/a.jsonl", jsonl(&texts(100)));
    sandbox.write("in/b.jsonl", jsonl(&texts(100)));
    let said = sandbox.semdedup("run in --out out").succeeded();
    // The second file is a copy of the first; the ranking decides which copies stay.
    assert!(!said.stderr.contains("loses most"), "{}", said.stderr);
}

#[test]
fn texts_of_words_that_the_model_does_not_know_are_counted_and_their_files_named() {
    let sandbox = Sandbox::new();
    let gujarati =
        ["આ ઈસુ ખ્રિસ્તનો કૌટુંબિક ઈતિહાસ", "સુંદર બગીચો અને ફૂલો", "વરસાદની ઋતુ આવી ગઈ", "દરિયા કિનારે સૂર્યાસ્ત"];
    let rows = gujarati.map(str::to_owned);
    sandbox.write("in/latin.jsonl", jsonl(&distinct(20)));
    sandbox.write("in/gujarati.jsonl", jsonl(&rows));
    for command in ["run in --out out", "embed in --out emb"] {
        let said = sandbox.semdedup(command).succeeded();
        let warning = said.stderr.lines().find(|line| line.contains("words that the model does not know"));
        let warning = warning.unwrap_or_else(|| panic!("{command}: {}", said.stderr));
        assert!(warning.contains("4 of 24 texts (17 %)") && warning.contains("gujarati.jsonl"), "{warning}");
        assert!(!warning.contains("latin.jsonl"), "{warning}");
        assert!(said.stdout.contains("unknown words"), "{}", said.stdout);
    }
    let summary: serde_json::Value = serde_json::from_str(&sandbox.text("out/summary.json")).unwrap();
    assert_eq!((number(&summary, "unknown_texts"), number(&summary, "rows_removed")), (4, 0));
    assert_eq!(number(&summary["files"][0], "unknown_texts"), 4);
    assert!(summary["files"][1].get("unknown_texts").is_none());
}

#[test]
fn spellings_of_one_text_are_copies_and_the_kept_line_is_unchanged() {
    let sandbox = Sandbox::new();
    let spellings = [
        "The quick brown fox jumps over the lazy dog",
        "THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG",
        "The  quick brown\u{a0}fox\\njumps over the lazy dog ",
        "Ｔｈｅ quick brown fox jumps over the lazy dog",
    ];
    let lines: String = spellings.iter().map(|text| format!("{{\"text\": \"{text}\"}}\n")).collect();
    sandbox.write("data.jsonl", &lines);
    let summary = sandbox.summary("run data.jsonl --out out");
    let counts = ["rows_kept", "exact_duplicates", "same_embedding"].map(|name| number(&summary, name));
    assert_eq!(counts, [1, 0, 3]);
    assert!(lines.contains(&sandbox.text("out/kept/data.jsonl")));
}
