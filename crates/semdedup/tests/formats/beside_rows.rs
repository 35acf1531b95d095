//! Texts and JSON of one object beside files of rows are no rows: checksums, lists, descriptions.

use semdedup::formats::{Asked, Cause, TextFiles};

use crate::beside::{Folder, ROWS, names, parquet, said, strings};

/// Lines of plain text, longer than the file of rows beside them.
const TEXTS: &str = "one line of text\nanother line of text\na third line of text\n";

const LISTS: [&str; 18] = [
    "SHA256SUMS.txt",
    "md5.txt",
    "checksums.txt",
    "train.sha256.txt",
    "filelist.txt",
    "files.txt",
    "manifest.txt",
    "urls.txt",
    "labels.txt",
    "classes.txt",
    "robots.txt",
    "vocab.txt",
    "merges.txt",
    "deep/labels.txt",
    "ids.txt",
    "Labels.TXT",
    "synsets.txt",
    "vocab.txt.gz",
];

#[test]
fn lists_and_checksums_are_no_rows_beside_rows_of_any_format() {
    for name in LISTS {
        for rows in ["train.jsonl", "train.csv", "train.txt", "train.tar", "train.arrow"] {
            let content = if rows.ends_with(".txt") { TEXTS } else { ROWS };
            let folder = Folder::new(&[(rows, content), (name, "a line\n")]);
            for input in ["d", "d/*", "d/**/*"] {
                let Ok(found) = folder.survey_as(input, &Asked::default()) else { panic!("{name} {rows}") };
                assert_eq!(names(&found), [rows], "{name} {input}");
                assert_eq!(found.skipped.of(Cause::AboutOthers).first, [name]);
            }
        }
    }
}

#[test]
fn lists_are_read_where_there_is_nothing_else_or_where_they_are_named() {
    let folder = Folder::new(&[("labels.txt", "a\n"), ("urls.txt", "b\n")]);
    assert_eq!(names(&folder.survey().unwrap()), ["labels.txt", "urls.txt"]);
    folder.write("train.jsonl", ROWS.as_bytes());
    assert_eq!(names(&folder.survey().unwrap()), ["train.jsonl"]);
    for (input, read) in [("d/labels.txt", &["labels.txt"][..]), ("d/*.txt", &["labels.txt", "urls.txt"])] {
        assert_eq!(names(&folder.survey_as(input, &Asked::default()).unwrap()), read);
    }
    let similar =
        Folder::new(&[("files_of_a_spy.txt", "a\n"), ("my_labels.txt", "b\n"), ("vocabs.txt", "c\n")]);
    assert_eq!(similar.survey().unwrap().files.len(), 3);
}

#[test]
fn a_text_beside_rows_of_another_format_is_left_out_and_told_of() {
    let folder = Folder::new(&[("notes.txt", "a note\n"), ("train.jsonl", ROWS), ("x/more.txt.gz", "b\n")]);
    let found = folder.survey().unwrap();
    assert_eq!(names(&found), ["train.jsonl"]);
    assert_eq!(
        said(&found),
        [
            "2 text files beside the files of rows were left out (notes.txt, x/more.txt.gz); name such a file, or a glob \
             such as '*.txt', to read its lines as rows too"
        ]
    );
    for input in ["d/notes.txt", "d/*.txt"] {
        assert_eq!(names(&folder.survey_as(input, &Asked::default()).unwrap()), ["notes.txt"]);
    }
    let whole = folder.survey_as("d", &TextFiles::Whole.into()).unwrap();
    assert_eq!(whole.skipped.count(Cause::TextBesideRows), 1, "lines in gzip are no whole text");
    assert_eq!(whole.files.len(), 2);
    let texts = Folder::new(&[("a.txt", "a\n"), ("b/c.txt", "b\n")]);
    assert_eq!(names(&texts.survey().unwrap()), ["a.txt", "b/c.txt"]);
}

#[test]
fn more_text_than_rows_of_other_formats_is_a_question() {
    let folder =
        Folder::new(&[("index.csv", "id,title\n1,a\n"), ("books/a.txt", TEXTS), ("books/b.txt", TEXTS)]);
    let (question, hint) = folder.question(&Asked::default());
    assert_eq!(
        question,
        "/d: holds 1 file of rows (index.csv) and 2 texts (books/a.txt, books/b.txt), and it is not clear whether the lines of \
         the texts are rows too"
    );
    assert_eq!(hint, "name what is to be compared by globs: '/d/*.csv', '/d/**/*.txt', or both");
    assert_eq!(names(&folder.survey_as("d/**/*.txt", &Asked::default()).unwrap()).len(), 2);
    assert_eq!(names(&folder.survey_as("d/*.csv", &Asked::default()).unwrap()), ["index.csv"]);
}

