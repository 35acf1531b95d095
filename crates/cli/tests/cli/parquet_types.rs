//! Types and bytes of Parquet files that Arrow does not have: ids keep their logical types, a value
//! that is not UTF-8 is a skipped row, and what cannot be written back is refused before the work.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use parquet::basic::{ConvertedType, LogicalType};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, FixedLenByteArray, Int96};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};
use serde_json::Value;

use super::support::{Sandbox, texts};

/// Writes different values into a column of any type.
fn write_numbers(mut column: SerializedColumnWriter, rows: usize, length: i32) {
    let rows = 0..rows as i32;
    let bytes = |row: i32| format!("{row:0digits$}", digits = length.max(1) as usize).into_bytes();
    match column.untyped() {
        ColumnWriter::Int32ColumnWriter(column) => {
            column.write_batch(&rows.collect::<Vec<_>>(), None, None).unwrap();
        }
        ColumnWriter::Int64ColumnWriter(column) => {
            column.write_batch(&rows.map(i64::from).collect::<Vec<_>>(), None, None).unwrap();
        }
        ColumnWriter::Int96ColumnWriter(column) => {
            let time = |row: i32| {
                let mut time = Int96::new();
                // Microseconds of a day in the year 9000 or so.
                time.set_data(1000 * row as u32, 0, 5_000_000);
                time
            };
            column.write_batch(&rows.map(time).collect::<Vec<_>>(), None, None).unwrap();
        }
        ColumnWriter::ByteArrayColumnWriter(column) => {
            let values: Vec<ByteArray> = rows.map(|row| bytes(row).into()).collect();
            column.write_batch(&values, None, None).unwrap();
        }
        ColumnWriter::FixedLenByteArrayColumnWriter(column) => {
            let number = |row: i32| match length {
                2 => vec![row as u8, 0x3c],
                _ => bytes(row),
            };
            let values: Vec<FixedLenByteArray> = rows.map(|row| number(row).into()).collect();
            column.write_batch(&values, None, None).unwrap();
        }
        _ => panic!("no such type"),
    };
    column.close().unwrap();
}

