//! What lies below a folder and is not read: hidden names, unfinished jobs, links that lead
//! nowhere, names that are not UTF-8, and results of earlier runs.

use semdedup::formats::{Asked, Cause, Discovered, ReadLimits, count_rows, survey};

use crate::beside::{Folder, ROWS, names, said};

const SPARK: [(&str, &str); 10] = [
    ("part-0.jsonl", ROWS),
    ("_SUCCESS", ""),
    ("_temporary/0/task_1/part-1.jsonl", ROWS),
    ("_temporary/0/task_1/.part-1.jsonl.crc", ""),
    ("_spark_metadata/0.json", ROWS),
    ("_spark_metadata/1.json", ROWS),
    ("_day=1/part-2.jsonl", ROWS),
    ("day=2/_old.jsonl", ROWS),
    (".ipynb_checkpoints/part-0.jsonl", ROWS),
    (".git/HEAD", ""),
];

const TOLD: [&str; 3] = [
    "3 files with names that begin with `_`, or in such folders, were left out (_spark_metadata/0.json, \
     _spark_metadata/1.json, day=2/_old.jsonl); Spark and Arrow do not read them either; name such a file or its \
     folder alone to read it",
    "1 file of a job that has not finished was left out (_temporary/0/task_1/part-1.jsonl); run the job to its end; \
     or name such a file or its folder alone to read it",
    "1 file that describes other files was left out (_SUCCESS); to read such a file, name its folder as well, or name it alone",
];

#[test]
fn names_that_begin_with_an_underscore_or_a_dot_are_no_rows_and_are_told_of() {
    let folder = Folder::new(&SPARK);
    for input in ["d", "d/*", "d/**/*"] {
        let found = folder.survey_as(input, &Asked::default()).unwrap();
        assert_eq!(names(&found), ["_day=1/part-2.jsonl", "part-0.jsonl"], "{input}");
        let said = said(&found);
        for told in TOLD {
            assert!(said.iter().any(|said| said == told), "{input}: {said:#?}");
        }
    }
    let found = folder.survey().unwrap();
    assert_eq!(found.skipped.of(Cause::HiddenData).first, [".ipynb_checkpoints/part-0.jsonl"]);
    let found = folder.survey_as("d/**/*.jsonl", &Asked::default()).unwrap();
    assert_eq!(names(&found), ["_day=1/part-2.jsonl", "part-0.jsonl"]);
    assert_eq!(found.skipped.count(Cause::HiddenData), 1);
    assert_eq!((found.skipped.count(Cause::Underscore), found.skipped.count(Cause::Unfinished)), (1, 1));
}

#[test]
fn hidden_files_and_folders_that_are_named_are_read() {
    let folder = Folder::new(&SPARK);
    for (input, name) in [
        ("d/day=2/_old.jsonl", "_old.jsonl"),
        ("d/_temporary", "0/task_1/part-1.jsonl"),
        ("d/_temporary/**/*.jsonl", "0/task_1/part-1.jsonl"),
        ("d/_t*/0/*/*.jsonl", "_temporary/0/task_1/part-1.jsonl"),
        ("d/day=2/_*.jsonl", "_old.jsonl"),
        ("d/.ipynb*/*.jsonl", ".ipynb_checkpoints/part-0.jsonl"),
        ("d/.ipynb_checkpoints/*.jsonl", "part-0.jsonl"),
    ] {
        let found = folder.survey_as(input, &Asked::default()).unwrap();
        assert_eq!(names(&found), [name], "{input}");
    }
}

#[test]
fn a_hidden_picture_is_no_row_of_a_folder_of_images() {
    let folder = Folder::of_images(&["0.png", "1.png", "_masks/0.png", ".thumbs/0.png", "_cat=1/2.png"], &[]);
    let found = folder.is_of_images(3);
    assert_eq!(found.skipped.of(Cause::Underscore).first, ["_masks/0.png"]);
    assert_eq!(found.skipped.of(Cause::HiddenData).first, [".thumbs/0.png"]);
}

