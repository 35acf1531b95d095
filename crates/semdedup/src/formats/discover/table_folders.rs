//! Refuses tables of Delta Lake, Iceberg, Hudi, Hive, Paimon and DuckLake: their folders also have
//! the files of rows that were deleted or replaced since, and only their logs tell which files are
//! live.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::formats::discover::table_formats::{
    TableFormat, is_ducklake_file, is_hive_base, is_hive_delta, is_hive_file, is_iceberg_metadata,
    is_numbered, table_of,
};
use crate::storage::{is_dir, is_file, is_url, names};

/// Returns the format of a folder, on a disk or in a store, that is a table.
fn table_in(folder: &Path) -> Result<Option<TableFormat>> {
    let (metadata, schema) = (folder.join("metadata"), folder.join("schema"));
    Ok(if is_dir(&folder.join("_delta_log"))? {
        Some(TableFormat::Delta)
    } else if is_dir(&folder.join(".hoodie"))? {
        Some(TableFormat::Hudi)
    } else if is_dir(&metadata)? && names(&metadata)?.iter().any(|name| is_iceberg_metadata(name)) {
        Some(TableFormat::Iceberg)
    } else if is_dir(&schema)? && names(&schema)?.iter().any(|name| is_numbered(name, "schema-")) {
        Some(TableFormat::Paimon)
    } else {
        None
    })
}

/// Fails if a folder is a table, or holds some of the writes to a table of Hive.
pub(crate) fn check_folder(folder: &Path) -> Result<()> {
    check_hive(folder)?;
    table_in(folder)?.map_or(Ok(()), |table| Err(table.refused(folder)))
}

/// Fails if a folder holds some of the writes to a table of Hive: its name tells it.
fn check_hive(folder: &Path) -> Result<()> {
    let name = name_of(folder);
    let is_base =
        || is_hive_base(name) && names(folder).is_ok_and(|names| names.iter().any(|name| is_hive_file(name)));
    match is_hive_delta(name) || is_base() {
        true => Err(TableFormat::Hive.refused(root_around(folder))),
        false => Ok(()),
    }
}

/// Fails if a file on the disk was written by a table format that has its log elsewhere.
pub(crate) fn check_file(file: &Path) -> Result<()> {
    match is_ducklake_file(name_of(file)) {
        true => Err(TableFormat::DuckLake.refused(root_around(file))),
        false => Ok(()),
    }
}

fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// Returns the folder around a part of a table, and around the partitions that the part is in.
fn root_around(part: &Path) -> &Path {
    let around = part.ancestors().skip(1).find(|folder| !name_of(folder).contains('='));
    around.unwrap_or(Path::new(""))
}

/// Fails if a folder is a part of a table: a partition of it (`day=1`), its folder `data`, a bucket
/// or a write.
pub(crate) fn check_around(folder: &Path) -> Result<()> {
    let real = match is_url(folder) {
        true => folder.to_path_buf(),
        false => fs_err::canonicalize(folder).map_err(|error| Error::input(folder, error))?,
    };
    let is_part = |path: &&Path| {
        let name = name_of(path);
        name == "data" || name.contains('=') || is_numbered(name, "bucket-") || name == "bucket-postpone"
    };
    check_hive(&real)?;
    if is_file(&real.join(".hoodie_partition_metadata")).is_ok_and(|is_there| is_there) {
        let root =
            real.ancestors().find(|folder| is_dir(&folder.join(".hoodie")).is_ok_and(|is_there| is_there));
        return Err(TableFormat::Hudi.refused(root.unwrap_or(&real)));
    }
    for folder in real.ancestors().take_while(is_part).filter_map(Path::parent) {
        // The user may be allowed to read the part alone.
        if let Ok(Some(table)) = table_in(folder) {
            return Err(table.refused(folder));
        }
    }
    Ok(())
}

/// Returns the tables among the names of objects below a folder, each with its folder.
pub(crate) fn tables_among<'a>(names: impl Iterator<Item = &'a str>) -> Vec<(&'a str, TableFormat)> {
    let mut tables: Vec<(&str, TableFormat)> = Vec::new();
    for name in names {
        let found = table_of(name);
        tables.extend(found.filter(|found| tables.last() != Some(found)));
    }
    tables
}

/// Fails if an object below the folder `place` belongs to one of these tables.
pub(crate) fn check_object(place: &str, name: &str, tables: &[(&str, TableFormat)]) -> Result<()> {
    let is_in =
        |root: &str| root.is_empty() || name.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'));
    match tables.iter().find(|(root, _)| is_in(root)) {
        Some((root, table)) => {
            Err(table.refused(&PathBuf::from(format!("{place}/{root}").trim_end_matches('/'))))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_in_a_store_are_known_by_the_names_of_their_logs() {
        let names = [
            "a/part-0.parquet",
            "d/_delta_log/00000000000000000000.json",
            "d/_delta_log/00000000000000000001.json",
            "d/day=1/part-0.parquet",
            "h/.hoodie/hoodie.properties",
            "i/metadata/00001-5f8e.metadata.json",
            "m/metadata/picture.metadata.json",
        ];
        let tables = tables_among(names.into_iter());
        assert_eq!(
            tables,
            [("d", TableFormat::Delta), ("h", TableFormat::Hudi), ("i", TableFormat::Iceberg)]
        );
        for fine in ["a/part-0.parquet", "delta/x.parquet", "m/x.parquet"] {
            assert!(check_object("s3://b/in", fine, &tables).is_ok(), "{fine}");
        }
        let error =
            check_object("s3://b/in", "d/day=1/part-0.parquet", &tables).expect_err("a table").to_string();
        assert!(error.starts_with("s3://b/in/d: is a table of Delta Lake"), "{error}");
        let tables = tables_among(["_delta_log/0.json"].into_iter());
        let error = check_object("s3://b/in", "x.parquet", &tables).expect_err("a table").to_string();
        assert!(error.starts_with("s3://b/in: is a table"), "{error}");
    }
}
