//! Tables of Delta Lake, Iceberg, Hudi, Hive, Paimon and DuckLake are refused, because their folders have the files of dead
//! rows too; data sets of Lance and Zarr are named.

use semdedup::formats::{Asked, Cause};

use crate::beside::{Folder, ROWS, names};

const LOG: &str = "{\"add\": {\"path\": \"part-0.jsonl\"}}\n";

fn folder() -> Folder {
    Folder::new(&[
        ("plain/a.jsonl", ROWS),
        ("delta/_delta_log/00000000000000000000.json", LOG),
        ("delta/part-0.jsonl", ROWS),
        ("delta/day=1/part-1.jsonl", ROWS),
        ("ice/metadata/00001-5f8e.metadata.json", "{\"format-version\": 2}"),
        ("ice/data/00000-0.jsonl", ROWS),
        ("hudi/.hoodie/hoodie.properties", "hoodie.table.name=x"),
        ("hudi/1.jsonl", ROWS),
        ("hudi/2026/01/.hoodie_partition_metadata", ""),
        ("hudi/2026/01/2.jsonl", ROWS),
        ("not/metadata/x.metadata.json", "{\"text\": \"a\"}"),
        ("not/data/x.jsonl", ROWS),
    ])
}

#[test]
fn a_table_is_refused_with_its_name_and_a_command_that_writes_its_live_rows() {
    let folder = folder();
    for (input, name, command) in [
        ("d/delta", "Delta Lake", "deltalake.DeltaTable('"),
        ("d/delta/*.jsonl", "Delta Lake", "to_pyarrow_table()"),
        ("d/delta/day=1", "Delta Lake", "deltalake"),
        ("d/delta/day=*/*.jsonl", "Delta Lake", "deltalake"),
        ("d/*/*.jsonl", "Delta Lake", "deltalake"),
        ("d", "Delta Lake", "deltalake"),
        ("d/ice", "Iceberg", "StaticTable.from_metadata('"),
        ("d/ice/data", "Iceberg", "pyiceberg"),
        ("d/ice/data/*.jsonl", "Iceberg", "pyiceberg"),
        ("d/ice/**/*.jsonl", "Iceberg", "pyiceberg"),
        ("d/hudi", "Hudi", "format('hudi')"),
        ("d/hudi/*", "Hudi", "format('hudi')"),
        ("d/hudi/2026/01", "Hudi", "/d/hudi').write"),
        ("d/hudi/2026/01/*.jsonl", "Hudi", "/d/hudi').write"),
    ] {
        let error = folder.survey_as(input, &Asked::default()).unwrap_err();
        assert!(error.to_string().contains(&format!(": is a table of {name}: ")), "{input}: {error}");
        assert!(error.hint_text().unwrap().contains(command), "{input}: {:?}", error.hint_text());
    }
}

#[test]
fn the_live_files_of_a_table_can_be_named_and_other_folders_of_metadata_are_no_tables() {
    let folder = folder();
    for (input, name) in
        [("d/delta/part-0.jsonl", "part-0.jsonl"), ("d/plain", "a.jsonl"), ("d/not/data", "x.jsonl")]
    {
        assert_eq!(names(&folder.survey_as(input, &Asked::default()).unwrap()), [name]);
    }
}

#[test]
fn data_sets_of_lance_and_zarr_are_named_and_left_out_beside_rows() {
    let folder = Folder::new(&[
        ("a.jsonl", ROWS),
        ("e.lance/data/0.lance", "x"),
        ("e.zarr/zarr.json", "{\"shape\": [1]}"),
        ("e.zarr/c/0", "x"),
        ("bare/.zarray", "{}"),
        ("bare/0.0", "x"),
        ("table/_versions/1.manifest", "x"),
        ("table/data/0.lance", "x"),
    ]);
    for (input, what) in [
        ("d/e.lance", "is a Lance data set"),
        ("d/e.zarr", "is a Zarr array"),
        ("d/bare", "is a Zarr array"),
        ("d/table", "is a Lance data set"),
    ] {
        let error = folder.survey_as(input, &Asked::default()).unwrap_err();
        assert!(error.to_string().ends_with(what), "{input}: {error}");
        assert!(error.hint_text().unwrap().contains("in Python: "), "{error:?}");
    }
    for input in ["d", "d/*", "d/**/*"] {
        let found = folder.survey_as(input, &Asked::default()).unwrap();
        assert_eq!(names(&found), ["a.jsonl"], "{input}");
        assert_eq!(found.skipped.of(Cause::OtherFolder).first, ["e.lance", "e.zarr"], "{input}");
    }
}

