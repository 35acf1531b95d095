//! Opens files of text and writes them: in UTF-8, in the UTF-16 that a byte order mark tells, or in
//! the encoding that the user names.

use std::borrow::Cow;
use std::io::{self, Read, Write};
use std::path::Path;

use crate::error::{Error, Result};
use crate::formats::encoding::TextEncoding;
use crate::formats::file::InputFile;
use crate::formats::rows::not_utf8;
use crate::formats::stream::{self, OpenFile, Sink};
use crate::formats::text::legacy::{LegacyEncoder, LegacyReader};
use crate::formats::text::peek::{Peeked, peek};
use crate::formats::text::utf16::{ByteOrder, Utf16Encoder, Utf16Reader};
use crate::formats::text::wide::Wide;

/// The byte order mark.
const MARK: char = '\u{feff}';

/// The byte order mark in UTF-8.
const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// This many bytes tell UTF-16 without a byte order mark.
const LOOKED_AT: usize = 64 << 10;

/// An open file of text.
pub(crate) struct OpenText {
    /// The decompressed bytes, in UTF-8.
    pub open: OpenFile,
    /// The encoding of the file, if it is not UTF-8.
    pub coding: Option<Coding>,
}

/// An encoding that is not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// UTF-16, by a byte order mark or by what the user names.
    Utf16(ByteOrder),
    /// The encoding that the user names.
    Legacy(TextEncoding),
}

impl Coding {
    /// Returns the encoding of a file that begins with these bytes. A byte order mark goes before
    /// what the user names.
    fn of(beginning: &[u8], named: Option<TextEncoding>) -> Option<Self> {
        if let Some(order) = ByteOrder::of_mark(beginning) {
            return Some(Self::Utf16(order));
        }
        let is_utf8 = beginning.starts_with(UTF8_MARK);
        let named = named.filter(|named| !is_utf8 && !named.is_utf8())?;
        Some(named.utf16().map_or(Self::Legacy(named), Self::Utf16))
    }

    /// Returns a reader of the text in UTF-8.
    fn reader<'r>(self, bytes: impl Read + Send + 'r) -> Box<dyn Read + Send + 'r> {
        match self {
            Self::Utf16(order) => Box::new(Utf16Reader::new(bytes, order)),
            Self::Legacy(encoding) => Box::new(LegacyReader::new(bytes, encoding)),
        }
    }
}

/// Opens a file for reading its text. An error of its first bytes is returned by the stream.
///
/// # Errors
/// A file that cannot be opened; UTF-32, and UTF-16 without a byte order mark.
pub(crate) fn open_text(file: &InputFile) -> Result<OpenText> {
    let OpenFile { stream, bytes_read } = stream::open(file)?;
    let Peeked { beginning, stream: bytes, .. } = peek(stream, LOOKED_AT);
    let coding = Coding::of(&beginning, file.encoding);
    if let Some(Unread { problem, hint }) = unread(&beginning, coding) {
        return Err(Error::input(&file.path, problem).hint(hint));
    }
    let stream: Box<dyn Read + Send> = match coding {
        Some(coding) => coding.reader(bytes),
        None => bytes,
    };
    Ok(OpenText { open: OpenFile { stream, bytes_read }, coding })
}

/// What the first bytes of a file are, if they are not read.
struct Unread {
    problem: String,
    hint: String,
}

/// Tells UTF-32, and UTF-16 that neither a byte order mark nor the user names.
fn unread(beginning: &[u8], coding: Option<Coding>) -> Option<Unread> {
    if let [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] = beginning {
        let problem = "is UTF-32, by the byte order mark at its beginning".to_owned();
        return Some(Unread { problem, hint: "iconv -f UTF-32 -t UTF-8 OLD > NEW converts it".to_owned() });
    }
    if matches!(coding, Some(Coding::Utf16(_))) {
        return None;
    }
    let wide = Wide::of(&beginning[..beginning.len().min(LOOKED_AT)])?;
    let problem = format!("looks like {} without a byte order mark", wide.name());
    Some(Unread { problem, hint: wide.remedy() })
}

/// Returns the text of a whole file without its byte order mark, or the reason why its row is a bad
/// row.
pub(crate) fn text_of(
    bytes: &[u8],
    named: Option<TextEncoding>,
) -> std::result::Result<Cow<'_, str>, String> {
    let coding = Coding::of(bytes, named);
    if let Some(Unread { problem, hint }) = unread(bytes, coding) {
        return Err(format!("{problem} ({hint})"));
    }
    let Some(coding) = coding else {
        let text = std::str::from_utf8(bytes).map_err(|error| not_utf8(&error))?;
        return Ok(Cow::Borrowed(text.strip_prefix(MARK).unwrap_or(text)));
    };
    let mut text = Vec::new();
    let read = coding.reader(bytes).read_to_end(&mut text);
    read.map_err(|error| error.to_string())?;
    let name = match coding {
        Coding::Utf16(_) => "UTF-16",
        Coding::Legacy(encoding) => encoding.name(),
    };
    let text = String::from_utf8(text).map_err(|_| format!("not valid {name}"))?;
    Ok(Cow::Owned(text.strip_prefix(MARK).unwrap_or(&text).to_owned()))
}

/// A file of text that is being written.
pub(crate) struct TextSink {
    sink: Sink,
    encoder: Option<Encoder>,
}

/// Writes UTF-8 in another encoding.
enum Encoder {
    Utf16(Utf16Encoder),
    Legacy(LegacyEncoder),
}

impl TextSink {
    /// Creates a file in the compression and the encoding of `file`.
    pub fn create(path: &Path, file: &InputFile, coding: Option<Coding>) -> io::Result<Self> {
        let sink = Sink::create(path, file.compression)?;
        let encoder = coding.map(|coding| match coding {
            Coding::Utf16(order) => Encoder::Utf16(Utf16Encoder::new(order)),
            Coding::Legacy(encoding) => Encoder::Legacy(LegacyEncoder::new(encoding)),
        });
        Ok(Self { sink, encoder })
    }

    /// Ends the compressed stream and waits until it is on the disk.
    pub fn finish(mut self) -> io::Result<()> {
        if let Some(Encoder::Legacy(encoder)) = &mut self.encoder {
            self.sink.write_all(&encoder.finish()?)?;
        }
        self.sink.finish()
    }
}

impl Write for TextSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.encoder {
            None => self.sink.write(bytes),
            Some(Encoder::Utf16(encoder)) => self.sink.write_all(encoder.encode(bytes)).map(|()| bytes.len()),
            Some(Encoder::Legacy(encoder)) => {
                self.sink.write_all(&encoder.encode(bytes)?).map(|()| bytes.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}
