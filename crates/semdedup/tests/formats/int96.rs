//! INT96 times stay INT96 times in kept and in annotated files.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{ConvertedType, LogicalType, Type};
use parquet::data_type::{ByteArrayType, Int96, Int96Type};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaDataReader};
use parquet::file::reader::FileReader;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnDescPtr;
use semdedup::formats::{ReadLimits, write_kept};
use tempfile::TempDir;

use crate::annotate::annotate;
use crate::support::*;
use crate::types::*;

/// Returns the physical and logical type of each leaf, as the footer has them.
fn kinds(path: &Path) -> Vec<(Type, i32, Option<LogicalType>, ConvertedType)> {
    let file = open(path);
    let columns = file.metadata().file_metadata().schema_descr().columns().iter();
    let kind = |column: &ColumnDescPtr| {
        let logical = column.logical_type_ref().cloned();
        (column.physical_type(), column.type_length(), logical, column.converted_type())
    };
    columns.map(kind).collect()
}

#[test]
fn every_time_in_kept_and_annotated_files_has_the_type_of_the_source() {
    let input = input("unused.txt", b"");
    for name in INT96 {
        let file = fixture(name);
        let before = kinds(&file.path);
        for (physical, _, logical, converted) in &before {
            let is_annotated = logical.is_some() || *converted != ConvertedType::NONE;
            assert!(*physical != Type::INT96 || !is_annotated, "{name}");
        }
        let kept = input.folder.path().join("kept.parquet");
        write_kept(&file, &ReadLimits::default(), &kept, &mut |row| row % 2 == 0).unwrap();
        let annotated = annotate(&file, &ReadLimits::default(), &input).unwrap();
        for written in [kept, annotated] {
            assert_eq!(kinds(&written)[..before.len()], before, "{name}");
        }
    }
}

#[test]
fn an_int96_time_that_cannot_be_an_id_is_refused_and_named() {
    let input = raw_input("odd.parquet", b"");
    write_odd(&input.file.path);
    let error = read(&find(&input.file.path), &with_id("text", "first")).err().unwrap().to_string();
    assert!(error.contains("odd.parquet: column `first` has an INT96 time outside the years"), "{error}");
}

/// Returns the physical types of a file's leaves.
fn physical(path: &Path) -> Vec<Type> {
    let file = open(path);
    file.metadata().file_metadata().schema_descr().columns().iter().map(|c| c.physical_type()).collect()
}

#[test]
fn int96_times_stay_int96_in_kept_and_in_annotated_files() {
    let input = input("unused.txt", b"");
    for name in INT96 {
        let file = fixture(name);
        let times = physical(&file.path).iter().filter(|&&kind| kind == Type::INT96).count();
        assert!(times >= 5, "{name}");
        let kept = input.folder.path().join("kept.parquet");
        write_kept(&file, &ReadLimits::default(), &kept, &mut |row| row % 2 == 0).unwrap();
        let annotated = annotate(&file, &ReadLimits::default(), &input).unwrap();
        for written in [kept, annotated] {
            let after = physical(&written);
            assert_eq!(after[..physical(&file.path).len()], physical(&file.path), "{name}");
            // Readers shift such times, or do not, depending on the program that wrote them.
            let writer = |path: &Path| open(path).metadata().file_metadata().created_by().map(str::to_owned);
            assert_eq!(writer(&written), writer(&file.path), "{name}");
        }
    }
}

#[test]
fn int96_times_have_no_smallest_and_largest_values_and_other_columns_have_theirs() {
    let folder = TempDir::new().unwrap();
    let kept = folder.path().join("kept.parquet");
    for name in INT96 {
        write_kept(&fixture(name), &ReadLimits::default(), &kept, &mut |_| true).unwrap();
        let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Required);
        let metadata = reader.parse_and_finish(&File::open(&kept).unwrap()).unwrap();
        for (number, group) in metadata.row_groups().iter().enumerate() {
            for column in group.columns() {
                let is_time = column.column_type() == Type::INT96;
                assert_eq!(column.statistics().is_none(), is_time, "{name}: {}", column.column_path());
                assert_eq!(column.column_index_range().is_none(), is_time, "{name}, group {number}");
                assert!(column.offset_index_range().is_some(), "{name}, group {number}");
            }
        }
    }
}

