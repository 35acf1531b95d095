//! Columns that are joined, and columns whose names or headers have delimiters in them.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray};
use semdedup::formats::{ColumnChoice, Found, resolve_columns};
use tempfile::TempDir;

use crate::support::*;
use crate::text_choice::*;

#[test]
fn columns_are_joined_in_the_order_named_and_what_is_missing_is_skipped() {
    let rows = "{\"instruction\":\"Do\",\"input\":\"this\",\"output\":\"done\\nnow\"}\n{\"output\":\"o\",\"input\":null,\"instruction\":\"i\"}\n\
                {\"instruction\":\"\",\"input\":\"x\"}\n{\"output\":7}\n{}\n";
    let joined = choice(Some("instruction,input, output"), None);
    let jsonl = input("a.jsonl", rows.as_bytes());
    let columns = resolve_one(&jsonl.file, &joined).unwrap();
    let whole = read(&jsonl.file, &columns).unwrap();
    assert_eq!(whole.texts(), ["Do\nthis\ndone\nnow", "i\no", "x", "<bad>", ""]);
    assert_eq!(whole.reasons(), [(3, "column `output` is a number, not a string")]);
    assert_eq!(whole.empty, 1);
    let csv = input("a.csv", b"instruction,input,output\nDo,this,\"done\nnow\"\ni,,o\n");
    let columns = resolve_one(&csv.file, &joined).unwrap();
    assert_eq!(read(&csv.file, &columns).unwrap().texts(), ["Do\nthis\ndone\nnow", "i\no"]);
    let folder = TempDir::new().unwrap();
    let input: ArrayRef = Arc::new(StringArray::from(vec![Some("this"), None]));
    let columns = vec![
        ("output", strings(["done\nnow", "o"])),
        ("instruction", strings(["Do", "i"])),
        ("input", input),
    ];
    let table = parquet(&folder, "a.parquet", columns);
    let columns = resolve_one(&table, &joined).unwrap();
    assert_eq!(read(&table, &columns).unwrap().texts(), ["Do\nthis\ndone\nnow", "i\no"]);
    let shown = semdedup::formats::read_texts(&table, &columns, &Default::default(), &[1]).unwrap();
    assert_eq!(shown, [Some("i\no".to_owned())]);
    let error = resolve_one(&table, &choice(Some("input,nothing"), None)).unwrap_err();
    assert!(
        error.to_string().contains("no column `nothing`; columns are output (a string: \"done"),
        "{error}"
    );
}

#[test]
fn a_column_whose_own_name_has_a_comma_goes_before_a_list() {
    let both = input("a.jsonl", b"{\"a,b\":\"own\",\"a\":\"1\",\"b\":\"2\"}\n");
    let columns = resolve_one(&both.file, &choice(Some("a,b"), None)).unwrap();
    assert_eq!(read(&both.file, &columns).unwrap().texts(), ["own"]);
    let inner = input("a.jsonl", b"{\"m\":{\"a\":\"1\",\"b\":\"2\"}}\n");
    let columns = resolve_one(&inner.file, &choice(Some("m.b,m.a"), None)).unwrap();
    assert_eq!(read(&inner.file, &columns).unwrap().texts(), ["2\n1"]);
}

#[test]
fn a_csv_header_of_one_column_with_another_delimiter_in_it_and_one_row_is_refused() {
    for (name, header, found, hint) in [
        ("a.csv", "id;text", ";", "type --delimiter ';'"),
        ("a.csv", "id\ttext", "\\t", "type --delimiter tab"),
        ("a.csv", "id|text", "|", "type --delimiter '|'"),
        ("a.tsv", "id,text", ",", "type --delimiter ,"),
    ] {
        let input = input(name, format!("{header}\n1{found}a\n").as_bytes());
        let error = unasked(&input.file).unwrap_err();
        assert!(error.to_string().contains(&format!("with `{found}` in it")), "{error}");
        assert!(error.hint_text().unwrap().contains(hint), "{}", error.hint_text().unwrap());
        let named = resolve_one(&input.file, &choice(Some(header), None)).unwrap();
        assert_eq!(named.text.as_deref(), Some(header));
    }
    assert_eq!(found("a.csv", "text\na;b\n"), Ok(("text".to_owned(), Found::Text)));
}

#[test]
fn a_table_without_rows_does_not_decide() {
    let folder = TempDir::new().unwrap();
    let none: ArrayRef = Arc::new(StringArray::from(Vec::<String>::new()));
    let empty = parquet(&folder, "0.parquet", vec![("key", none.clone()), ("review", none)]);
    let full = parquet(
        &folder,
        "1.parquet",
        vec![("key", strings(["a", "b", "c", "d"])), ("review", strings(SENTENCES))],
    );
    let columns = resolve_columns(&[empty, full], &ColumnChoice::default()).unwrap();
    assert_eq!((columns[0].text.as_deref(), columns[1].text.as_deref()), (None, Some("review")));
}
