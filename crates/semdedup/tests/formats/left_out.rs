//! Documents and descriptions beside data are not rows.

use semdedup::formats::{Asked, Cause, ReadLimits, TextFiles, count_rows, survey};

use crate::beside::{Folder, ROWS, names, said};

#[test]
fn licences_and_what_describes_the_data_are_no_rows() {
    let folder = Folder::new(&[
        ("train.jsonl", ROWS),
        ("LICENSE.txt", "Permission is granted\n"),
        ("requirements-dev.txt", "numpy\n"),
        ("README.md", "about\n"),
        ("NOTICE", "of others\n"),
        ("dataset_infos.json", "{\"default\": {}}"),
        ("metadata.json", "{\n \"name\": \"set\"\n}"),
        ("_SUCCESS", ""),
        ("more.rst", ""),
        (".gitattributes", ""),
        (".DS_Store", ""),
        ("._train.jsonl", ""),
        (".part.jsonl", ""),
    ]);
    let found = folder.survey().unwrap();
    assert_eq!(names(&found), ["train.jsonl"]);
    assert_eq!(
        said(&found),
        [
            "1 file with an extension that is not read was left out (more.rst); `semdedup run --help` lists the formats that \
             are read",
            "4 documents beside the data (READMEs, licences, Markdown) were left out (NOTICE, README.md, LICENSE.txt, …); to read a document, name its folder as well, or name it alone",
            "3 files that describe other files were left out (dataset_infos.json, metadata.json, _SUCCESS); to read such a file, name its folder as well, or name it alone",
            "1 hidden file was left out (.part.jsonl); to read such a file, name its folder as well, or name it alone",
        ]
    );
    // A file that is named is read, before the folder or behind it.
    let path = |name: &str| folder.0.path().join(name).to_str().unwrap().to_owned();
    for inputs in [[path("d"), path("d/LICENSE.txt")], [path("d/LICENSE.txt"), path("d")]] {
        let found = survey(&inputs, &[], &Asked::default()).unwrap();
        assert_eq!(found.files.len(), 2);
    }
    let found = folder.survey_as("d/*.txt", &Asked::default()).unwrap();
    assert_eq!(names(&found), ["LICENSE.txt", "requirements-dev.txt"]);
}

#[test]
fn a_document_that_two_folders_hold_is_read_once() {
    let folder = Folder::new(&[("sub/README.txt", "line\n")]);
    let path = |name: &str| folder.0.path().join(name).to_str().unwrap().to_owned();
    let found = survey(&[path("d"), path("d/sub")], &[], &Asked::default()).unwrap();
    assert_eq!(found.files.len(), 1);
}

#[test]
fn texts_whose_names_begin_like_those_of_documents_are_rows() {
    let folder = Folder::new(&[
        ("notice_board.txt", "line\n"),
        ("news.txt", "line\n"),
        ("LICENSE-MIT.txt", "x\n"),
        ("README.dataset.txt", "x\n"),
        ("readmes.txt", "line\n"),
    ]);
    assert_eq!(names(&folder.survey().unwrap()), ["news.txt", "notice_board.txt", "readmes.txt"]);
}

#[test]
fn a_licence_is_read_where_there_is_nothing_else() {
    let folder = Folder::new(&[("LICENSE.txt", "line\n"), ("README.txt", "line\n")]);
    let found = folder.survey().unwrap();
    assert_eq!((names(&found), said(&found).len()), (vec!["LICENSE.txt", "README.txt"], 0));
    folder.write("poems.txt", b"line\n");
    let found = folder.survey().unwrap();
    assert_eq!((names(&found), found.skipped.count(Cause::Document)), (vec!["poems.txt"], 2));
    let whole = folder.survey_as("d", &TextFiles::Whole.into()).unwrap();
    assert_eq!(count_rows(&whole.files[0], &ReadLimits::default()).unwrap(), 3);
}

