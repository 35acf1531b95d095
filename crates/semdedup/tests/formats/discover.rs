//! The files that a run reads, and the names of their kept files.

use std::path::Path;

use semdedup::formats::{
    Asked, Cause, ColumnChoice, CompareBy, Compression, Dialect, Format, InputFile, ReadLimits, TextFiles,
    count_rows, discover, survey,
};
use tempfile::TempDir;

fn folder(files: &[&str]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for file in files {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x\n").unwrap();
    }
    folder
}

fn arguments(folder: &TempDir, inputs: &[&str]) -> Vec<String> {
    inputs.iter().map(|input| folder.path().join(input).to_str().unwrap().to_owned()).collect()
}

fn names(folder: &TempDir, inputs: &[&str]) -> Vec<String> {
    discover(&arguments(folder, inputs), &[]).unwrap().into_iter().map(|file| file.name).collect()
}

fn error(folder: &TempDir, inputs: &[&str]) -> String {
    discover(&arguments(folder, inputs), &[]).unwrap_err().to_string()
}

#[test]
fn a_folder_is_walked_in_the_order_of_its_names() {
    let folder = folder(&[
        "d/b.jsonl",
        "d/a/z.tsv.gz",
        "d/a.csv",
        "d/.hidden.txt",
        "d/.git/x.txt",
        "d/_SUCCESS",
        "d/n.md",
    ]);
    let found = survey(&arguments(&folder, &["d"]), &[], &Asked::default()).unwrap();
    let names: Vec<_> = found.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["a.csv", "a/z.tsv.gz", "b.jsonl"]);
    let counts =
        [Cause::Hidden, Cause::HiddenData, Cause::AboutOthers, Cause::Document, Cause::UnknownExtension]
            .map(|cause| found.skipped.count(cause));
    assert_eq!(counts, [0, 2, 1, 1, 0]);
    assert_eq!(found.skipped.of(Cause::HiddenData).first, [".git/x.txt", ".hidden.txt"]);
}

#[test]
fn the_extension_says_format_and_compression() {
    let csv = |delimiter| Format::Csv(Dialect::new(delimiter));
    let cases = [
        ("a.jsonl", Format::Jsonl, Compression::None),
        ("a.NDJSON.GZ", Format::Jsonl, Compression::Gzip),
        ("a.json.zst", Format::Jsonl, Compression::Zstd),
        ("a.csv", csv(b','), Compression::None),
        ("a.tsv.gz", csv(b'\t'), Compression::Gzip),
        ("a.b.txt.zst", Format::Text, Compression::Zstd),
        ("a.parquet", Format::Parquet, Compression::None),
    ];
    for (name, format, compression) in cases {
        let folder = folder(&[name]);
        let InputFile { format: f, compression: c, bytes, .. } =
            discover(&arguments(&folder, &[name]), &[]).unwrap().remove(0);
        assert_eq!((f, c, bytes), (format, compression, 2), "{name}");
    }
}

#[test]
fn a_named_file_of_unknown_extension_is_an_error_that_lists_the_known_ones() {
    for name in ["a.rst", "jsonl", "a.parquet.gz", "a.gz"] {
        let folder = folder(&[name]);
        let error = discover(&arguments(&folder, &[name]), &[]).unwrap_err();
        assert!(error.to_string().ends_with(&format!("{name}: unknown extension")), "{error}");
        assert!(error.hint_text().unwrap().contains(".ndjson"));
    }
}

#[test]
fn nothing_to_read_is_an_error() {
    let folder = folder(&["d/a.rst"]);
    assert!(error(&folder, &["d"]).starts_with("no file to read in `"));
    assert!(error(&folder, &["d/*.rst"]).starts_with("no file to read in `"));
    assert!(error(&folder, &["d/*.jsonl"]).contains("d/*.jsonl"));
    assert!(error(&folder, &["d/a.txt"]).ends_with("d/a.txt: no such file or folder"));
}

#[test]
fn the_same_file_given_twice_counts_once() {
    let folder = folder(&["d/a.txt", "d/b.txt"]);
    assert_eq!(names(&folder, &["d/b.txt", "d", "d/*.txt", "d/../d/b.txt"]), ["b.txt", "a.txt"]);
}

