//! A folder to work in, texts with known duplicates, and what the command said.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::util::display::array_value_to_string;
use flate2::Compression;
use flate2::write::GzEncoder;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::ZstdLevel;
use parquet::file::properties::WriterProperties;
use serde_json::{Value, json};
use tempfile::TempDir;

pub const SEMDEDUP: &str = env!("CARGO_BIN_EXE_semdedup");

/// What a call of the command said.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Said {
    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, 0, "{self:#?}");
        assert!(!self.stderr.contains("error:"), "{self:#?}");
        self
    }

    /// Done, but rows were skipped, and that was said.
    #[track_caller]
    pub fn skipped_rows(self) -> Self {
        assert_eq!(self.code, 1, "{self:#?}");
        assert!(self.stderr.contains("skipped") && !self.stderr.contains("error:"), "{self:#?}");
        self
    }

    /// One `error:` line with all of `words`, one `hint:` line, exit code 2, no data, no panic.
    #[track_caller]
    pub fn failed_with(self, words: &[&str]) -> Self {
        assert_eq!(self.code, 2, "{self:#?}");
        assert_eq!(self.stdout, "", "{self:#?}");
        let starting = |with: &str| self.stderr.lines().filter(|line| line.starts_with(with)).count();
        assert_eq!((starting("error: "), starting("hint: ")), (1, 1), "{}", self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        let error = self.stderr.lines().find(|line| line.starts_with("error: ")).unwrap();
        for word in words {
            assert!(error.contains(word), "`{word}` is not in: {error}");
        }
        self
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

/// Sends a signal: `-STOP`, say.
pub fn signal(child: &std::process::Child, name: &str) {
    #[cfg(unix)]
    {
        let signal: nix::sys::signal::Signal = name.replace('-', "SIG").parse().unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.id().cast_signed()), signal).unwrap();
    }
    #[cfg(not(unix))]
    panic!("{child:?} cannot be sent {name}: there are no signals here");
}

