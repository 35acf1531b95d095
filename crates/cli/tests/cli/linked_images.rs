//! Images that rows name by their paths, or hold in base64.

use std::fs;
use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryArray, RecordBatch, StringArray, StructArray};
use arrow_schema::{DataType, Field};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parquet::arrow::ArrowWriter;
use serde_json::json;

use super::images::picture;
use super::support::{Sandbox, number};

/// Pictures of which the second and the third are equal.
fn pictures() -> [Vec<u8>; 4] {
    [picture(1, 0), picture(2, 0), picture(2, 0), picture(3, 0)]
}

/// Returns a sandbox with the pictures in a folder beside where tables go.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    for (n, picture) in pictures().into_iter().enumerate() {
        sandbox.write(&format!("in/images/{n}.bmp"), picture);
    }
    sandbox
}

#[test]
fn paths_in_every_format_are_read_from_the_folder_of_the_table() {
    let sandbox = sandbox();
    let rows = |line: &dyn Fn(usize) -> String| (0..4).map(line).collect::<String>();
    sandbox
        .write("in/a.jsonl", rows(&|n| format!("{}\n", json!({"image": format!("images/{n}.bmp"), "n": n}))));
    sandbox.write("in/a.csv", format!("n,image\n{}", rows(&|n| format!("{n},images/{n}.bmp\n"))));
    let paths: ArrayRef = Arc::new(StringArray::from_iter_values((0..4).map(|n| format!("images/{n}.bmp"))));
    sandbox.write("in/a.parquet", table(vec![("image", paths)]));
    for name in ["a.jsonl", "a.csv", "a.parquet"] {
        let said = sandbox
            .semdedup(&format!("run in/{name} --image-column image --out {name}.out --epsilon 0.01 --json"));
        let summary = said.succeeded().json();
        let counts = ["rows_in", "rows_kept", "exact_duplicates"].map(|field| number(&summary, field));
        assert_eq!(counts, [4, 3, 1], "{name}: {summary}");
        assert_eq!(summary["compared"]["files"][0]["image"], "image");
        let again =
            sandbox.summary(&format!("run in/{name} --image-column image --out again-{name} --dry-run"));
        assert_eq!(number(&again, "rows"), 4, "{again}");
    }
    let kept = sandbox.text("a.jsonl.out/kept/a.jsonl");
    assert!(sandbox.text("in/a.jsonl").contains(&kept[..20]) && kept.lines().count() == 3, "{kept}");
}

fn table(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

#[cfg(unix)]
#[test]
fn file_urls_of_images_are_decoded() {
    let sandbox = Sandbox::new();
    let folder = sandbox.path("in/größe 1");
    let urls = pictures().into_iter().enumerate().map(|(n, picture)| {
        sandbox.write(&format!("in/größe 1/{n}#.bmp"), picture);
        let host = ["", "localhost"][n % 2];
        let path = folder.to_str().unwrap().replace(' ', "%20").replace('ö', "%C3%B6");
        format!("{}\n", json!({"image": format!("file://{host}{path}/{n}%23.bmp")}))
    });
    sandbox.write("a.jsonl", urls.collect::<String>());
    let summary = sandbox.summary("run a.jsonl --image-column image --out out --epsilon 0.01");
    let counts = ["rows_in", "rows_kept", "rows_skipped"].map(|field| number(&summary, field));
    assert_eq!(counts, [4, 3, 0], "{summary}");
    let url = format!("file://localhost{}", sandbox.path("in").to_str().unwrap());
    let plan = sandbox.summary(&format!("run {url}/gr%C3%B6%C3%9Fe%201/*%23.bmp --out o --dry-run"));
    assert_eq!(number(&plan, "rows"), 4, "{plan}");
}

#[test]
fn base64_and_data_uris_are_images() {
    let sandbox = Sandbox::new();
    let encoded = pictures().map(|picture| STANDARD.encode(picture));
    let lines = encoded.iter().enumerate().map(|(n, encoded)| match n % 2 {
        0 => format!("{}\n", json!({"image": encoded})),
        _ => format!("{}\n", json!({"image": format!("data:image/bmp;base64,{encoded}")})),
    });
    sandbox.write("a.jsonl", lines.collect::<String>());
    let summary = sandbox.summary("run a.jsonl --image-column image --out out --epsilon 0.01");
    let counts = ["rows_in", "rows_kept", "exact_duplicates"].map(|field| number(&summary, field));
    assert_eq!(counts, [4, 3, 1]);
    sandbox
        .semdedup("run a.jsonl --by image --out o")
        .failed_with(&["no images"])
        .hinted("--image-column NAME");
}

#[test]
fn base64_with_line_breaks_is_no_text_whatever_its_column_is_called() {
    let sandbox = Sandbox::new();
    let mime = |picture: &Vec<u8>| {
        let encoded = STANDARD.encode(picture);
        let lines = encoded.as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line).into_owned());
        lines.collect::<Vec<_>>().join("\r\n")
    };
    let encoded = pictures().iter().map(mime).collect::<Vec<_>>();
    for (name, column) in [("picture", "picture"), ("content", "content"), ("text", "text")] {
        let rows = encoded.iter().map(|encoded| format!("{}\n", json!({column: encoded})));
        sandbox.write(&format!("{name}.jsonl"), rows.collect::<String>());
        let strings: ArrayRef = Arc::new(StringArray::from(encoded.clone()));
        sandbox.write(&format!("{name}.parquet"), table(vec![(column, strings)]));
        for file in [format!("{name}.jsonl"), format!("{name}.parquet")] {
            let refused = sandbox.semdedup(&format!("run {file} --out {file}.no"));
            refused.failed_with(&[column]).hinted(&format!("--image-column {column}"));
            let read = format!("run {file} --image-column {column} --out {file}.out --epsilon 0.01");
            assert_eq!(number(&sandbox.summary(&read), "rows_kept"), 3, "{file}");
        }
    }
}