#[test]
fn globs_take_files_and_folders_and_name_them_from_their_fixed_part() {
    let folder = folder(&["d/x/p.txt", "d/y/p.txt", "d/y/.p.txt", "d/z.md", "d/q.txt"]);
    assert_eq!(names(&folder, &["d/*/p.txt"]), ["x/p.txt", "y/p.txt"]);
    assert_eq!(names(&folder, &["d/*"]), ["q.txt", "x/p.txt", "y/p.txt"]);
    assert_eq!(names(&folder, &["d/**/*.txt"]), ["q.txt", "x/p.txt", "y/p.txt"]);
}

#[test]
fn a_file_whose_name_looks_like_a_glob_is_read() {
    let folder = folder(&["d/a[1].txt"]);
    assert_eq!(names(&folder, &["d/a[1].txt"]), ["a[1].txt"]);
}

#[test]
fn names_that_clash_go_under_the_names_of_their_folders() {
    let folder = folder(&["a/p.txt", "a/q.txt", "b/p.txt", "c/r.txt"]);
    assert_eq!(names(&folder, &["a", "b", "c"]), ["a/p.txt", "a/q.txt", "b/p.txt", "r.txt"]);
    assert_eq!(names(&folder, &["b/p.txt", "a/p.txt"]), ["b/p.txt", "a/p.txt"]);
}

#[test]
fn names_that_clash_even_so_are_an_error() {
    let folder = folder(&["a/d/p.txt", "b/d/p.txt", "x/n.txt/m.txt", "n.txt"]);
    assert!(error(&folder, &["a/d", "b/d"]).contains("would be written to the same place as"));
    assert!(error(&folder, &["x", "n.txt"]).contains("would be written to the same place as"));
}

#[test]
fn excluded_folders_are_not_entered() {
    let folder = folder(&["d/a.txt", "d/out/kept/a.txt", "d/out2/b.txt"]);
    let exclude = [folder.path().join("d/out"), folder.path().join("not there")];
    let found = survey(&arguments(&folder, &["d"]), &exclude, &Asked::default()).unwrap();
    let names: Vec<_> = found.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["a.txt", "out2/b.txt"]);
    assert_eq!(found.skipped.count(Cause::Excluded), 1);
}

