//! Tables of Delta Lake, Iceberg and Hudi are refused, because their folders have the files of dead
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
