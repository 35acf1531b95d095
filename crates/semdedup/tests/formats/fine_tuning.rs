//! Fine-tuning data without a text column: columns that together are an example are joined.

use semdedup::formats::{ColumnChoice, Found};

use crate::chats::texts;
use crate::support::*;
use crate::text_choice::{SENTENCES, found, lines, parquet, strings, unasked};

#[test]
fn the_columns_of_an_example_are_joined_in_their_usual_order() {
    for (line, names) in [
        (r#""output":"OUT","instruction":"IN","input":"also OUT""#, "instruction,input,output"),
        (r#""instruction":"IN","output":"OUT""#, "instruction,input,output"),
        (r#""instruction":"IN","input":null,"output":"OUT""#, "instruction,input,output"),
        (
            r#""instruction":"IN","context":"","response":"OUT","category":"qa""#,
            "instruction,context,response",
        ),
        (r#""id":7,"prompt":"IN","completion":"OUT""#, "prompt,completion"),
        (r#""Prompt":"IN","Response":"OUT","score":0.5"#, "Prompt,Response"),
        (r#""rejected":"no OUT","chosen":"OUT","prompt":"IN""#, "prompt,chosen,rejected"),
        (r#""chosen":"IN OUT","rejected":"IN no""#, "prompt,chosen,rejected"),
        (r#""question":"IN","chosen":"OUT","rejected":"no","score_chosen":8"#, "question,chosen,rejected"),
        (r#""query":"IN","response":"OUT""#, "query,response"),
        (r#""question":"IN","answer":"OUT""#, "question,answer"),
    ] {
        let line = |row: usize, text: &str| {
            let line = line.replace("IN", &format!("Question {row}? {text}"));
            format!("{{{}}}", line.replace("OUT", &format!("The answer is {text}")))
        };
        assert_eq!(found("a.jsonl", &lines(line)), Ok((names.to_owned(), Found::Name)), "{names}");
    }
}

#[test]
fn the_texts_are_those_of_all_columns() {
    let rows = "{\"instruction\":\"Translate this.\",\"output\":\"Das.\"}\n{\"output\":\"Eins.\",\"instruction\":\"Count.\"}\n\
                {\"instruction\":\"Count.\",\"input\":\"from two\",\"output\":\"Zwei.\"}\n{\"instruction\":null,\"output\":\"alone\"}\n";
    let input = input("a.jsonl", rows.as_bytes());
    let (_, texts) = texts(&input.file, &ColumnChoice::default());
    assert_eq!(texts, ["Translate this.\nDas.", "Count.\nEins.", "Count.\nfrom two\nZwei.", "alone"]);
}

#[test]
fn preferences_may_be_turns() {
    let turns = |role: &str, text: &str| format!(r#"[{{"role":"{role}","content":"{text}"}}]"#);
    let line = |_: usize, text: &str| {
        format!(r#"{{"chosen":{},"rejected":{}}}"#, turns("user", text), turns("user", "no"))
    };
    let input = input("a.jsonl", lines(line).as_bytes());
    let columns = unasked(&input.file).unwrap();
    assert_eq!(columns.texts().collect::<Vec<_>>(), ["prompt", "chosen", "rejected"]);
    assert_eq!(columns.turns, ["chosen", "rejected"]);
}

#[test]
fn tables_have_the_columns_that_they_have() {
    let folder = tempfile::TempDir::new().unwrap();
    let table = parquet(
        &folder,
        "a.parquet",
        vec![("output", strings(SENTENCES)), ("instruction", strings(SENTENCES))],
    );
    let columns = unasked(&table).unwrap();
    assert_eq!(columns.texts().collect::<Vec<_>>(), ["instruction", "output"]);
    let csv = lines(|row, text| format!("Question {row},{text}").replacen("sold well,", "", 1));
    assert_eq!(
        found("a.csv", &format!("prompt,completion\n{csv}")),
        Ok(("prompt,completion".to_owned(), Found::Name))
    );
}

#[test]
fn an_example_with_more_to_it_is_refused() {
    for more in [
        r#""system":"You are a pirate.""#,
        r#""history":[["Hello there, my friend","Good day to you"]]"#,
        r#""tools":"[]""#,
        r#""context":"The river.""#,
        r#""system_prompt":"Be a pirate""#,
        r#""option_a":"x""#,
        r#""notes":"These notes say something of their own about every row TEXT""#,
    ] {
        let line = |_: usize, text: &str| {
            format!(r#"{{"prompt":"What? {text}","completion":"{text}",{}}}"#, more.replace("TEXT", text))
        };
        let error = found("a.jsonl", &lines(line)).unwrap_err();
        assert!(error.contains("no column `text`") && error.contains("--text-column"), "{more}: {error}");
    }
}

#[test]
fn equal_questions_with_different_short_answers_are_refused() {
    let line = |row: usize, _: &str| {
        format!(
            r#"{{"prompt":"Does the river flood the town {}?","completion":"{}"}}"#,
            row / 2,
            ["yes", "no"][row % 2]
        )
    };
    let error = found("a.jsonl", &lines(line)).unwrap_err();
    assert!(error.contains("no column `text`"), "{error}");
    // Different questions may have such answers.
    let line = |row: usize, text: &str| {
        format!(r#"{{"prompt":"{text}","completion":"{}"}}"#, ["yes", "no"][row % 2])
    };
    assert_eq!(found("a.jsonl", &lines(line)).unwrap().0, "prompt,completion");
}

#[test]
fn later_files_must_have_the_same_columns() {
    let folder = tempfile::TempDir::new().unwrap();
    let columns =
        |names: &[&'static str]| names.iter().map(|name| (*name, strings(SENTENCES))).collect::<Vec<_>>();
    let first = parquet(&folder, "a.parquet", columns(&["prompt", "completion"]));
    for (names, words) in [
        (&["instruction", "output"][..], "has its texts in `instruction,output`"),
        (&["title", "completion"][..], "has other columns"),
        (&["prompt", "completion", "system"][..], "has other columns"),
    ] {
        let second = parquet(&folder, "b.parquet", columns(names));
        let error = semdedup::formats::resolve_columns(&[first.clone(), second], &ColumnChoice::default())
            .unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.hint_text().unwrap().contains("--text-column"), "{error}");
    }
}

#[test]
fn a_later_row_with_more_to_it_is_an_error() {
    let plain = lines(|row, text| format!(r#"{{"prompt":"Question {row}?","completion":"{text}"}}"#));
    for more in [r#""system":"Be a pirate.""#, r#""options":["a","b"]"#, r#""text":"x""#] {
        let content = format!("{}{{\"prompt\":\"Q\",\"completion\":\"A\",{more}}}\n", plain.repeat(600));
        let input = input("a.jsonl", content.as_bytes());
        let columns = unasked(&input.file).unwrap();
        assert_eq!(columns.texts().collect::<Vec<_>>(), ["prompt", "completion"]);
        let error = read(&input.file, &columns).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("row 2400: has a column"), "{error}");
    }
    let empty = format!(
        "{}{{\"prompt\":\"Q\",\"completion\":\"A\",\"system\":null,\"options\":[]}}\n",
        plain.repeat(600)
    );
    let input = input("a.jsonl", empty.as_bytes());
    assert_eq!(read(&input.file, &unasked(&input.file).unwrap()).unwrap().texts().len(), 2401);
}

#[test]
fn preferences_that_contradict_each_other_are_refused() {
    let line = |row: usize, _: &str| {
        let (a, b) = if row.is_multiple_of(2) {
            ("Yes, with pleasure", "No, I would rather not")
        } else {
            ("No, I would rather not", "Yes, with pleasure")
        };
        format!(
            r#"{{"prompt":"Will you come to the river {}?","chosen":"{a} {}","rejected":"{b} {}"}}"#,
            row / 2,
            row / 2,
            row / 2
        )
    };
    let error = found("a.jsonl", &lines(line)).unwrap_err();
    assert!(error.contains("no column `text`"), "{error}");
}
