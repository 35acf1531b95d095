//! Images that are elements of lists: `--image-column 'images[0]'`.

use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, FixedSizeListBuilder, LargeListBuilder, ListBuilder, StringBuilder, StructBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_ipc::writer::FileWriter;
use arrow_schema::{DataType, Field, Fields};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parquet::arrow::ArrowWriter;
use serde_json::json;

use super::images::picture;
use super::support::{Sandbox, number};

/// The pictures of each row: the first ones of rows 1 and 2 are equal, and so are the last ones of
/// rows 0 and 1. Rows 3 and 4 have no list and an empty one.
fn rows() -> [Option<Vec<Vec<u8>>>; 6] {
    let pictures = |first, second| Some(vec![picture(first, 0), picture(second, 0)]);
    [pictures(1, 9), pictures(2, 9), pictures(2, 8), None, Some(vec![]), Some(vec![picture(3, 0)])]
}

/// Lists of bytes.
fn bytes() -> ArrayRef {
    let mut lists = ListBuilder::new(BinaryBuilder::new());
    for row in rows() {
        row.iter().flatten().for_each(|picture| lists.values().append_value(picture));
        lists.append(row.is_some());
    }
    Arc::new(lists.finish())
}

/// Lists of structs as Hugging Face writes them: with bytes, or with paths alone.
fn structs(has_bytes: bool) -> ArrayRef {
    let fields = Fields::from(vec![
        Field::new("bytes", DataType::Binary, true),
        Field::new("path", DataType::Utf8, true),
    ]);
    let mut lists = LargeListBuilder::new(StructBuilder::from_fields(fields, 0));
    for (row, pictures) in rows().into_iter().enumerate() {
        for (place, picture) in pictures.iter().flatten().enumerate() {
            let values = lists.values();
            let bytes = has_bytes.then_some(picture);
            values.field_builder::<BinaryBuilder>(0).unwrap().append_option(bytes);
            values.field_builder::<StringBuilder>(1).unwrap().append_value(path(row, place));
            values.append(true);
        }
        lists.append(pictures.is_some());
    }
    Arc::new(lists.finish())
}

/// Lists of a fixed number of strings of base64.
fn encoded() -> ArrayRef {
    let mut lists = FixedSizeListBuilder::new(StringBuilder::new(), 2);
    for row in rows() {
        for place in 0..2 {
            let picture = row.as_ref().and_then(|row| row.get(place));
            lists.values().append_option(picture.map(|picture| STANDARD.encode(picture)));
        }
        lists.append(row.is_some());
    }
    Arc::new(lists.finish())
}

fn path(row: usize, place: usize) -> String {
    format!("pictures/{row}-{place}.bmp")
}

/// Returns a sandbox with the pictures as files in `in/pictures`.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    for (row, pictures) in rows().into_iter().enumerate() {
        for (place, picture) in pictures.into_iter().flatten().enumerate() {
            sandbox.write(&format!("in/{}", path(row, place)), picture);
        }
    }
    sandbox
}

fn parquet(images: ArrayRef) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter([("images", images)]).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn arrow(images: ArrayRef) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter([("images", images)]).unwrap();
    let mut bytes = Vec::new();
    let mut writer = FileWriter::try_new(&mut bytes, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    bytes
}

/// Returns rows of JSON whose lists have an element for each picture.
fn json_rows(element: &dyn Fn(usize, usize, &[u8]) -> serde_json::Value) -> String {
    let line = |(row, pictures): (usize, Option<Vec<Vec<u8>>>)| {
        let list = pictures.map(|pictures| {
            let elements = pictures.iter().enumerate().map(|(place, picture)| element(row, place, picture));
            elements.collect::<Vec<_>>()
        });
        format!("{}\n", json!({"images": list, "row": row}))
    };
    rows().into_iter().enumerate().map(line).collect()
}

/// Writes the same rows in every shape; returns the names of the files.
fn write_all(sandbox: &Sandbox) -> [&'static str; 7] {
    let uri = |picture: &[u8]| json!(format!("data:image/bmp;base64,{}", STANDARD.encode(picture)));
    sandbox.write("in/bytes.parquet", parquet(bytes()));
    sandbox.write("in/structs.parquet", parquet(structs(true)));
    sandbox.write("in/paths.arrow", arrow(structs(false)));
    sandbox.write("in/encoded.parquet", parquet(encoded()));
    sandbox.write("in/paths.jsonl", json_rows(&|row, place, _| json!(path(row, place))));
    sandbox.write("in/objects.jsonl", json_rows(&|row, place, _| json!({"path": path(row, place)})));
    sandbox.write("in/uris.jsonl", json_rows(&|_, _, picture| uri(picture)));
    [
        "bytes.parquet",
        "structs.parquet",
        "paths.arrow",
        "encoded.parquet",
        "paths.jsonl",
        "objects.jsonl",
        "uris.jsonl",
    ]
}

#[test]
fn one_image_of_each_list_is_compared_and_rows_without_it_are_bad() {
    let sandbox = sandbox();
    for name in write_all(&sandbox) {
        for (column, removed, bad) in
            [("images[0]", "2", vec!["3", "4"]), ("images[-2]", "2", vec!["3", "4", "5"])]
        {
            // The lists of a fixed length have two places each, whatever is in them.
            if name == "encoded.parquet" && column == "images[-2]" {
                continue;
            }
            let out = format!("out-{name}{column}");
            let run = format!("run in/{name} --image-column {column} --out {out} --epsilon 0.01");
            sandbox.semdedup(&run).skipped_rows();
            assert_eq!(
                sandbox.column(&format!("{out}/removed.parquet"), "row"),
                [removed],
                "{name} {column}"
            );
            assert_eq!(sandbox.column(&format!("{out}/skipped.parquet"), "row"), bad, "{name} {column}");
            let summary: serde_json::Value =
                serde_json::from_str(&sandbox.text(&format!("{out}/summary.json"))).unwrap();
            let compared = summary["compared"]["files"][0]["image"].as_str().unwrap();
            assert!(compared.starts_with(column), "{name}: {compared}");
        }
    }
}

