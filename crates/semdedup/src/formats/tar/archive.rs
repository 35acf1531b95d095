//! Reads tar archives member by member in one pass, and copies members with every byte of their
//! headers.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tar::{EntryType, Header};

use crate::error::{Error, Result};
use crate::formats::file::InputFile;
use crate::formats::stream::{self, OpenFile};
use crate::formats::tar::member::{BLOCK, MAX_DATA_BYTES, Member, MemberKind, checksum, has_data, padding};
use crate::formats::tar::pax::Attributes;
use crate::storage;

/// A name or a set of attributes has at most this many bytes…
const MAX_EXTENSION_BYTES: u64 = 1 << 20;
/// …and all headers of one member, which are in memory together, have at most this many bytes.
const MAX_HEADER_BYTES: u64 = 4 << 20;
/// This many zeros behind the end are kept: archives are padded to 10 KiB, some to more.
const MAX_END_BYTES: usize = 1 << 20;

/// Reads an archive from its beginning to its end.
pub(crate) struct TarReader {
    file: InputFile,
    stream: Box<dyn Read + Send>,
    /// The number of the file's own bytes that have been read.
    bytes_read: Arc<AtomicU64>,
    /// The blocks before the data of the current member, with those of long names and attributes
    /// first.
    header: Vec<u8>,
    /// The bytes of its data, and of the padding behind them, that have not been read.
    data: u64,
    padding: u64,
    /// The row that is being read, for messages.
    row: u64,
    begun: bool,
    ended: bool,
}

impl TarReader {
    /// Opens an archive.
    pub fn open(file: &InputFile) -> Result<Self> {
        let OpenFile { stream, bytes_read } = stream::open(file)?;
        Ok(Self { bytes_read, ..Self::new(file, stream) })
    }

    pub fn new(file: &InputFile, stream: Box<dyn Read + Send>) -> Self {
        Self {
            file: file.clone(),
            stream,
            bytes_read: Arc::default(),
            header: Vec::new(),
            data: 0,
            padding: 0,
            row: 0,
            begun: false,
            ended: false,
        }
    }

    /// Returns how many of the file's own bytes have been read.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// Sets the row that is being read, for messages.
    pub fn at_row(&mut self, row: u64) {
        self.row = row;
    }

    /// Returns the next member, and skips the rest of the one before. `None` at the end of the
    /// archive.
    pub fn next_member(&mut self) -> Result<Option<Member>> {
        self.skip()?;
        self.header.clear();
        let mut said = Attributes::default();
        loop {
            let Some(block) = self.header_block()? else { return Ok(None) };
            let header = Header::from_byte_slice(&block);
            let size = header.entry_size().map_err(|error| self.damaged(&error))?;
            match header.entry_type() {
                EntryType::GNULongName => {
                    let mut long = self.extension(size)?;
                    while long.last() == Some(&0) {
                        long.pop();
                    }
                    said.name = Some(long);
                }
                EntryType::XHeader => self.attributes(size, &mut said)?,
                EntryType::GNULongLink => drop(self.extension(size)?),
                EntryType::XGlobalHeader => return self.global_attributes(header, said).map(Some),
                _ => {
                    said.size = said.size.or(Some(size));
                    return self.begin(header, said).map(Some);
                }
            }
        }
    }

    /// Begins a member: its data is read next.
    fn begin(&mut self, header: &Header, said: Attributes) -> Result<Member> {
        let kind = header.entry_type();
        let name = said.name.unwrap_or_else(|| header.path_bytes().into_owned());
        if said.has_holes || kind == EntryType::GNUSparse {
            return Err(self.with_holes(&name));
        }
        // Links and devices have no data, whatever size their header names.
        let size = said.size.filter(|_| has_data(kind)).unwrap_or(0);
        if size > MAX_DATA_BYTES {
            return Err(self.damaged(&format!("a member of {size} bytes is not read")));
        }
        (self.data, self.padding) = (size, padding(size));
        Ok(Member { name, size, kind: MemberKind::of(kind) })
    }

    /// Returns the attributes of all members that follow as a member of their own.
    fn global_attributes(&mut self, header: &Header, mut said: Attributes) -> Result<Member> {
        if self.header.len() > BLOCK {
            return Err(self.damaged(&"there is something between a member and its attributes"));
        }
        let size = header.entry_size().map_err(|error| self.damaged(&error))?;
        self.attributes(size, &mut said)?;
        let name = header.path_bytes().into_owned();
        if said.has_holes {
            return Err(self.with_holes(&name));
        }
        if said.name.is_some() || said.size.is_some() {
            return Err(self.damaged(&"a header gives all members one name or size"));
        }
        Ok(Member { name, size: 0, kind: MemberKind::Other })
    }

    /// Reads the data of the current member.
    pub fn read(&mut self, into: &mut Vec<u8>) -> Result<()> {
        // The size in a header is not trusted: memory is reserved only for data that is there.
        let read =
            (&mut self.stream).take(self.data).read_to_end(into).map_err(|error| self.unreadable(&error))?;
        self.take(read as u64)
    }

    /// Copies the current member with its headers and its padding. The inner error is one of
    /// writing.
    pub fn copy(&mut self, sink: &mut impl Write) -> Result<io::Result<()>> {
        if let Err(error) = sink.write_all(&self.header) {
            return Ok(Err(error));
        }
        let mut buffer = vec![0; 64 << 10];
        loop {
            let wanted = buffer.len().min((self.data + self.padding).try_into().unwrap_or(usize::MAX));
            if wanted == 0 {
                return Ok(Ok(()));
            }
            self.read_exact(wanted, &mut buffer)?;
            let data = self.data.min(wanted as u64);
            self.data -= data;
            self.padding -= wanted as u64 - data;
            if let Err(error) = sink.write_all(&buffer[..wanted]) {
                return Ok(Err(error));
            }
        }
    }