#[test]
fn no_name_climbs_out_of_its_folder() {
    let folder = folder(&["d/e/a.txt", "b.txt"]);
    for input in ["d/../b.txt", "d/e/../../b.txt", "d/../d", "d/e/../*/*.txt", "."] {
        for name in names(&folder, &[input]) {
            let plain = |part| matches!(part, std::path::Component::Normal(_));
            assert!(Path::new(&name).components().all(plain), "{input} gives {name}");
        }
    }
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_two_links_to_one_file_are_two_files() {
    let folder = folder(&["blobs/1234.txt", "d/plain.txt"]);
    for link in ["d/a.txt", "d/b.txt"] {
        std::os::unix::fs::symlink("../blobs/1234.txt", folder.path().join(link)).unwrap();
    }
    std::os::unix::fs::symlink("nowhere", folder.path().join("d/.#lock.txt")).unwrap();
    assert_eq!(names(&folder, &["d"]), ["a.txt", "b.txt", "plain.txt"]);
}

#[cfg(unix)]
#[test]
fn a_link_to_a_file_that_is_read_itself_is_left_out() {
    let folder = folder(&["d/z.txt", "e/z.png", "e/m.png", "f/n.png"]);
    let link = |to: &str, at: &str| std::os::unix::fs::symlink(to, folder.path().join(at)).unwrap();
    link("z.txt", "d/a.txt");
    link("../d", "d/loop");
    link("z.png", "e/a.png");
    link("../e/z.png", "f/outside.png");
    assert_eq!(names(&folder, &["d"]), ["z.txt"]);
    let found = survey(&arguments(&folder, &["e"]), &[], &Asked::default()).unwrap();
    assert_eq!(count_rows(&found.files[0], &ReadLimits::default()).unwrap(), 2);
    assert_eq!(found.skipped.count(Cause::Link), 1);
    let alone = survey(&arguments(&folder, &["f"]), &[], &Asked::default()).unwrap();
    assert_eq!(count_rows(&alone.files[0], &ReadLimits::default()).unwrap(), 2);
}

#[test]
fn captions_and_a_readme_beside_images_are_no_rows() {
    let folder = folder(&["d/a.jpg", "d/a.txt", "d/b.jpg", "d/README.txt", "d/x/c.png"]);
    let found = survey(&arguments(&folder, &["d"]), &[], &Asked::default()).unwrap();
    assert_eq!((found.files.len(), found.files[0].format), (1, Format::Tree));
    assert_eq!(found.skipped.of(Cause::BesideImages).first, ["a.txt"]);
    assert_eq!(found.skipped.of(Cause::Document).first, ["README.txt"]);
    assert_eq!(count_rows(&found.files[0], &ReadLimits::default()).unwrap(), 3);
    assert_eq!(names(&folder, &["d/*.txt"]), ["README.txt", "a.txt"]);
    // A user who asks for texts gets them.
    let found = survey(&arguments(&folder, &["d"]), &[], &TextFiles::Whole.into()).unwrap();
    assert_eq!((found.files.len(), found.files[0].format), (1, Format::TextTree));
}

#[cfg(unix)]
#[test]
fn a_link_stays_where_its_target_is_not_read_or_read_as_something_else() {
    let folder = folder(&["k/docs.md", "k/z.jsonl", "a/rows.jsonl", "a/i.png", "b/n.jsonl"]);
    let link = |to: &str, at: &str| std::os::unix::fs::symlink(to, folder.path().join(at)).unwrap();
    // The Markdown is left out, so its lines are read through the link alone.
    link("docs.md", "k/all.csv");
    assert_eq!(names(&folder, &["k"]), ["all.csv", "z.jsonl"]);
    std::fs::create_dir(folder.path().join("c")).unwrap();
    link("../a/i.png", "c/l.png");
    let columns = ColumnChoice { by: Some(CompareBy::Text), ..ColumnChoice::default() };
    let asked = Asked { columns, ..Asked::default() };
    let found = survey(&arguments(&folder, &["a", "c"]), &[], &asked).unwrap();
    assert_eq!(found.files.iter().map(|file| file.format).collect::<Vec<_>>(), [Format::Jsonl, Format::Tree]);
    link("n.jsonl", "b/lines.csv");
    assert_eq!(names(&folder, &["b"]), ["lines.csv", "n.jsonl"]);
}

#[test]
fn what_is_named_outright_in_the_results_is_an_error() {
    let folder = folder(&["out/sub/a.jsonl", "out/b.jsonl", "in/c.jsonl"]);
    let out = [folder.path().join("out")];
    for input in ["out/sub", "out", "out/sub/*.jsonl", "o*/*.jsonl"] {
        let error = discover(&arguments(&folder, &["in", input]), &out).unwrap_err();
        assert!(error.to_string().contains("which the run writes"), "{input}: {error}");
    }
    assert_eq!(discover(&arguments(&folder, &["*/*.jsonl"]), &out).unwrap().len(), 1);
}

#[test]
fn folders_of_hugging_face_and_img2dataset_are_read_without_what_is_said_of_them() {
    let folder = folder(&[
        "hf/data-00000-of-00001.arrow",
        "hf/dataset_info.json",
        "hf/state.json",
        "img/00000.tar",
        "img/00000.parquet",
        "img/00000_stats.json",
        "img/more.parquet",
    ]);
    assert_eq!(names(&folder, &["hf"]), ["data-00000-of-00001.arrow"]);
    assert_eq!(names(&folder, &["img"]), ["00000.tar", "more.parquet"]);
    for named in ["img/00000.parquet", "img/0*.parquet"] {
        assert_eq!(names(&folder, &[named]), ["00000.parquet"]);
    }
}

#[test]
fn results_of_earlier_runs_below_a_folder_are_passed_over() {
    let folder =
        folder(&["p/a.jsonl", "p/d/kept/a.jsonl", "p/d/scores.parquet", "p/e/summary.json", "p/e/b.jsonl"]);
    std::fs::write(folder.path().join("p/d/summary.json"), "{\"scores_fingerprint\": \"x\"}").unwrap();
    assert_eq!(names(&folder, &["p"]), ["a.jsonl", "e/b.jsonl", "e/summary.json"]);
    let found = survey(&arguments(&folder, &["p"]), &[], &Asked::default()).unwrap();
    assert_eq!((found.skipped.count(Cause::Result), found.skipped.count(Cause::Excluded)), (1, 0));
    assert_eq!(names(&folder, &["p/d/kept"]), ["a.jsonl"]);
}