/// The files of a folder as `data/*` stands for them in a shell.
const EXPANDED: [(&str, &str); 16] = [
    ("LICENSE", "Permission is granted\n"),
    ("LICENSE.txt", "Permission is granted\n"),
    ("README.md", "about\n"),
    ("SHA256SUMS.txt", "0123  train.jsonl\n"),
    ("_SUCCESS", ""),
    ("_old.jsonl", ROWS),
    ("dataset_infos.json", "{\"default\": {}}"),
    ("labels.txt", "cat\ndog\n"),
    ("metadata.json", "{\n \"name\": \"set\"\n}"),
    ("more/a.jsonl", ROWS),
    ("notes.txt", "a line\n"),
    ("shard.parquet", "x"),
    ("shard.tar", "x"),
    ("train.jsonl", ROWS),
    ("train.jsonl.md5", "0123\n"),
    ("_temporary/0/part.jsonl", ROWS),
];

/// Names the files and folders of a folder one by one.
fn named(folder: &Folder, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| folder.0.path().join("d").join(name).to_str().unwrap().to_owned()).collect()
}

#[test]
fn what_describes_the_data_is_left_out_among_files_that_are_named_one_by_one() {
    let folder = Folder::new(&EXPANDED);
    let all: Vec<&str> = EXPANDED.iter().map(|(name, _)| name.split('/').next().unwrap()).collect();
    let all: Vec<&str> = all.into_iter().filter(|name| !name.starts_with("shard")).collect();
    let found = survey(&named(&folder, &all), &[], &Asked::default()).unwrap();
    assert_eq!(names(&found), ["_old.jsonl", "a.jsonl", "notes.txt", "train.jsonl"]);
    assert_eq!(
        said(&found),
        [
            "3 documents beside the data (READMEs, licences, Markdown) were left out (LICENSE, LICENSE.txt, README.md); to read a document, name its folder as well, or name it alone",
            "6 files that describe other files were left out (SHA256SUMS.txt, _SUCCESS, dataset_infos.json, …); to read such a file, name its folder as well, or name it alone",
            "1 file of a job that has not finished was left out (_temporary/0/part.jsonl); run the job to its end; or name \
             such a file or its folder alone to read it",
        ]
    );
}

#[test]
fn a_file_that_is_named_alone_or_only_with_its_like_or_beside_its_folder_is_read() {
    let folder = Folder::new(&EXPANDED);
    for names in [
        &["LICENSE.txt"][..],
        &["labels.txt"],
        &["_old.jsonl"],
        &["README.md"],
        &["labels.txt", "LICENSE.txt", "SHA256SUMS.txt"],
        &["train.jsonl", "notes.txt"],
        &["train.jsonl", "more"],
    ] {
        let found = survey(&named(&folder, names), &[], &Asked::default()).unwrap();
        assert_eq!((found.files.len(), said(&found).len()), (names.len(), 0), "{names:?} {:?}", said(&found));
    }
    let both = [named(&folder, &["more/a.jsonl", "LICENSE.txt"]), named(&folder, &[""])].concat();
    folder.write("more/LICENSE.txt", b"a\n");
    std::fs::remove_file(folder.0.path().join("d/shard.parquet")).unwrap();
    std::fs::remove_file(folder.0.path().join("d/shard.tar")).unwrap();
    let found = survey(&both, &[], &Asked::default()).unwrap();
    assert!(found.files.iter().any(|file| file.path.ends_with("d/LICENSE.txt")), "{:?}", names(&found));
    let unread = survey(&named(&folder, &["LICENSE", "_SUCCESS"]), &[], &Asked::default()).unwrap_err();
    assert!(unread.to_string().ends_with("LICENSE: unknown extension"), "{unread}");
}