const SYSTEMS: [&str; 14] = [
    "$RECYCLE.BIN/a.jsonl",
    "$Recycle.Bin/b.jsonl",
    ".Trash/a.jsonl",
    ".Trash-1000/files/a.jsonl",
    ".ipynb_checkpoints/a.jsonl",
    "@eaDir/a.jsonl",
    "System Volume Information/a.jsonl",
    "__MACOSX/a.jsonl",
    "lost+found/a.jsonl",
    "x/#recycle/a.jsonl",
    "x/__pycache__/a.json",
    "x/node_modules/left-pad/package.json",
    "x/node_modules/left-pad/README.md",
    "x/node_modules/left-pad/data.txt",
];

#[test]
fn trash_and_what_systems_put_beside_data_is_hidden() {
    let files: Vec<(&str, &str)> = SYSTEMS.iter().map(|name| (*name, ROWS)).collect();
    let folder = Folder::new(&files);
    for (name, content) in
        [("a.jsonl", ROWS), ("x/Thumbs.db", "x"), ("desktop.ini", "x"), ("modules/b.jsonl", ROWS)]
    {
        folder.write(name, content.as_bytes());
    }
    for input in ["d", "d/*", "d/**/*"] {
        let found = folder.survey_as(input, &Asked::default()).unwrap();
        assert_eq!(names(&found), ["a.jsonl", "modules/b.jsonl"], "{input}");
        let counts = [Cause::HiddenData, Cause::Hidden, Cause::UnknownExtension, Cause::Underscore]
            .map(|cause| found.skipped.count(cause));
        assert_eq!(counts, [13, 3, 0, 0], "{input} {:?}", found.skipped);
    }
    for input in ["d/lost+found", "d/x/node_modules/*/*.json", "d/*/node_modules/*/*.json", "d/$RECYCLE.BIN"]
    {
        assert_eq!(folder.survey_as(input, &Asked::default()).unwrap().files.len(), 1, "{input}");
    }
}

#[test]
fn a_pattern_of_hidden_names_reads_neither_the_folder_nor_the_one_around() {
    let folder = Folder::new(&[("e/.part.jsonl", ROWS), ("e/a.jsonl", ROWS), ("b.jsonl", ROWS)]);
    for input in ["d/e/.*", "d/e/.*/../e/.p*", "d/e/.?*"] {
        let found = folder.survey_as(input, &Asked::default());
        let found = found.map(|found| names(&found).into_iter().map(str::to_owned).collect::<Vec<_>>());
        match input {
            "d/e/.*/../e/.p*" => assert!(found.is_err(), "{found:?}"),
            _ => assert_eq!(found.unwrap(), [".part.jsonl"], "{input}"),
        }
    }
    let error = folder.survey_as("d/.*", &Asked::default()).unwrap_err();
    assert!(error.to_string().contains("there is nothing that the pattern picks"), "{error}");
    let up = folder.survey_as("d/e/../*.jsonl", &Asked::default()).unwrap();
    assert_eq!(names(&up), ["b.jsonl"]);
}

#[test]
fn hidden_embeddings_beside_rows_raise_no_question() {
    let folder = Folder::new(&[("a.jsonl", ROWS), ("_cache/a.npy", "x")]);
    let found = folder.survey().unwrap();
    assert_eq!((names(&found), found.skipped.count(Cause::Underscore)), (vec!["a.jsonl"], 1));
}

