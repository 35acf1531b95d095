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
            "4 documents beside the data (READMEs, licences, Markdown) were left out (NOTICE, README.md, LICENSE.txt, …); name a \
             document to read it",
            "3 files that describe other files were left out (dataset_infos.json, metadata.json, _SUCCESS); name such a file to \
             read it",
            "1 hidden file was left out (.part.jsonl); name such a file to read it",
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
