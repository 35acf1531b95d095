//! Images in folders and in columns of Parquet, from other programs (`tests/data/make_images.py`).

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryArray, RecordBatch};
use parquet::arrow::ArrowWriter;
use semdedup::formats::{
    Asked, Cause, ColumnChoice, Columns, CompareBy, Format, InputFile, ReadLimits, discover, resolve_columns,
    rows_by, survey,
};
use tempfile::TempDir;

use crate::image_shards::by;
use crate::support::{Input, choice, find, fixture, raw_input, read, resolve_one};

/// Creates a folder of images and other files.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let photos = folder.path().join("photos");
    std::fs::create_dir_all(photos.join("b/c")).unwrap();
    for (name, data) in
        [("z.jpg", "1"), ("a.PNG", "2"), ("b/c/x.webp", "333"), ("b/notes.md", "4"), (".hidden.png", "5")]
    {
        std::fs::write(photos.join(name), data).unwrap();
    }
    folder
}

fn found(inputs: &[&Path]) -> Vec<InputFile> {
    let inputs: Vec<String> = inputs.iter().map(|path| path.to_str().unwrap().to_owned()).collect();
    discover(&inputs, &[]).unwrap()
}

#[test]
fn a_folder_of_images_is_one_file_of_rows() {
    let folder = folder();
    let photos = folder.path().join("photos");
    let files = found(&[&photos]);
    assert_eq!(files.len(), 1);
    assert_eq!((files[0].format, files[0].name.as_str(), files[0].bytes), (Format::Tree, "photos", 5));
    assert_eq!(rows_by(&files, &ColumnChoice::default()).unwrap(), CompareBy::Image);
    let columns = resolve_columns(&files, &ColumnChoice::default()).unwrap();
    let rows = read(&files[0], &columns[0]).unwrap();
    assert_eq!(rows.string_ids(), [Some("photos/a.PNG"), Some("photos/b/c/x.webp"), Some("photos/z.jpg")]);
    let images: Vec<&[u8]> = rows.images.iter().flatten().map(Vec::as_slice).collect();
    assert_eq!(images, [b"2".as_slice(), b"333", b"1"]);
    let inputs = [photos.to_str().unwrap().to_owned()];
    let skipped = survey(&inputs, &[], &Asked::default()).unwrap().skipped;
    assert_eq!((skipped.count(Cause::Document), skipped.count(Cause::HiddenData)), (1, 1));
    let kept = folder.path().join("kept");
    let input = Input { file: files[0].clone(), folder: TempDir::new().unwrap() };
    let written =
        semdedup::formats::write_kept(&input.file, &ReadLimits::default(), &kept, &mut |row| row > 0);
    assert_eq!(written.unwrap(), 2);
    assert_eq!(std::fs::read(kept.join("b/c/x.webp")).unwrap(), b"333");
    assert!(kept.join("z.jpg").exists() && !kept.join("a.PNG").exists() && !kept.join("b/notes.md").exists());
}

#[test]
fn images_named_one_by_one_are_a_folder_too() {
    let folder = folder();
    let photos = folder.path().join("photos");
    let files = found(&[&photos.join("z.jpg"), &photos.join("a.PNG"), &photos.join("z.jpg")]);
    assert_eq!(files.len(), 1);
    assert_eq!((files[0].name.as_str(), files[0].bytes), ("photos", 2));
    let files = found(&[&photos.join("*.jpg"), &photos.join("b")]);
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["photos", "b"]);
}

#[test]
fn an_image_that_changed_is_noticed() {
    let folder = folder();
    let photos = folder.path().join("photos");
    let file = found(&[&photos]).remove(0);
    semdedup::formats::check_unchanged(&file).unwrap();
    std::fs::write(photos.join("b/c/x.webp"), "other").unwrap();
    let error = semdedup::formats::check_unchanged(&file).unwrap_err().to_string();
    assert!(error.contains("x.webp") && error.contains("changed since it was read"), "{error}");
    let again = found(&[&photos]).remove(0);
    assert_ne!((again.bytes, again.identity), (file.bytes, file.identity));
}

