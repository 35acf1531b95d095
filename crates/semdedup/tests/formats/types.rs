//! Columns of every type, by every writer, are written back with the same values, level by level
//! and byte by byte. Arrow's view of a file loses details, so files are compared below it.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{ConvertedType, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArrayType, DataType, Int96, Int96Type};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::serialized_reader::SerializedFileReader as Reader;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use semdedup::formats::{ReadLimits, write_kept};
use tempfile::TempDir;

use crate::annotate::annotate;
use crate::support::*;

const FIXTURES: [&str; 13] = [
    "pyarrow_types.parquet",
    "pyarrow_dates.parquet",
    "polars_types.parquet",
    "duckdb_types.parquet",
    "snappy_lists.parquet",
    "zstd_times.parquet",
    "gzip_views.parquet",
    "embeddings.parquet",
    "pyarrow_int96.parquet",
    "pyarrow_int96_plain.parquet",
    "spark_int96.parquet",
    "spark_binary.parquet",
    "binary_kinds.parquet",
];

const INT96: [&str; 3] = ["pyarrow_int96.parquet", "pyarrow_int96_plain.parquet", "spark_int96.parquet"];

/// A column below Arrow: the levels and the value of each entry, and where each row begins.
#[derive(Debug, PartialEq)]
struct Leaf {
    path: String,
    /// The repetition level, the definition level and the value of each entry.
    entries: Vec<(i16, i16, Option<String>)>,
}

impl Leaf {
    /// Returns the entries of these rows.
    fn rows(&self, keep: &dyn Fn(usize) -> bool) -> Vec<(i16, i16, Option<String>)> {
        let mut row = 0;
        let of_row = |(index, entry): (usize, &(i16, i16, Option<String>))| {
            row += usize::from(entry.0 == 0 && index > 0);
            keep(row).then(|| entry.clone())
        };
        self.entries.iter().enumerate().filter_map(of_row).collect()
    }
}

fn open(path: &Path) -> Reader<File> {
    SerializedFileReader::new(File::open(path).unwrap()).unwrap()
}

fn leaves(path: &Path) -> Vec<Leaf> {
    let file = open(path);
    let columns = file.metadata().file_metadata().schema_descr().columns().to_vec();
    let mut leaves: Vec<Leaf> =
        columns.iter().map(|column| Leaf { path: column.path().string(), entries: Vec::new() }).collect();
    for group in 0..file.num_row_groups() {
        let group = file.get_row_group(group).unwrap();
        for (number, leaf) in leaves.iter_mut().enumerate() {
            let most = columns[number].max_def_level();
            match group.get_column_reader(number).unwrap() {
                ColumnReader::BoolColumnReader(reader) => append(reader, most, leaf),
                ColumnReader::Int32ColumnReader(reader) => append(reader, most, leaf),
                ColumnReader::Int64ColumnReader(reader) => append(reader, most, leaf),
                ColumnReader::Int96ColumnReader(reader) => append(reader, most, leaf),
                ColumnReader::FloatColumnReader(reader) => append(reader, most, leaf),
                ColumnReader::DoubleColumnReader(reader) => append(reader, most, leaf),
                ColumnReader::ByteArrayColumnReader(reader) => append(reader, most, leaf),
                ColumnReader::FixedLenByteArrayColumnReader(reader) => append(reader, most, leaf),
            }
        }
    }
    leaves
}

fn append<T: DataType>(mut reader: ColumnReaderImpl<T>, most: i16, leaf: &mut Leaf) {
    let (mut defined, mut repeated, mut values) = (Vec::new(), Vec::new(), Vec::new());
    while reader.read_records(1000, Some(&mut defined), Some(&mut repeated), &mut values).unwrap().0 > 0 {}
    let entries = defined.len().max(values.len());
    defined.resize(entries, most);
    repeated.resize(entries, 0);
    let mut values = values.into_iter();
    leaf.entries.extend(repeated.into_iter().zip(defined).map(|(repeated, defined)| {
        (repeated, defined, (defined == most).then(|| format!("{:?}", values.next().unwrap())))
    }));
}