#[test]
fn bytes_that_are_paths_or_base64_are_read_as_such() {
    let sandbox = sandbox();
    let paths: ArrayRef =
        Arc::new(BinaryArray::from_iter_values((0..4).map(|n| format!("images/{n}.bmp").into_bytes())));
    let encoded: ArrayRef =
        Arc::new(BinaryArray::from_iter_values(pictures().map(|picture| STANDARD.encode(picture))));
    for (name, column) in [("paths", paths), ("encoded", encoded)] {
        sandbox.write(&format!("in/{name}.parquet"), table(vec![("image", column)]));
        let refused = sandbox.semdedup(&format!("run in/{name}.parquet --out no"));
        refused.failed_with(&["image (binary)"]).hinted("--image-column image");
        for asked in ["--image-column image", "--by image"] {
            let out = format!("{name}{}", asked.len());
            let run = format!("run in/{name}.parquet {asked} --out {out} --epsilon 0.01");
            assert_eq!(number(&sandbox.summary(&run), "rows_kept"), 3, "{run}");
        }
    }
}

#[test]
fn a_struct_without_bytes_is_read_from_its_path() {
    let sandbox = sandbox();
    let pictures = pictures();
    let bytes: ArrayRef = Arc::new(BinaryArray::from(vec![Some(pictures[0].as_slice()), None, None, None]));
    let paths: ArrayRef = Arc::new(StringArray::from(vec![
        Some("nowhere.bmp"),
        Some("images/1.bmp"),
        Some("images/2.bmp"),
        None,
    ]));
    let image = StructArray::from(vec![
        (Arc::new(Field::new("bytes", DataType::Binary, true)), bytes),
        (Arc::new(Field::new("path", DataType::Utf8, true)), paths),
    ]);
    sandbox.write("in/a.parquet", table(vec![("image", Arc::new(image))]));
    sandbox.semdedup("run in/a.parquet --out out --epsilon 0.01").skipped_rows();
    assert_eq!(sandbox.column("out/skipped.parquet", "row"), ["3"]);
    assert_eq!(sandbox.column("out/skipped.parquet", "reason"), ["has no image"]);
    assert_eq!(sandbox.column("out/scores.parquet", "row").len(), 4);
    assert_eq!(sandbox.column("out/removed.parquet", "row").len(), 1);
}

#[test]
fn an_object_of_bytes_and_a_path_is_read_from_its_path() {
    let sandbox = sandbox();
    let rows = (0..4).map(|n| json!({"image": {"bytes": null, "path": format!("images/{n}.bmp")}, "n": n}));
    sandbox.write("in/a.jsonl", rows.map(|row| format!("{row}\n")).collect::<String>());
    sandbox
        .semdedup("run in/a.jsonl --out no")
        .failed_with(&["image.path"])
        .hinted("--image-column image.path");
    for asked in ["--image-column image", "--image-column image.path", "--by image"] {
        let out = format!("out{}", asked.len());
        let summary = sandbox.summary(&format!("run in/a.jsonl {asked} --out {out} --epsilon 0.01"));
        assert_eq!(number(&summary, "rows_kept"), 3, "{asked}");
        assert_eq!(summary["compared"]["files"][0]["image"], "image.path");
    }
}

#[test]
fn what_cannot_be_read_is_a_bad_row_that_says_why() {
    let sandbox = sandbox();
    let links = ["images/0.bmp", "images/9.bmp", "https://example.org/a.jpg", "", "data:image/png;base64,%"];
    sandbox.write("in/a.jsonl", links.map(|link| format!("{}\n", json!({"image": link}))).concat());
    sandbox.semdedup("run in/a.jsonl --image-column image --out out").skipped_rows();
    let reasons = sandbox.column("out/skipped.parquet", "reason");
    for (reason, words) in
        reasons.iter().zip(["images/9.bmp cannot be read", "img2dataset", "has no image", "base64"])
    {
        assert!(reason.contains(words), "{reason}");
    }
    assert_eq!(reasons.len(), 4);
    sandbox
        .semdedup("run in/a.jsonl --image-column image --out s --strict")
        .failed_with(&["row 1", "images/9.bmp"]);
}

#[test]
fn a_changed_image_is_embedded_again() {
    let sandbox = sandbox();
    sandbox.write(
        "in/a.jsonl",
        (0..4).map(|n| format!("{}\n", json!({"image": format!("images/{n}.bmp")}))).collect::<String>(),
    );
    let run = |out: &str| {
        let summary = sandbox
            .summary(&format!("run in/a.jsonl --image-column image --work w --out {out} --epsilon 0.01"));
        (number(&summary, "rows_kept"), number(&summary, "reused_embeddings"))
    };
    assert_eq!(run("a"), (3, 0));
    fs::write(sandbox.path("in/images/2.bmp"), picture(7, 0)).unwrap();
    assert_eq!(run("b"), (4, 3));
}
