//! Columns are added to all rows: the rest of a file stays unchanged, and files of other programs
//! take columns too.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float32Array, RecordBatch, StringArray, UInt32Array};
use arrow_schema::{DataType, Field, Schema};
use arrow_select::concat::concat_batches;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};
use semdedup::formats::{AddedColumns, InputFile, ReadLimits, write_annotated, write_kept};

use crate::arrow_files;
use crate::support::*;

/// Returns values for the next rows; every fifth row has none.
fn values(first: usize, rows: usize) -> RecordBatch {
    let range = first..first + rows;
    let has = |row: &usize| row % 5 != 4;
    let score: ArrayRef =
        Arc::new(range.clone().map(|row| has(&row).then_some(row as f32 / 8.0)).collect::<Float32Array>());
    let of: ArrayRef = Arc::new(
        range.clone().map(|row| has(&row).then(|| format!("\"{row}\", a\nb"))).collect::<StringArray>(),
    );
    let cluster: ArrayRef =
        Arc::new(range.clone().map(|row| has(&row).then_some(row as u32)).collect::<UInt32Array>());
    let kept: ArrayRef =
        Arc::new(range.map(|row| has(&row).then_some(row % 2 == 0)).collect::<BooleanArray>());
    RecordBatch::try_new(schema(), vec![score, of, cluster, kept]).unwrap()
}

fn schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![
        Field::new("score", DataType::Float32, true),
        Field::new("duplicate_of", DataType::Utf8, true),
        Field::new("cluster", DataType::UInt32, true),
        Field::new("kept", DataType::Boolean, true),
    ]))
}

pub fn annotate(
    file: &InputFile,
    limits: &ReadLimits,
    folder: &Input,
) -> semdedup::Result<std::path::PathBuf> {
    let destination = folder.folder.path().join(format!("annotated-{}", file.name));
    let mut done = 0;
    let mut next = |rows: usize| {
        done += rows;
        Ok(values(done - rows, rows))
    };
    let mut added = AddedColumns { schema: schema(), next: &mut next };
    let rows = write_annotated(file, limits, &destination, &mut added)?;
    assert_eq!(rows, done as u64);
    Ok(destination)
}

fn annotated(name: &str, bytes: &[u8]) -> semdedup::Result<String> {
    let input = input(name, bytes);
    let destination = annotate(&input.file, &ReadLimits::default(), &input)?;
    Ok(String::from_utf8_lossy(&decompress(&destination)).into_owned())
}

#[test]
fn an_object_gets_its_values_before_the_last_brace_and_keeps_every_other_byte() {
    let lines =
        "\u{feff}{\"text\": \"one\", \"n\": 1.50 }  \r\n\n{}\n{ }\n{\"a\":{\"b\":\"}\"}}\n{\"t\\u0065xt\":3}";
    for name in ["a.jsonl", "a.jsonl.gz", "a.ndjson.zst"] {
        let expected = "\u{feff}{\"text\": \"one\", \"n\": 1.50 ,\"score\":0.0,\"duplicate_of\":\"\\\"0\\\", a\\nb\",\
            \"cluster\":0,\"kept\":true}  \r\n\n\
            {\"score\":0.125,\"duplicate_of\":\"\\\"1\\\", a\\nb\",\"cluster\":1,\"kept\":false}\n\
            { \"score\":0.25,\"duplicate_of\":\"\\\"2\\\", a\\nb\",\"cluster\":2,\"kept\":true}\n\
            {\"a\":{\"b\":\"}\"},\"score\":0.375,\"duplicate_of\":\"\\\"3\\\", a\\nb\",\"cluster\":3,\"kept\":false}\n\
            {\"t\\u0065xt\":3,\"score\":null,\"duplicate_of\":null,\"cluster\":null,\"kept\":null}";
        assert_eq!(annotated(name, lines.as_bytes()).unwrap(), expected, "{name}");
    }
}

#[test]
fn the_elements_of_a_list_get_their_values_and_the_list_stays_as_it_was() {
    let list = " [ {\"text\": \"a\"} ,\n  { },{\"n\":[{}] }, {\"m\":1}\n, 7,\t{\"z\":{}}]\n";
    let value = |row: usize| {
        format!(
            "\"score\":{:?},\"duplicate_of\":\"\\\"{row}\\\", a\\nb\",\"cluster\":{row},\"kept\":{}",
            row as f32 / 8.0,
            row.is_multiple_of(2)
        )
    };
    let expected = format!(
        " [ {{\"text\": \"a\",{}}} ,\n  {{ {}}},{{\"n\":[{{}}] ,{}}}, {{\"m\":1,{}}}\n, 7,\t{{\"z\":{{}},{}}}]\n",
        value(0),
        value(1),
        value(2),
        value(3),
        value(5)
    );
    for name in ["a.json", "a.json.gz"] {
        assert_eq!(annotated(name, list.as_bytes()).unwrap(), expected, "{name}");
    }
}