#[test]
fn hidden_files_and_folders_that_may_hold_rows_are_read_where_they_are_named() {
    let named_ones = ["_b.jsonl", ".c.jsonl", "_temporary.jsonl", "_old", ".older", "a.jsonl"];
    let folder = Folder::new(&[
        ("_b.jsonl", ROWS),
        (".c.jsonl", ROWS),
        ("_temporary.jsonl", ROWS),
        ("_old/d.jsonl", ROWS),
        (".older/e.jsonl", ROWS),
        ("a.jsonl", ROWS),
        ("_metadata", "PAR1 PAR1"),
        ("_delta_log/0.json", "{\"add\": 1}"),
        (".DS_Store", "x"),
        ("__MACOSX/f.jsonl", ROWS),
    ]);
    folder.write("._a.jsonl", &[0, 5, 0x16, 7, 0, 2]);
    let found = survey(&named(&folder, &named_ones), &[], &Asked::default()).unwrap();
    assert_eq!(names(&found), ["_b.jsonl", ".c.jsonl", "_temporary.jsonl", "d.jsonl", "e.jsonl", "a.jsonl"]);
    assert!(said(&found).is_empty(), "{:?}", said(&found));
    let others = ["_metadata", "_delta_log", ".DS_Store", "__MACOSX", "._a.jsonl"];
    let all = named(&folder, &[&named_ones[..], &others].concat());
    let found = survey(&all, &[], &Asked::default()).unwrap();
    assert_eq!(found.files.len(), named_ones.len(), "{:?}", names(&found));
    assert_eq!(found.skipped.of(Cause::AboutOthers).first, ["_metadata"]);
    assert_eq!(found.skipped.of(Cause::Underscore).first, ["_delta_log/0.json"]);
    assert_eq!(found.skipped.of(Cause::HiddenData).first, ["__MACOSX/f.jsonl"]);
}

#[test]
fn every_file_that_is_named_is_read_where_files_of_embeddings_are_named_too() {
    let folder = Folder::new(&EXPANDED);
    let asked = Asked { embeddings: true, ..Asked::default() };
    let inputs = ["train.jsonl", "labels.txt", "LICENSE.txt", "_old.jsonl"];
    let found = survey(&named(&folder, &inputs), &[], &asked).unwrap();
    assert_eq!((names(&found), said(&found).len()), (inputs.to_vec(), 0));
}

#[test]
fn what_is_left_out_among_named_files_is_not_read_by_another_argument() {
    let folder = Folder::new(&[("data.txt", "a line\n"), ("README.txt", "x\n"), ("more.txt", "x\n")]);
    let twice = named(&folder, &["data.txt", "README.txt", "README.txt"]);
    let found = survey(&twice, &[], &Asked::default()).unwrap();
    assert_eq!((names(&found), found.skipped.count(Cause::Document)), (vec!["data.txt"], 1));
    // A glob that picks it reads it.
    let by_glob = named(&folder, &["data.txt", "README.txt", "*E.txt"]);
    let found = survey(&by_glob, &[], &Asked::default()).unwrap();
    assert_eq!((names(&found), said(&found).len()), (vec!["data.txt", "README.txt"], 0));
}

#[test]
fn what_is_said_of_files_that_are_left_out_among_others_works() {
    let folder = Folder::new(&[
        ("a.jsonl", ROWS),
        ("README.txt", "x\n"),
        ("labels.txt", "cat\n"),
        (".part.jsonl", ROWS),
        ("about.json", "{\n \"name\": \"set\"\n}"),
    ]);
    let path = folder.0.path().join("d").to_str().unwrap().to_owned();
    for name in ["README.txt", "labels.txt", ".part.jsonl", "about.json"] {
        let file = named(&folder, &[name]);
        for folder_as in [path.clone(), format!("file://{path}")] {
            let found = survey(&[file.clone(), vec![folder_as]].concat(), &[], &Asked::default()).unwrap();
            assert!(found.files.iter().any(|found| found.path.ends_with(name)), "{name} {:?}", names(&found));
        }
        assert_eq!(survey(&file, &[], &Asked::default()).unwrap().files.len(), 1);
    }
}

#[test]
fn a_table_of_a_shard_and_markdown_among_named_files() {
    let folder = Folder::new(&EXPANDED);
    let found = survey(&named(&folder, &["shard.parquet", "shard.tar"]), &[], &Asked::default());
    assert_eq!(names(&found.unwrap()), ["shard.tar"]);
    folder.write("a.md", b"a\n");
    let read = |names: &[&str], asked: &Asked| {
        let found = survey(&named(&folder, names), &[], asked).unwrap();
        let rows: u64 =
            found.files.iter().map(|file| count_rows(file, &ReadLimits::default()).unwrap()).sum();
        (rows, found.skipped.count(Cause::Document))
    };
    assert_eq!(read(&["README.md", "a.md"], &Asked::default()), (2, 0));
    let whole = TextFiles::Whole.into();
    assert_eq!(read(&["README.md", "LICENSE.txt", "notes.txt"], &whole), (3, 0));
    assert_eq!(read(&["README.md", "train.jsonl"], &Asked::default()), (3, 1));
}