const DESCRIPTIONS: [(&str, &str); 14] = [
    ("manifest.json", "{\"files\": [{\"path\": \"a\", \"rows\": 1}, {\"path\": \"b\", \"rows\": 2}]}"),
    ("datapackage.json", "{\n \"name\": \"set\",\n \"resources\": [{\"path\": \"train.jsonl\"}]\n}\n"),
    ("croissant.json", "{\"@context\": {\"@language\": \"en\"}, \"recordSet\": [{\"name\": \"default\"}]}"),
    ("schema.json", "{\"fields\": [{\"name\": \"id\"}, {\"name\": \"text\"}]}"),
    ("info.json", "{\"version\": 1}"),
    ("stats.json", "{\"rows\": 3}\n"),
    ("metadata.json", "{\"name\": \"set\", \"text\": \"about it\"}"),
    ("config.json", "{\"model_type\": \"bert\"}"),
    ("tokenizer.json", "{\"added_tokens\": [{\"id\": 0, \"content\": \"<s>\"}], \"model\": {}}"),
    ("x/vocab.json", "{\"a\": 0, \"b\": 1}"),
    ("Labels.json", "{\"0\": \"cat\", \"1\": \"dog\"}"),
    ("clustered.json", "{\"embeddings\": \"x\"}"),
    ("anything.json", "{\"homepage\": \"https://x.org\", \"splits\": {\"train\": 3}}"),
    ("train.meta.json", "{\n  \"license\": \"MIT\"\n}"),
];

#[test]
fn one_object_beside_files_of_rows_is_no_row() {
    let table = parquet(vec![("text", strings(&["a", "b", "c"])), ("url", strings(&["d", "e", "f"]))]);
    for (name, content) in DESCRIPTIONS {
        let others: [(&str, &[u8]); 5] = [
            ("train.jsonl", ROWS.as_bytes()),
            ("train.json", b"[{\"id\": 1, \"text\": \"a\"}, {\"id\": 2, \"text\": \"b\"}]"),
            ("train.csv", b"id,text\n1,a\n2,b\n"),
            ("train.parquet", &table),
            ("train.txt", TEXTS.as_bytes()),
        ];
        for (rows, bytes) in others {
            let folder = Folder::new(&[(name, content)]);
            folder.write(rows, bytes);
            for input in ["d", "d/**/*"] {
                let found = folder.survey_as(input, &Asked::default()).unwrap();
                assert_eq!(names(&found), [rows], "{name} {input}");
                let out =
                    [Cause::AboutOthers, Cause::ObjectBesideRows].map(|cause| found.skipped.of(cause).first);
                assert_eq!(out.concat(), [name]);
            }
        }
    }
    let folder = Folder::new(&[("train.jsonl", ROWS), ("about.json", "{\"homepage\": \"x\"}")]);
    assert_eq!(
        said(&folder.survey().unwrap()),
        [
            "1 JSON file of one object beside the rows was left out (about.json); to read such a file, name its folder as well, or name it alone"
        ]
    );
    let images = Folder::of_images(&["0.png", "1.png"], &[("croissant.json", DESCRIPTIONS[2].1)]);
    assert_eq!(images.is_of_images(2).skipped.of(Cause::AboutOthers).first, ["croissant.json"]);
}

#[test]
fn one_object_that_may_be_a_row_or_hold_rows_stays() {
    let row = "{\"id\": 4, \"text\": \"four\"}\n";
    let wrapped = "{\"version\": 1, \"data\": [{\"text\": \"a\"}, {\"text\": \"b\"}]}";
    let cases: [&[(&str, &str)]; 6] = [
        // A shard with a single row, as Spark writes it.
        &[("part-0.json", ROWS), ("part-1.json", row)],
        &[("part-0.jsonl", ROWS), ("part-1.json", "{\"text\": \"four\", \"extra\": null}")],
        &[("train.jsonl", ROWS), ("more.json", wrapped)],
        &[("train.jsonl", ROWS), ("more.json", "{\"text\": [\"a\", \"b\"], \"id\": [1, 2]}")],
        // A row a file.
        &[("a.json", row), ("b.json", row), ("c.json", row)],
        &[("a/info.json", row), ("b/info.json", row), ("c/info.json", row), ("d/info.json", row)],
    ];
    for files in cases {
        let found = Folder::new(files).survey().unwrap();
        assert_eq!(names(&found).len(), files.len(), "{files:?}");
    }
    let document = "{\"title\": \"t\", \"body\": \"b\"}";
    let many = ["1.json", "2.json", "3.json", "4.json"].map(|name| (name, document));
    let folder = Folder::new(&many);
    folder.write("index.csv", b"number,label\n1,a\n2,b\n");
    assert_eq!(folder.survey().unwrap().files.len(), 5);
    let alone = Folder::new(&[("metadata.json", "{\"text\": \"a\"}")]);
    assert_eq!(names(&alone.survey().unwrap()), ["metadata.json"]);
}
