//! Later rows and files with a column that is more likely to be the text than the text column.

use semdedup::formats::{ColumnChoice, Found, InputFile, resolve_columns};
use tempfile::TempDir;

use crate::support::*;
use crate::text_choice::{SENTENCES, found, lines, parquet, strings, unasked};

#[test]
fn a_text_further_down_is_an_error_that_names_the_row() {
    let title = |row: usize| format!("{{\"title\":\"{} Number {row}.\"}}\n", SENTENCES[row % 4]);
    let mut content: String = (0..1500).map(title).collect();
    content.push_str("{\"title\":\"x\",\"text\":\"the text\"}\n");
    let list = format!("[{}]", content.trim().replace('\n', ",\n"));
    for (name, content) in [("a.jsonl", &content), ("a.json", &list)] {
        let input = input(name, content.as_bytes());
        let columns = unasked(&input.file).unwrap();
        assert_eq!((columns.text.as_deref(), columns.found), (Some("title"), Found::Values));
        let error = read(&input.file, &columns).unwrap_err();
        let message = error.to_string();
        assert!(
            message.ends_with("row 1500: has a column `text`, but the texts are read from `title`"),
            "{message}"
        );
        assert!(error.hint_text().unwrap().contains("--text-column text, or --text-column title"));
        // A user who names the column gets it.
        let asked = resolve_one(&input.file, &choice(Some("title"), None)).unwrap();
        assert_eq!(read(&input.file, &asked).unwrap().texts.len(), 1501);
    }
    // A column within the first rows is the text.
    let content: String = (0..500).map(title).chain(["{\"text\":\"the text\"}\n".to_owned()]).collect();
    assert_eq!(found("a.jsonl", &content), Ok(("text".to_owned(), Found::Text)));
}

#[test]
fn a_chat_further_down_is_an_error_and_other_values_of_its_name_are_not() {
    let content = |last: &str| lines(|_, text| format!(r#"{{"body":"{text}"}}"#)).repeat(300) + last + "\n";
    let reads = |content: String| {
        let input = input("a.jsonl", content.as_bytes());
        read(&input.file, &unasked(&input.file).unwrap())
            .map(|whole| whole.texts.len())
            .map_err(|error| error.to_string())
    };
    let chat = r#"{"conversations":[{"from":"human","value":"hi"}]}"#;
    assert!(reads(content(chat)).unwrap_err().contains("row 1200: has a column `conversations`"));
    for name in ["text", "Content", "caption", "full_text"] {
        let error = reads(content(&format!(r#"{{"body":null,"{name}":"t"}}"#))).unwrap_err();
        assert!(error.contains(&format!("row 1200: has a column `{name}`")), "{error}");
    }
    for text in ["7", r#"["a","b"]"#, r#"{"en":"a"}"#] {
        let error = reads(content(&format!(r#"{{"body":null,"text":{text}}}"#))).unwrap_err();
        assert!(error.contains("row 1200: has a column `text`"), "{error}");
    }
    for other in [
        r#"{"body":"b","conversation":"c-17"}"#,
        r#"{"body":"b","title":"t"}"#,
        r#"{"body":"b","caption":7}"#,
        r#"{"body":"b","caption":""}"#,
        r#"{"body":"b","text":null}"#,
        r#"{"body":"b","text":""}"#,
        r#"{"body":"b","meta":{"text":"t"}}"#,
    ] {
        assert_eq!(reads(content(other)), Ok(1201));
    }
}

#[test]
fn a_csv_file_without_a_header_is_refused() {
    let error = found("a.csv", &format!("{}\n", SENTENCES.join("\n"))).unwrap_err();
    assert!(
        error.contains("the name of a column looks like a text: `The river floods every spring when the s…`"),
        "{error}"
    );
    assert!(error.contains("type --no-header (CSV) or write a line above the first one"), "{error}");
}

#[test]
fn columns_beside_the_text_in_every_row_are_no_surprise() {
    for other in [
        r#""content":"c-17","Text""#,
        r#""markdown":"README.md","TEXT""#,
        r#""conversation":"c-17","content""#,
    ] {
        let input = input("a.jsonl", lines(|_, text| format!(r#"{{{other}:"{text}"}}"#)).as_bytes());
        let columns = unasked(&input.file).unwrap();
        assert_eq!(read(&input.file, &columns).unwrap().texts(), SENTENCES, "{other}");
    }
}

#[test]
fn later_files_follow_the_first_unless_they_have_a_better_column() {
    let review = lines(|row, text| format!(r#"{{"id":"i{row}","review":"{text}"}}"#));
    let first = input("a.jsonl", review.as_bytes());
    let folder = TempDir::new().unwrap();
    let table = |name: &str, columns: &[&str]| {
        parquet(&folder, name, columns.iter().map(|column| (*column, strings(SENTENCES))).collect())
    };
    let resolve = |file: InputFile| resolve_columns(&[first.file.clone(), file], &ColumnChoice::default());
    let columns = resolve(table("same.parquet", &["review"])).unwrap();
    assert_eq!(columns[1].text.as_deref(), Some("review"));
    assert!(resolve(table("rival.parquet", &["headline", "review"])).is_err());
    let error = resolve(table("text.parquet", &["review", "text"])).unwrap_err();
    assert!(error.to_string().contains("text.parquet: has a column `text`, but the texts of"), "{error}");
    assert!(error.hint_text().unwrap().contains("--text-column review"));
    assert!(resolve(table("content.parquet", &["review", "content"])).is_err());
    let error = resolve(table("other.parquet", &["headline"])).unwrap_err();
    assert!(error.to_string().contains("has its texts in `headline`"), "{error}");
    // Other spellings of a name mean the same column.
    let files = [table("t.parquet", &["text"]), table("u.parquet", &["Text", "title"])];
    let columns = resolve_columns(&files, &ColumnChoice::default()).unwrap();
    assert_eq!(columns[1].text.as_deref(), Some("Text"));
}
