//! Ids keep their type.

use std::sync::Arc;

use arrow_array::types::{Int8Type, Int32Type};
use arrow_array::*;
use arrow_schema::DataType;
use semdedup::formats::{Format, IdPart, IdSource, typed_json_ids, unify_ids};

fn tokens(tokens: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(tokens.to_vec()))
}

fn json(values: ArrayRef) -> IdPart {
    IdPart { source: IdSource::Json, values }
}

fn typed(values: impl Array + 'static) -> IdPart {
    IdPart { source: IdSource::Typed, values: Arc::new(values) }
}

#[test]
fn json_ids_get_the_one_type_that_they_all_have() {
    let ids = |parts: &[&[Option<&str>]]| {
        typed_json_ids(&parts.iter().map(|part| tokens(part)).collect::<Vec<_>>()).unwrap()
    };
    assert_eq!(
        ids(&[&[Some("1"), None], &[Some("-7")]]).as_ref(),
        &Int64Array::from(vec![Some(1), None, Some(-7)])
    );
    let large = "18446744073709551615";
    assert_eq!(ids(&[&[Some("1")], &[Some(large)]]).as_ref(), &UInt64Array::from(vec![1, u64::MAX]));
    assert_eq!(
        ids(&[&[Some(r#""a""#)], &[None, Some(r#""b\n\"""#)]]).as_ref(),
        &StringArray::from(vec![Some("a"), None, Some("b\n\"")])
    );
    assert_eq!(ids(&[&[Some("1")], &[Some("\"1\"")]]).as_ref(), &StringArray::from(vec!["1", "\"1\""]));
    assert_eq!(ids(&[&[Some("-1")], &[Some(large)]]).as_ref(), &StringArray::from(vec!["-1", large]));
    assert_eq!(ids(&[&[Some("1.5"), Some("[1]")]]).as_ref(), &StringArray::from(vec!["1.5", "[1]"]));
    assert_eq!(ids(&[&[None], &[]]).as_ref(), &StringArray::from(vec![None::<&str>]));
    assert_eq!(ids(&[]).len(), 0);
}

#[test]
fn a_json_string_that_cannot_be_unquoted_stays_as_it_is() {
    let ids = typed_json_ids(&[tokens(&[Some(r#""\ud800""#), Some("\"a\"")])]).unwrap();
    assert_eq!(ids.as_ref(), &StringArray::from(vec![r#""\ud800""#, "\"a\""]));
}

#[test]
fn parts_of_one_type_keep_it() {
    let ids = unify_ids(vec![typed(Int32Array::from(vec![1])), typed(Int32Array::from(vec![2]))]).unwrap();
    assert_eq!(ids.as_ref(), &Int32Array::from(vec![1, 2]));
    let stamp = || typed(TimestampMicrosecondArray::from(vec![5]).with_timezone("UTC"));
    let ids = unify_ids(vec![stamp(), stamp()]).unwrap();
    assert_eq!(ids.data_type().to_string(), "Timestamp(µs, \"UTC\")");
}

#[test]
fn integers_of_all_widths_become_one_that_holds_them() {
    let parts = vec![json(tokens(&[Some("-4")])), typed(UInt8Array::from(vec![1])), json(tokens(&[None]))];
    assert_eq!(unify_ids(parts).unwrap().as_ref(), &Int64Array::from(vec![Some(-4), Some(1), None]));
    let parts = vec![typed(UInt64Array::from(vec![u64::MAX])), typed(Int8Array::from(vec![1]))];
    assert_eq!(unify_ids(parts).unwrap().as_ref(), &UInt64Array::from(vec![u64::MAX, 1]));
    let parts = vec![typed(UInt64Array::from(vec![u64::MAX])), typed(Int8Array::from(vec![-1]))];
    assert_eq!(unify_ids(parts).unwrap().as_ref(), &StringArray::from(vec!["18446744073709551615", "-1"]));
}

#[test]
fn different_types_become_text() {
    let csv = StringArray::from(vec![Some("x"), None]);
    let parts = vec![json(tokens(&[Some("1"), Some("2")])), typed(csv), typed(Float64Array::from(vec![0.5]))];
    let expected = StringArray::from(vec![Some("1"), Some("2"), Some("x"), None, Some("0.5")]);
    assert_eq!(unify_ids(parts).unwrap().as_ref(), &expected);
}

#[test]
fn dictionaries_are_unpacked_and_nulls_have_no_say() {
    let words: DictionaryArray<Int8Type> = vec!["a", "b", "a"].into_iter().collect();
    let parts = vec![json(tokens(&[None, None])), typed(words)];
    let expected = StringArray::from(vec![None, None, Some("a"), Some("b"), Some("a")]);
    assert_eq!(unify_ids(parts).unwrap().as_ref(), &expected);
}

#[test]
fn lists_stay_lists_alone_and_are_an_error_beside_another_type() {
    let lists = || typed(ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)])]));
    assert!(matches!(unify_ids(vec![lists(), lists()]).unwrap().data_type(), DataType::List(_)));
    let structs = typed(StructArray::new_empty_fields(1, None));
    let error = unify_ids(vec![structs, json(tokens(&[Some("1")]))]).unwrap_err();
    assert!(error.to_string().starts_with("ids of type Struct("), "{error}");
}

#[test]
fn how_the_ids_were_cut_into_parts_does_not_matter() {
    let one = StringArray::from((0..500).map(|row| format!("id {row}")).collect::<Vec<_>>());
    let parts = (0..500).map(|row| typed(one.slice(row, 1))).collect();
    assert_eq!(unify_ids(parts).unwrap().as_ref(), &one);
    assert_eq!(
        unify_ids(vec![typed(LargeStringArray::from(vec!["a"])), typed(one.slice(0, 1))]).unwrap().len(),
        2
    );
}

#[test]
fn ids_survive_parquet() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("ids.parquet");
    let ids = unify_ids(vec![json(tokens(&[Some("1"), None])), typed(UInt8Array::from(vec![9]))]).unwrap();
    let batch = RecordBatch::try_from_iter_with_nullable([("id", ids.clone(), true)]).unwrap();
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let file = std::fs::File::open(&path).unwrap();
    let mut reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file)
        .unwrap()
        .build()
        .unwrap();
    assert_eq!(reader.next().unwrap().unwrap().column(0), &ids);
}

#[test]
fn no_ids_at_all_are_no_ids() {
    assert_eq!(unify_ids(Vec::new()).unwrap().len(), 0);
}

#[test]
fn only_json_lines_have_raw_ids() {
    assert_eq!(Format::Jsonl.id_source(), IdSource::Json);
    assert_eq!(Format::Parquet.id_source(), IdSource::Typed);
}