fn groups(metadata: &ParquetMetaData) -> Vec<i64> {
    metadata.row_groups().iter().map(|group| group.num_rows()).collect()
}

/// Returns the metadata of the columns and of the file, except the Arrow schema, which has its own
/// test.
fn told(path: &Path, columns: usize) -> (Vec<String>, Vec<String>, Vec<String>) {
    let file = open(path);
    let metadata = file.metadata();
    let fields = &metadata.file_metadata().schema_descr().root_schema().get_fields()[..columns];
    let leaves = fields.len();
    let pairs = metadata.file_metadata().key_value_metadata().cloned().unwrap_or_default();
    let pairs = pairs.iter().filter(|pair| pair.key != "ARROW:schema").map(|pair| format!("{pair:?}"));
    let codecs = metadata.row_group(0).columns().iter();
    let codecs = codecs.filter(|column| {
        let root = column.column_path().parts()[0].as_str();
        fields[..leaves].iter().any(|field| field.name() == root)
    });
    (
        fields.iter().map(|field| format!("{field:?}")).collect(),
        pairs.collect(),
        codecs.map(|column| format!("{} {:?}", column.column_path(), column.compression())).collect(),
    )
}

#[test]
fn kept_rows_have_the_levels_and_values_that_they_had() {
    let folder = TempDir::new().unwrap();
    for name in FIXTURES {
        let file = fixture(name);
        let before = leaves(&file.path);
        assert!(before.iter().all(|leaf| leaf.entries.len() >= 50), "{name}");
        let columns =
            open(&file.path).metadata().file_metadata().schema_descr().root_schema().get_fields().len();
        for modulus in [1, 3, 60] {
            let keep = |row: usize| row % modulus == modulus - 1;
            let destination = folder.path().join("kept.parquet");
            write_kept(&file, &ReadLimits::default(), &destination, &mut |row| keep(row as usize)).unwrap();
            for (after, before) in leaves(&destination).iter().zip(&before) {
                assert_eq!(
                    (&after.path, &after.entries),
                    (&before.path, &before.rows(&keep)),
                    "{name}, {modulus}"
                );
            }
            if modulus < 60 {
                assert_eq!(told(&destination, columns), told(&file.path, columns), "{name}");
            }
            if modulus == 1 {
                assert_eq!(
                    groups(open(&destination).metadata()),
                    groups(open(&file.path).metadata()),
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn annotated_rows_have_the_levels_and_values_that_they_had() {
    for name in FIXTURES {
        let file = fixture(name);
        let folder = input("unused.txt", b"");
        let destination = annotate(&file, &ReadLimits::default(), &folder).unwrap();
        let (before, after) = (leaves(&file.path), leaves(&destination));
        for (after, before) in after.iter().zip(&before) {
            assert!(after == before, "{name}: column {} differs", before.path);
        }
        let added: Vec<&str> = after[before.len()..].iter().map(|leaf| leaf.path.as_str()).collect();
        assert_eq!(added, ["score", "duplicate_of", "cluster", "kept"]);
        let columns =
            open(&file.path).metadata().file_metadata().schema_descr().root_schema().get_fields().len();
        assert_eq!(told(&destination, columns), told(&file.path, columns), "{name}");
        assert_eq!(groups(open(&destination).metadata()), groups(open(&file.path).metadata()), "{name}");
    }
}

#[test]
fn the_months_of_an_interval_are_kept() {
    // Arrow reads such a column as days and milliseconds. The other checks need a fixture with
    // months.
    let file = fixture("duckdb_types.parquet");
    let metadata = open(&file.path);
    let columns = metadata.metadata().file_metadata().schema_descr().columns();
    let spans: Vec<usize> =
        (0..columns.len()).filter(|&c| columns[c].converted_type() == ConvertedType::INTERVAL).collect();
    assert_eq!(spans.len(), 2, "one of them in a list");
    let leaf = &leaves(&file.path)[spans[0]];
    let months = |row: usize| leaf.entries[row].2.clone().unwrap();
    assert_ne!(months(1), months(2), "a month of difference: {}", months(1));
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
