//! Files to test with, and a way to read all rows of a file at once.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use semdedup::formats::{
    BadRow, ColumnChoice, Columns, InputFile, ReadLimits, Reader, discover, resolve_columns, write_kept,
};
use tempfile::TempDir;

/// A folder with one file in it.
pub struct Input {
    pub folder: TempDir,
    pub file: InputFile,
}

pub fn compress(name: &str, bytes: &[u8]) -> Vec<u8> {
    if name.ends_with(".gz") {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    } else if name.ends_with(".zst") {
        zstd::encode_all(bytes, 1).unwrap()
    } else if name.ends_with(".bz2") {
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    } else if name.ends_with(".xz") {
        let options = lzma_rust2::XzOptions::with_preset(1);
        let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    } else {
        bytes.to_vec()
    }
}

pub fn decompress(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    let mut plain = Vec::new();
    match path.extension().unwrap().to_str().unwrap() {
        "gz" => flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut plain).map(|_| ()).unwrap(),
        "bz2" => bzip2::read::MultiBzDecoder::new(&bytes[..]).read_to_end(&mut plain).map(|_| ()).unwrap(),
        "xz" => lzma_rust2::XzReader::new(&bytes[..], true).read_to_end(&mut plain).map(|_| ()).unwrap(),
        "zst" => zstd::stream::copy_decode(&bytes[..], &mut plain).unwrap(),
        _ => return bytes,
    }
    plain
}

/// Creates a file of exactly these bytes.
pub fn raw_input(name: &str, bytes: &[u8]) -> Input {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let file = find(&path);
    Input { folder, file }
}

/// Creates a file of these bytes, compressed as its name says.
pub fn input(name: &str, bytes: &[u8]) -> Input {
    raw_input(name, &compress(name, bytes))
}

pub fn find(path: &Path) -> InputFile {
    discover(&[path.to_str().unwrap().to_owned()], &[]).unwrap().remove(0)
}

pub fn fixture(name: &str) -> InputFile {
    find(&fixture_path(name))
}

pub fn fixture_path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

pub fn text_column(text: &str) -> Columns {
    Columns { text: Some(text.to_owned()), ..Columns::default() }
}

pub fn with_id(text: &str, id: &str) -> Columns {
    Columns { text: Some(text.to_owned()), id: Some(id.to_owned()), ..Columns::default() }
}

pub fn choice(text: Option<&str>, id: Option<&str>) -> ColumnChoice {
    ColumnChoice { text: text.map(str::to_owned), id: id.map(str::to_owned), ..ColumnChoice::default() }
}

pub fn resolve_one(file: &InputFile, choice: &ColumnChoice) -> semdedup::Result<Columns> {
    resolve_columns(std::slice::from_ref(file), choice).map(|mut columns| columns.remove(0))
}

/// All rows of a file.
#[derive(Debug, Default, PartialEq)]
pub struct Whole {
    pub texts: Vec<Option<String>>,
    pub ids: Vec<ArrayRef>,
    pub images: Vec<Option<Vec<u8>>>,
    pub bad: Vec<BadRow>,
    pub empty: usize,
}

impl Whole {
    pub fn texts(&self) -> Vec<&str> {
        self.texts.iter().map(|text| text.as_deref().unwrap_or("<bad>")).collect()
    }

    pub fn string_ids(&self) -> Vec<Option<&str>> {
        self.ids.iter().flat_map(|ids| ids.as_string::<i32>().iter()).collect()
    }

    pub fn reasons(&self) -> Vec<(u64, &str)> {
        self.bad.iter().map(|bad| (bad.row, bad.reason.as_str())).collect()
    }
}

pub fn read_from(
    file: &InputFile,
    columns: &Columns,
    limits: &ReadLimits,
    first: u64,
) -> semdedup::Result<Whole> {
    let mut reader = Reader::open(file, columns, limits, first)?;
    let mut whole = Whole::default();
    while let Some(chunk) = reader.next_chunk()? {
        assert_eq!(chunk.first_row(), first + whole.texts.len() as u64);
        let rows = chunk.parse(columns)?;
        assert_eq!((rows.first_row, rows.texts.len()), (chunk.first_row(), chunk.rows()));
        assert!(rows.ids.as_ref().is_none_or(|ids| ids.len() == chunk.rows()));
        whole.texts.extend(rows.texts.iter().map(|text| text.map(str::to_owned)));
        whole.ids.extend(rows.ids);
        whole.images.extend(rows.images.iter().flatten().map(|image| image.map(<[u8]>::to_vec)));
        whole.bad.extend(rows.bad);
        whole.empty += rows.empty;
    }
    Ok(whole)
}

pub fn read(file: &InputFile, columns: &Columns) -> semdedup::Result<Whole> {
    read_from(file, columns, &ReadLimits::default(), 0)
}

/// Writes the rows that `keep` picks into the input's folder, and returns the path.
pub fn write(input: &Input, keep: &mut dyn FnMut(u64) -> bool) -> semdedup::Result<PathBuf> {
    let destination = input.folder.path().join(format!("kept-{}", input.file.name));
    write_kept(&input.file, &ReadLimits::default(), &destination, keep).map(|_| destination)
}
