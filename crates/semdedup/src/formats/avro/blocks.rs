//! Reads the blocks of an Avro object container file.
//!
//! The library does not cut them: its reader accepts a file that ends within a block, and never ends
//! where a block has more rows than its header says.
//! (<https://avro.apache.org/docs/1.11.1/specification/#object-container-files>)

use std::io::{self, BufRead, Read};

use arrow_avro::reader::{HeaderInfo, read_header_info};

/// A block of more than this many bytes, compressed or not, is damaged.
const MAX_BLOCK_BYTES: u64 = 1 << 30;
/// A compressed block may unpack to this many bytes, which is far more than writers put into one…
const FREE_BYTES: u64 = 64 << 20;
/// …or to this many times its size in the file, if that is more.
const MAX_RATIO: u64 = 256;
/// A block may have this many rows; more rows need at least one byte of data each.
const MAX_FREE_ROWS: u64 = 1 << 20;

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
    /// The number of blocks that have been read.
    done: u64,
    pub(crate) header: HeaderInfo,
}

impl<R: BufRead> Blocks<R> {
    /// Reads the header of a file.
    pub(crate) fn open(mut reader: R) -> io::Result<Self> {
        let header = read_header_info(&mut reader).map_err(|error| damaged(error.to_string()))?;
        let codec = codec_of(&header)?;
        Ok(Self { reader, codec, sync: header.sync(), done: 0, header })
    }

    /// Reads the next block; `None` at the end of the file. An error says which block it is.
    pub(crate) fn next(&mut self) -> io::Result<Option<Block>> {
        if self.reader.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let number = self.done;
        let block =
            self.read().map_err(|error| io::Error::new(error.kind(), format!("block {number}: {error}")))?;
        self.done += 1;
        Ok(Some(block))
    }

    /// Reads the block that begins here.
    fn read(&mut self) -> io::Result<Block> {
        let (rows, bytes) = (self.count()?, self.count()?);
        if bytes > MAX_BLOCK_BYTES {
            return Err(damaged(format!("it has {bytes} bytes, the limit is {MAX_BLOCK_BYTES}")));
        }
        let mut data = Vec::new();
        (&mut self.reader).take(bytes).read_to_end(&mut data)?;
        let mut sync = [0; 16];
        self.reader.read_exact(&mut sync)?;
        if data.len() as u64 != bytes || sync != self.sync {
            return Err(damaged("it does not end where its header says"));
        }
        let data = self.codec.decompress(data)?;
        // Rows of no bytes, such as records of nulls, never run out of data.
        let most = MAX_FREE_ROWS.max(data.len() as u64);
        if rows > most {
            let claim = format!("{} bytes claim to be {rows} rows, the limit is {most}", data.len());
            return Err(damaged(claim));
        }
        Ok(Block { rows, data })
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
        let limit = unpacked_limit(data.len());
        match self {
            Self::Null => Ok(data),
            Self::Deflate => bounded(flate2::read::DeflateDecoder::new(&data[..]), limit),
            Self::Zstandard => bounded(zstd::Decoder::new(&data[..])?, limit),
            Self::Snappy => unsnap(&data, limit),
        }
    }
}

/// Returns how many bytes a compressed block may unpack to.
fn unpacked_limit(compressed: usize) -> u64 {
    (compressed as u64).saturating_mul(MAX_RATIO).clamp(FREE_BYTES, MAX_BLOCK_BYTES)
}

/// Reads a whole stream of at most `limit` bytes.
fn bounded(stream: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut data = Vec::new();
    stream.take(limit + 1).read_to_end(&mut data)?;
    if data.len() as u64 > limit {
        return Err(damaged(format!("it unpacks to more than {limit} bytes, the limit for its size")));
    }
    Ok(data)
}

/// Decompresses a block in Snappy's raw format, which its checksum follows.
fn unsnap(data: &[u8], limit: u64) -> io::Result<Vec<u8>> {
    let Some((data, checksum)) = data.split_last_chunk::<4>() else {
        return Err(damaged("it is without its checksum"));
    };
    let bytes = snap::raw::decompress_len(data).map_err(io::Error::other)?;
    if bytes as u64 > limit {
        return Err(damaged(format!("it claims to unpack to {bytes} bytes, the limit is {limit}")));
    }
    let data = snap::raw::Decoder::new().decompress_vec(data).map_err(io::Error::other)?;
    match crc32fast::hash(&data).to_be_bytes() == *checksum {
        true => Ok(data),
        false => Err(damaged("its checksum is not that of its data")),
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
