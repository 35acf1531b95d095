//! JSON in other forms than one object a line: strings are rows, a list is one whatever its name
//! says, and an error names anything else and says what to type.

use semdedup::formats::{Format, Found, resolve_columns};

use crate::support::*;

#[test]
fn strings_are_rows_in_a_list_and_a_line_each() {
    let list = "[\n \"one\",\n \"t\\u0077o\\n\", null, \"three \\ud83d\"\n]\n";
    let lines = "\"one\"\n\"t\\u0077o\\n\"\n\nnull\n\"three \\ud83d\"\n";
    for (name, content) in [("a.json", list), ("a.jsonl", list), ("a.jsonl.gz", lines), ("a.json", lines)] {
        let input = input(name, content.as_bytes());
        let columns = resolve_one(&input.file, &choice(None, None)).unwrap();
        assert_eq!((columns.text.as_deref(), columns.found), (Some("text"), Found::Strings), "{name}");
        let whole = read(&input.file, &columns).unwrap();
        assert_eq!(
            (whole.texts(), whole.bad.len()),
            (vec!["one", "two\n", "", "three \u{fffd}"], 0),
            "{name}"
        );
        assert_eq!(decompress(&write(&input, &mut |_| true).unwrap()), content.as_bytes());
        let kept = String::from_utf8(decompress(&write(&input, &mut |row| row == 1).unwrap())).unwrap();
        let expected = if content == list { "[\n \"t\\u0077o\\n\"\n]\n" } else { "\"t\\u0077o\\n\"\n\n" };
        assert_eq!(kept, expected);
    }
}

#[test]
fn a_row_that_is_no_string_among_strings_is_bad_and_a_string_among_objects_too() {
    let strings = input("a.json", b"[\"a\", 7, \"b\", [], \"d\", NaN, \"e\"]");
    let columns = resolve_one(&strings.file, &choice(None, None)).unwrap();
    let whole = read(&strings.file, &columns).unwrap();
    let reasons = [
        (1, "the row is a number, not a string"),
        (3, "the row is a list, not a string"),
        (5, "the row is a number, not a string"),
    ];
    assert_eq!(whole.reasons(), reasons);
    let objects = input("a.jsonl", b"\"a\"\n\"b\"\n{\"text\": \"c\"}\n");
    let columns = resolve_one(&objects.file, &choice(None, None)).unwrap();
    let whole = read(&objects.file, &columns).unwrap();
    assert_eq!(whole.texts(), ["<bad>", "<bad>", "c"]);
    assert_eq!(whole.reasons()[0], (0, "the row is a string, not an object"));
}

#[test]
fn strings_have_no_other_columns_and_are_not_mixed_with_rows_that_have() {
    let strings = input("labels.json", b"[\"cat\", \"dog\"]");
    let error = resolve_one(&strings.file, &choice(None, Some("id"))).unwrap_err();
    assert!(error.to_string().ends_with("no column `id`: a file of strings has no ids"), "{error}");
    assert_eq!(error.hint_text(), Some("leave out --id-column, or the files of strings"));
    let objects = input("rows.jsonl", b"{\"text\": \"a\"}\n");
    let lines = input("lines.txt", b"a line\n");
    for files in [[&strings, &lines, &objects], [&objects, &strings, &lines]] {
        let files = files.map(|input| input.file.clone());
        let error = resolve_columns(&files, &choice(None, None)).unwrap_err().to_string();
        assert!(
            error.contains("labels.json: its rows are strings, but the rows of ")
                && error.ends_with("rows.jsonl have columns"),
            "{error}"
        );
    }
    let files = [strings.file.clone(), lines.file.clone()];
    assert!(resolve_columns(&files, &choice(None, None)).is_ok());
}

#[test]
fn a_list_is_one_whatever_its_name_says() {
    let list = "\u{feff}[\n {\n  \"text\": \"a\"\n },\n {\"text\": \"b\", \"n\": NaN}\n]\n";
    for end in ["", ".gz", ".zst"] {
        for content in
            [list, "[{\"text\": \"a\"}, {\"text\": \"b\"}]", " [{\"text\": \"a\"},\n{\"text\": \"b\"}] \n"]
        {
            let input = input(&format!("a.jsonl{end}"), content.as_bytes());
            assert_eq!(input.file.format, Format::JsonArray, "{content}");
            let columns = resolve_one(&input.file, &choice(None, None)).unwrap();
            assert_eq!(read(&input.file, &columns).unwrap().texts(), ["a", "b"]);
            let kept = decompress(&write(&input, &mut |_| true).unwrap());
            assert_eq!(kept, content.as_bytes());
        }
    }
    let long = format!("[{}\n]", vec![format!("{{\"text\": \"{}\"}}", "x".repeat(1000)); 2000].join(",\n"));
    assert_eq!(input("a.ndjson", long.as_bytes()).file.format, Format::JsonArray);
    for lines in ["[1, 2]\n[3]\n", "[]\n{\"text\": \"a\"}\n", "[INFO] started\n", "{\"text\": \"[\"}\n", ""] {
        assert_eq!(input("a.jsonl", lines.as_bytes()).file.format, Format::Jsonl, "{lines}");
    }
}

