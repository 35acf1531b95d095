//! Reads the blocks of an Avro object container file.
//!
//! The library does not cut them: its reader accepts a file that ends within a block, and never ends
//! where a block has more rows than its header says.
//! (<https://avro.apache.org/docs/1.11.1/specification/#object-container-files>)

use std::io::{self, BufRead, Read};

use arrow_avro::reader::{HeaderInfo, read_header_info};

/// A block of more than this many bytes, compressed or not, is damaged.
const MAX_BLOCK_BYTES: u64 = 1 << 30;

/// The compression of the blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Codec {
    Null,
    Deflate,
    Snappy,
    Zstandard,
}

/// Consecutive rows, decompressed.
pub(crate) struct Block {
    pub(crate) rows: u64,
    pub(crate) data: Vec<u8>,
}

/// Reads the blocks of a file in order.
pub(crate) struct Blocks<R> {
    reader: R,
    codec: Codec,
    sync: [u8; 16],
    pub(crate) header: HeaderInfo,
}

impl<R: BufRead> Blocks<R> {
    /// Reads the header of a file.
    pub(crate) fn open(mut reader: R) -> io::Result<Self> {
        let header = read_header_info(&mut reader).map_err(|error| damaged(error.to_string()))?;
        let codec = codec_of(&header)?;
        Ok(Self { reader, codec, sync: header.sync(), header })
    }

    /// Reads the next block; `None` at the end of the file.
    pub(crate) fn next(&mut self) -> io::Result<Option<Block>> {
        if self.reader.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let (rows, bytes) = (self.count()?, self.count()?);
        if bytes > MAX_BLOCK_BYTES {
            return Err(damaged(format!("a block of {bytes} bytes, the limit is {MAX_BLOCK_BYTES}")));
        }
        let mut data = Vec::new();
        (&mut self.reader).take(bytes).read_to_end(&mut data)?;
        let mut sync = [0; 16];
        self.reader.read_exact(&mut sync)?;
        if data.len() as u64 != bytes || sync != self.sync {
            return Err(damaged("a block does not end where its header says"));
        }
        Ok(Some(Block { rows, data: self.codec.decompress(data)? }))
    }

    /// Reads a number that is not negative: zig-zag, with 7 bits per byte, the lowest first.
    fn count(&mut self) -> io::Result<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let mut byte = [0];
            self.reader.read_exact(&mut byte)?;
            number |= u64::from(byte[0] & 0x7f) << shift;
            if byte[0] < 0x80 {
                let is_negative = number & 1 == 1;
                return if is_negative { Err(damaged("a negative count")) } else { Ok(number >> 1) };
            }
        }
        Err(damaged("a count of more than 64 bits"))
    }
}

impl Codec {
    fn decompress(self, data: Vec<u8>) -> io::Result<Vec<u8>> {
        match self {
            Self::Null => Ok(data),
            Self::Deflate => bounded(flate2::read::DeflateDecoder::new(&data[..])),
            Self::Zstandard => bounded(zstd::Decoder::new(&data[..])?),
            Self::Snappy => unsnap(&data),
        }
    }
}

/// Reads a whole stream, up to the limit of a block.
fn bounded(stream: impl Read) -> io::Result<Vec<u8>> {
    let mut data = Vec::new();
    stream.take(MAX_BLOCK_BYTES + 1).read_to_end(&mut data)?;
    if data.len() as u64 > MAX_BLOCK_BYTES {
        return Err(damaged(format!("a block of more than {MAX_BLOCK_BYTES} bytes")));
    }
    Ok(data)
}

/// Decompresses a block in Snappy's raw format, which its checksum follows.
fn unsnap(data: &[u8]) -> io::Result<Vec<u8>> {
    let Some((data, checksum)) = data.split_last_chunk::<4>() else {
        return Err(damaged("a block without its checksum"));
    };
    let bytes = snap::raw::decompress_len(data).map_err(io::Error::other)?;
    if bytes as u64 > MAX_BLOCK_BYTES {
        return Err(damaged(format!("a block of {bytes} bytes, the limit is {MAX_BLOCK_BYTES}")));
    }
    let data = snap::raw::Decoder::new().decompress_vec(data).map_err(io::Error::other)?;
    match crc32fast::hash(&data).to_be_bytes() == *checksum {
        true => Ok(data),
        false => Err(damaged("a block has another checksum than its data")),
    }
}

fn codec_of(header: &HeaderInfo) -> io::Result<Codec> {
    use arrow_avro::compression::CompressionCodec as Known;
    match header.compression().map_err(|error| damaged(error.to_string()))? {
        None => Ok(Codec::Null),
        Some(Known::Deflate) => Ok(Codec::Deflate),
        Some(Known::Snappy) => Ok(Codec::Snappy),
        Some(Known::ZStandard) => Ok(Codec::Zstandard),
        Some(other) => Err(damaged(format!("the codec {other:?} is not read"))),
    }
}

fn damaged(problem: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}