    /// Copies the blocks of zeros that end the archive.
    pub fn copy_end(&mut self, sink: &mut impl Write) -> io::Result<()> {
        sink.write_all(&self.header)
    }

    fn skip(&mut self) -> Result<()> {
        let left = self.data + self.padding;
        let skipped = io::copy(&mut (&mut self.stream).take(left), &mut io::sink());
        let skipped = skipped.map_err(|error| self.unreadable(&error))?;
        if skipped < left {
            return Err(self.truncated());
        }
        (self.data, self.padding) = (0, 0);
        Ok(())
    }

    fn take(&mut self, read: u64) -> Result<()> {
        if read < self.data {
            return Err(self.truncated());
        }
        self.data = 0;
        Ok(())
    }

    /// Returns the next block of a header; `None` at the end, which blocks of zeros may mark.
    fn header_block(&mut self) -> Result<Option<[u8; BLOCK]>> {
        let mut block = [0; BLOCK];
        if self.ended {
            return Ok(None);
        }
        match self.fill(&mut block)? {
            0 if !self.begun => return Err(self.damaged(&"it is empty")),
            0 if self.header.is_empty() => {
                self.ended = true;
                return Ok(None);
            }
            BLOCK => {}
            _ => return Err(self.truncated()),
        }
        self.begun = true;
        self.header.extend_from_slice(&block);
        if block.iter().all(|&byte| byte == 0) {
            self.ended = true;
            return self.read_end().map(|()| None);
        }
        if checksum(&block) != Header::from_byte_slice(&block).cksum().ok() {
            return Err(self.damaged(&"a header has a wrong checksum"));
        }
        Ok(Some(block))
    }

    /// Fails if anything but zeros follows the mark of the end: samples behind it would be lost
    /// silently.
    fn read_end(&mut self) -> Result<()> {
        let mut end = Vec::new();
        loop {
            end.clear();
            let read = (&mut self.stream).take(64 << 10).read_to_end(&mut end);
            if read.map_err(|error| self.unreadable(&error))? == 0 {
                return Ok(());
            }
            if end.iter().any(|&byte| byte != 0) {
                let problem = "there is something behind the end of the archive, which no reader sees";
                return Err(Error::input(&self.file.path, problem)
                    .hint("archives cannot be joined by `cat`; use `tar --concatenate`"));
            }
            // A tail of zeros may have any length, but only a part of it is kept.
            let room = MAX_END_BYTES.saturating_sub(self.header.len());
            self.header.extend_from_slice(&end[..end.len().min(room)]);
        }
    }

    /// Reads until a block is full or the archive ends; returns how many bytes it has read.
    fn fill(&mut self, block: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while filled < block.len() {
            match self.stream.read(&mut block[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.unreadable(&error)),
            }
        }
        Ok(filled)
    }

    fn read_exact(&mut self, wanted: usize, buffer: &mut [u8]) -> Result<()> {
        if self.fill(&mut buffer[..wanted])? < wanted { Err(self.truncated()) } else { Ok(()) }
    }

    /// Reads the data of a member that describes the next one.
    fn extension(&mut self, size: u64) -> Result<Vec<u8>> {
        if size > MAX_EXTENSION_BYTES {
            let problem = format!("a header of {size} bytes is over the limit of {MAX_EXTENSION_BYTES}");
            return Err(self.damaged(&problem));
        }
        let start = self.header.len();
        let whole = size + padding(size);
        if start as u64 + whole > MAX_HEADER_BYTES {
            let problem = format!("the headers of one member are over the limit of {MAX_HEADER_BYTES} bytes");
            return Err(self.damaged(&problem));
        }
        let read = (&mut self.stream).take(whole).read_to_end(&mut self.header);
        if (read.map_err(|error| self.unreadable(&error))? as u64) < whole {
            return Err(self.truncated());
        }
        Ok(self.header[start..start + size as usize].to_vec())
    }

    /// Reads the attributes (POSIX "pax") of the next member.
    fn attributes(&mut self, size: u64, said: &mut Attributes) -> Result<()> {
        let records = self.extension(size)?;
        said.take(&records).map_err(|problem| self.damaged(&problem))
    }

    fn truncated(&self) -> Error {
        self.damaged(&"it ends in the middle of a member")
    }

    fn unreadable(&self, error: &io::Error) -> Error {
        storage::fault_of(error).unwrap_or_else(|| self.damaged(error))
    }

    fn damaged(&self, cause: &dyn std::fmt::Display) -> Error {
        let problem = format!("row {}: the tar archive cannot be read: {cause}", self.row);
        Error::input(&self.file.path, problem)
            .hint("`tar -t` checks such a file; it is truncated or damaged: copy or download it again")
    }

    fn with_holes(&self, name: &[u8]) -> Error {
        self.refused(name, "is stored without its holes, which is not read")
            .hint("pack the archive again without `tar --sparse`")
    }

    /// The error for a member of a kind that is not read.
    pub fn refused(&self, name: &[u8], problem: &str) -> Error {
        let name = String::from_utf8_lossy(name).escape_debug().to_string();
        Error::input(&self.file.path, format!("the member `{name}` {problem}"))
    }
}
