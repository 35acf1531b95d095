//! What several fuzz targets do with their bytes.

use std::panic::{catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use arrow::array::Array;
use semdedup::formats::{
    By, ColumnChoice, Columns, Format, InputFile, ReadLimits, Reader, count_rows, discover, read_texts,
    resolve_columns, write_kept,
};
use tempfile::TempDir;

/// In memory where the system has such a place.
static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.expect("a temporary folder")
});

/// Writes a file.
pub fn write(name: &str, bytes: &[u8]) -> PathBuf {
    let path = FOLDER.path().join(name);
    std::fs::write(&path, bytes).expect("a temporary file");
    path
}

/// What the last panic said.
static LAST: Mutex<String> = Mutex::new(String::new());

/// The library catches panics of the libraries below it, and makes errors of them; only those that nobody catches are findings.
/// The fuzzer's own hook ends the process at either.
static HOOK: LazyLock<()> = LazyLock::new(|| {
    std::panic::set_hook(Box::new(|panic| {
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string();
    }));
});

/// Does with a file all that a run does, and checks that what is kept is what was read.
pub fn file(name: &str, bytes: &[u8]) {
    LazyLock::force(&HOOK);
    if let Err(panic) = catch_unwind(|| all_of(name, bytes)) {
        eprintln!("{}", LAST.lock().unwrap_or_else(PoisonError::into_inner));
        resume_unwind(panic);
    }
}

fn all_of(name: &str, bytes: &[u8]) {
    let path = write(name, bytes);
    let Ok(files) = discover(&[path.to_string_lossy().into_owned()], &[]) else { return };
    let limits = ReadLimits { max_row_bytes: 1000, ..ReadLimits::default() };
    for choice in choices() {
        let Ok(columns) = resolve_columns(&files, &choice) else { continue };
        check(&files[0], &columns[0], &limits);
    }
}

/// Columns as people choose them.
fn choices() -> [ColumnChoice; 6] {
    let name = |name: &str| Some(name.to_owned());
    [
        ColumnChoice::default(),
        ColumnChoice { text: name("meta.text"), id: name("meta.id"), ..ColumnChoice::default() },
        ColumnChoice { embedding: name("embedding"), text_optional: true, ..ColumnChoice::default() },
        ColumnChoice { by: Some(By::Image), ..ColumnChoice::default() },
        ColumnChoice { text: name("text,meta.text,id"), ..ColumnChoice::default() },
        ColumnChoice { text: name("messages"), roles: vec!["human".to_owned()], ..ColumnChoice::default() },
    ]
}

/// The texts of all rows from `first` on; none where the row is bad.
fn read(file: &InputFile, columns: &Columns, limits: &ReadLimits, first: u64) -> semdedup::Result<Vec<Option<String>>> {
    let mut reader = Reader::open(file, columns, limits, first)?;
    let mut texts = Vec::new();
    while let Some(chunk) = reader.next_chunk()? {
        assert_eq!(chunk.first_row(), first + texts.len() as u64);
        let rows = chunk.parse(columns)?;
        assert_eq!(rows.texts.len(), chunk.rows());
        assert!(rows.ids.as_ref().is_none_or(|ids| ids.len() == chunk.rows()));
        assert!(rows.vectors.as_ref().is_none_or(|vectors| vectors.rows().count() == chunk.rows()));
        let is_bad = |row: usize| rows.bad.iter().any(|bad| bad.row == rows.first_row + row as u64);
        let text = |row: usize| (!is_bad(row)).then(|| rows.texts.value(row).to_owned());
        texts.extend((0..chunk.rows()).map(text));
    }
    Ok(texts)
}

fn check(file: &InputFile, columns: &Columns, limits: &ReadLimits) {
    let Ok(texts) = read(file, columns, limits, 0) else { return };
    assert_eq!(count_rows(file, limits).expect("what was read can be counted"), texts.len() as u64);
    let middle = texts.len() / 2;
    let rest = read(file, columns, limits, middle as u64).expect("what was read can be read on");
    assert_eq!(rest, texts[middle..]);
    if columns.text.is_some() {
        let some = read_texts(file, columns, limits, &[0, middle as u64]).expect("rows that were read have texts");
        assert!(texts.first().cloned().flatten().is_none_or(|text| some[0].as_ref() == Some(&text)));
    }
    for modulus in [1, 2] {
        let stays = |row: u64| row % modulus == 0 && texts[row as usize].is_some();
        let destination = file.path.with_file_name(format!("kept-{}", file.name));
        let written = write_kept(file, limits, &destination, &mut |row| stays(row));
        let expected: Vec<_> = (0..texts.len() as u64).filter(|row| stays(*row)).collect();
        // What is wrong in columns that were not read shows only when they are.
        if written.is_err() && file.format == Format::Arrow {
            continue;
        }
        assert_eq!(written.expect("what was read can be written"), expected.len() as u64);
        let kept = discover(&[destination.to_string_lossy().into_owned()], &[]).expect("what was kept");
        // A list without elements is still one; a file of lines without lines could be anything.
        assert!(kept[0].format == file.format || (file.format, expected.len()) == (Format::JsonArray, 0));
        let again = read(&kept[0], columns, limits, 0).expect("what was kept can be read");
        assert!(again.iter().eq(expected.iter().map(|row| &texts[*row as usize])), "{again:?}");
    }
}
