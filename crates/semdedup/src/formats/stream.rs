//! Reads and writes the bytes of a file, whatever its compression.

use std::io::{self, BufWriter, Cursor, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fs_err::File;

use crate::error::{Error, Result};
use crate::foreign::BEGINNING;
use crate::formats::compression::{BUFFER, Compression, Packing};
use crate::formats::content;
use crate::formats::file::InputFile;
use crate::formats::gzip::has_garbage;
use crate::storage::{self, FlushedFile, is_url};

/// An open file.
pub(crate) struct OpenFile {
    /// The decompressed bytes.
    pub stream: Box<dyn Read + Send>,
    /// The number of the file's own bytes that have been read so far.
    pub bytes_read: Arc<AtomicU64>,
}

/// Counts the bytes that are read through it.
struct CountingRead {
    file: Box<dyn Read + Send>,
    bytes: Arc<AtomicU64>,
}

impl Read for CountingRead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Opens a file for reading its decompressed bytes.
pub(crate) fn open(file: &InputFile) -> Result<OpenFile> {
    let path = &file.path;
    let bytes_read = Arc::new(AtomicU64::new(0));
    let mut plain = storage::stream(path, &file.stamp())?;
    if is_url(path) {
        plain = checked(file, plain)?;
    }
    let plain = CountingRead { file: plain, bytes: bytes_read.clone() };
    if file.compression != Compression::None && file.bytes == 0 {
        return Err(damaged(file, 0, &io::Error::new(io::ErrorKind::UnexpectedEof, "the file is empty")));
    }
    let stream = file.compression.reader(plain).map_err(|error| unreadable(file, &error))?;
    Ok(OpenFile { stream, bytes_read })
}

/// Fails for an object that is no file of rows. What is on a disk was looked at when it was found.
fn checked(file: &InputFile, mut stream: Box<dyn Read + Send>) -> Result<Box<dyn Read + Send>> {
    let mut beginning = Vec::new();
    stream.by_ref().take(BEGINNING).read_to_end(&mut beginning).map_err(|error| damaged(file, 0, &error))?;
    content::check(file, &beginning)?;
    Ok(Box::new(Cursor::new(beginning).chain(stream)))
}

/// The error for bytes that cannot be read, at the row that was reached.
pub(crate) fn damaged(file: &InputFile, row: u64, cause: &io::Error) -> Error {
    if let Some(fault) = storage::fault_of(cause) {
        return fault;
    }
    if file.compression == Compression::None {
        return Error::input(&file.path, format!("row {row}: {cause}"));
    }
    if file.compression == Compression::Gzip && has_garbage(cause) {
        let path = file.path.display();
        return Error::input(&file.path, format!("row {row}: the gzip data is damaged: {cause}")).hint(format!(
            "if they are no data, `gzip -dc '{path}' | gzip > NEW.gz` leaves them out; otherwise copy or download it again"
        ));
    }
    let tool = file.compression.tool();
    let state = match cause.kind() {
        io::ErrorKind::UnexpectedEof => "truncated",
        _ => "damaged",
    };
    Error::input(&file.path, format!("row {row}: the {tool} data is {state}: {cause}"))
        .hint(format!("`{tool} -t` checks such a file; copy or download it again"))
}

/// The error for a compression that cannot be read.
fn unreadable(file: &InputFile, cause: &io::Error) -> Error {
    let error = Error::input(&file.path, cause);
    match cause.kind() {
        io::ErrorKind::Unsupported => error.hint(
            "build it with `--features bz2-xz`, or with all features, or pack the file with gzip or zstd",
        ),
        _ => error,
    }
}

/// A file that is being written, with or without compression.
pub(crate) struct Sink(Box<dyn Packing>);

impl Sink {
    pub fn create(path: &Path, compression: Compression) -> io::Result<Self> {
        let file = FlushedFile::new(File::create(path)?);
        compression.writer(BufWriter::with_capacity(BUFFER, file)).map(Self)
    }

    /// Ends the compressed stream and waits until it is on the disk.
    pub fn finish(self) -> io::Result<()> {
        self.0.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
