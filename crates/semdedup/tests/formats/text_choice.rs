//! The column that is the text if the user names none, and the files that are refused because a
//! guess could be wrong.

use std::fs::File;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, ListArray, RecordBatch, StringArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field};
use parquet::arrow::ArrowWriter;
use semdedup::formats::{ColumnChoice, Columns, Found, InputFile};
use tempfile::TempDir;

use crate::support::*;

pub const SENTENCES: [&str; 4] = [
    "The river floods every spring when the snow melts.",
    "Quarterly revenue rose because the new phone sold well.",
    "Whisk the eggs with sugar until pale and fluffy.",
    "The committee rejected the proposal by two votes.",
];

/// Returns the columns that are found without any option.
pub fn unasked(file: &InputFile) -> semdedup::Result<Columns> {
    resolve_one(file, &ColumnChoice::default())
}

pub fn found(name: &str, content: &str) -> Result<(String, Found), String> {
    let input = input(name, content.as_bytes());
    let columns = unasked(&input.file).map_err(|error| {
        assert!(error.hint_text().is_some(), "{error}");
        format!("{error}; {}", error.hint_text().unwrap())
    })?;
    Ok((columns.texts().collect::<Vec<_>>().join(","), columns.found))
}

/// Writes a line of JSON for each sentence, from its number and its text.
pub fn lines(line: impl Fn(usize, &str) -> String) -> String {
    SENTENCES.iter().enumerate().map(|(row, text)| line(row, text) + "\n").collect()
}

pub fn parquet(folder: &TempDir, name: &str, columns: Vec<(&str, ArrayRef)>) -> InputFile {
    let path = folder.path().join(name);
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    find(&path)
}