/// Returns the error and the hint for a file.
#[track_caller]
fn refused(name: &str, content: &str) -> (String, String) {
    let input = input(name, content.as_bytes());
    let columns = resolve_one(&input.file, &choice(None, None));
    let error = match columns {
        Ok(columns) => read(&input.file, &columns).unwrap_err(),
        Err(error) => error,
    };
    let text = error.to_string();
    (text.split_once(": ").unwrap().1.to_owned(), error.hint_text().unwrap().to_owned())
}

#[test]
fn an_object_around_the_rows_is_named_with_the_command_that_unwraps_it() {
    let line = r#"{"version": "1.1", "n": NaN, "data": [{"id": 0, "text": "a b c d"}, {"id": 1, "text": "e f g h"}]}"#;
    let indented = line.replace(", \"", ",\n  \"").replace('{', "{\n");
    for (name, content) in
        [("a.json", line), ("a.jsonl", line), ("a.json", &indented), ("a.jsonl.gz", &indented)]
    {
        let (error, hint) = refused(name, content);
        assert_eq!(error, "is one object, and its rows seem to be in `data` (2 objects)");
        let command = match name {
            "a.jsonl.gz" => "`gzip -dc OLD | jq -c '.data[]' > NEW.jsonl` writes a row a line",
            _ => "`jq -c '.data[]' OLD > NEW.jsonl` writes a row a line",
        };
        assert!(hint.starts_with(command), "{hint}");
    }
    let nested = r#"{"meta": {"n": [{"a": 1}]}, "my data": {"it's": [{"text": "a"}, {"text": "b"}]}}"#;
    let (error, hint) = refused("a.json", nested);
    assert!(error.ends_with("seem to be in `my data.it's` (2 objects) or `meta.n` (1 object)"), "{error}");
    assert!(hint.starts_with(r#"`jq -c '.["my data"]["it'\''s"][]' OLD > NEW.jsonl`"#), "{hint}");
}

#[test]
fn an_object_with_a_text_of_its_own_beside_the_rows_is_refused_unless_its_text_is_named() {
    let rows = r#"[{"id": 0, "text": "a"}, {"id": 1, "text": "b"}]"#;
    let reviews = r#"[{"stars": 1, "review": "It broke after two days"}]"#;
    let texts = r#"["The river floods every spring", "Whisk the eggs with sugar"]"#;
    let chats = r#"[{"messages": [{"role": "user", "content": "a"}]}, {"messages": []}]"#;
    for (own, of, rows) in [
        (r#""text": "about this data set""#, "2 objects", rows),
        (r#""content": "about this data set""#, "2 objects", rows),
        (r#""text": "about this data set", "n": 1"#, "1 object", reviews),
        (r#""text": "about this data set""#, "2 texts", texts),
        (r#""messages": [{"role": "user", "content": "a"}]"#, "2 objects", chats),
    ] {
        let line = format!("{{{own}, \"data\": {rows}}}");
        let indented = line.replace(", \"", ",\n  \"").replacen('{', "{\n", 1);
        for (name, content) in
            [("a.json", &line), ("a.json", &format!("{line}\n")), ("a.json", &indented), ("a.json.gz", &line)]
        {
            let (error, hint) = refused(name, content);
            assert_eq!(
                error,
                format!("is one object, and its rows seem to be in `data` ({of})"),
                "{content}"
            );
            assert!(hint.contains("jq -c '.data[]'"), "{hint}");
            assert!(hint.ends_with("if the object is one row, name its text with --text-column"), "{hint}");
        }
        // The user, or a file of lines, says that it is a row.
        let column = own[1..].split('"').next().unwrap();
        let named = resolve_one(&input("a.json", line.as_bytes()).file, &choice(Some(column), None)).unwrap();
        assert_eq!(named.text.as_deref(), Some(column));
        assert!(resolve_one(&input("a.jsonl", line.as_bytes()).file, &choice(None, None)).is_ok());
    }
    // Lists that say nothing by themselves are a part of the row.
    for row in [
        r#"{"text": "a", "spans": [{"start": 0, "end": 4, "label": "ORG"}], "tags": ["science fiction", "b"]}"#,
        r#"{"text": "a", "parts": ["The only part of this row"], "boxes": [[0, 1]]}"#,
        r#"{"messages": [{"role": "user", "content": "a"}], "tools": [{"name": "f", "description": "says what the weather is"}]}"#,
    ] {
        let input = input("a.json", row.as_bytes());
        let columns = resolve_one(&input.file, &choice(None, None)).unwrap();
        assert_eq!(read(&input.file, &columns).unwrap().texts.len(), 1, "{row}");
    }
    let rows = "{\"text\": \"a\", \"data\": [{\"text\": \"b\"}]}\n".repeat(2);
    assert!(resolve_one(&input("a.json", rows.as_bytes()).file, &choice(None, None)).is_ok());
}

#[test]
fn all_lists_that_may_be_the_rows_are_named() {
    let (two, one) = (r#"[{"text": "a"}, {"text": "b"}]"#, r#"[{"text": "c"}]"#);
    let splits = ["train", "test", "validation", "extra"]
        .map(|name| format!("\"{name}\": {}", if name == "train" { two } else { one }));
    let line = format!("{{{}}}", splits.join(", "));
    for content in [line.clone(), line.replace(", ", ",\n")] {
        let (error, hint) = refused("a.json", &content);
        assert_eq!(
            error,
            "is one object, and its rows seem to be in `train` (2 objects) or `test` (1 object) or `validation` (1 object) or \
             `extra` (1 object)"
        );
        assert!(hint.starts_with("`jq -c '.train[]' OLD > NEW.jsonl` writes a row a line of the first, "));
        assert!(hint.contains("`jq -c '.train[], .test[], .validation[], .extra[]' OLD > NEW.jsonl` of all"));
    }
    let many: Vec<String> = (0..23).map(|list| format!("\"l{list}\": {one}")).collect();
    let (error, _) = refused("a.json", &format!("{{{}}}", many.join(", ")));
    assert!(error.ends_with("`l19` (1 object) or 3 more lists"), "{error}");
}

#[test]
fn rows_by_key_and_columns_are_named_with_the_command_that_turns_them_into_rows() {
    let cases = [
        (
            r#"{"0": {"text": "a"}, "1": {"text": "b"}}"#,
            "is one object, with 2 rows by key (the first is `0`)",
            "`jq -c 'to_entries[] | {key} + .value' OLD > NEW.jsonl`",
        ),
        (
            r#"{"x": {"text": "a", "n": 1}, "y": {"n": NaN, "text": "b"}}"#,
            "is one object, with 2 rows by key (the first is `x`)",
            "`jq -c 'to_entries[] | {key} + .value' OLD > NEW.jsonl`",
        ),
        (
            r#"{"0": "a", "1": "b", "2": "c"}"#,
            "is one object, with 3 texts by key (the first is `0`)",
            "`jq -c '.[]' OLD > NEW.jsonl`",
        ),
        (
            r#"{"id": [0, 1], "text": ["a", "b"]}"#,
            "is one object, with columns that are lists (`id` has 2 values)",
            "`jq -c 'range(.id | length) as $row | map_values(.[$row])' OLD > NEW.jsonl`",
        ),
        (
            r#"{"text": {"0": "a", "1": "b"}, "id": {"0": 0, "1": 1}}"#,
            "is one object, with columns that are objects (`text` has 2 values)",
            "`jq -c '(.text | keys_unsorted[]) as $row | map_values(.[$row])' OLD > NEW.jsonl`",
        ),
        (
            r#"{"columns": ["id", "text"], "index": [0, 1], "data": [[0, "a"], [1, "b"]]}"#,
            "is one object, with 2 rows in `data` that are lists, and their names in `columns`",
            "`jq -c '.columns as $names | ",
        ),
        ("{\n\"text\": \"a\"\n}\n", "is one object of several lines", "`jq -c . OLD > NEW.jsonl`"),
    ];
    for (content, error, hint) in cases {
        for content in [content.to_owned(), content.replace(", ", ",\n ").replacen('{', "{\n", 1)] {
            let refused = refused("a.json", &content);
            assert_eq!(refused.0, error, "{content}");
            assert!(refused.1.starts_with(hint), "{}", refused.1);
        }
    }
}

#[test]
fn one_row_in_a_file_is_read_and_its_own_error_stays() {
    for row in [
        r#"{"text": "a", "data": [{"a": 1}]}"#,
        r#"{"messages": [{"role": "user", "content": "a"}], "tools": [{"name": "f"}]}"#,
        r#"{"review": "a text of some words", "n": 1}"#,
    ] {
        assert!(resolve_one(&input("a.jsonl", row.as_bytes()).file, &choice(None, None)).is_ok(), "{row}");
    }
    let (error, _) = refused("a.jsonl", r#"{"id": 1, "title": "x", "body_of": "y"}"#);
    assert!(error.starts_with("no column `text`; columns are id"), "{error}");
    let (error, _) = refused("a.jsonl", "{\"data\": [{\"a\": 1}]}\n{\"data\": [{\"a\": 2}]}\n");
    assert!(error.starts_with("no column `text`; columns are data"), "{error}");
}

#[test]
fn several_objects_that_are_not_one_a_line_are_named() {
    let (pretty, line) = ("{\n  \"text\": \"a\"\n}\n", "{\"text\": \"a\"}");
    for content in [pretty.repeat(3), line.repeat(3), format!("{line} {line}\n"), format!("{pretty}{line}")] {
        let (error, hint) = refused("a.json", &content);
        assert_eq!(error, "has several objects one behind another, but not one a line", "{content}");
        assert_eq!(hint, "`jq -c . OLD > NEW.jsonl` writes one object a line");
    }
    let (error, hint) = refused("a.jsonl", "[{\"text\": \"a\"}, {\"text\": \"b\"}]\n[{\"text\": \"c\"}]\n");
    assert_eq!(error, "is not one JSON object a line: row 0: the row is a list, not an object");
    assert_eq!(hint, "`jq -c '.[]' OLD > NEW.jsonl` writes one object a line");
    let (_, hint) = refused("a.json", "[{\"text\": \"a\"}, {\"text\": \"b\"}]\n[{\"text\": \"c\"}]\n");
    assert!(hint.starts_with("`jq -c '.[]' OLD > NEW.jsonl`"), "{hint}");
}

#[test]
fn commas_comments_and_single_quotes_are_named() {
    let cases = [
        (
            "a.jsonl",
            "{\"text\": \"a\"},\n{\"text\": \"b\"},\n{\"text\": \"c\"}\n",
            "a comma follows the object",
            "`sed 's/,[[:space:]]*$//' OLD > NEW.jsonl`",
        ),
        (
            "a.json",
            "{\n \"text\": \"a\",\n \"n\": 1\n},\n{\n \"text\": \"b\"\n},\n",
            "objects of several lines with commas between",
            "`sed -e '1s/^/[/' -e '$s/,*[[:space:]]*$/]/' OLD > NEW.jsonl`",
        ),
        (
            "a.jsonl",
            "{\"text\": \"a\",}\n{\"text\": \"b\",}\n",
            "a comma stands before `}`",
            "`sed 's/,[[:space:]]*}[[:space:]]*$/}/' OLD > NEW.jsonl`",
        ),
        (
            "a.json",
            "[\n{\"text\": \"a\"},\n{\"text\": \"b\"},\n]\n",
            "an element has to begin here, but `]` stands there",
            "`npx json5 OLD > NEW.json`",
        ),
        (
            "a.json",
            "// by hand\n[{\"text\": \"a\"}]\n",
            "a comment, which JSON does not have",
            "`grep -v '^[[:space:]]*//' OLD > NEW.jsonl`",
        ),
        (
            "a.json",
            "# by hand\n[{\"text\": \"a\"}]\n",
            "a comment, which JSON does not have",
            "`grep -v '^[[:space:]]*#' OLD > NEW.jsonl`",
        ),
        (
            "a.json",
            "/* by hand */\n[{\"text\": \"a\"}]\n",
            "a comment, which JSON does not have",
            "`npx json5 OLD > NEW.json`",
        ),
        (
            "a.json",
            "[ // by hand\n{\"text\": \"a\"}]\n",
            "an element has to begin here, but `/` stands there",
            "`npx json5 OLD > NEW.json`",
        ),
        (
            "a.json",
            "{\n \"text\": \"a\", // by hand\n \"n\": 1\n}\n",
            "is one object of several lines, but not valid JSON in line 2 at byte",
            "`npx json5 OLD > NEW.json`",
        ),
        (
            "a.jsonl",
            "{'text': 'a'}\n{'text': 'b'}\n",
            "an object with single quotes, as Python prints it",
            "`python3 -c ",
        ),
    ];
    for (name, content, problem, command) in cases {
        let (error, hint) = refused(name, content);
        assert!(error.contains(problem), "{content}: {error}");
        assert!(hint.starts_with(command), "{content}: {hint}");
    }
    // A few such lines among others are bad rows.
    let few = input("a.jsonl", b"{\"text\": \"a\"},\n// a comment\n{\"text\": \"b\"}\n{\"text\": \"c\"}\n");
    let columns = resolve_one(&few.file, &choice(None, None)).unwrap();
    let whole = read(&few.file, &columns).unwrap();
    assert_eq!(whole.texts(), ["<bad>", "<bad>", "b", "c"]);
    assert_eq!(whole.reasons()[1].1, "a comment, which JSON does not have");
}