/// A folder of its own for a test; commands run in it, so that paths are short.
pub struct Place {
    folder: TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A place with `data.jsonl`, so many rows.
    pub fn with_rows(count: usize) -> Self {
        let place = Self::new();
        place.write("data.jsonl", jsonl(&texts(count)));
        place
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

    /// The command, with arguments as one would type them (no quoting).
    pub fn command(&self, typed: &str) -> Command {
        let mut command = Command::new(SEMDEDUP);
        command.args(typed.split_whitespace()).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    pub fn semdedup(&self, typed: &str) -> Said {
        self.command(typed).output().unwrap().into()
    }

    /// Runs with `--json` and returns the summary.
    #[track_caller]
    pub fn summary(&self, typed: &str) -> Value {
        self.semdedup(&format!("{typed} --json")).succeeded().json()
    }

    /// Every file below, by its name, with its bytes.
    pub fn files(&self, below: &str) -> BTreeMap<String, Vec<u8>> {
        files_below(&self.path(below))
    }

    /// What must be the same whatever the threads, kills and reuse: rows, ids, removed.parquet and scores.parquet.
    pub fn result(&self, out: &str) -> BTreeMap<String, Vec<u8>> {
        let mut files = self.files(out);
        files.retain(|name, _| {
            let written = ["kept/", "annotated/", "ids."].iter().any(|place| name.starts_with(place));
            written || ["removed.parquet", "scores.parquet"].contains(&name.as_str())
        });
        assert!(files.len() >= 3, "no result in {out}: {:?}", files.keys());
        files
    }

    /// The same, but for the metadata of the tables, which names the model: two models may give the same embeddings.
    pub fn rows(&self, out: &str) -> BTreeMap<String, Vec<u8>> {
        let mut files = self.result(out);
        for table in ["removed.parquet", "scores.parquet"] {
            let path = format!("{out}/{table}");
            let schema = self.parquet_metadata(&path).schema().clone();
            let columns = schema.fields().iter().map(|field| self.column(&path, field.name()).join("\n"));
            files.insert(table.to_owned(), columns.collect::<Vec<_>>().join("\n\n").into_bytes());
        }
        files
    }

    /// Nothing that could be taken for a result.
    #[track_caller]
    pub fn has_no_result(&self, out: &str) {
        let tables = ["removed.parquet", "scores.parquet", "skipped.parquet", "summary.json"];
        for name in ["kept", "annotated", "ids.txt", "ids.parquet", "ids.npy"].into_iter().chain(tables) {
            assert!(!self.path(out).join(name).exists(), "{out}/{name} is there");
        }
    }

    /// The values of a column of a Parquet file, as text.
    pub fn column(&self, file: &str, column: &str) -> Vec<String> {
        let mut values = Vec::new();
        for batch in self.parquet(file) {
            let array =
                batch.column_by_name(column).unwrap_or_else(|| panic!("{column}: {:?}", batch.schema()));
            values.extend((0..array.len()).map(|row| array_value_to_string(array, row).unwrap()));
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

/// Every file below a folder, by its name, with its bytes.
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

/// A small generator of its own (splitmix64): tests must not change with a library's.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }
}

const WORDS: [&str; 64] = [
    "river", "stone", "market", "engine", "letter", "winter", "garden", "copper", "signal", "bridge",
    "paper", "window", "doctor", "island", "silver", "thread", "kitchen", "forest", "planet", "violin",
    "harbor", "ticket", "mirror", "basket", "candle", "desert", "hammer", "jacket", "ladder", "magnet",
    "needle", "orange", "pencil", "rabbit", "saddle", "temple", "valley", "wallet", "yellow", "zipper",
    "anchor", "bottle", "carpet", "dragon", "eleven", "falcon", "guitar", "helmet", "insect", "jungle",
    "kettle", "lemon", "meadow", "nickel", "oyster", "pillow", "quartz", "ribbon", "salmon", "turtle",
    "urban", "velvet", "walnut", "zebra",
];

/// Texts of which, from the fifth on, every fifth is a copy of the one before and the next a slight change of it.
pub fn texts(count: usize) -> Vec<String> {
    let mut random = Random(count as u64);
    let mut texts: Vec<String> = Vec::with_capacity(count);
    for row in 0..count {
        let text = match row % 5 {
            3 => texts[row - 1].clone(),
            4 => format!("{} indeed", texts[row - 1]),
            _ => (0..18).map(|_| WORDS[random.below(WORDS.len())]).collect::<Vec<_>>().join(" "),
        };
        texts.push(text);
    }
    texts
}

/// One object a line, with an `id` and a `text`.
pub fn jsonl(texts: &[String]) -> String {
    texts
        .iter()
        .enumerate()
        .map(|(row, text)| format!("{}\n", json!({"id": format!("r{row}"), "text": text})))
        .collect()
}

pub fn csv(texts: &[String]) -> String {
    let rows = texts.iter().enumerate().map(|(row, text)| format!("r{row},\"{text}\"\n"));
    std::iter::once("id,text\n".to_owned()).chain(rows).collect()
}

pub fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    zstd::encode_all(bytes.as_ref(), 3).unwrap()
}

/// A Parquet file with a number (`id`), a text and one more column.
pub fn parquet(texts: &[String]) -> Vec<u8> {
    let ids: ArrayRef = Arc::new((0..texts.len() as i64).collect::<Int64Array>());
    let rest: ArrayRef =
        Arc::new(texts.iter().map(|text| Some(text.len().to_string())).collect::<StringArray>());
    let texts: ArrayRef = Arc::new(texts.iter().map(Some).collect::<StringArray>());
    let batch = RecordBatch::try_from_iter([("id", ids), ("text", texts), ("length", rest)]).unwrap();
    let zstd =
        WriterProperties::builder().set_compression(parquet::basic::Compression::ZSTD(ZstdLevel::default()));
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(zstd.build())).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

/// A `.npy` file of f32 with rows of so many values.
pub fn npy_f32(values: &[f32], columns: usize) -> Vec<u8> {
    let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    npy("<f4", &format!("({}, {columns})", values.len() / columns), bytes)
}

/// A `.npy` file of i32.
pub fn npy_i32(values: &[i32], shape: &str) -> Vec<u8> {
    npy("<i4", shape, values.iter().flat_map(|x| x.to_le_bytes()).collect())
}

/// A `.npy` file of such numbers.
pub fn npy(descr: &str, shape: &str, mut values: Vec<u8>) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    let header = format!("{header:117}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.into_bytes());
    file.append(&mut values);
    file
}

/// The header and the i32 values of a `.npy` file.
pub fn read_npy_i32(file: &[u8]) -> (String, Vec<i32>) {
    let start = 10 + usize::from(u16::from_le_bytes([file[8], file[9]]));
    let values = file[start..].chunks_exact(4).map(|x| i32::from_le_bytes([x[0], x[1], x[2], x[3]]));
    (String::from_utf8(file[10..start].to_vec()).unwrap(), values.collect())
}

pub fn number(summary: &Value, field: &str) -> u64 {
    summary[field].as_u64().unwrap_or_else(|| panic!("{field} in {summary}"))
}