#[cfg(unix)]
#[test]
fn links_that_lead_nowhere_are_left_out_and_counted() {
    let folder = Folder::of_images(&["0.jpg", "1.jpg"], &[]);
    let link =
        |to: &str, at: &str| std::os::unix::fs::symlink(to, folder.0.path().join("d").join(at)).unwrap();
    link("gone.jpg", "2.jpg");
    link("3.jpg", "3.jpg");
    link("0.jpg/below", "4.jpg");
    link("nowhere", ".#lock.jpg");
    for input in ["d", "d/*", "d/*.jpg"] {
        let found = folder.survey_as(input, &Asked::default()).unwrap();
        assert_eq!(count_rows(&found.files[0], &ReadLimits::default()).unwrap(), 2, "{input}");
        let told = "3 links that lead nowhere were left out (2.jpg, 3.jpg, 4.jpg); ";
        assert!(said(&found)[0].starts_with(told), "{:?}", said(&found));
    }
    let error = folder.survey_as("d/2.jpg", &Asked::default()).unwrap_err();
    assert!(error.to_string().ends_with("d/2.jpg: is a link that leads nowhere"), "{error}");
    assert!(error.hint_text().unwrap().contains("git annex get"));
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf8_are_left_out_and_counted() {
    use std::os::unix::ffi::OsStrExt;

    let folder = Folder::of_images(&["0.jpg", "1.jpg"], &[]);
    let odd = |bytes: &[u8]| folder.0.path().join("d").join(std::ffi::OsStr::from_bytes(bytes));
    std::fs::write(odd(b"caf\xe9.jpg"), "x").unwrap();
    for input in ["d", "d/*", "d/*.jpg"] {
        let found = folder.survey_as(input, &Asked::default()).unwrap();
        assert_eq!(count_rows(&found.files[0], &ReadLimits::default()).unwrap(), 2, "{input}");
        let told = "1 file whose name is not UTF-8 was left out (caf\u{fffd}.jpg); rename such a file";
        assert!(said(&found)[0].starts_with(told), "{:?}", said(&found));
    }
    std::fs::create_dir(odd(b"\xe9")).unwrap();
    std::fs::write(odd(b"\xe9").join("2.jpg"), "x").unwrap();
    assert_eq!(folder.survey().unwrap().skipped.count(Cause::NotUtf8), 2);
}

const SUMMARY: &str = "{\"scores_fingerprint\": \"x\"}";

#[test]
fn results_of_earlier_runs_are_left_out_however_they_are_reached() {
    let folder = Folder::new(&[
        ("a.jsonl", ROWS),
        ("out/summary.json", SUMMARY),
        ("out/removed.parquet", "x"),
        ("out/kept/a.jsonl", ROWS),
        ("own/summary.json", "{}"),
        ("own/removed.jsonl", ROWS),
    ]);
    let path = |name: &str| folder.0.path().join("d").join(name).to_str().unwrap().to_owned();
    let own = ["a.jsonl", "own/removed.jsonl"];
    let surveyed = |inputs: &[String]| survey(inputs, &[], &Asked::default()).unwrap();
    let result = |found: &Discovered| found.skipped.of(Cause::Result);
    for input in ["", "*", "**/*.jsonl"] {
        let found = surveyed(&[path(input)]);
        let rows: Vec<&str> = names(&found).into_iter().filter(|name| name.ends_with("jsonl")).collect();
        assert_eq!(rows, own, "{input}");
        assert_eq!(
            (result(&found).count, &result(&found).first[..]),
            (1, &["out".to_owned()][..]),
            "{input}"
        );
    }
    // A shell turns `d/*` into one argument for each file and folder.
    let found = surveyed(&[path("a.jsonl"), path("out")]);
    assert_eq!((names(&found), result(&found).count), (vec!["a.jsonl"], 1));
    for input in ["out/kept", "out/kept/*.jsonl", "out/kept/a.jsonl"] {
        assert_eq!(names(&surveyed(&[path(input)])), ["a.jsonl"], "{input}");
    }
    let error = survey(&[path("out")], &[], &Asked::default()).unwrap_err();
    assert!(error.to_string().starts_with("no file to read in"), "{error}");
    assert!(error.hint_text().unwrap().contains("name the folder kept/ in it"), "{error:?}");
}