#[test]
fn the_arrow_schema_beside_int96_times_stays_as_it_was() {
    let folder = TempDir::new().unwrap();
    let kept = folder.path().join("kept.parquet");
    let arrow = |path: &Path| {
        let metadata = parquet::arrow::arrow_reader::ArrowReaderMetadata::load(
            &File::open(path).unwrap(),
            Default::default(),
        );
        metadata.unwrap().schema().clone()
    };
    let keys = |path: &Path| {
        let pairs = open(path).metadata().file_metadata().key_value_metadata().cloned().unwrap_or_default();
        pairs.into_iter().map(|pair| pair.key).collect::<std::collections::BTreeSet<_>>()
    };
    for name in INT96 {
        let file = fixture(name);
        write_kept(&file, &ReadLimits::default(), &kept, &mut |row| row > 9).unwrap();
        assert_eq!(arrow(&kept), arrow(&file.path), "{name}");
        assert_eq!(keys(&kept), keys(&file.path), "{name}");
    }
}

/// Columns that Arrow would write differently: a decimal of as few bytes as it needs, and a list
/// without a name.
const ODD: &str = "message spark_schema {
    required int96 first = 7;
    optional group log { optional binary price (DECIMAL(9, 2)); optional int96 at = 9; }
    repeated int96 visits;
    optional binary text (UTF8);
}";

fn time(row: u32) -> Int96 {
    let mut time = Int96::new();
    time.set_data(row * 7 + 1, row, 1 + row * 40_000);
    time
}

/// Writes 60 rows in three groups. Each third row has no `log.at`, and each has as many `visits` as
/// its number modulo 3.
fn write_odd(path: &Path) {
    let schema = Arc::new(parse_message_type(ODD).unwrap());
    let mut file =
        SerializedFileWriter::new(File::create(path).unwrap(), schema, Default::default()).unwrap();
    for rows in [0..25u32, 25..50, 50..60] {
        let mut group = file.next_row_group().unwrap();
        let times: Vec<Int96> = rows.clone().map(time).collect();
        let there: Vec<i16> = rows.clone().map(|row| if row % 3 == 0 { 1 } else { 2 }).collect();
        let some: Vec<Int96> = rows.clone().filter(|row| row % 3 != 0).map(time).collect();
        let visits: Vec<(i16, i16)> = rows
            .clone()
            .flat_map(|row| (0..(row % 3).max(1)).map(move |i| (i16::from(row % 3 > 0), i16::from(i > 0))))
            .collect();
        let (defined, repeated): (Vec<i16>, Vec<i16>) = visits.into_iter().unzip();
        let seen: Vec<Int96> =
            rows.clone().flat_map(|row| (0..row % 3).map(move |i| time(row + i))).collect();
        let words: Vec<_> = rows.clone().map(|row| format!("text {row}").into_bytes().into()).collect();
        let prices: Vec<_> = rows.map(|row| vec![0, (row % 100) as u8].into()).collect();
        let all = vec![2; prices.len()];
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int96Type>().write_batch(&times, None, None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&prices, Some(&all), None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int96Type>().write_batch(&some, Some(&there), None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int96Type>().write_batch(&seen, Some(&defined), Some(&repeated)).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let all = vec![1; words.len()];
        column.typed::<ByteArrayType>().write_batch(&words, Some(&all), None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    file.close().unwrap();
}

#[test]
fn int96_times_are_kept_in_columns_that_arrow_would_lay_out_in_another_way() {
    let folder = input("unused.txt", b"");
    let source = folder.folder.path().join("odd.parquet");
    write_odd(&source);
    let (file, before) = (find(&source), leaves(&source));
    assert_eq!(before[3].entries.len(), 20 + 20 + 40);
    let kept = folder.folder.path().join("kept.parquet");
    for modulus in [1, 2, 7] {
        let keep = |row: usize| row.is_multiple_of(modulus);
        write_kept(&file, &ReadLimits::default(), &kept, &mut |row| keep(row as usize)).unwrap();
        let after = leaves(&kept);
        assert_eq!(after.len(), before.len());
        for column in [0, 2, 3, 4] {
            assert_eq!(after[column].entries, before[column].rows(&keep), "column {column}, {modulus}");
        }
        let times = [physical(&kept)[0], physical(&kept)[2], physical(&kept)[3]];
        assert_eq!(times, [Type::INT96; 3]);
    }
    let schema = open(&kept);
    let fields = schema.metadata().file_metadata().schema_descr().root_schema().get_fields().to_vec();
    assert_eq!(fields[0].get_basic_info().id(), 7, "the number of a field stays");
    let annotated = annotate(&file, &ReadLimits::default(), &folder).unwrap();
    for column in [0, 2, 3, 4] {
        assert_eq!(leaves(&annotated)[column].entries, before[column].entries, "column {column}");
    }
}
