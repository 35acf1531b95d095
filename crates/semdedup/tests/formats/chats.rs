//! Chats are read as turns with their roles, in JSON, Parquet and Arrow alike.

use arrow_array::cast::AsArray;
use std::fs::File;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::*;
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_cast::cast::cast;
use arrow_schema::{DataType, Field, Fields, Schema};
use parquet::arrow::ArrowWriter;
use semdedup::formats::{ColumnChoice, Columns, Found, InputFile, ReadLimits, read_texts};
use tempfile::TempDir;

use crate::support::*;

const HI: &str = "system: Be brief.\nuser: Hi\nassistant: Hello there";

fn with_roles(text: Option<&str>, roles: &[&str]) -> ColumnChoice {
    ColumnChoice { roles: roles.iter().map(|role| (*role).to_owned()).collect(), ..choice(text, None) }
}

pub fn texts(file: &InputFile, choice: &ColumnChoice) -> (Columns, Vec<String>) {
    let columns = resolve_one(file, choice).unwrap();
    let texts =
        read(file, &columns).unwrap().texts.into_iter().map(|text| text.unwrap_or_else(|| "<bad>".into()));
    let texts = texts.collect();
    (columns, texts)
}

#[test]
fn messages_and_conversations_are_read_turn_by_turn_beside_ids_and_sources() {
    let openai = r#"{"source":"web","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello there"}]}"#;
    let sharegpt = r#"{"id":"identity_0","Conversations":[{"from":"system","value":"Be brief."},{"from":"human","value":"Hi"},{"from":"gpt","value":"Hello there"}]}"#;
    for (line, column) in [(openai, "messages"), (sharegpt, "Conversations")] {
        for (name, content) in [("a.jsonl", format!("{line}\n")), ("a.json", format!("[{line}]"))] {
            let input = input(name, content.as_bytes());
            let (columns, texts) = texts(&input.file, &ColumnChoice::default());
            assert_eq!((columns.text.as_deref(), columns.found), (Some(column), Found::Name));
            assert_eq!(texts, [HI]);
            let shown = read_texts(&input.file, &columns, &ReadLimits::default(), &[0]).unwrap();
            assert_eq!(shown, [Some(HI.to_owned())]);
        }
    }
}

#[test]
fn roles_choose_the_turns_that_count_by_any_of_their_names() {
    let rows = "{\"messages\":[{\"from\":\"human\",\"value\":\"Hi\"},{\"from\":\"gpt\",\"value\":\"Hello\"},{\"from\":\"human\",\"value\":\"Bye\"}]}\n\
                {\"messages\":[{\"from\":\"gpt\",\"value\":\"Alone\"}]}\n";
    let input = input("a.jsonl", rows.as_bytes());
    for (roles, expected) in [
        (&["user"][..], ["user: Hi\nuser: Bye", ""]),
        (&["Human"], ["user: Hi\nuser: Bye", ""]),
        (&["gpt"], ["assistant: Hello", "assistant: Alone"]),
        (&["assistant", "user"], ["user: Hi\nassistant: Hello\nuser: Bye", "assistant: Alone"]),
    ] {
        let (columns, texts) = texts(&input.file, &with_roles(None, roles));
        assert_eq!(texts, expected);
        assert!(columns.roles.is_sorted() && !columns.roles.is_empty());
    }
    let plain = crate::support::input("b.jsonl", b"{\"text\":\"a\"}\n");
    let error = resolve_one(&plain.file, &with_roles(None, &["user"])).unwrap_err();
    assert!(error.to_string().contains("--roles user: no text column has turns"), "{error}");
}

