//! Folders in which every file of text is a row.

use std::path::Path;

use semdedup::formats::{
    Cause, ColumnChoice, CompareBy, Discovered, Format, InputFile, ReadLimits, TextFiles, count_rows,
    read_texts, survey, write_kept,
};
use tempfile::TempDir;

use crate::support::*;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, content) in files {
        let path = folder.path().join("notes").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    folder
}

fn found(folder: &TempDir, inputs: &[&str], how: TextFiles) -> Discovered {
    let inputs = inputs.iter().map(|input| folder.path().join(input).to_str().unwrap().to_owned());
    survey(&inputs.collect::<Vec<_>>(), &[], &how.into()).unwrap()
}

fn names_and_kinds(found: &Discovered) -> Vec<(&str, Format)> {
    found.files.iter().map(|file| (file.name.as_str(), file.format)).collect()
}

const NOTES: [(&str, &str); 4] = [
    ("a.md", "# One\n\nof several lines\n"),
    ("b/c.md", "\u{feff}two"),
    ("b/d.md", ""),
    ("e.MD", "four\r\n"),
];

fn notes() -> (TempDir, InputFile) {
    let folder = folder(&NOTES);
    let file = found(&folder, &["notes"], TextFiles::Lines).files.remove(0);
    (folder, file)
}

#[test]
fn a_markdown_file_is_a_row_named_by_its_path() {
    let (_folder, file) = notes();
    assert_eq!((file.name.as_str(), file.format), ("notes", Format::TextTree));
    let columns = resolve_one(&file, &choice(None, None)).unwrap();
    let whole = read(&file, &columns).unwrap();
    assert_eq!(whole.texts(), ["# One\n\nof several lines\n", "two", "", "four\r\n"]);
    assert_eq!((whole.empty, whole.bad.len()), (1, 0));
    let paths = ["notes/a.md", "notes/b/c.md", "notes/b/d.md", "notes/e.MD"];
    assert_eq!(whole.string_ids(), paths.map(Some));
    assert_eq!(count_rows(&file, &ReadLimits::default()).unwrap(), 4);
    let texts = read_texts(&file, &columns, &ReadLimits::default(), &[1, 3, 4]).unwrap();
    assert_eq!(texts, [Some("two".to_owned()), Some("four\r\n".to_owned()), None]);
    let rest = read_from(&file, &columns, &ReadLimits::default(), 2).unwrap();
    assert_eq!(rest.texts(), ["", "four\r\n"]);
}

#[test]
fn files_that_stay_are_copied_under_their_names_byte_for_byte() {
    let (folder, file) = notes();
    let kept = folder.path().join("kept");
    assert_eq!(write_kept(&file, &ReadLimits::default(), &kept, &mut |row| row % 2 == 1).unwrap(), 2);
    let read = |name: &str| std::fs::read_to_string(kept.join(name)).ok();
    assert_eq!(read("b/c.md").as_deref(), Some("\u{feff}two"));
    assert_eq!(read("e.MD").as_deref(), Some("four\r\n"));
    assert_eq!((read("a.md"), read("b/d.md")), (None, None));
}

#[test]
fn a_text_file_is_a_row_a_line_unless_it_is_asked_for_whole() {
    let folder = folder(&[("a.txt", "one\ntwo\n"), ("b.txt", "three\n")]);
    let lines = found(&folder, &["notes"], TextFiles::Lines);
    assert_eq!(names_and_kinds(&lines), [("a.txt", Format::Text), ("b.txt", Format::Text)]);
    let whole = found(&folder, &["notes"], TextFiles::Whole);
    assert_eq!(names_and_kinds(&whole), [("notes", Format::TextTree)]);
    let texts = read(&whole.files[0], &resolve_one(&whole.files[0], &choice(None, None)).unwrap()).unwrap();
    assert_eq!(texts.texts(), ["one\ntwo\n", "three\n"]);
    // A shell passes the files one by one.
    let named = found(&folder, &["notes/b.txt", "notes/a.txt"], TextFiles::Whole);
    assert_eq!(named.files.len(), 1);
    assert_eq!(count_rows(&named.files[0], &ReadLimits::default()).unwrap(), 2);
}

#[test]
fn a_readme_beside_data_is_no_row() {
    let data = [("README.md", "about"), ("a.jsonl", "{\"text\":\"x\"}\n"), ("b.txt", "line\n")];
    let folder = folder(&data);
    let lines = found(&folder, &["notes"], TextFiles::Lines);
    assert_eq!(names_and_kinds(&lines), [("a.jsonl", Format::Jsonl)]);
    assert_eq!(lines.skipped.of(Cause::Document).first, ["README.md"]);
    assert_eq!(lines.skipped.of(Cause::TextBesideRows).first, ["b.txt"]);
    // A user who asks for whole texts gets all of them, whatever is beside them.
    let whole = found(&folder, &["notes"], TextFiles::Whole);
    assert_eq!(names_and_kinds(&whole), [("a.jsonl", Format::Jsonl), ("notes", Format::TextTree)]);
    assert_eq!(whole.skipped.told().count(), 0);
    let images = self::folder(&[("README.md", "about"), ("a.png", "")]);
    let found = found(&images, &["notes"], TextFiles::Lines);
    assert_eq!(
        (names_and_kinds(&found), found.skipped.count(Cause::Document)),
        (vec![("notes", Format::Tree)], 1)
    );
}

#[test]
fn a_file_that_is_no_text_or_too_long_is_a_bad_row_with_its_path() {
    let (folder, _) = notes();
    std::fs::write(folder.path().join("notes/a.md"), b"\xff\xff").unwrap();
    std::fs::write(folder.path().join("notes/b/c.md"), "x".repeat(200)).unwrap();
    let file = found(&folder, &["notes"], TextFiles::Lines).files.remove(0);
    let limits = ReadLimits { max_row_bytes: 100, ..ReadLimits::default() };
    let whole = read_from(&file, &resolve_one(&file, &choice(None, None)).unwrap(), &limits, 0).unwrap();
    assert_eq!(
        whole.reasons(),
        [
            (0, "notes/a.md: not valid UTF-8 at byte 0"),
            (1, "notes/b/c.md: 200 bytes are over the limit of 100 (--max-row-bytes)"),
        ]
    );
}

#[test]
fn a_file_that_changed_since_it_was_found_is_an_error_that_names_it() {
    let (folder, file) = notes();
    std::fs::write(folder.path().join("notes/b/c.md"), "longer than before").unwrap();
    let error = write_kept(&file, &ReadLimits::default(), &folder.path().join("kept"), &mut |_| true);
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains(&format!("{}: changed since", Path::new("notes").join("b/c.md").display())),
        "{error}"
    );
}

#[test]
fn a_folder_of_texts_has_no_other_columns() {
    let (_folder, file) = notes();
    let error = resolve_one(&file, &choice(Some("body"), None)).unwrap_err();
    assert!(
        error.to_string().contains("no column `body`: a folder of texts has `text` and `path`"),
        "{error}"
    );
    assert!(error.hint_text().unwrap().contains("--text-column"));
    assert!(resolve_one(&file, &choice(Some("text"), Some("path"))).is_ok());
    let by_image = ColumnChoice { by: Some(CompareBy::Image), ..ColumnChoice::default() };
    assert!(resolve_one(&file, &by_image).is_err());
}