/// Returns a Parquet file with a column `id` of a type and a column `text`.
fn with_ids(kind: &str, texts: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let schema = format!("message m {{ required {kind}; required binary text (STRING); }}");
    let schema = Arc::new(parse_message_type(&schema).unwrap_or_else(|error| panic!("{kind}: {error}")));
    let length = SchemaDescriptor::new(schema.clone()).column(0).type_length();
    let mut bytes = Vec::new();
    let mut file = SerializedFileWriter::new(&mut bytes, schema, Default::default()).unwrap();
    let mut group = file.next_row_group().unwrap();
    write_numbers(group.next_column().unwrap().unwrap(), texts.len(), length);
    let mut column = group.next_column().unwrap().unwrap();
    let texts: Vec<ByteArray> = texts.iter().map(|text| text.as_ref().to_vec().into()).collect();
    let ColumnWriter::ByteArrayColumnWriter(writer) = column.untyped() else { panic!("no text") };
    writer.write_batch(&texts, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    file.close().unwrap();
    bytes
}

/// The physical type, the length and the logical type of a column.
fn kind_of(column: &ColumnDescriptor) -> (String, i32, Option<LogicalType>, ConvertedType) {
    let physical = column.physical_type().to_string();
    (physical, column.type_length(), column.logical_type_ref().cloned(), column.converted_type())
}

const KINDS: [&str; 18] = [
    "fixed_len_byte_array(16) id (UUID)",
    "binary id (ENUM)",
    "binary id (JSON)",
    "binary id (BSON)",
    "binary id (STRING)",
    "binary id",
    "fixed_len_byte_array(5) id",
    "fixed_len_byte_array(2) id (FLOAT16)",
    "fixed_len_byte_array(16) id (DECIMAL(38, 2))",
    "int64 id (DECIMAL(18, 2))",
    "int32 id (DECIMAL(9, 2))",
    "int64 id (TIME(MICROS, true))",
    "int32 id (TIME(MILLIS, false))",
    "int64 id (TIMESTAMP(MICROS, true))",
    "int64 id (TIMESTAMP(NANOS, true))",
    "int64 id (TIMESTAMP(MILLIS, false))",
    "int32 id (DATE)",
    "int32 id (INTEGER(8, false))",
];

#[test]
fn ids_keep_their_logical_type_in_every_table() {
    for kind in KINDS {
        let sandbox = Sandbox::new();
        sandbox.write("data.parquet", with_ids(kind, &texts(40)));
        sandbox
            .semdedup("run data.parquet --id-column id --out out --output files,ids --ids-format parquet")
            .succeeded();
        sandbox.semdedup("select out/scores.parquet --epsilon 0.2 --out selected").succeeded();
        let before = kind_of(&sandbox.parquet_metadata("data.parquet").parquet_schema().column(0));
        for table in ["out/scores", "out/removed", "out/ids", "selected/kept", "selected/removed"] {
            let metadata = sandbox.parquet_metadata(&format!("{table}.parquet"));
            let columns = metadata.parquet_schema().columns().iter();
            let ids: Vec<_> =
                columns.filter(|column| ["id", "duplicate_of"].contains(&column.name())).collect();
            assert_eq!(ids.len(), if table == "out/ids" { 1 } else { 2 }, "{table}");
            for column in ids {
                assert_eq!(kind_of(column), before, "{kind}: {} of {table}", column.name());
            }
        }
        let ids = sandbox.column("out/scores.parquet", "id");
        assert_eq!(ids, sandbox.column("data.parquet", "id"), "{kind}");
        assert!(sandbox.column("out/removed.parquet", "duplicate_of").iter().all(|id| ids.contains(id)));
    }
}

#[test]
fn files_with_ids_of_different_logical_types_have_none_in_common() {
    let sandbox = Sandbox::new();
    sandbox.write("in/a.parquet", with_ids("fixed_len_byte_array(16) id (UUID)", &texts(20)));
    sandbox.write("in/b.parquet", with_ids("fixed_len_byte_array(16) id", &texts(40)[20..]));
    let said = sandbox.semdedup("run in --id-column id --out out");
    assert!(said.stderr.contains("names two rows"), "{}", said.stderr);
    sandbox.write("in/b.parquet", with_ids("fixed_len_byte_array(16) id", &[] as &[String]));
    sandbox.semdedup("run in --id-column id --out out --overwrite").succeeded();
    let metadata = sandbox.parquet_metadata("out/scores.parquet");
    assert_eq!(metadata.parquet_schema().column(0).logical_type_ref(), None);
}

#[test]
fn ids_that_are_int96_times_are_written_as_microseconds() {
    let sandbox = Sandbox::new();
    sandbox.write("data.parquet", with_ids("int96 id", &texts(40)));
    sandbox.semdedup("run data.parquet --id-column id --out out --output files,annotate").succeeded();
    for (table, column) in [("scores", 0), ("scores", 5), ("removed", 0), ("annotated/data", 3)] {
        let metadata = sandbox.parquet_metadata(&format!("out/{table}.parquet"));
        let column = metadata.parquet_schema().column(column);
        assert_eq!(column.converted_type(), ConvertedType::TIMESTAMP_MICROS, "{table}: {}", column.name());
    }
    let times = sandbox.parquet("out/scores.parquet");
    let times = times[0].column(0).as_primitive::<TimestampMicrosecondType>().clone();
    let day = (5_000_000 - 2_440_588) * 86_400_000_000;
    assert!(times.iter().zip(0..).all(|(time, row)| time == Some(day + row)));
}

#[test]
fn pandas_reads_whole_numbers_that_may_be_missing_as_whole_numbers() {
    let sandbox = Sandbox::new();
    sandbox.write("data.parquet", with_ids("int64 id", &texts(40)));
    sandbox.semdedup("run data.parquet --id-column id --out out").succeeded();
    for (table, expected) in [
        (
            "scores",
            vec![
                ("id", "Int64"),
                ("cluster", "UInt32"),
                ("duplicate_of", "Int64"),
                ("duplicate_of_row", "UInt64"),
            ],
        ),
        (
            "removed",
            vec![("id", "Int64"), ("cluster", "UInt32"), ("duplicate_of", "Int64"), ("kept_as", "Int64")],
        ),
    ] {
        let metadata = sandbox.parquet_metadata(&format!("out/{table}.parquet"));
        let pairs = metadata.metadata().file_metadata().key_value_metadata().unwrap();
        let pandas = pairs.iter().find(|pair| pair.key == "pandas").unwrap().value.as_ref().unwrap();
        let pandas: Value = serde_json::from_str(pandas).unwrap();
        let columns = pandas["columns"].as_array().unwrap().iter();
        let named: Vec<_> = columns
            .map(|column| (column["field_name"].as_str().unwrap(), column["numpy_type"].as_str().unwrap()))
            .collect();
        assert_eq!((named, &pandas["index_columns"]), (expected, &Value::Array(Vec::new())));
    }
    let kept = sandbox.parquet_metadata("out/kept/data.parquet");
    let pairs = kept.metadata().file_metadata().key_value_metadata();
    assert!(pairs.is_none_or(Vec::is_empty), "kept files stay as they were: {pairs:?}");
}

#[test]
fn a_text_that_is_not_utf8_is_a_skipped_row() {
    let sandbox = Sandbox::new();
    let mut rows: Vec<Vec<u8>> = texts(40).into_iter().map(String::into_bytes).collect();
    rows[4] = b"caf\xe9 in the old harbor".to_vec();
    sandbox.write("data.parquet", with_ids("int64 id", &rows));
    let summary = sandbox.semdedup("run data.parquet --id-column id --out out --json").skipped_rows().json();
    assert_eq!(summary["rows_skipped"], 1);
    assert_eq!(sandbox.column("out/skipped.parquet", "row"), ["4"]);
    let reason = "column `text` is not valid UTF-8 at byte 3";
    assert_eq!(sandbox.column("out/skipped.parquet", "reason"), [reason]);
    let kept = sandbox.column("out/kept/data.parquet", "text");
    assert_eq!(kept.len() as u64, summary["rows_kept"].as_u64().unwrap());
    // In a column that is not compared it does not matter, and it stays.
    sandbox.write("other.parquet", with_ids("binary note (STRING)", &rows));
    sandbox.semdedup("run other.parquet --text-column note --out other --output annotate").succeeded();
    let annotated = sandbox.read("other/annotated/other.parquet");
    assert!(annotated.windows(rows[4].len()).any(|part| part == rows[4]));
}

/// Returns a Parquet file whose column `id` has a logical type that is not known. `logical` is the
/// number of the one that it is made from, which must have no converted type.
fn with_unknown_type(kind: &str, logical: u8) -> Vec<u8> {
    let mut bytes = with_ids(kind, &texts(40));
    // The union of logical types has one field, whose number is in the upper half of a byte; 9 has no
    // meaning.
    let name = bytes.windows(4).rposition(|part| part == b"\x02id\x6c").unwrap();
    assert_eq!(bytes[name + 4], logical << 4 | 12, "{kind}");
    bytes[name + 4] = 9 << 4 | 12;
    bytes
}

#[test]
fn a_type_that_cannot_be_written_back_is_refused_before_any_work() {
    let sandbox = Sandbox::new();
    sandbox.write("data.parquet", with_unknown_type("fixed_len_byte_array(16) id (UUID)", 14));
    let problem =
        "column `id` has logical type 9 of Parquet, which is not known here and cannot be written back";
    for output in ["files", "annotate", "files,ids"] {
        let typed = format!("run data.parquet --out out --output {output}");
        for typed in [format!("{typed} --dry-run"), typed] {
            sandbox.semdedup(&typed).failed_with(&["data.parquet: ", problem]);
            assert!(!sandbox.path("out").exists(), "{typed}");
        }
    }
    sandbox.semdedup("run data.parquet --out out --output ids --id-column id").succeeded();
}

#[test]
fn a_column_of_numbers_of_a_type_that_is_not_known_is_refused_at_once() {
    // Times in nanoseconds have no converted type.
    for (kind, logical) in [("int64 id (TIMESTAMP(NANOS, true))", 8), ("int64 id (TIME(NANOS, true))", 7)] {
        let sandbox = Sandbox::new();
        sandbox.write("data.parquet", with_unknown_type(kind, logical));
        for more in ["", "--id-column id", "--output ids", "--dry-run"] {
            sandbox
                .semdedup(&format!("run data.parquet --out out {more}"))
                .failed_with(&[
                    "data.parquet: column `id` has logical type 9 of Parquet, which is not known here",
                ])
                .hinted("write the file again without that column's type");
            assert!(!sandbox.path("out").exists(), "{kind} {more}");
        }
    }
}