/// Returns tables whose dead rows lie in files of the same form as the live ones.
fn tables_with_logs_beside() -> Folder {
    let lake = "01951f3c-7a4e-7c11-8f00-0123456789ab";
    let folder = Folder::new(&[
        ("hive/delta_0000001_0000001_0000/bucket_00000.jsonl", ROWS),
        ("hive/delete_delta_0000002_0000002_0000/bucket_00000", ""),
        ("parts/day=1/base_0000003/bucket_00000.jsonl", ROWS),
        ("parts/day=1/base_0000005/bucket_00000.jsonl", ROWS),
        ("paimon/snapshot/snapshot-1", "{}"),
        ("paimon/manifest/manifest-0", ""),
        ("paimon/schema/schema-0", "{}"),
        ("paimon/bucket-0/data-0.jsonl", ROWS),
        ("paimon/dt=1/bucket-0/data-0.jsonl", ROWS),
        ("lake/metadata.ducklake", ""),
    ]);
    for name in [format!("lake/t/ducklake-{lake}.parquet"), format!("lake/t/ducklake-{lake}-delete.parquet")]
    {
        folder.write(&name, b"PAR1");
    }
    folder
}

#[test]
fn deleted_rows_of_hive_paimon_and_ducklake_do_not_come_back() {
    let folder = tables_with_logs_beside();
    for (input, root, name, command) in [
        ("d/hive", "d/hive", "Hive (ACID)", "STORED AS PARQUET"),
        ("d/hive/delta_0000001_0000001_0000", "d/hive", "Hive (ACID)", "INSERT OVERWRITE"),
        ("d/hive/*/*.jsonl", "d/hive", "Hive (ACID)", "INSERT OVERWRITE"),
        ("d/hive/delta_0000001_0000001_0000/*.jsonl", "d/hive", "Hive (ACID)", "INSERT OVERWRITE"),
        ("d/parts", "d/parts", "Hive (ACID)", "INSERT OVERWRITE"),
        ("d/parts/**/*", "d/parts", "Hive (ACID)", "INSERT OVERWRITE"),
        ("d/paimon", "d/paimon", "Paimon", "format('paimon').load('"),
        ("d/paimon/bucket-0", "d/paimon", "Paimon", "spark.read"),
        ("d/paimon/dt=1", "d/paimon", "Paimon", "spark.read"),
        ("d/paimon/dt=1/bucket-0/*.jsonl", "d/paimon", "Paimon", "spark.read"),
        ("d/paimon/**/*.jsonl", "d/paimon", "Paimon", "spark.read"),
        ("d/lake", "d/lake/t", "DuckLake", "ATTACH 'ducklake:"),
        ("d/lake/t/*.parquet", "d/lake/t", "DuckLake", "COPY lake.NAME"),
        ("d/lake/**/*", "d/lake/t", "DuckLake", "COPY lake.NAME"),
        ("d", "", "", "or name the live files one by one"),
    ] {
        let error = folder.survey_as(input, &Asked::default()).unwrap_err();
        let said = error.to_string();
        assert!(said.contains(&format!(": is a table of {name}")), "{input}: {said}");
        assert!(said.contains(&format!("{root}: ")), "{input}: {said}");
        assert!(error.hint_text().unwrap().contains(command), "{input}: {:?}", error.hint_text());
    }
    let live = folder.survey_as("d/paimon/bucket-0/data-0.jsonl", &Asked::default()).unwrap();
    assert_eq!(names(&live), ["data-0.jsonl"]);
}

#[test]
fn folders_with_names_like_those_of_tables_are_read() {
    let folder = Folder::new(&[
        ("base_0000001/rows.jsonl", ROWS),
        ("delta_1/rows.jsonl", ROWS),
        ("schema/schema-1.json", "[{\"text\": \"a\"}]"),
        ("snapshot/snapshot.jsonl", ROWS),
        ("bucket-0/a.jsonl", ROWS),
        ("ducklake-notes.jsonl", ROWS),
    ]);
    let all = folder.survey().unwrap();
    assert_eq!(all.files.len(), 6);
    for input in ["d/base_0000001", "d/bucket-0", "d/delta_1/*.jsonl"] {
        assert_eq!(folder.survey_as(input, &Asked::default()).unwrap().files.len(), 1, "{input}");
    }
}
