//! The table formats whose folders also have rows that were deleted or replaced since: their names,
//! how their files and folders are known, and what writes out their live rows.

use std::path::Path;

use crate::error::Error;

/// A table format whose folders are not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TableFormat {
    Delta,
    Iceberg,
    Hudi,
    Hive,
    Paimon,
    DuckLake,
}

impl TableFormat {
    fn name(self) -> &'static str {
        match self {
            Self::Delta => "Delta Lake",
            Self::Iceberg => "Iceberg",
            Self::Hudi => "Hudi",
            Self::Hive => "Hive (ACID)",
            Self::Paimon => "Paimon",
            Self::DuckLake => "DuckLake",
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
            Self::Hive => {
                "in Hive: INSERT OVERWRITE DIRECTORY '/rows' STORED AS PARQUET SELECT * FROM NAME".to_owned()
            }
            Self::Paimon => {
                format!("in Spark: spark.read.format('paimon').load('{root}').write.parquet('rows')")
            }
            Self::DuckLake => {
                "duckdb -c \"ATTACH 'ducklake:CATALOG' AS lake; COPY lake.NAME TO 'rows.parquet'\"".to_owned()
            }
        }
    }

    /// The error for a table.
    pub(crate) fn refused(self, root: &Path) -> Error {
        let root = if root == Path::new("") { Path::new(".") } else { root };
        let name = self.name();
        let problem =
            format!("is a table of {name}: beside its rows it keeps files of deleted and replaced ones");
        let command = self.command(&root.to_string_lossy());
        Error::input(root, problem)
            .hint(format!("write out the rows that are live, {command}; or name the live files one by one"))
    }
}

/// Returns the folder of the table that a file belongs to, if its path tells it.
pub(crate) fn table_of(path: &str) -> Option<(&str, TableFormat)> {
    let mut start = 0;
    for part in path.split_inclusive('/') {
        let root = path[..start].trim_end_matches('/');
        let rest = &path[start + part.len()..];
        match part {
            "_delta_log/" => return Some((root, TableFormat::Delta)),
            ".hoodie/" => return Some((root, TableFormat::Hudi)),
            "metadata/" if is_iceberg_metadata(rest) => return Some((root, TableFormat::Iceberg)),
            "schema/" if is_numbered(rest, "schema-") => return Some((root, TableFormat::Paimon)),
            _ if is_hive_delta(part.trim_end_matches('/')) && !rest.is_empty() => {
                return Some((without_partitions(root), TableFormat::Hive));
            }
            _ if is_hive_base(part.trim_end_matches('/')) && is_hive_file(rest) => {
                return Some((without_partitions(root), TableFormat::Hive));
            }
            _ if rest.is_empty() && is_ducklake_file(part) => {
                return Some((without_partitions(root), TableFormat::DuckLake));
            }
            _ => start += part.len(),
        }
    }
    None
}

/// Returns a folder without the partitions (`day=1`) at its end.
fn without_partitions(folder: &str) -> &str {
    let mut root = folder;
    while let Some((outer, last)) = root.rsplit_once('/').or(Some(("", root)))
        && last.contains('=')
    {
        root = outer;
    }
    root
}

/// Whether a file in a folder `metadata` is one of Iceberg.
pub(crate) fn is_iceberg_metadata(name: &str) -> bool {
    let name = name.strip_suffix(".gz").unwrap_or(name);
    let Some(stem) = name.strip_suffix(".metadata.json") else { return false };
    let version = stem.strip_suffix(".gz").unwrap_or(stem);
    let digits = version.trim_start_matches('v');
    is_number(digits.split('-').next().unwrap_or_default())
}

/// Whether a name is `before` and a number, such as `schema-0` of Paimon.
pub(crate) fn is_numbered(name: &str, before: &str) -> bool {
    name.strip_prefix(before).is_some_and(is_number)
}

/// Whether a folder of Hive has rows that were added to the table, or says which were deleted:
/// `delta_0000001_0000001_0000`, `delete_delta_0000002_0000002`.
pub(crate) fn is_hive_delta(name: &str) -> bool {
    let writes = name.strip_prefix("delete_").unwrap_or(name).strip_prefix("delta_");
    let Some((first, last)) = writes.and_then(|writes| writes.split_once('_')) else { return false };
    is_write_of_hive(first) && is_version_of_hive(last)
}

/// Whether a folder has the name of one with all rows of a table of Hive: `base_0000005`.
pub(crate) fn is_hive_base(name: &str) -> bool {
    name.strip_prefix("base_").is_some_and(is_version_of_hive)
}

/// Whether a file has the name that Hive gives to files of rows.
pub(crate) fn is_hive_file(name: &str) -> bool {
    let number = name.strip_prefix("bucket_").or_else(|| name.strip_suffix("_0"));
    name == "_orc_acid_version"
        || number
            .is_some_and(|rest| rest.len() >= 5 && is_number(rest.split(['_', '.']).next().unwrap_or("")))
}

/// Whether a file has the name that DuckLake gives to rows, or to the list of those that were
/// deleted: `ducklake-UUID.parquet`, `ducklake-UUID-delete.parquet`.
pub(crate) fn is_ducklake_file(name: &str) -> bool {
    let stem = name.strip_prefix("ducklake-").and_then(|rest| rest.strip_suffix(".parquet"));
    let Some(uuid) = stem.map(|stem| stem.strip_suffix("-delete").unwrap_or(stem)) else { return false };
    let lengths: Vec<usize> = uuid.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && uuid.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// Whether a text is the number of a write, which Hive pads to seven digits.
fn is_write_of_hive(text: &str) -> bool {
    text.len() >= 7 && is_number(text)
}

/// Whether a text is the number of a write, with that of a statement or a visibility behind it.
fn is_version_of_hive(text: &str) -> bool {
    let mut parts = text.split('_');
    parts.next().is_some_and(is_write_of_hive)
        && parts.all(|part| is_number(part.strip_prefix('v').unwrap_or(part)))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn files_of_hive_paimon_and_ducklake_tell_their_tables() {
        let uuid = "01951f3c-7a4e-7c11-8f00-0123456789ab";
        for (path, root, table) in [
            ("a/t/delta_0000001_0000001_0000/bucket_00000", "a/t", TableFormat::Hive),
            ("t/day=1/hour=2/delete_delta_0000002_0000002/bucket_00001_0", "t", TableFormat::Hive),
            ("delta_0000001_0000009_v0000123/x.parquet", "", TableFormat::Hive),
            ("t/base_0000005_v0000007/bucket_00000", "t", TableFormat::Hive),
            ("t/base_0000005/000000_0", "t", TableFormat::Hive),
            ("p/schema/schema-0", "p", TableFormat::Paimon),
            (&format!("d/main/t/ducklake-{uuid}.parquet"), "d/main/t", TableFormat::DuckLake),
            (&format!("d/t/day=1/ducklake-{uuid}-delete.parquet"), "d/t", TableFormat::DuckLake),
        ] {
            assert_eq!(table_of(path), Some((root, table)), "{path}");
        }
        for path in [
            "delta_1_2/x.jsonl",
            "delta_0000001/x.jsonl",
            "delta_0000001_model/x.jsonl",
            "base_0000005/rows.jsonl",
            "base_model/bucket_00000",
            "schema/schema-1.json",
            "x/bucket_00000",
            "ducklake-notes.parquet",
            "delta_0000001_0000001_0000",
        ] {
            assert_eq!(table_of(path), None, "{path}");
        }
    }
}
