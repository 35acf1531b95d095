//! Opens files of text and writes them, in UTF-8 or in the UTF-16 that a byte order mark tells.

use std::borrow::Cow;
use std::io::{self, Cursor, Read, Write};
use std::path::Path;

use crate::error::{Error, Result};
use crate::formats::file::InputFile;
use crate::formats::rows::not_utf8;
use crate::formats::stream::{self, OpenFile, Sink};
use crate::formats::text::utf16::{ByteOrder, Utf16Encoder, Utf16Reader};

/// The byte order mark.
const MARK: char = '\u{feff}';

/// The longest byte order mark, that of UTF-32.
const MARK_BYTES: u64 = 4;

/// An open file of text.
pub(crate) struct OpenText {
    /// The decompressed bytes, in UTF-8.
    pub open: OpenFile,
    /// The byte order of a file of UTF-16.
    pub utf16: Option<ByteOrder>,
}

/// Opens a file for reading its text. An error of its first bytes is returned by the stream.
///
/// # Errors
/// A file that cannot be opened; UTF-32, and UTF-16 without a byte order mark.
pub(crate) fn open_text(file: &InputFile) -> Result<OpenText> {
    let OpenFile { mut stream, bytes_read } = stream::open(file)?;
    let mut beginning = Vec::new();
    let failed = stream.by_ref().take(MARK_BYTES).read_to_end(&mut beginning).err();
    if matches!(beginning[..], [0xff, 0xfe, 0, 0] | [0, 0, 0xfe, 0xff]) {
        return Err(Error::input(&file.path, "is UTF-32, by the byte order mark at its beginning")
            .hint("iconv -f UTF-32 -t UTF-8 OLD > NEW converts it"));
    }
    let without_mark = match beginning[..] {
        [a, 0, b, 0] if a > 0 && b > 0 => Some("UTF-16LE"),
        [0, a, 0, b] if a > 0 && b > 0 => Some("UTF-16BE"),
        _ => None,
    };
    if let Some(name) = without_mark {
        return Err(Error::input(&file.path, format!("looks like {name} without a byte order mark"))
            .hint(format!("iconv -f {name} -t UTF-8 OLD > NEW converts it")));
    }
    let utf16 = ByteOrder::of_mark(&beginning);
    let rest: Box<dyn Read + Send> = match failed {
        Some(error) => Box::new(Failed(Some(error))),
        None => stream,
    };
    let bytes = Cursor::new(beginning).chain(rest);
    let stream: Box<dyn Read + Send> = match utf16 {
        Some(order) => Box::new(Utf16Reader::new(bytes, order)),
        None => Box::new(bytes),
    };
    Ok(OpenText { open: OpenFile { stream, bytes_read }, utf16 })
}

/// Returns the text of a whole file without its byte order mark, or the reason why its row is a bad
/// row.
pub(crate) fn text_of(bytes: &[u8]) -> std::result::Result<Cow<'_, str>, String> {
    let Some(order) = ByteOrder::of_mark(bytes) else {
        let text = std::str::from_utf8(bytes).map_err(|error| not_utf8(&error))?;
        return Ok(Cow::Borrowed(text.strip_prefix(MARK).unwrap_or(text)));
    };
    let mut text = Vec::new();
    let read = Utf16Reader::new(bytes, order).read_to_end(&mut text);
    read.map_err(|error| error.to_string())?;
    let text = String::from_utf8(text).map_err(|_| "not valid UTF-16".to_owned())?;
    Ok(Cow::Owned(text.strip_prefix(MARK).unwrap_or(&text).to_owned()))
}

/// Fails when it is read.
struct Failed(Option<io::Error>);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// A file of text that is being written.
pub(crate) struct TextSink {
    sink: Sink,
    encoder: Option<Utf16Encoder>,
}

impl TextSink {
    /// Creates a file in the compression and the encoding of `file`.
    pub fn create(path: &Path, file: &InputFile, utf16: Option<ByteOrder>) -> io::Result<Self> {
        let sink = Sink::create(path, file.compression)?;
        Ok(Self { sink, encoder: utf16.map(Utf16Encoder::new) })
    }

    /// Ends the compressed stream and waits until it is on the disk.
    pub fn finish(self) -> io::Result<()> {
        self.sink.finish()
    }
}

impl Write for TextSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.encoder {
            None => self.sink.write(bytes),
            Some(encoder) => self.sink.write_all(encoder.encode(bytes)).map(|()| bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}