#[test]
fn a_role_that_no_turn_has_is_refused_unless_it_is_a_usual_one() {
    let rows =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"Critic\",\"content\":\"No\"}]}\n";
    let input = input("a.jsonl", rows.as_bytes());
    for misspelt in ["asistant", "users", ""] {
        for roles in [&[misspelt][..], &["user", misspelt]] {
            let error = resolve_one(&input.file, &with_roles(None, roles)).unwrap_err();
            let expected = format!("--roles {misspelt}: no turn in the first rows has a text in this role");
            assert_eq!(error.to_string(), expected);
            assert!(error.hint_text().unwrap().contains("user,assistant"));
        }
    }
    // Other values than turns have no role.
    let rows = "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}\n{\"messages\":\"critic: no\"}\n";
    let plain = crate::support::input("b.jsonl", rows.as_bytes());
    assert!(resolve_one(&plain.file, &with_roles(None, &["critic"])).is_err());
    // A tool or a system may have its first turn later; here a critic does.
    let all = with_roles(None, &["critic", "user", "tool", "system"]);
    assert_eq!(texts(&input.file, &all).1, ["user: Hi\ncritic: No"]);
}

#[test]
fn turns_of_another_shape_are_bad_rows_and_never_empty_texts() {
    let rows = [
        r#"{"messages":[{"role":"user","content":"Hi"}]}"#,
        r#"{"messages":"Hi"}"#,
        r#"{"messages":[{"foo":1}]}"#,
        r#"{"messages":{"role":"user","content":"Hi"}}"#,
        r#"{"messages":["Hi"]}"#,
        r#"{"messages":null}"#,
        r#"{"messages":[]}"#,
    ];
    let input = input("a.jsonl", rows.join("\n").as_bytes());
    let columns = resolve_one(&input.file, &ColumnChoice::default()).unwrap();
    let whole = read(&input.file, &columns).unwrap();
    assert_eq!(whole.texts(), ["user: Hi", "Hi", "<bad>", "<bad>", "<bad>", "", ""]);
    let reasons = [
        (2, "column `messages` has a turn 0 that has no `role` or `from`"),
        (3, "column `messages` is an object, not a list of turns"),
        (4, "column `messages` has a turn 0 that is a string, not an object"),
    ];
    assert_eq!(whole.reasons(), reasons);
}

#[test]
fn any_column_of_turns_can_be_named_and_joined_with_others() {
    let rows = "{\"prompt\":\"Why?\",\"data\":{\"chosen\":[{\"role\":\"assistant\",\"content\":\"So.\"}]}}\n{\"prompt\":null,\"data\":{\"chosen\":null}}\n";
    let input = input("a.jsonl", rows.as_bytes());
    let (columns, texts) = texts(&input.file, &choice(Some("prompt,data.chosen"), None));
    assert_eq!(columns.turns, ["data.chosen"]);
    assert_eq!(texts, ["Why?\nassistant: So.", ""]);
}