#[test]
fn images_in_parquet_are_read() {
    let file = fixture("images/hugging_face.parquet");
    assert_eq!(rows_by(std::slice::from_ref(&file), &ColumnChoice::default()).unwrap(), CompareBy::Image);
    let columns = resolve_one(&file, &ColumnChoice::default()).unwrap();
    let rows = read(&file, &columns).unwrap();
    let png = |image: &Option<Vec<u8>>| image.as_ref().is_some_and(|image| image.starts_with(b"\x89PNG"));
    assert_eq!(rows.images.iter().map(png).collect::<Vec<_>>(), [true, true, false, false, true, true]);
    assert_eq!(rows.reasons(), [(2, "column `image` is null"), (3, "column `image` has no bytes")]);
    let file = fixture("images/binary.parquet");
    let error = rows_by(std::slice::from_ref(&file), &ColumnChoice::default()).unwrap_err();
    let expected = "has images in `jpg` and texts in `caption`, and it is not clear which are to be compared";
    assert!(error.to_string().contains(expected), "{error}");
    assert!(
        ["--by image", "--by text", "--by both"].iter().all(|by| error.hint_text().unwrap().contains(by))
    );
    for (text, image, expected) in [
        (None, Some("jpg"), CompareBy::Image),
        (Some("caption"), None, CompareBy::Text),
        (Some("caption"), Some("jpg"), CompareBy::Both),
    ] {
        let named = ColumnChoice { image: image.map(str::to_owned), ..choice(text, None) };
        assert_eq!(rows_by(std::slice::from_ref(&file), &named).unwrap(), expected);
    }
    let columns = resolve_one(&file, &by(CompareBy::Both)).unwrap();
    assert_eq!((columns.image.as_deref(), columns.text.as_deref()), (Some("jpg"), Some("caption")));
    let rows = read(&file, &columns).unwrap();
    assert!(rows.images.iter().all(png) && rows.bad.is_empty());
    assert_eq!(rows.texts()[5], "c5");
    let wrong = ColumnChoice { image: Some("caption".to_owned()), ..by(CompareBy::Image) };
    let error = resolve_one(&file, &wrong).unwrap_err().to_string();
    assert!(
        error.contains(
            "column `caption` is a string, but its first values are not paths, data URIs or base64 of images"
        ),
        "{error}"
    );
}

#[test]
fn a_column_of_bytes_is_one_of_images_if_its_values_begin_as_images_do() {
    let images = read(&fixture("images/hugging_face.parquet"), &image_column("image")).unwrap().images;
    let pngs: Vec<Option<Vec<u8>>> = images.into_iter().flatten().map(Some).collect();
    let broken = vec![Some(b"nothing".to_vec()), None, Some(Vec::new())];
    let hashes: Vec<Option<Vec<u8>>> = (0..9u8).map(|n| Some(vec![n, 200 + n, 0, 255])).collect();
    let texts: Vec<Option<Vec<u8>>> = (0..9).map(|n| Some(format!("text {n}").into_bytes())).collect();
    let decided = [
        ("data", pngs.clone(), CompareBy::Image),
        ("image", [broken, pngs.clone()].concat(), CompareBy::Image),
        ("image", vec![None; 9], CompareBy::Image),
        ("image", hashes.clone(), CompareBy::Text),
        ("sha", hashes, CompareBy::Text),
        ("image", texts.clone(), CompareBy::Text),
        ("payload", texts, CompareBy::Text),
    ];
    for (name, values, expected) in decided {
        let values: ArrayRef = Arc::new(values.iter().map(Option::as_deref).collect::<BinaryArray>());
        let batch = RecordBatch::try_from_iter_with_nullable([(name, values, true)]).unwrap();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        let input = raw_input("x.parquet", &writer.into_inner().unwrap());
        let file = std::slice::from_ref(&input.file);
        assert_eq!(rows_by(file, &ColumnChoice::default()).unwrap(), expected, "{name}");
        if expected == CompareBy::Text {
            let error = resolve_one(&input.file, &ColumnChoice::default()).unwrap_err().to_string();
            assert!(error.contains(&format!("columns are {name} (binary)")), "{error}");
            // A user who names it gets it.
            assert_eq!(resolve_one(&input.file, &by(CompareBy::Image)).unwrap(), image_column(name));
        }
    }
}

fn image_column(name: &str) -> Columns {
    Columns { image: Some(name.to_owned()), ..Columns::default() }
}

#[test]
fn formats_without_images_say_so() {
    let input = raw_input("x.jsonl", b"{\"text\":\"t\"}\n");
    let error = resolve_one(&find(&input.file.path), &by(CompareBy::Image)).unwrap_err().to_string();
    assert!(error.contains("this format has no images"), "{error}");
    let folder = folder();
    let file = found(&[&folder.path().join("photos")]).remove(0);
    let error = resolve_one(&file, &by(CompareBy::Text)).unwrap_err().to_string();
    assert!(error.contains("no texts"), "{error}");
}
