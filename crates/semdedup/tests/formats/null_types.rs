//! Columns of the null type, in Parquet and in Arrow: writers choose it for a shard in which every
//! value is missing.

use std::sync::Arc;

use arrow_array::builder::{Float32Builder, ListBuilder};
use arrow_array::*;
use arrow_ipc::writer::FileWriter;
use parquet::arrow::ArrowWriter;
use semdedup::formats::{
    ColumnChoice, CompareBy, Found, IdPart, InputFile, ReadLimits, resolve_columns, rows_by, unify_ids,
    write_kept,
};
use tempfile::TempDir;

use crate::support::*;

/// Writes a shard of these columns.
fn write(folder: &TempDir, name: &str, columns: Vec<(&str, ArrayRef)>) -> InputFile {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    )
    .unwrap();
    let path = folder.path().join(name);
    let file = std::fs::File::create(&path).unwrap();
    if name.ends_with("parquet") {
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    } else {
        let mut writer = FileWriter::try_new(file, &batch.schema()).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
    }
    find(&path)
}

fn nulls() -> ArrayRef {
    Arc::new(NullArray::new(2))
}

fn texts() -> ArrayRef {
    Arc::new(StringArray::from(vec!["a text of some words", "and another text"]))
}

fn numbers(first: i64) -> ArrayRef {
    Arc::new(Int64Array::from(vec![first, first + 1]))
}

const FORMATS: [&str; 2] = ["parquet", "arrow"];

#[test]
fn a_text_column_of_nulls_has_empty_texts_whichever_shard_it_is_in() {
    let folder = TempDir::new().unwrap();
    for format in FORMATS {
        let shard = |name: &str, text| {
            write(&folder, &format!("{name}.{format}"), vec![("text", text), ("n", numbers(1))])
        };
        let (empty, full) = (shard("a", nulls()), shard("b", texts()));
        for files in [vec![empty.clone()], vec![empty.clone(), full.clone()], vec![full, empty.clone()]] {
            for choice in [choice(None, None), choice(Some("text"), None)] {
                assert_eq!(rows_by(&files, &choice).unwrap(), CompareBy::Text);
                let columns = resolve_columns(&files, &choice).unwrap();
                assert!(columns.iter().all(|columns| columns.text.as_deref() == Some("text")));
                let of_empty = files.iter().position(|file| *file == empty).unwrap();
                let whole = read(&empty, &columns[of_empty]).unwrap();
                assert_eq!((whole.texts(), whole.empty, whole.bad.len()), (vec!["", ""], 2, 0));
            }
        }
        let kept = folder.path().join("kept");
        assert_eq!(write_kept(&empty, &ReadLimits::default(), &kept, &mut |row| row == 0).unwrap(), 1);
        assert_eq!(read(&find_as(&kept, format), &text_column("text")).unwrap().texts(), [""]);
    }
}

/// Finds a file under a name with an extension.
fn find_as(path: &std::path::Path, extension: &str) -> InputFile {
    let named = path.with_extension(extension);
    std::fs::rename(path, &named).unwrap();
    find(&named)
}

#[test]
fn chats_of_nulls_are_empty_texts_too() {
    let folder = TempDir::new().unwrap();
    let chat = write(&folder, "chat.parquet", vec![("messages", nulls()), ("n", numbers(1))]);
    let columns = resolve_one(&chat, &choice(Some("messages"), None)).unwrap();
    assert_eq!(read(&chat, &columns).unwrap().texts(), ["", ""]);
    let both = resolve_one(&chat, &choice(Some("messages,n"), None)).unwrap_err().to_string();
    assert!(both.contains("column `n` is Int64, not a string"), "{both}");
}

#[test]
fn a_column_of_nulls_is_no_candidate_for_the_text() {
    let folder = TempDir::new().unwrap();
    for format in FORMATS {
        let name = format!("a.{format}");
        let file = write(&folder, &name, vec![("content", nulls()), ("body", texts()), ("score", nulls())]);
        let columns = resolve_one(&file, &choice(None, None)).unwrap();
        assert_eq!((columns.text.as_deref(), columns.found), (Some("body"), Found::Name));
        let file = write(&folder, &name, vec![("first", nulls()), ("second", nulls())]);
        let error = resolve_one(&file, &choice(None, None)).unwrap_err().to_string();
        assert!(error.contains("no column `text`; columns are first (null), second (null)"), "{error}");
    }
}

#[test]
fn images_embeddings_and_ids_of_nulls_are_missing() {
    let folder = TempDir::new().unwrap();
    let jpeg: ArrayRef = Arc::new(BinaryArray::from_iter_values([b"\xff\xd8\xff\xe0\0\x10JFIF\0"; 2]));
    let mut lists = ListBuilder::new(Float32Builder::new());
    lists.append_value([Some(1.0), Some(2.0)]);
    lists.append_value([Some(3.0), Some(4.0)]);
    let lists: ArrayRef = Arc::new(lists.finish());
    for format in FORMATS {
        let shard = |name: &str, image, embedding, id| {
            let columns = vec![("image", image), ("caption", nulls()), ("emb", embedding), ("id", id)];
            write(&folder, &format!("{name}.{format}"), columns)
        };
        let full = shard("a", jpeg.clone(), lists.clone(), numbers(1));
        let files = [full, shard("b", nulls(), nulls(), nulls())];
        let images = ColumnChoice { id: Some("id".into()), ..ColumnChoice::default() };
        assert_eq!(rows_by(&files, &images).unwrap(), CompareBy::Image);
        let columns = resolve_columns(&files, &images).unwrap();
        let reasons =
            |whole: &Whole| whole.reasons().iter().map(|(_, why)| (*why).to_owned()).collect::<Vec<_>>();
        let whole = [0, 1].map(|file| read(&files[file], &columns[file]).unwrap());
        assert_eq!(reasons(&whole[0]), [""; 0]);
        assert_eq!(reasons(&whole[1]), ["column `image` is null"; 2]);
        let vectors = ColumnChoice { embedding: Some("emb".into()), text_optional: true, ..images };
        let columns = resolve_columns(&files, &vectors).unwrap();
        assert_eq!(reasons(&read(&files[1], &columns[1]).unwrap()), ["column `emb` is null"; 2]);
        let parts = whole
            .iter()
            .zip(&files)
            .map(|(whole, file)| IdPart { source: file.format.id_source(), values: whole.ids[0].clone() });
        let ids = unify_ids(parts.collect()).unwrap();
        let expected: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), Some(2), None, None]));
        assert_eq!(&ids, &expected, "ids keep their type beside a shard without any");
    }
}
