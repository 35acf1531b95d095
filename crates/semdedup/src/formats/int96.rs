//! INT96 timestamps, as old Spark and Impala write them into Parquet.
//!
//! Without an Arrow schema beside them they are read as nanoseconds since 1970 in 64 bits. A year like 9999 does not
//! fit and would silently become another one in the kept file, so a file with such a value is refused.

use parquet::basic::Type;
use parquet::column::reader::ColumnReader;
use parquet::data_type::Int96;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::InputFile;
use super::parquet_in::{damaged, footer, guarded};
use crate::{Error, Result};

/// The day of 1970-01-01 in the count that INT96 uses.
const JULIAN_DAY_OF_1970: i64 = 2_440_588;
/// Whole days on either side of 1970 whose nanoseconds fit into 64 bits: 1677-09-22 to 2262-04-10.
const DAYS_THAT_FIT: i64 = 106_750;
/// Where writers keep the Arrow schema.
const ARROW_SCHEMA: &str = "ARROW:schema";
/// Values read at a time.
const BATCH: usize = 8192;

/// Fails if a file holds an INT96 time that cannot be kept.
pub(super) fn check(file: &InputFile) -> Result<()> {
    let (handle, metadata) = footer(file)?;
    let columns = columns(metadata.metadata());
    if columns.is_empty() {
        return Ok(());
    }
    let path = &file.path;
    guarded(path, 0, || {
        let reader = SerializedFileReader::new(handle).map_err(|error| damaged(path, 0, &error))?;
        for group in 0..reader.num_row_groups() {
            let group = reader.get_row_group(group).map_err(|error| damaged(path, 0, &error))?;
            for (column, name) in &columns {
                let column = group.get_column_reader(*column).map_err(|error| damaged(path, 0, &error))?;
                if !all_fit(column).map_err(|error| damaged(path, 0, &error))? {
                    let problem = format!("column `{name}` has an INT96 time outside the years 1678 to 2261");
                    return Err(Error::input(path, problem).hint(
                        "it cannot be kept exactly: write the file again with INT64 times (in Spark, \
                         spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS)",
                    ));
                }
            }
        }
        Ok(())
    })
}

/// The INT96 columns that are read as nanoseconds, with their names.
fn columns(metadata: &ParquetMetaData) -> Vec<(usize, String)> {
    let file = metadata.file_metadata();
    if file.key_value_metadata().into_iter().flatten().any(|pair| pair.key == ARROW_SCHEMA) {
        return Vec::new();
    }
    let columns = file.schema_descr().columns().iter().enumerate();
    let columns = columns.filter(|(_, column)| column.physical_type() == Type::INT96);
    columns.map(|(number, column)| (number, column.path().string())).collect()
}

fn all_fit(column: ColumnReader) -> parquet::errors::Result<bool> {
    let ColumnReader::Int96ColumnReader(mut column) = column else { return Ok(true) };
    let (mut values, mut defined, mut repeated) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        values.clear();
        defined.clear();
        repeated.clear();
        let read = column.read_records(BATCH, Some(&mut defined), Some(&mut repeated), &mut values)?;
        if !values.iter().all(fits) {
            return Ok(false);
        }
        if read.0 == 0 {
            return Ok(true);
        }
    }
}

fn fits(time: &Int96) -> bool {
    let day = i64::from(time.data()[2].cast_signed());
    (day - JULIAN_DAY_OF_1970).abs() <= DAYS_THAT_FIT
}
