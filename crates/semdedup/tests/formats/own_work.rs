//! What semdedup itself wrote below a folder is no input: work directories, selections, and what a
//! killed run left.

use semdedup::formats::{Asked, Cause};

use crate::beside::{Folder, ROWS, names, said};

const MANIFEST: &str =
    "{\"format_version\": 2, \"stages\": {\"embed\": {\"fingerprint\": \"x\", \"seconds\": 1.5}}}";

#[test]
fn a_work_directory_below_a_folder_is_left_out_however_it_is_reached() {
    let folder = Folder::new(&[
        ("a.jsonl", ROWS),
        ("work/manifest.json", MANIFEST),
        ("work/lock", ""),
        ("work/embed/part-00000.json", "[{\"text\": \"x\"}]"),
        ("work/embed/part-00000.npy", "x"),
        ("other/manifest.json", "{\"format_version\": 2, \"files\": []}"),
        ("other/b.jsonl", ROWS),
    ]);
    for input in ["d", "d/*", "d/**/*"] {
        let found = folder.survey_as(input, &Asked::default()).unwrap();
        assert_eq!(names(&found), ["a.jsonl", "other/b.jsonl"], "{input}");
        let told = "1 work directory of semdedup was left out (work); what is in it was made from rows and holds none";
        assert!(said(&found).iter().any(|said| said == told), "{input}: {:?}", said(&found));
    }
    let globbed = folder.survey_as("d/**/*.json", &Asked::default()).unwrap();
    assert_eq!(names(&globbed), ["other/manifest.json"]);
    for input in ["d/work/embed", "d/work/embed/*"] {
        let error = folder.survey_as(input, &Asked::default()).unwrap_err();
        assert!(error.to_string().ends_with("is a part of a work directory of semdedup"), "{error}");
    }
    let error = folder.survey_as("d/work", &Asked::default()).unwrap_err();
    assert!(error.hint_text().unwrap().contains("1 work directory of semdedup"), "{error:?}");
}

#[test]
fn the_lists_of_a_selection_are_left_out_and_rows_beside_them_are_read() {
    let summary = "{\"goal\": \"epsilon 0.05\", \"rows_removed\": 1, \"lists\": [{\"file\": \"ids.txt\", \"bytes\": 2}]}";
    let folder = Folder::new(&[
        ("a.jsonl", ROWS),
        ("summary.json", summary),
        ("kept.parquet", "x"),
        ("removed.parquet", "x"),
        ("ids.txt", "1\n"),
    ]);
    let found = folder.survey().unwrap();
    assert_eq!((names(&found), found.skipped.count(Cause::AboutOthers)), (vec!["a.jsonl"], 4));
    folder.write("summary.json", b"{\"goal\": \"mine\"}");
    assert_eq!(names(&folder.survey().unwrap()), ["a.jsonl", "kept.parquet", "removed.parquet"]);
}

const RECORD: &str =
    "{\"files\": [\"kept/a.jsonl\", \"kept/b.jsonl\", \"removed.parquet\", \"summary.json\"], \"sent\": {}}";

#[test]
fn what_a_killed_run_was_putting_into_place_is_left_out() {
    let folder = Folder::new(&[
        ("a.jsonl", ROWS),
        ("out/.semdedup-unfinished/run.json", RECORD),
        ("out/.semdedup-unfinished/staged/kept/b.jsonl", ROWS),
        ("out/kept/a.jsonl", ROWS),
        ("out/removed.parquet", "x"),
        ("out/mine.jsonl", ROWS),
        ("half.jsonl.semdedup-tmp", ROWS),
        ("tmp/semdedup-staged-0123456789abcdef/staged/kept/a.jsonl", ROWS),
    ]);
    for input in ["d", "d/*", "d/**/*"] {
        let found = folder.survey_as(input, &Asked::default()).unwrap();
        assert_eq!(names(&found), ["a.jsonl", "out/mine.jsonl"], "{input}");
        assert_eq!(found.skipped.count(Cause::Unfinished), 6, "{input} {:?}", found.skipped);
    }
    let globbed = folder.survey_as("d/**/*.jsonl", &Asked::default()).unwrap();
    assert_eq!(names(&globbed), ["a.jsonl", "out/mine.jsonl"]);
    let root = folder.survey_as("d/out", &Asked::default()).unwrap();
    assert_eq!(names(&root), ["mine.jsonl"]);
    for input in ["d/out/kept", "d/out/kept/*.jsonl"] {
        let error = folder.survey_as(input, &Asked::default()).unwrap_err();
        assert!(error.to_string().contains("a result that a run has not finished writing"), "{error}");
        assert!(error.hint_text().unwrap().contains("run the command of that run again"));
    }
    // Once the summary is there, the result is whole.
    folder.write("out/summary.json", b"{\"scores_fingerprint\": \"x\"}");
    assert_eq!(names(&folder.survey_as("d/out/kept", &Asked::default()).unwrap()), ["a.jsonl"]);
    assert_eq!(names(&folder.survey().unwrap()), ["a.jsonl"]);
}

#[test]
fn what_a_killed_command_was_replacing_is_left_out() {
    let folder = Folder::new(&[
        ("a.jsonl", ROWS),
        (".semdedup-writing/files.json", "[\"kept.parquet\", \"removed.parquet\", \"summary.json\"]"),
        ("kept.parquet", "x"),
        ("other.parquet", "x"),
    ]);
    let found = folder.survey().unwrap();
    assert_eq!(names(&found), ["a.jsonl", "other.parquet"]);
    assert_eq!(found.skipped.of(Cause::Unfinished).first, [".semdedup-writing/files.json", "kept.parquet"]);
}
