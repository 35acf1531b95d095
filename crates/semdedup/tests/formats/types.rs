//! Columns of every type, by every writer, are written back with the same values, level by level
//! and byte by byte. Arrow's view of a file loses details, so files are compared below it.

use std::fs::File;
use std::path::Path;

use parquet::basic::ConvertedType;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::serialized_reader::SerializedFileReader as Reader;
use semdedup::formats::{ReadLimits, write_kept};
use tempfile::TempDir;

use crate::annotate::annotate;
use crate::support::*;

const FIXTURES: [&str; 14] = [
    "pyarrow_encodings.parquet",
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

pub const INT96: [&str; 3] = ["pyarrow_int96.parquet", "pyarrow_int96_plain.parquet", "spark_int96.parquet"];

/// A column below Arrow: the levels and the value of each entry, and where each row begins.
#[derive(Debug, PartialEq)]
pub struct Leaf {
    pub path: String,
    /// The repetition level, the definition level and the value of each entry.
    pub entries: Vec<(i16, i16, Option<String>)>,
}

impl Leaf {
    /// Returns the entries of these rows.
    pub fn rows(&self, keep: &dyn Fn(usize) -> bool) -> Vec<(i16, i16, Option<String>)> {
        let mut row = 0;
        let of_row = |(index, entry): (usize, &(i16, i16, Option<String>))| {
            row += usize::from(entry.0 == 0 && index > 0);
            keep(row).then(|| entry.clone())
        };
        self.entries.iter().enumerate().filter_map(of_row).collect()
    }
}

pub fn open(path: &Path) -> Reader<File> {
    SerializedFileReader::new(File::open(path).unwrap()).unwrap()
}

pub fn leaves(path: &Path) -> Vec<Leaf> {
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

pub fn groups(metadata: &ParquetMetaData) -> Vec<i64> {
    metadata.row_groups().iter().map(|group| group.num_rows()).collect()
}

/// Returns the metadata of the columns and of the file, except the schemas of Arrow and of Spark,
/// which have their own tests.
pub fn told(path: &Path, columns: usize) -> (Vec<String>, Vec<String>, Vec<String>) {
    let file = open(path);
    let metadata = file.metadata();
    let fields = &metadata.file_metadata().schema_descr().root_schema().get_fields()[..columns];
    let leaves = fields.len();
    let pairs = metadata.file_metadata().key_value_metadata().cloned().unwrap_or_default();
    let is_schema = |key: &str| key == "ARROW:schema" || key.ends_with("spark.sql.parquet.row.metadata");
    let pairs = pairs.iter().filter(|pair| !is_schema(&pair.key)).map(|pair| format!("{pair:?}"));
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