pub fn strings(values: impl IntoIterator<Item = impl AsRef<str>>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

#[test]
fn a_column_named_for_texts_is_taken_in_any_case() {
    let cases = [
        ("a.jsonl", r#"{"text":"b","content":"c","Text":"d"}"#, "text", Found::Text),
        ("a.jsonl", r#"{"id":"a","Text":"b","content":"c"}"#, "Text", Found::Name),
        ("a.jsonl", r#"{"id":"a","Content":"b","title":"c"}"#, "Content", Found::Name),
        ("a.json", r#"[{"url":"u","page_content":"b"}]"#, "page_content", Found::Name),
        ("a.csv", "title,Abstract\nt,a\n", "Abstract", Found::Name),
        ("a.tsv", "id\tMARKDOWN\n1\t# a\n", "MARKDOWN", Found::Name),
        ("a.jsonl", r#"{"title":"x","content":7,"body":"b"}"#, "body", Found::Name),
    ];
    for (name, content, column, how) in cases {
        assert_eq!(found(name, content), Ok((column.to_owned(), how)), "{content}");
    }
}

#[test]
fn several_columns_named_for_texts_are_refused_with_what_to_type() {
    for (name, content) in [
        ("a.csv", "article,abstract\na,b\n"),
        ("a.jsonl", r#"{"article":"a","abstract":"b"}"#),
        ("a.json", r#"[{"article":"a","abstract":"b"}]"#),
    ] {
        let error = found(name, content).unwrap_err();
        assert!(error.contains("article (") && error.contains("abstract ("), "{error}");
        assert!(error.contains("--text-column article or --text-column abstract"), "{error}");
        assert!(error.contains("--text-column article,abstract to join them"), "{error}");
    }
    assert!(found("a.csv", "TEXT,Text\na,b\n").is_err());
    let chat_beside_content = r#"{"content":"a","messages":[{"role":"user","content":"b"}]}"#;
    assert!(found("a.jsonl", chat_beside_content).is_err());
}

#[test]
fn the_only_column_of_sentences_is_taken_and_said_to_be_a_guess() {
    let jsonl = lines(|row, text| {
        format!(r#"{{"id":"id-{row}","label":"good","review":"{text}","n":{row},"v":[0.5,1]}}"#)
    });
    let csv = format!("id,label,review\n{}", lines(|row, text| format!("id-{row},good,{text}")));
    let json = format!("[{}]", jsonl.trim().replace('\n', ","));
    for (name, content) in
        [("a.jsonl", jsonl), ("a.csv", csv.clone()), ("a.tsv", csv.replace(',', "\t")), ("a.json", json)]
    {
        assert_eq!(found(name, &content), Ok(("review".to_owned(), Found::Values)), "{name}");
    }
    let folder = TempDir::new().unwrap();
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..4));
    let columns = vec![
        ("n", ids),
        ("url", strings(SENTENCES.map(|_| "https://a.b/c"))),
        ("review", strings(SENTENCES)),
    ];
    let columns = unasked(&parquet(&folder, "a.parquet", columns)).unwrap();
    assert_eq!((columns.text.as_deref(), columns.found), (Some("review"), Found::Values));
    let chinese =
        "{\"id\":\"a\",\"评论\":\"河水每年春天泛滥。\"}\n{\"id\":\"b\",\"评论\":\"我们明天去公园散步。\"}\n";
    assert_eq!(found("a.jsonl", chinese), Ok(("评论".to_owned(), Found::Values)));
}

#[test]
fn ids_labels_addresses_paths_and_encoded_bytes_are_never_taken_for_the_text() {
    let base64 = "iVBORw0KGgoAAAANSUhEUgAAAGAAAABgCAYAAADimHc4AAAACXBIWXMAAA7EAAAOxAGVKw4b";
    let values: [(&str, [&str; 4]); 7] = [
        ("id", ["identity_0", "identity_1", "identity_2", "identity_3"]),
        ("label", ["positive", "negative", "positive", "neutral"]),
        ("category", ["arts and crafts for children"; 4]),
        ("url", ["https://a.org/1", "https://a.org/2", "https://a.org/3", "https://a.org/4"]),
        ("path", ["/data/1.jpg", "/data/2.jpg", "C:\\my data\\3.jpg", "d/4.jpg"]),
        ("image", [base64, "data:image/png;base64,iVBORw0KGgo=", base64, base64]),
        ("sha", ["3f2a9c81d0e44b7f", "a0b1c2d3e4f50617", "00112233445566aa", "deadbeefdeadbeef"]),
    ];
    for (column, values) in values {
        let jsonl: String =
            values.iter().map(|value| format!("{}\n", serde_json::json!({column: value, "n": 1}))).collect();
        let csv: String = values.iter().map(|value| format!("{value},1\n")).collect();
        let folder = TempDir::new().unwrap();
        let table = parquet(&folder, "a.parquet", vec![(column, strings(values))]);
        let table = unasked(&table).map_err(|error| format!("{error}; {}", error.hint_text().unwrap()));
        for error in [
            found("a.jsonl", &jsonl).unwrap_err(),
            found("a.csv", &format!("{column},n\n{csv}")).unwrap_err(),
            table.map(|columns| columns.text).unwrap_err(),
        ] {
            assert!(error.contains("no column `text`; columns are "), "{error}");
            assert!(error.contains(&format!("{column} (")), "{error}");
            let typed = ["text", "image"].map(|what| format!("--{what}-column {column}"));
            assert!(typed.iter().any(|typed| error.contains(typed)) && !error.contains('\n'), "{error}");
        }
    }
}

#[test]
fn two_columns_of_sentences_are_refused() {
    let error =
        found("a.jsonl", &lines(|_, text| format!(r#"{{"prompt":"{text}","chosen":"Well. {text}"}}"#)))
            .unwrap_err();
    assert!(error.contains("--text-column prompt,chosen"), "{error}");
}

#[test]
fn a_list_or_struct_that_may_hold_the_text_is_not_passed_by_for_a_column_of_strings() {
    for other in [
        r#""input_ids":[101,2023,102]"#,
        r#""paragraphs":["one","two"]"#,
        r#""data":{"body":"a"}"#,
        r#""turns":[{"speaker":"a","says":"b"}]"#,
    ] {
        let content = lines(|_, text| format!(r#"{{"source":"{text}",{other}}}"#));
        let error = found("a.jsonl", &content).unwrap_err();
        assert!(error.contains("if the text is in `source`, type --text-column source"), "{error}");
        assert!(found("a.json", &format!("[{}]", content.trim().replace('\n', ","))).is_err());
    }
    let content = lines(|_, text| format!(r#"{{"source":"{text}","data":{{"lang":"en","body":"a"}}}}"#));
    let error = found("a.jsonl", &content).unwrap_err();
    assert!(error.contains("if it is in `data.body`, --text-column data.body"), "{error}");
    // Embeddings cannot.
    let content = lines(|_, text| format!(r#"{{"source":"{text}","emb":[0,1,0.5],"boxes":[]}}"#));
    assert_eq!(found("a.jsonl", &content), Ok(("source".to_owned(), Found::Values)));
    let folder = TempDir::new().unwrap();
    let list = |items: ArrayRef| -> ArrayRef {
        let item = Arc::new(Field::new("item", items.data_type().clone(), true));
        Arc::new(ListArray::new(item, OffsetBuffer::from_lengths([1; 4]), items, None))
    };
    let tokens: ArrayRef = Arc::new(Int64Array::from_iter_values(0..4));
    let columns = vec![("source", strings(SENTENCES)), ("input_ids", list(tokens.clone()))];
    let error = unasked(&parquet(&folder, "ids.parquet", columns)).unwrap_err().to_string();
    assert!(error.contains("source (a string: \"The river") && error.contains("input_ids (List("), "{error}");
    let floats = arrow_cast::cast::cast(&tokens, &DataType::Float32).unwrap();
    let columns = vec![("source", strings(SENTENCES)), ("emb", list(floats))];
    assert_eq!(unasked(&parquet(&folder, "emb.parquet", columns)).unwrap().found, Found::Values);
}

#[test]
fn the_column_with_most_words_is_proposed() {
    let content = lines(|row, _| format!(r#"{{"id":"identity_{row}","review":"Not so good","stars":"5"}}"#));
    let error = found("a.jsonl", &content).unwrap_err();
    assert!(error.contains("(--text-column review, if it is that one)"), "{error}");
}

#[test]
fn a_column_inside_another_is_proposed_by_its_name() {
    let content = lines(|row, _| format!(r#"{{"id":"identity_{row}","meta":{{"lang":"en","text":"a"}}}}"#));
    let error = found("a.jsonl", &content).unwrap_err();
    assert!(error.ends_with("; if the text is in `meta.text`, type --text-column meta.text"), "{error}");
    let pairs = lines(|_, text| format!(r#"{{"translation":{{"en":"{text}","de":"Ja. {text}"}}}}"#));
    let error = found("a.jsonl", &pairs).unwrap_err();
    assert!(error.ends_with("name one inside another, such as --text-column translation.en"), "{error}");
}

#[test]
fn what_an_error_shows_of_values_is_short_and_one_line() {
    let long = format!("{{\"a\":\"x\\ny {}\",\"b\\u001b[2J\":\"\u{202e}\"}}\n", "z".repeat(500));
    let error = found("a.jsonl", &long).unwrap_err();
    assert!(error.len() < 400 && error.contains('…'), "{error}");
    assert!(!error.contains(['\n', '\u{1b}', '\u{202e}']), "{error}");
}

/// Returns 40 rows of JSON, each made from its number.
fn rows(row: impl Fn(usize) -> String) -> String {
    (0..40).map(|n| row(n) + "\n").collect()
}

#[test]
fn a_column_that_may_be_half_of_what_a_row_says_is_no_text_by_guess() {
    let say = |n: usize| format!("The {n}th river floods the town in spring");
    let cases = [
        // A column with a usual name whose values are not sentences, or are repeated, beside other
        // columns of sentences.
        rows(|n| format!(r#"{{"article":"SKU-{n}","review":"{}"}}"#, say(n))),
        rows(|n| format!(r#"{{"passage":"{}","question":"{}"}}"#, say(n / 4), say(n))),
        rows(|n| format!(r#"{{"document":"d{n}","chunks":[{{"text":"{}"}}]}}"#, say(n))),
        // Sentences beside the other half of the row.
        rows(|n| format!(r#"{{"question":"{}","answer":"{}"}}"#, say(n / 2), n % 2)),
        rows(|n| format!(r#"{{"premise":"{}","hypothesis":"{}"}}"#, say(n / 4), say(n))),
        rows(|n| {
            format!(
                r#"{{"request":"{}","page":"<div> <p>the page of request {n} in the list</p> <br> </div>"}}"#,
                say(n / 2)
            )
        }),
    ];
    for content in cases {
        let input = input("a.jsonl", content.as_bytes());
        let error = resolve_one(&input.file, &ColumnChoice::default()).unwrap_err();
        assert!(error.to_string().contains("no column `text`; columns are"), "{error}");
        assert!(error.hint_text().unwrap().contains("--text-column"), "{error}");
    }
    let fine = [
        (rows(|n| format!(r#"{{"id":"x{n}","body":"{}"}}"#, say(n))), "body"),
        (rows(|n| format!(r#"{{"url":"https://a.org/{n}","caption":"a cat"}}"#)), "caption"),
        (rows(|n| format!(r#"{{"id":"x{n}","title":"{}","content":"{}"}}"#, say(n), say(n))), "content"),
        (rows(|n| format!(r#"{{"label":"positive","remark":"{}"}}"#, say(n))), "remark"),
    ];
    for (content, expected) in fine {
        let input = input("a.jsonl", content.as_bytes());
        let columns = resolve_one(&input.file, &ColumnChoice::default()).unwrap();
        assert_eq!(columns.text.as_deref(), Some(expected));
    }
}
