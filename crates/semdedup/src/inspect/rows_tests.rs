//! Rows of finished runs.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use semdedup_embed::RgbImage;

use super::*;
use crate::{Run, Silent};

fn text_run(folder: &Path) -> FinishedRun {
    let names = ["a.txt", "b.jsonl"].map(|name| folder.join(name));
    std::fs::write(&names[0], "one cat\ntwo dogs\nthree birds\n").unwrap();
    std::fs::write(&names[1], "{\"text\": \"four fish\"}\nnot json\n{\"text\": \"one cat\"}\n").unwrap();
    let out = folder.join("out");
    let inputs = names.iter().map(|name| name.display().to_string());
    Run::builder(inputs, &out).build().unwrap().run(&Silent).unwrap();
    FinishedRun::open(&out).unwrap()
}

#[test]
fn texts_come_in_the_order_asked_for_and_bad_rows_have_none() {
    let folder = tempfile::tempdir().unwrap();
    let run = text_run(folder.path());
    let texts = run.texts(&[5, 0, 4, 2, 0]).unwrap();
    let texts: Vec<Option<&str>> = texts.iter().map(Option::as_deref).collect();
    assert_eq!(texts, [Some("one cat"), Some("one cat"), None, Some("three birds"), Some("one cat")]);
    assert!(run.texts(&[6]).unwrap_err().to_string().contains("row 6 is not one of the 6 rows"));
    std::fs::write(folder.path().join("a.txt"), "another file\n").unwrap();
    assert!(run.texts(&[0]).is_err());
    assert_eq!(run.texts(&[3]).unwrap(), [Some("four fish".to_owned())]);
}

#[test]
fn scores_come_in_the_order_of_the_rows() {
    let folder = tempfile::tempdir().unwrap();
    let run = text_run(folder.path());
    let batches: Vec<RecordBatch> = run.scores(&["row", "score"]).unwrap().collect::<Result<_>>().unwrap();
    let rows: Vec<u64> = batches
        .iter()
        .flat_map(|batch| batch["row"].as_primitive::<UInt64Type>().values().to_vec())
        .collect();
    assert_eq!(rows, [0, 1, 2, 3, 4, 5]);
    assert!(run.scores(&["no such column"]).is_err());
}

#[test]
fn images_of_a_folder_are_read_as_they_lie_there() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    std::fs::create_dir(&images).unwrap();
    for (name, shade) in [("a.png", 10), ("b.png", 200), ("c.png", 10)] {
        let pixels = (0..30 * 40u32).flat_map(|i| [shade, (i % 40 * 6) as u8, (i / 40 * 8) as u8]);
        RgbImage::from_raw(40, 30, pixels.collect()).unwrap().save(images.join(name)).unwrap();
    }
    let out = folder.path().join("out");
    Run::builder([images.display().to_string()], &out).build().unwrap().run(&Silent).unwrap();
    let run = FinishedRun::open(&out).unwrap();
    let read = run.images(&[2, 1]).unwrap();
    assert_eq!(read[0].as_deref().unwrap(), std::fs::read(images.join("c.png")).unwrap());
    assert_eq!(read[1].as_deref().unwrap(), std::fs::read(images.join("b.png")).unwrap());
    std::fs::remove_file(images.join("a.png")).unwrap();
    assert!(run.images(&[0]).unwrap_err().to_string().contains("not those of the run"));
}
