//! From a path to a file of the input: its format, by its name and its content, and its name under
//! `kept/`.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::arrays::place::{file_of, name_of};
use crate::error::{Error, Result};
use crate::foreign::BEGINNING;
use crate::formats::compression::Compression;
use crate::formats::content;
use crate::formats::dialect::Dialect;
use crate::formats::discover::asked::Asked;
use crate::formats::file::{FolderFiles, Format, InputFile};
use crate::formats::text::json_array;
use crate::formats::text::sniff::sniff as sniff_dialect;
use crate::formats::{registry, stream};
use crate::storage::{Stamp, is_url};

/// A file and its name relative to the folder of its argument.
pub(crate) struct FoundFile {
    pub file: InputFile,
    pub name: String,
}

/// The format and the compression that a file name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Layout {
    pub format: Format,
    pub compression: Compression,
}

/// Returns the format and the compression of files of this name; `None` if such files are not read.
pub(crate) fn layout(name: &str) -> Option<Layout> {
    let name = name.to_ascii_lowercase();
    let (stem, compression) = Compression::of_name(&name);
    let format = registry::by_extension(stem.rsplit_once('.')?.1, compression)?;
    Some(Layout { format, compression })
}

/// Returns the format and the compression of a local file by its content, if they can be no others.
pub(crate) fn layout_by_content(path: &Path) -> Option<Layout> {
    let beginning = first_bytes(fs_err::File::open(path).ok()?).ok()?;
    if let Some(format) = registry::by_content(&beginning) {
        return Some(Layout { format, compression: Compression::None });
    }
    let compression = Compression::of_content(&beginning);
    let inside = content::unpacked(&beginning, compression);
    let format = registry::by_content(&inside).filter(|format| format.rows().is_compressible())?;
    Some(Layout { format, compression })
}

/// Describes a folder whose files are rows.
pub(crate) fn row_folder(format: Format, path: PathBuf, name: String, files: FolderFiles) -> InputFile {
    let Stamp { bytes, modified_ns, identity } = files.stamp();
    let (compression, members) = (Compression::None, files);
    InputFile { path, name, format, compression, encoding: None, bytes, modified_ns, identity, members }
}

impl FoundFile {
    /// Describes a file that was found in `path`, under a name relative to its argument's folder.
    pub(crate) fn new(path: PathBuf, name: String, layout: Layout, stamp: Stamp) -> Self {
        let Layout { format, compression } = layout;
        let Stamp { bytes, modified_ns, identity } = stamp;
        let members = FolderFiles::default();
        let file = InputFile {
            path,
            name: name.clone(),
            format,
            compression,
            encoding: None,
            bytes,
            modified_ns,
            identity,
            members,
        };
        Self { file, name }
    }

    /// Describes a file of embeddings as a file of rows, named relative to `folder`.
    pub(crate) fn matrix(path: &Path, folder: &Path) -> Result<Self> {
        let (stamp, name) = (Stamp::of(&file_of(path))?, relative_name(&name_of(path), folder)?);
        let layout = Layout { format: Format::Matrix, compression: Compression::None };
        Ok(Self::new(path.to_path_buf(), name, layout, stamp))
    }

    /// Gives the file the format and the compression of its content, whatever its name says, and the
    /// dialect of CSV that it has or that the user names.
    pub(crate) fn sniff_format(&mut self, asked: &Asked) -> Result<()> {
        self.file.encoding = asked.encoding.filter(|_| self.file.format.rows().is_text());
        // Objects are read here only where their name leaves the format open.
        if !is_url(&self.file.path) {
            sniff(&mut self.file)?;
            self.file.encoding = asked.encoding.filter(|_| self.file.format.rows().is_text());
        }
        match self.file.format {
            Format::JsonArray if !json_array::begins(&self.file)? => self.file.format = Format::Jsonl,
            // Damage is reported where the file is read.
            Format::Jsonl if !is_url(&self.file.path) && json_array::is_list(&self.file).unwrap_or(false) => {
                self.file.format = Format::JsonArray;
            }
            _ => {}
        }
        if let Format::Csv(Dialect { delimiter, .. }) = self.file.format {
            self.file.format = Format::Csv(sniff_dialect(&self.file, delimiter, &asked.csv, &asked.columns)?);
        }
        Ok(())
    }
}

/// Sets the compression and the format of a local file by its first bytes.
///
/// # Errors
/// A file of another kind than files of rows, such as a PDF document.
fn sniff(file: &mut InputFile) -> Result<()> {
    let beginning = beginning(file)?;
    if let Some(format) = registry::by_content(&beginning) {
        (file.format, file.compression) = (format, Compression::None);
        return Ok(());
    }
    let compression = Compression::of_content(&beginning);
    let is_told = compression != Compression::None && compression != file.compression;
    if is_told && file.format.rows().is_compressible() {
        file.compression = compression;
    }
    content::check(file, &beginning)?;
    if file.compression != Compression::None
        // Damage is reported where the file is read.
        && let Ok(opened) = stream::open(file)
        && let Ok(inside) = first_bytes(opened.stream)
    {
        match registry::by_content(&inside) {
            Some(format) if format.rows().is_compressible() => file.format = format,
            Some(format) => return Err(packed(file, format)),
            None => content::check_unpacked(file, &inside)?,
        }
    }
    Ok(())
}

/// The error for a compressed file that holds one of a format which is not read compressed.
fn packed(file: &InputFile, format: Format) -> Error {
    let extension = format.rows().extensions().first().map_or("", |(extension, _)| extension);
    let (tool, path) = (file.compression.tool(), file.path.display());
    Error::input(&file.path, format!("is a .{extension} file by its content, inside {tool}")).hint(format!(
        "files of this format are not read compressed: `{tool} -dc '{path}' > NEW.{extension}` unpacks it"
    ))
}

/// Returns the first bytes of a file as they are on the disk.
fn beginning(file: &InputFile) -> Result<Vec<u8>> {
    let opened = fs_err::File::open(&file.path).map_err(|error| Error::input(&file.path, error))?;
    first_bytes(opened).map_err(|error| Error::input(&file.path, error))
}

fn first_bytes(stream: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.take(BEGINNING).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Returns `path` relative to `base`, with its parts joined by `/`. Parts such as `..` are dropped,
/// so that the name cannot lead out of the folder.
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