#[test]
fn another_element_than_the_first_is_compared_if_it_is_named() {
    let sandbox = sandbox();
    for name in write_all(&sandbox) {
        let run = format!("run in/{name} --image-column images[1] --out out-{name} --epsilon 0.01");
        sandbox.semdedup(&run).skipped_rows();
        assert_eq!(sandbox.column(&format!("out-{name}/removed.parquet"), "row"), ["1"], "{name}");
        assert_eq!(sandbox.column(&format!("out-{name}/skipped.parquet"), "row"), ["3", "4", "5"], "{name}");
    }
}

#[test]
fn lists_of_images_are_refused_until_one_is_named() {
    let sandbox = sandbox();
    for name in write_all(&sandbox) {
        for asked in ["--image-column images", "--image-column images[*]"] {
            let refused = sandbox.semdedup(&format!("run in/{name} {asked} --out no"));
            refused.failed_with(&["images", "a row has one image"]).hinted("--image-column 'images[0]'");
        }
        let refused = sandbox.semdedup(&format!("run in/{name} --image-column images[0].none --out no"));
        // JSON has no types: there the rows tell.
        let is_told = name == "objects.jsonl";
        refused.failed_with(&[if is_told { "objects.jsonl row 0: has no image" } else { "images[0].none" }]);
        let refused = sandbox.semdedup(&format!("run in/{name} --image-column pictures[0] --out no"));
        refused.failed_with(&["no column `pictures`"]);
    }
    sandbox.write("in/cells.csv", "id,images\n1,a.png\n");
    sandbox
        .semdedup("run in/cells.csv --image-column images[0] --out no")
        .failed_with(&["`images[0]` names an element of a list, and cells of CSV are not lists"]);
    let mut shard = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(1);
    shard.append_data(&mut header, "a.jpg", &b"x"[..]).unwrap();
    sandbox.write("in/a.tar", shard.into_inner().unwrap());
    sandbox
        .semdedup("run in/a.tar --image-column images[0] --out no")
        .failed_with(&["`images[0]` names an element of a list, and shards have members: jpg"])
        .hinted("--image-column jpg");
    for name in ["bytes.parquet", "structs.parquet", "paths.arrow"] {
        let refused = sandbox.semdedup(&format!("run in/{name} --out no"));
        refused.failed_with(&["no column `image`"]).hinted("--image-column 'images[0]'");
    }
}

#[test]
fn chats_about_lists_of_images_ask_for_the_image_and_both_are_compared() {
    let sandbox = sandbox();
    let line = |n: usize| {
        let messages = json!([{"role": "user", "content": "What is in the picture?"}, {"role": "assistant", "content": "A square."}]);
        format!("{}\n", json!({"messages": messages, "images": [path([0, 1, 2, 5][n % 4], 0)]}))
    };
    sandbox.write("in/chats.jsonl", (0..8).map(line).collect::<String>());
    sandbox
        .semdedup("run in/chats.jsonl --out no")
        .failed_with(&["another `images`"])
        .hinted("--image-column 'images[0]' --by both");
    let run = "run in/chats.jsonl --image-column images[0] --by both --out out --epsilon 0.01";
    assert_eq!(number(&sandbox.summary(run), "rows_kept"), 3);
}

#[test]
fn a_column_whose_own_name_has_brackets_is_that_column() {
    let sandbox = sandbox();
    let rows = [0, 1, 2].map(|row| format!("{}\n", json!({"images[0]": path(row, 0)})));
    sandbox.write("in/a.jsonl", rows.concat());
    let summary = sandbox.summary("run in/a.jsonl --image-column images[0] --out out --epsilon 0.01");
    assert_eq!(number(&summary, "rows_kept"), 2);
}

#[test]
fn rows_without_an_image_may_come_first_and_captions_are_found_beside_the_images() {
    let sandbox = sandbox();
    for (name, without) in
        [("lists", json!({"images": []})), ("none", json!({"id": 1})), ("null", json!({"images": null}))]
    {
        let rows = (0..900).map(|_| without.clone());
        let rows = rows.chain([0, 1, 2].map(|row| json!({"images": [path(row, 0)]})));
        sandbox.write(&format!("in/{name}.jsonl"), rows.map(|row| format!("{row}\n")).collect::<String>());
        sandbox
            .semdedup(&format!("run in/{name}.jsonl --image-column images[0] --out {name} --epsilon 0.01"))
            .skipped_rows();
        assert_eq!(sandbox.column(&format!("{name}/removed.parquet"), "row"), ["902"], "{name}");
    }
    let captions: ArrayRef =
        Arc::new(arrow_array::StringArray::from_iter_values((0..6).map(|n| format!("row {n}"))));
    let batch = RecordBatch::try_from_iter([("images", structs(true)), ("caption", captions)]).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    sandbox.write("in/both.parquet", bytes);
    let run = "run in/both.parquet --image-column images[0] --by both --out both --epsilon 0.01";
    sandbox.semdedup(run).skipped_rows();
    let summary: serde_json::Value = serde_json::from_str(&sandbox.text("both/summary.json")).unwrap();
    assert_eq!(summary["compared"]["files"][0]["text"], json!(["caption"]), "{}", summary["compared"]);
}
