//! From a path to a file of the input: its format, by its name and its content, and its name under `kept/`.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::formats::discover::names::Found;
use crate::formats::file::{Compression, Format, InputFile, Members};
use crate::formats::text::json_array;
use crate::storage::Stamp;

/// The extensions that are read, as messages list them.
pub(crate) const KNOWN: &str = ".jsonl, .ndjson, .json, .csv, .tsv, .txt and .tar (each also .gz or .zst), .parquet, .arrow, .feather, .ipc, \
                     .md, and images: .jpg, .jpeg, .png, .webp, .gif, .bmp, .tif and .tiff";

/// The format and compression that a file name stands for.
pub(crate) fn layout(name: &str) -> Option<(Format, Compression)> {
    let name = name.to_ascii_lowercase();
    let (stem, compression) = match name.strip_suffix(".gz") {
        Some(stem) => (stem, Compression::Gzip),
        None if name.ends_with(".tgz") => (name.as_str(), Compression::Gzip),
        None => match name.strip_suffix(".zst") {
            Some(stem) => (stem, Compression::Zstd),
            None => (name.as_str(), Compression::None),
        },
    };
    let format = match stem.rsplit_once('.')?.1 {
        "jsonl" | "ndjson" => Format::Jsonl,
        // Unless it turns out to be one object a line.
        "json" => Format::JsonArray,
        "csv" => Format::Csv { delimiter: b',' },
        "tsv" => Format::Csv { delimiter: b'\t' },
        "txt" => Format::Text,
        "tar" | "tgz" => Format::Tar,
        "parquet" if compression == Compression::None => Format::Parquet,
        "arrow" | "arrows" | "feather" | "ipc" if compression == Compression::None => Format::Arrow,
        _ => return None,
    };
    Some((format, compression))
}

/// Describes a folder whose files are rows.
pub(crate) fn tree_file(format: Format, (path, name): (PathBuf, String), members: Members) -> InputFile {
    let (modified_ns, identity) = members.stamp();
    let (compression, bytes) = (Compression::None, members.bytes());
    InputFile { path, name, format, compression, bytes, modified_ns, identity, members }
}

/// A file of embeddings as a file of rows, named relative to its folder.
pub(crate) fn matrix(path: &Path, folder: &Path) -> Result<Found> {
    let Stamp { bytes, modified_ns, identity } = Stamp::of(path)?;
    let (name, members) = (relative_name(path, folder)?, Members::default());
    let (path, format, compression) = (path.to_path_buf(), Format::Matrix, Compression::None);
    let file =
        InputFile { path, name: name.clone(), format, compression, bytes, modified_ns, identity, members };
    Ok(Found { file, name })
}

/// Describes a file of the disk.
pub(crate) fn found(
    path: &Path,
    name: String,
    layout: (Format, Compression),
    metadata: &Metadata,
) -> Result<Found> {
    let (format, compression) = layout;
    let Stamp { bytes, modified_ns, identity } = Stamp::from_metadata(path, metadata)?;
    let file = InputFile {
        path: path.to_path_buf(),
        name: name.clone(),
        format,
        compression,
        bytes,
        modified_ns,
        identity,
        members: Members::default(),
    };
    Ok(Found { file, name })
}

impl Found {
    /// Gives the file the format that its beginning tells where its name does not.
    pub(crate) fn tell_by_content(&mut self) -> Result<()> {
        if self.file.format == Format::JsonArray && !json_array::begins(&self.file)? {
            self.file.format = Format::Jsonl;
        }
        Ok(())
    }
}

/// `path` relative to `base`, parts joined by `/`; only plain parts are let through, so that it cannot climb out.
pub(crate) fn relative_name(path: &Path, base: &Path) -> Result<String> {
    let relative = path.strip_prefix(base).ok().filter(|relative| *relative != Path::new("")).unwrap_or(path);
    let mut parts = Vec::new();
    for part in relative.components() {
        if let std::path::Component::Normal(part) = part {
            parts.push(part.to_str().ok_or_else(|| Error::input(path, "the file name is not UTF-8"))?);
        }
    }
    Ok(parts.join("/"))
}

/// Returns the name of a folder, also of one such as `.` or `/`.
pub(crate) fn folder_name(folder: &Path) -> String {
    let folder = if folder == Path::new("") { Path::new(".") } else { folder };
    let real = fs_err::canonicalize(folder).ok();
    let name = folder.file_name().or_else(|| real.as_deref().and_then(Path::file_name));
    name.map_or_else(|| "root".to_owned(), |name| name.to_string_lossy().into_owned())
}
