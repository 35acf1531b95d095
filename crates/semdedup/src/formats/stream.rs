//! Reads and writes the bytes of a file, whatever its compression.

use std::io::{self, BufReader, BufWriter, Cursor, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::write::GzEncoder;
use fs_err::File;

use crate::error::{Error, Result};
use crate::foreign::BEGINNING;
use crate::formats::content;
use crate::formats::file::{Compression, InputFile};
use crate::formats::gzip::{GzipReader, has_garbage};
use crate::storage::{self, is_url};

/// Level 6: gzip's own default.
const GZIP_LEVEL: u32 = 6;
/// Level 3: zstd's own default.
const ZSTD_LEVEL: i32 = 3;
/// Files from `zstd --long=31` need a window of 2 GiB; the decoder reserves it only for them.
const ZSTD_WINDOW_LOG: u32 = 31;
const BUFFER: usize = 256 << 10;

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
    let stream: Box<dyn Read + Send> = match file.compression {
        Compression::None => Box::new(plain),
        Compression::Gzip => Box::new(GzipReader::new(plain, BUFFER)),
        Compression::Zstd => {
            let decoder = zstd::Decoder::with_buffer(BufReader::with_capacity(BUFFER, plain))
                .and_then(|mut decoder| decoder.window_log_max(ZSTD_WINDOW_LOG).map(|()| decoder))
                .map_err(|error| Error::input(path, error))?;
            Box::new(decoder)
        }
    };
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
    let (what, hint) = match file.compression {
        Compression::None => return Error::input(&file.path, format!("row {row}: {cause}")),
        Compression::Gzip if has_garbage(cause) => {
            let path = file.path.display();
            return Error::input(&file.path, format!("row {row}: the gzip data is damaged: {cause}")).hint(format!(
                "if they are no data, `gzip -dc '{path}' | gzip > NEW.gz` leaves them out; otherwise copy or download it again"
            ));
        }
        Compression::Gzip => ("gzip", "`gzip -t` checks such a file"),
        Compression::Zstd => ("zstd", "`zstd -t` checks such a file"),
    };
    let state = match cause.kind() {
        io::ErrorKind::UnexpectedEof => "truncated",
        _ => "damaged",
    };
    Error::input(&file.path, format!("row {row}: the {what} data is {state}: {cause}"))
        .hint(format!("{hint}; copy or download it again"))
}

/// A file that is being written, with or without compression.
pub(crate) enum Sink {
    Plain(BufWriter<File>),
    Gzip(GzEncoder<BufWriter<File>>),
    Zstd(zstd::Encoder<'static, BufWriter<File>>),
}

impl Sink {
    pub fn create(path: &Path, compression: Compression) -> io::Result<Self> {
        let plain = BufWriter::with_capacity(BUFFER, File::create(path)?);
        Ok(match compression {
            Compression::None => Self::Plain(plain),
            Compression::Gzip => Self::Gzip(GzEncoder::new(plain, flate2::Compression::new(GZIP_LEVEL))),
            Compression::Zstd => {
                let mut encoder = zstd::Encoder::new(plain, ZSTD_LEVEL)?;
                encoder.include_checksum(true)?;
                Self::Zstd(encoder)
            }
        })
    }

    /// Ends the compressed stream and waits until it is on the disk.
    pub fn finish(self) -> io::Result<()> {
        let plain = match self {
            Self::Plain(plain) => plain,
            Self::Gzip(encoder) => encoder.finish()?,
            Self::Zstd(encoder) => encoder.finish()?,
        };
        plain.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(sink) => sink.write(bytes),
            Self::Gzip(sink) => sink.write(bytes),
            Self::Zstd(sink) => sink.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(sink) => sink.flush(),
            Self::Gzip(sink) => sink.flush(),
            Self::Zstd(sink) => sink.flush(),
        }
    }
}