#[test]
fn a_list_of_strings_called_messages_and_a_string_called_conversation_are_no_chats() {
    for content in [r#"{"id":"a","messages":["Hi","Hello"]}"#, r#"{"id":"a","conversation":"c-17"}"#] {
        let input = input("a.jsonl", content.as_bytes());
        assert!(resolve_one(&input.file, &ColumnChoice::default()).is_err());
    }
    let named = input("a.jsonl", br#"{"messages":"a transcript"}"#);
    let (_, texts) = texts(&named.file, &choice(Some("messages"), None));
    assert_eq!(texts, ["a transcript"]);
}

/// Lists of two turns, no turns, null, and one turn; `text` makes the strings.
fn turns(keys: (&str, &str), text: &dyn Fn(StringArray) -> ArrayRef) -> (Field, ArrayRef) {
    let roles = text(StringArray::from(vec![Some("human"), Some("assistant"), Some("tool")]));
    let contents = text(StringArray::from(vec![Some("Hi"), Some("Hello"), None]));
    let field = |name: &str, values: &ArrayRef| Field::new(name, values.data_type().clone(), true);
    let fields = Fields::from(vec![field(keys.0, &roles), field(keys.1, &contents)]);
    let items = Arc::new(StructArray::new(fields.clone(), vec![roles, contents], None));
    let item = Arc::new(Field::new("item", DataType::Struct(fields), true));
    let nulls = NullBuffer::from(vec![true, true, false, true]);
    let list = ListArray::new(item, OffsetBuffer::from_lengths([2, 0, 0, 1]), items, Some(nulls));
    let list: ArrayRef = Arc::new(list);
    (Field::new("messages", list.data_type().clone(), true), list)
}

fn write_table(folder: &TempDir, name: &str, (field, column): (Field, ArrayRef)) -> InputFile {
    let path = folder.path().join(name);
    let source: ArrayRef = Arc::new(StringArray::from(vec!["web"; column.len()]));
    let schema = Arc::new(Schema::new(vec![Field::new("source", DataType::Utf8, true), field]));
    let batch = RecordBatch::try_new(schema.clone(), vec![source, column]).unwrap();
    let file = File::create(&path).unwrap();
    if name.ends_with(".parquet") {
        let mut writer = ArrowWriter::try_new(file, schema, None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    } else {
        let mut writer = arrow_ipc::writer::FileWriter::try_new(file, &schema).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
    }
    find(&path)
}

#[test]
fn lists_of_structs_of_both_forms_are_read_from_parquet_and_arrow() {
    let plain = |values: StringArray| Arc::new(values) as ArrayRef;
    let words = |values: StringArray| {
        Arc::new(values.into_iter().collect::<DictionaryArray<Int32Type>>()) as ArrayRef
    };
    let large = |(field, list): (Field, ArrayRef)| {
        let DataType::List(item) = list.data_type().clone() else { panic!("a list") };
        let kind = DataType::LargeList(item);
        (field.with_data_type(kind.clone()), cast(&list, &kind).unwrap())
    };
    let tables = [
        turns(("role", "content"), &plain),
        turns(("from", "value"), &plain),
        turns(("role", "content"), &words),
        large(turns(("from", "value"), &plain)),
    ];
    let folder = TempDir::new().unwrap();
    for (number, table) in tables.into_iter().enumerate() {
        for end in ["parquet", "arrow"] {
            let file = write_table(&folder, &format!("{number}.{end}"), table.clone());
            let (columns, read) = texts(&file, &ColumnChoice::default());
            assert_eq!(
                (columns.text.as_deref(), columns.found),
                (Some("messages"), Found::Name),
                "{number}.{end}"
            );
            assert_eq!(read, ["user: Hi\nassistant: Hello", "", "", ""], "{number}.{end}");
            let (_, read) = texts(&file, &with_roles(Some("messages"), &["user"]));
            assert_eq!(read[0], "user: Hi");
            let shown = read_texts(&file, &columns, &ReadLimits::default(), &[0, 3]).unwrap();
            assert_eq!(shown, [Some("user: Hi\nassistant: Hello".to_owned()), Some(String::new())]);
        }
    }
}

#[test]
fn lists_of_fixed_size_are_read_and_slices_are_right() {
    let (_, list) = turns(("role", "content"), &|values| Arc::new(values) as ArrayRef);
    let items = list.as_list::<i32>().values().slice(0, 2);
    let items = arrow_select::concat::concat(&[&items as &dyn Array; 3000]).unwrap();
    let item = Arc::new(Field::new("item", items.data_type().clone(), true));
    let fixed: ArrayRef = Arc::new(FixedSizeListArray::new(item, 2, items, None));
    let field = Field::new("messages", fixed.data_type().clone(), true);
    let folder = TempDir::new().unwrap();
    for name in ["a.arrow", "a.parquet"] {
        let file = write_table(&folder, name, (field.clone(), fixed.clone()));
        let (_, texts) = texts(&file, &ColumnChoice::default());
        assert_eq!(texts.len(), 3000);
        assert!(texts.iter().all(|text| text == "user: Hi\nassistant: Hello"), "{name}");
    }
}

#[test]
fn rows_of_parquet_whose_turns_have_no_role_are_bad() {
    let (field, list) = turns(("role", "content"), &|values| {
        let without = values.iter().map(|value| value.filter(|value| *value != "tool"));
        Arc::new(without.collect::<StringArray>()) as ArrayRef
    });
    let folder = TempDir::new().unwrap();
    let file = write_table(&folder, "a.parquet", (field, list));
    let columns = resolve_one(&file, &ColumnChoice::default()).unwrap();
    let whole = read(&file, &columns).unwrap();
    assert_eq!(whole.reasons(), [(3, "column `messages` has a turn 0 that has no `role` or `from`")]);
}
