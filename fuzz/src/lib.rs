//! Reads files of fuzzed bytes as a run does; several targets share this.

use std::panic::{catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use arrow_array::Array;
use semdedup::formats::{
    ColumnChoice, Columns, CompareBy, FloatType, Format, InputFile, ReadLimits, Reader, count_rows, discover,
    read_texts, resolve_columns, write_kept,
};
use tempfile::TempDir;

/// The folder of the temporary files; it is in memory where the system has `/dev/shm`.
static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.expect("a temporary folder")
});

/// Writes a temporary file and returns its path.
pub fn write(name: &str, bytes: &[u8]) -> PathBuf {
    let path = FOLDER.path().join(name);
    std::fs::write(&path, bytes).expect("a temporary file");
    path
}

/// The message of the last panic.
static LAST: Mutex<String> = Mutex::new(String::new());

/// Replaces the panic hook of the fuzzer, which ends the process at every panic. The library turns
/// panics of its dependencies into errors, so only a panic that nothing catches is a finding.
static HOOK: LazyLock<()> = LazyLock::new(|| {
    std::panic::set_hook(Box::new(|panic| {
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string();
    }));
});

/// Reads a file and writes its kept rows as a run does, and checks that these are the rows that
/// were read. Files of a format that is only read are not written.
pub fn file(name: &str, bytes: &[u8]) {
    LazyLock::force(&HOOK);
    if let Err(panic) = catch_unwind(|| check_file(name, bytes)) {
        eprintln!("{}", LAST.lock().unwrap_or_else(PoisonError::into_inner));
        resume_unwind(panic);
    }
}

/// Checks a file with each choice of columns that it has.
fn check_file(name: &str, bytes: &[u8]) {
    let path = write(name, bytes);
    let Ok(files) = discover(&[path.to_string_lossy().into_owned()], &[]) else { return };
    let limits = ReadLimits { max_row_bytes: 1000, ..ReadLimits::default() };
    for choice in choices() {
        let Ok(columns) = resolve_columns(&files, &choice) else { continue };
        check_columns(&files[0], &columns[0], &limits);
    }
}

/// Returns choices of columns that users make.
fn choices() -> [ColumnChoice; 8] {
    let name = |name: &str| Some(name.to_owned());
    let embeddings = |column: &str, embedding_type| ColumnChoice {
        embedding: name(column),
        embedding_type,
        text_optional: true,
        ..ColumnChoice::default()
    };
    [
        ColumnChoice::default(),
        ColumnChoice { text: name("meta.text"), id: name("meta.id"), ..ColumnChoice::default() },
        embeddings("embedding", None),
        embeddings("embedding", Some(FloatType::Float32)),
        embeddings("npy", None),
        ColumnChoice { by: Some(CompareBy::Image), ..ColumnChoice::default() },
        ColumnChoice { text: name("text,meta.text,id"), ..ColumnChoice::default() },
        ColumnChoice { text: name("messages"), roles: vec!["human".to_owned()], ..ColumnChoice::default() },
    ]
}

/// Reads the texts of all rows from row `first` on; `None` for a bad row.
fn read(
    file: &InputFile,
    columns: &Columns,
    limits: &ReadLimits,
    first: u64,
) -> semdedup::Result<Vec<Option<String>>> {
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

/// Checks a file with these columns.
fn check_columns(file: &InputFile, columns: &Columns, limits: &ReadLimits) {
    let Ok(texts) = read(file, columns, limits, 0) else { return };
    check_read(file, columns, limits, &texts);
    if file.format != Format::Avro {
        check_written(file, columns, limits, &texts);
    }
}

/// Checks that all ways of reading agree with `texts`, the texts of all rows.
fn check_read(file: &InputFile, columns: &Columns, limits: &ReadLimits, texts: &[Option<String>]) {
    match count_rows(file, limits) {
        Ok(rows) => assert_eq!(rows, texts.len() as u64),
        // Avro rows are counted by decoding their first column, which may be damaged although no
        // row of `columns` is.
        Err(error) => {
            assert_eq!(file.format, Format::Avro, "the rows that were read can be counted: {error}")
        }
    }
    let middle = texts.len() / 2;
    let rest = read(file, columns, limits, middle as u64).expect("reading can start in the middle");
    assert_eq!(rest, texts[middle..]);
    if columns.text.is_some() {
        let some =
            read_texts(file, columns, limits, &[0, middle as u64]).expect("rows that were read have texts");
        assert!(texts.first().cloned().flatten().is_none_or(|text| some[0].as_ref() == Some(&text)));
    }
}

/// Checks that the rows that are written are those of `texts`, the texts of all rows: first with
/// all rows kept, then with every other one.
fn check_written(file: &InputFile, columns: &Columns, limits: &ReadLimits, texts: &[Option<String>]) {
    for modulus in [1, 2] {
        let stays = |row: u64| row % modulus == 0 && texts[row as usize].is_some();
        let destination = file.path.with_file_name(format!("kept-{}", file.name));
        let written = write_kept(file, limits, &destination, &mut |row| stays(row));
        let expected: Vec<_> = (0..texts.len() as u64).filter(|row| stays(*row)).collect();
        // Damage in columns that were not read is found only when the whole file is written.
        if written.is_err() && file.format == Format::Arrow {
            continue;
        }
        assert_eq!(written.expect("the rows that were read can be written"), expected.len() as u64);
        let kept = discover(&[destination.to_string_lossy().into_owned()], &[]).expect("the written file");
        // A written JSON list without elements may be found as another format.
        assert!(kept[0].format == file.format || (file.format, expected.len()) == (Format::JsonArray, 0));
        let again = read(&kept[0], columns, limits, 0).expect("the written file can be read");
        assert!(again.iter().eq(expected.iter().map(|row| &texts[*row as usize])), "{again:?}");
    }
}
