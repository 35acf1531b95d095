//! Refuses tables of Delta Lake, Iceberg and Hudi: their folders also have the files of rows that
//! were deleted or replaced since, and only their logs tell which files are live.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::storage::{is_dir, is_url, names};

/// A table format whose folders are not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TableFormat {
    Delta,
    Iceberg,
    Hudi,
}

impl TableFormat {
    fn name(self) -> &'static str {
        match self {
            Self::Delta => "Delta Lake",
            Self::Iceberg => "Iceberg",
            Self::Hudi => "Hudi",
        }
    }

    /// Returns a command that writes the live rows of the table.
    fn command(self, root: &str) -> String {
        match self {
            Self::Delta => format!(
                "in Python: import deltalake, pyarrow.parquet; pyarrow.parquet.write_table(deltalake.DeltaTable('{root}')\
                 .to_pyarrow_table(), 'rows.parquet')"
            ),
            Self::Iceberg => format!(
                "in Python: import pyarrow.parquet; from pyiceberg.table import StaticTable; pyarrow.parquet.write_table(\
                 StaticTable.from_metadata('{root}/metadata/NEWEST.metadata.json').scan().to_arrow(), 'rows.parquet')"
            ),
            Self::Hudi => format!("in Spark: spark.read.format('hudi').load('{root}').write.parquet('rows')"),
        }
    }

    /// The error for a table.
    fn refused(self, root: &Path) -> Error {
        let root = if root == Path::new("") { Path::new(".") } else { root };
        let name = self.name();
        let problem =
            format!("is a table of {name}: beside its rows it keeps files of deleted and replaced ones");
        let command = self.command(&root.to_string_lossy());
        Error::input(root, problem)
            .hint(format!("write out the rows that are live, {command}; or name the live files one by one"))
    }
}

/// Whether a file in a folder `metadata` is one of Iceberg.
fn is_iceberg_metadata(name: &str) -> bool {
    let name = name.strip_suffix(".gz").unwrap_or(name);
    let Some(stem) = name.strip_suffix(".metadata.json") else { return false };
    let version = stem.strip_suffix(".gz").unwrap_or(stem);
    let digits = version.trim_start_matches('v');
    let digits = digits.split('-').next().unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the format of a folder, on a disk or in a store, that is a table.
fn table_in(folder: &Path) -> Result<Option<TableFormat>> {
    let metadata = folder.join("metadata");
    Ok(if is_dir(&folder.join("_delta_log"))? {
        Some(TableFormat::Delta)
    } else if is_dir(&folder.join(".hoodie"))? {
        Some(TableFormat::Hudi)
    } else if is_dir(&metadata)? && names(&metadata)?.iter().any(|name| is_iceberg_metadata(name)) {
        Some(TableFormat::Iceberg)
    } else {
        None
    })
}

/// Fails if a folder is a table.
pub(crate) fn check_folder(folder: &Path) -> Result<()> {
    table_in(folder)?.map_or(Ok(()), |table| Err(table.refused(folder)))
}

/// Fails if a folder is a part of a table: a partition of it (`day=1`), or its folder `data`.
pub(crate) fn check_around(folder: &Path) -> Result<()> {
    let real = match is_url(folder) {
        true => folder.to_path_buf(),
        false => fs_err::canonicalize(folder).map_err(|error| Error::input(folder, error))?,
    };
    let is_part = |path: &&Path| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name == "data" || name.contains('='))
    };
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

/// Returns the folder of the table that an object belongs to, if its name tells it.
fn table_of(name: &str) -> Option<(&str, TableFormat)> {
    let mut start = 0;
    for part in name.split_inclusive('/') {
        let root = name[..start].trim_end_matches('/');
        let rest = &name[start + part.len()..];
        match part {
            "_delta_log/" => return Some((root, TableFormat::Delta)),
            ".hoodie/" => return Some((root, TableFormat::Hudi)),
            "metadata/" if is_iceberg_metadata(rest) => return Some((root, TableFormat::Iceberg)),
            _ => start += part.len(),
        }
    }
    None
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

    #[test]
    fn metadata_of_iceberg_is_known_by_its_version() {
        for name in
            ["v1.metadata.json", "00002-0a1b.metadata.json", "v3.gz.metadata.json", "v3.metadata.json.gz"]
        {
            assert!(is_iceberg_metadata(name), "{name}");
        }
        for name in ["metadata.json", ".metadata.json", "train.metadata.json", "v.metadata.json", "v1.json"] {
            assert!(!is_iceberg_metadata(name), "{name}");
        }
    }
}
