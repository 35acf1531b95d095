//! A folder for one test.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use arrow_array::{Array, RecordBatch};
use arrow_cast::cast;
use arrow_cast::display::array_value_to_string;
use arrow_schema::DataType;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use serde_json::Value;
use tempfile::TempDir;

use super::data::{jsonl, texts};
use super::finished::Finished;

pub const SEMDEDUP: &str = env!("CARGO_BIN_EXE_semdedup");

/// A folder for one test; commands run inside it, so that paths are short.
pub struct Sandbox {
    folder: TempDir,
}

/// The tables of a result, except that of skipped rows.
const TABLES: [&str; 4] = ["removed.parquet", "representatives.parquet", "pairs.parquet", "scores.parquet"];

impl Sandbox {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// Returns a sandbox with `data.jsonl` of `count` rows.
    pub fn with_rows(count: usize) -> Self {
        let sandbox = Self::new();
        sandbox.write("data.jsonl", jsonl(&texts(count)));
        sandbox
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    /// Returns the command with these arguments, separated by spaces (without quoting).
    pub fn command(&self, typed: &str) -> Command {
        let mut command = Command::new(SEMDEDUP);
        command.args(typed.split_whitespace()).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    pub fn semdedup(&self, typed: &str) -> Finished {
        self.command(typed).output().unwrap().into()
    }

    /// Runs a command with `--json` and returns its output.
    #[track_caller]
    pub fn summary(&self, typed: &str) -> Value {
        self.semdedup(&format!("{typed} --json")).succeeded().json()
    }

    /// Returns the bytes of every file below a folder, by name.
    pub fn files(&self, below: &str) -> BTreeMap<String, Vec<u8>> {
        files_below(&self.path(below))
    }

    /// Returns the files that threads, kills and reuse must not change: rows, ids and tables.
    pub fn result(&self, out: &str) -> BTreeMap<String, Vec<u8>> {
        let mut files = self.files(out);
        files.retain(|name, _| {
            let written = ["kept/", "annotated/", "ids."].iter().any(|start| name.starts_with(start));
            written || TABLES.contains(&name.as_str())
        });
        assert!(files.len() >= 3, "no result in {out}: {:?}", files.keys());
        files
    }

    /// Returns [`Sandbox::result`] without the metadata of the tables, which names the model: two
    /// models may give the same embeddings.
    pub fn rows(&self, out: &str) -> BTreeMap<String, Vec<u8>> {
        let mut files = self.result(out);
        for table in TABLES.into_iter().filter(|&table| files.contains_key(table)).collect::<Vec<_>>() {
            let path = format!("{out}/{table}");
            let schema = self.parquet_metadata(&path).schema().clone();
            let columns = schema.fields().iter().map(|field| self.column(&path, field.name()).join("\n"));
            files.insert(table.to_owned(), columns.collect::<Vec<_>>().join("\n\n").into_bytes());
        }
        files
    }

    /// Checks that a folder has nothing that could be taken for a result.
    #[track_caller]
    pub fn has_no_result(&self, out: &str) {
        let tables = TABLES.into_iter().chain(["skipped.parquet", "summary.json"]);
        for name in ["kept", "annotated", "ids.txt", "ids.parquet", "ids.npy"].into_iter().chain(tables) {
            assert!(!self.path(out).join(name).exists(), "{out}/{name} is there");
        }
    }

    /// Returns the values of a column of a Parquet file, as text.
    pub fn column(&self, file: &str, column: &str) -> Vec<String> {
        let mut values = Vec::new();
        for batch in self.parquet(file) {
            let array =
                batch.column_by_name(column).unwrap_or_else(|| panic!("{column}: {:?}", batch.schema()));
            // Arrow prints no zone that has a name.
            let printed = match array.data_type() {
                DataType::Timestamp(unit, Some(_)) => {
                    cast(array, &DataType::Timestamp(*unit, Some("+00:00".into()))).unwrap()
                }
                _ => array.clone(),
            };
            values.extend((0..array.len()).map(|row| array_value_to_string(&printed, row).unwrap()));
        }
        values
    }

    pub fn parquet_metadata(&self, file: &str) -> ArrowReaderMetadata {
        let file = fs::File::open(self.path(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).unwrap()
    }

    pub fn parquet(&self, file: &str) -> Vec<RecordBatch> {
        let file = fs::File::open(self.path(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
        reader.map(Result::unwrap).collect()
    }
}

/// Returns the bytes of every file below a folder, by name.
pub fn files_below(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    collect(folder, String::new(), &mut files);
    files
}

fn collect(folder: &Path, prefix: String, files: &mut BTreeMap<String, Vec<u8>>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_string_lossy());
        if path.is_dir() {
            collect(&path, format!("{name}/"), files);
        } else {
            files.insert(name, fs::read(&path).unwrap());
        }
    }
}