#[test]
fn a_skipped_line_that_is_no_object_is_copied_and_another_one_is_an_error() {
    let line = |row: usize| format!("{{\"n\":{row}}}\n");
    for odd in ["[1, 2]", "{\"a\": ", "3", "{\"a\":1} x", "\"}\""] {
        let lines = [line(0), line(1), line(2), line(3), format!("{odd}\r\n"), line(5)].concat();
        let text = annotated("a.jsonl", lines.as_bytes()).unwrap();
        assert_eq!(text.lines().count(), 6);
        assert!(
            text.contains(&format!("true}}\n{odd}\r\n{{\"n\":5,"))
                || text.contains(&format!("}}\n{odd}\r\n{{\"n\":5,")),
            "{text}"
        );
        let error = annotated("a.jsonl", format!("{odd}\n").as_bytes()).unwrap_err().to_string();
        assert!(error.contains("row 0") && error.contains("changed since it was read"), "{error}");
    }
}

#[test]
fn a_record_gets_fields_behind_its_own_and_the_header_their_names() {
    let rows = "\u{feff}\r\nid,text\r\n1,\"a, \"\"b\"\"\r\nc\"\r\n\n2,\n3,c\r4\n5,e,f";
    let expected = "\u{feff}\r\nid,text,score,duplicate_of,cluster,kept\r\n\
        1,\"a, \"\"b\"\"\r\nc\",0.0,\"\"\"0\"\", a\nb\",0,true\r\n\n\
        2,,0.125,\"\"\"1\"\", a\nb\",1,false\n\
        3,c,0.25,\"\"\"2\"\", a\nb\",2,true\r\
        4,0.375,\"\"\"3\"\", a\nb\",3,false\n\
        5,e,f,,,,\"\"";
    for name in ["a.csv", "a.csv.gz", "a.csv.zst"] {
        assert_eq!(annotated(name, rows.as_bytes()).unwrap(), expected, "{name}");
    }
    let tabs = annotated("a.tsv", b"text\tid\none, two\t1\n").unwrap();
    assert_eq!(
        tabs,
        "text\tid\tscore\tduplicate_of\tcluster\tkept\none, two\t1\t0.0\t\"\"\"0\"\", a\nb\"\t0\ttrue\n"
    );
    assert_eq!(annotated("a.csv", b"").unwrap(), "");
    assert_eq!(annotated("a.csv", b"text").unwrap(), "text,score,duplicate_of,cluster,kept");
}

#[test]
fn a_csv_row_of_the_wrong_length_does_not_become_one_of_the_right_length() {
    let text = annotated("a.csv", b"a\n1\n2\n3\n4\n5,6,7,8,9\n6\n").unwrap();
    let fields: Vec<usize> = text.lines().map(|line| line.matches(',').count() + 1).collect();
    // Each value has a comma and a line break.
    assert_eq!(fields[0], 5);
    assert!(text.contains("\n5,6,7,8,9,,,,\"\"\n"), "{text}");
}

#[test]
fn many_chunks_are_annotated_in_order() {
    let lines: String =
        (0..7000).map(|row| format!("{{\"text\": \"{}\"}}\n", "x".repeat(row * 37 % 900))).collect();
    let text = annotated("a.jsonl.gz", lines.as_bytes()).unwrap();
    assert_eq!(text.lines().count(), 7000);
    for (row, (line, before)) in text.lines().zip(lines.lines()).enumerate() {
        assert!(line.starts_with(&before[..before.len() - 1]), "row {row}");
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        let expected = if row % 5 == 4 { serde_json::Value::Null } else { row.into() };
        assert_eq!(value["cluster"], expected);
    }
}

#[test]
fn a_column_of_the_same_name_is_an_error_that_names_it_wherever_it_is() {
    let late = "{\"a\":1}\n".repeat(300) + "{\"sc\\u006fre\":1}\n";
    for (name, content, words) in [
        ("a.jsonl", late.as_str(), ["row 300", "`score`"]),
        ("b.jsonl", "{\"kept\":1}\n", ["row 0", "`kept`"]),
    ] {
        let error = annotated(name, content.as_bytes()).unwrap_err();
        assert!(words.iter().all(|word| error.to_string().contains(word)), "{error}");
        assert!(error.hint_text().unwrap().contains("--annotate-prefix"));
    }
}

#[test]
fn a_row_over_the_limit_is_an_error_and_never_left_out() {
    let input = input("a.jsonl", b"{\"a\":1}\n{\"a\":1234567890123}\n");
    let error = annotate(&input.file, &ReadLimits { max_row_bytes: 10, ..ReadLimits::default() }, &input)
        .unwrap_err();
    assert!(error.to_string().contains("row 1") && error.hint_text().unwrap().contains("--max-row-bytes"));
}

#[test]
fn plain_text_cannot_be_annotated() {
    let error = annotated("a.txt", b"one\n").unwrap_err();
    assert!(
        error.to_string().contains("a.txt") && error.hint_text().unwrap().contains("--output ids"),
        "{error}"
    );
}

