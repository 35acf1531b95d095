//! Compressions of whole files: how each is recognised, read and written.

use std::io::{self, BufReader, BufWriter, Read, Write};

use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

#[cfg(feature = "bz2-xz")]
use crate::formats::bz2::Bzip2Reader;
use crate::formats::gzip::GzipReader;
use crate::storage::FlushedFile;

/// Level 6: gzip's own default.
const GZIP_LEVEL: u32 = 6;
/// Level 3: zstd's own default.
const ZSTD_LEVEL: i32 = 3;
/// Files from `zstd --long=31` need a window of 2 GiB; the decoder reserves it only for them.
const ZSTD_WINDOW_LOG: u32 = 31;
/// Level 6: xz's own default.
#[cfg(feature = "bz2-xz")]
const XZ_LEVEL: u32 = 6;
/// The bytes that are read or written at a time.
pub(crate) const BUFFER: usize = 256 << 10;

/// The compression of a whole file. Parquet and Arrow compress inside the file and count as `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// No compression.
    None,
    /// gzip, with one member or many.
    Gzip,
    /// Zstandard, with one frame or many.
    Zstd,
    /// bzip2, with one stream or many.
    Bzip2,
    /// xz, with one stream or many.
    Xz,
}

/// A file that is being compressed.
pub(crate) trait Packing: Write {
    /// Ends the compressed stream.
    fn finish(self: Box<Self>) -> io::Result<BufWriter<FlushedFile>>;
}

impl Compression {
    /// Every compression.
    pub(crate) const PACKED: [Self; 4] = [Self::Gzip, Self::Zstd, Self::Bzip2, Self::Xz];

    /// Returns the compression of a file that begins with these bytes.
    pub(crate) fn of_content(beginning: &[u8]) -> Self {
        match beginning {
            // gzip knows one method, deflate.
            [0x1f, 0x8b, 8, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            // Behind the level stands a block, or the end of a file without any.
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, ..]
            | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, ..] => Self::Bzip2,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            _ => Self::None,
        }
    }

    /// Cuts the extension of a compression off a file name, and returns what stays and the
    /// compression. `.tgz` and its like stand for an archive and stay.
    pub(crate) fn of_name(name: &str) -> (&str, Self) {
        for packed in Self::PACKED {
            if let Some(stem) = name.strip_suffix(packed.extension()) {
                return (stem, packed);
            }
        }
        let archives =
            [(".tgz", Self::Gzip), (".tbz2", Self::Bzip2), (".tbz", Self::Bzip2), (".txz", Self::Xz)];
        let archive = archives.into_iter().find(|(extension, _)| name.ends_with(extension));
        (name, archive.map_or(Self::None, |(_, packed)| packed))
    }

    /// Returns the extension of file names, with its point.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
            Self::Bzip2 => ".bz2",
            Self::Xz => ".xz",
        }
    }

    /// Returns the name of the compression and of its program: `-t` tests a file, `-dc` unpacks it.
    pub(crate) fn tool(self) -> &'static str {
        match self {
            Self::None => "cat",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
        }
    }

    /// Returns a reader of the unpacked bytes.
    ///
    /// # Errors
    /// A compression that this build cannot read.
    pub(crate) fn reader<'r>(self, packed: impl Read + Send + 'r) -> io::Result<Box<dyn Read + Send + 'r>> {
        Ok(match self {
            Self::None => Box::new(packed),
            Self::Gzip => Box::new(GzipReader::new(packed, BUFFER)),
            Self::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(BufReader::with_capacity(BUFFER, packed))?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Box::new(decoder)
            }
            #[cfg(feature = "bz2-xz")]
            Self::Bzip2 => Box::new(Bzip2Reader::new(packed, BUFFER)),
            #[cfg(feature = "bz2-xz")]
            Self::Xz => Box::new(lzma_rust2::XzReader::new(BufReader::with_capacity(BUFFER, packed), true)),
            #[cfg(not(feature = "bz2-xz"))]
            Self::Bzip2 | Self::Xz => return Err(self.absent()),
        })
    }

    /// Returns a writer that packs what is written into a file.
    ///
    /// # Errors
    /// A compression that this build cannot write.
    pub(crate) fn writer(self, file: BufWriter<FlushedFile>) -> io::Result<Box<dyn Packing>> {
        Ok(match self {
            Self::None => Box::new(file),
            Self::Gzip => Box::new(GzEncoder::new(file, flate2::Compression::new(GZIP_LEVEL))),
            Self::Zstd => {
                let mut encoder = zstd::Encoder::new(file, ZSTD_LEVEL)?;
                encoder.include_checksum(true)?;
                Box::new(encoder)
            }
            #[cfg(feature = "bz2-xz")]
            Self::Bzip2 => Box::new(bzip2::write::BzEncoder::new(file, bzip2::Compression::best())),
            #[cfg(feature = "bz2-xz")]
            Self::Xz => {
                Box::new(lzma_rust2::XzWriter::new(file, lzma_rust2::XzOptions::with_preset(XZ_LEVEL))?)
            }
            #[cfg(not(feature = "bz2-xz"))]
            Self::Bzip2 | Self::Xz => return Err(self.absent()),
        })
    }

    #[cfg(not(feature = "bz2-xz"))]
    fn absent(self) -> io::Error {
        let problem = format!("this semdedup was built without {}", self.tool());
        io::Error::new(io::ErrorKind::Unsupported, problem)
    }
}

impl Packing for BufWriter<FlushedFile> {
    fn finish(self: Box<Self>) -> io::Result<BufWriter<FlushedFile>> {
        Ok(*self)
    }
}

impl Packing for GzEncoder<BufWriter<FlushedFile>> {
    fn finish(self: Box<Self>) -> io::Result<BufWriter<FlushedFile>> {
        (*self).finish()
    }
}

impl Packing for zstd::Encoder<'static, BufWriter<FlushedFile>> {
    fn finish(self: Box<Self>) -> io::Result<BufWriter<FlushedFile>> {
        (*self).finish()
    }
}

#[cfg(feature = "bz2-xz")]
impl Packing for bzip2::write::BzEncoder<BufWriter<FlushedFile>> {
    fn finish(self: Box<Self>) -> io::Result<BufWriter<FlushedFile>> {
        (*self).finish()
    }
}

#[cfg(feature = "bz2-xz")]
impl Packing for lzma_rust2::XzWriter<BufWriter<FlushedFile>> {
    fn finish(self: Box<Self>) -> io::Result<BufWriter<FlushedFile>> {
        (*self).finish()
    }
}