fn table(path: &std::path::Path) -> (RecordBatch, ArrowReaderMetadata) {
    let open = || std::fs::File::open(path).unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new(open()).unwrap();
    let schema = builder.schema().clone();
    let batches = builder.build().unwrap().collect::<Result<Vec<_>, _>>().unwrap();
    (
        concat_batches(&schema, &batches).unwrap(),
        ArrowReaderMetadata::load(&open(), Default::default()).unwrap(),
    )
}

#[test]
fn parquet_files_of_other_programs_keep_columns_schema_metadata_codec_and_row_groups() {
    for name in ["snappy_lists", "zstd_times", "plain_foreign", "gzip_views", "no_rows", "embeddings"] {
        let file = fixture(&format!("{name}.parquet"));
        let folder = input("unused.txt", b"");
        let (before, metadata) = table(&file.path);
        let (after, annotated) = table(&annotate(&file, &ReadLimits::default(), &folder).unwrap());
        let own: Vec<usize> = (0..before.num_columns()).collect();
        assert_eq!(after.project(&own).unwrap(), before, "{name}");
        let added: Vec<usize> = (before.num_columns()..after.num_columns()).collect();
        assert_eq!(
            after.project(&added).unwrap().columns(),
            values(0, before.num_rows()).columns(),
            "{name}"
        );
        assert_eq!(annotated.schema().metadata(), metadata.schema().metadata(), "{name}");
        let pairs = |metadata: &ArrowReaderMetadata| {
            let pairs = metadata.metadata().file_metadata().key_value_metadata().cloned().unwrap_or_default();
            pairs
                .into_iter()
                .filter(|pair| pair.key != "ARROW:schema")
                .map(|pair| (pair.key, pair.value))
                .collect::<Vec<_>>()
        };
        assert_eq!(pairs(&annotated), pairs(&metadata), "{name}");
        let groups = |metadata: &ArrowReaderMetadata| -> Vec<i64> {
            metadata
                .metadata()
                .row_groups()
                .iter()
                .map(|group| group.num_rows())
                .filter(|&rows| rows > 0)
                .collect()
        };
        assert_eq!(groups(&annotated), groups(&metadata), "{name}");
        if name != "plain_foreign" {
            let columns = metadata.parquet_schema().root_schema().get_fields();
            let still = &annotated.parquet_schema().root_schema().get_fields()[..columns.len()];
            assert_eq!(still, columns, "{name}");
        }
    }
}

#[test]
fn arrow_files_of_other_programs_keep_columns_schema_metadata_codec_and_batches() {
    for name in arrow_files::FIXTURES {
        let (file, folder) = (fixture(name), input("unused.txt", b""));
        let before = arrow_files::table(&file.path);
        let after = arrow_files::table(&annotate(&file, &ReadLimits::default(), &folder).unwrap());
        let own: Vec<usize> = (0..before.schema.fields().len()).collect();
        let sizes = |table: &arrow_files::Table| -> Vec<usize> {
            table.batches.iter().map(RecordBatch::num_rows).filter(|&rows| rows > 0).collect()
        };
        assert_eq!(sizes(&after), sizes(&before), "{name}");
        let mut first = 0;
        for (after, before) in after.batches.iter().zip(before.batches.iter().filter(|b| b.num_rows() > 0)) {
            assert_eq!(after.project(&own).unwrap().columns(), before.columns(), "{name}");
            let added = values(first, before.num_rows());
            assert_eq!(after.columns()[own.len()..], *added.columns(), "{name}");
            first += before.num_rows();
        }
        assert_eq!(after.schema.fields()[..own.len()], before.schema.fields()[..], "{name}");
        assert_eq!(after.schema.fields()[own.len()..], schema().fields()[..], "{name}");
        assert_eq!(after.schema.metadata(), before.schema.metadata(), "{name}");
        assert_eq!(
            (after.footer, after.is_stream, after.codec),
            (before.footer, before.is_stream, before.codec),
            "{name}"
        );
    }
}

#[test]
fn the_schema_that_spark_reads_by_has_the_added_columns() {
    let file = fixture("spark_binary.parquet");
    let fields = |path: &std::path::Path| {
        let (_, metadata) = table(path);
        let pairs = metadata.metadata().file_metadata().key_value_metadata().unwrap().clone();
        let schema = pairs.into_iter().find(|pair| pair.key.ends_with("parquet.row.metadata")).unwrap();
        let schema: serde_json::Value = serde_json::from_str(&schema.value.unwrap()).unwrap();
        schema["fields"].as_array().unwrap().clone()
    };
    let before = fields(&file.path);
    let folder = input("unused.txt", b"");
    let after = fields(&annotate(&file, &ReadLimits::default(), &folder).unwrap());
    assert_eq!(after[..before.len()], before);
    let added = [("score", "float"), ("duplicate_of", "string"), ("cluster", "long"), ("kept", "boolean")];
    let field =
        |(name, kind)| serde_json::json!({"name": name, "type": kind, "nullable": true, "metadata": {}});
    assert_eq!(after[before.len()..], added.map(field));
    let kept = folder.folder.path().join("kept.parquet");
    write_kept(&file, &ReadLimits::default(), &kept, &mut |row| row != 1).unwrap();
    assert_eq!(fields(&kept), before);
}
