//! JSON lists: finds where the elements of `[ {…}, {…} ]` begin and end in a stream of bytes, and
//! writes the list without some of them.
//!
//! Only brackets, strings and commas are looked at here, so an element is found without being
//! parsed and may be damaged inside. Brackets that do not match are an error of the file: the bytes
//! behind them cannot be assigned to an element.

use std::io::{self, Read, Write};

use crate::error::Error;
use crate::formats::file::InputFile;
use crate::formats::text::encoded::open_text;
use crate::storage::fault_of;

/// Elements may be nested this deep. Open brackets are remembered, and this bounds their memory.
const MAX_DEPTH: usize = 100_000;

/// At most this many bytes of white space before a list are searched.
const MAX_LEAD_BYTES: u64 = 1 << 20;

/// The hint for JSON with comments or superfluous commas.
pub(crate) const WITHOUT_COMMENTS: &str =
    "`npx json5 OLD > NEW.json` rewrites JSON that has comments or a comma behind the last element";

/// Whether the first byte of a file that is not white space begins a list. A damaged file does not;
/// the reader reports where the damage is.
///
/// # Errors
/// A file that cannot be opened, or a store that does not return it, so that its first byte is
/// unknown.
pub(crate) fn begins(file: &InputFile) -> Result<bool, Error> {
    let stream = open_text(file)?.open.stream;
    let mut bytes = io::BufReader::new(stream.take(MAX_LEAD_BYTES)).bytes();
    // A byte order mark is skipped too.
    let first = bytes.find(|byte| !matches!(byte, Ok(b' ' | b'\t' | b'\r' | b'\n' | 0xef | 0xbb | 0xbf)));
    match first {
        Some(Err(error)) => fault_of(&error).map_or(Ok(false), Err),
        first => Ok(matches!(first, Some(Ok(b'[')))),
    }
}

/// Whether a file is one list and nothing else, as far as its first MiB tells. Lines that are lists
/// are none.
///
/// # Errors
/// Fails as [`begins`] does.
pub(crate) fn is_list(file: &InputFile) -> Result<bool, Error> {
    if !begins(file)? {
        return Ok(false);
    }
    let mut bytes = Vec::new();
    if let Err(error) = open_text(file)?.open.stream.take(MAX_LEAD_BYTES).read_to_end(&mut bytes) {
        return fault_of(&error).map_or(Ok(false), Err);
    }
    let (mut elements, mut rest) = (Elements::new(), bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes));
    loop {
        match elements.gap(rest) {
            // Something follows the end of the list: it is a line.
            Err(_) => return Ok(elements.place != ListPlace::AfterList),
            Ok(gap) => rest = &rest[gap..],
        }
        match elements.find_end(rest) {
            Ok(Some(length)) if !rest.is_empty() => rest = &rest[length..],
            _ => return Ok(true),
        }
    }
}

/// Finds where elements begin and end, across any number of buffers.
pub(crate) struct Elements {
    place: ListPlace,
    /// The closing brackets of the open ones in the element, innermost last.
    closers: Vec<u8>,
    in_string: bool,
    /// Whether the byte before was a backslash in a string.
    escaped: bool,
}

/// A place in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ListPlace {
    BeforeList,
    /// Behind `[`, where an element or the end follows.
    First,
    /// Behind a comma, where an element follows.
    Next,
    Element,
    /// In a number or a word, which ends where another byte begins.
    Token,
    /// Behind an element, where a comma or the end follows.
    AfterElement,
    AfterList,
}

/// The reason why a list cannot be read.
pub(crate) struct Problem {
    pub what: String,
    /// What the user can do about it.
    pub hint: &'static str,
}

impl From<String> for Problem {
    fn from(what: String) -> Self {
        Self { what, hint: "the file is truncated or damaged; one JSON object a line is read too" }
    }
}

impl Elements {
    pub fn new() -> Self {
        Self { place: ListPlace::BeforeList, closers: Vec::new(), in_string: false, escaped: false }
    }

    /// Returns how many bytes of `input` are before the next element. It may be called only between
    /// elements.
    pub fn gap(&mut self, input: &[u8]) -> Result<usize, Problem> {
        for (at, &byte) in input.iter().enumerate() {
            self.place = match (self.place, byte) {
                (_, b' ' | b'\t' | b'\r' | b'\n') => continue,
                (ListPlace::BeforeList, b'[') => ListPlace::First,
                (ListPlace::First | ListPlace::AfterElement, b']') => ListPlace::AfterList,
                (ListPlace::AfterElement, b',') => ListPlace::Next,
                (ListPlace::First | ListPlace::Next, b'{' | b'[' | b'"') => ListPlace::Element,
                (ListPlace::First | ListPlace::Next, b'-' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z') => {
                    ListPlace::Token
                }
                (place, _) => return Err(unexpected(place, byte)),
            };
            if matches!(self.place, ListPlace::Element | ListPlace::Token) {
                return Ok(at);
            }
        }
        Ok(input.len())
    }

    /// Whether an element has begun and not ended.
    pub fn is_inside(&self) -> bool {
        matches!(self.place, ListPlace::Element | ListPlace::Token)
    }

    /// Returns how many bytes of `input` belong to the current element; `None` if it does not end
    /// in `input`.
    pub fn find_end(&mut self, input: &[u8]) -> Result<Option<usize>, Problem> {
        let mut at = 0;
        while at < input.len() {
            if self.in_string {
                at += self.pass_string(&input[at..]);
                if !self.in_string && self.closers.is_empty() {
                    return Ok(Some(self.end(at)));
                }
                continue;
            }
            let byte = input[at];
            if self.place == ListPlace::Token {
                if matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b']' | b'}' | b'[' | b'{' | b'"') {
                    return Ok(Some(self.end(at)));
                }
                at += 1;
                continue;
            }
            at += 1;
            match byte {
                b'"' => self.in_string = true,
                b'{' => self.open(b'}')?,
                b'[' => self.open(b']')?,
                b'}' | b']' => {
                    if self.closers.pop() != Some(byte) {
                        return Err(format!("`{}` closes nothing that is open", byte as char).into());
                    }
                    if self.closers.is_empty() {
                        return Ok(Some(self.end(at)));
                    }
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// Fails if the list is not closed at the end of the file.
    pub fn check_end(&self) -> Result<(), Problem> {
        match self.place {
            ListPlace::BeforeList | ListPlace::AfterList => Ok(()),
            _ => Err("the list is not closed by the end of the file".to_owned().into()),
        }
    }

    fn end(&mut self, at: usize) -> usize {
        self.place = ListPlace::AfterElement;
        at
    }

    fn open(&mut self, closer: u8) -> Result<(), Problem> {
        if self.closers.len() == MAX_DEPTH {
            return Err(format!("brackets more than {MAX_DEPTH} deep").into());
        }
        self.closers.push(closer);
        Ok(())
    }

    /// Returns how many bytes of `input` belong to a string, with its closing quote.
    fn pass_string(&mut self, input: &[u8]) -> usize {
        let mut at = 0;
        if std::mem::take(&mut self.escaped) {
            at = 1;
        }
        while let Some(found) = memchr::memchr2(b'"', b'\\', &input[at..]) {
            at += found + 1;
            if input[at - 1] == b'"' {
                self.in_string = false;
                return at;
            }
            if at == input.len() {
                self.escaped = true;
                return at;
            }
            at += 1;
        }
        input.len()
    }
}

fn unexpected(place: ListPlace, byte: u8) -> Problem {
    let wanted = match place {
        ListPlace::BeforeList => "the list has to begin with `[`",
        ListPlace::AfterElement => "`,` or `]` has to follow an element",
        ListPlace::AfterList => "nothing can follow the end of the list",
        _ => "an element has to begin here",
    };
    let problem = Problem::from(format!("{wanted}, but `{}` stands there", byte.escape_ascii()));
    match (place, byte) {
        (_, b'/') | (ListPlace::Next, b']') => Problem { hint: WITHOUT_COMMENTS, ..problem },
        (_, b'#') => {
            Problem { hint: "`grep -v '^[[:space:]]*#' OLD > NEW.json` removes comments", ..problem }
        }
        (ListPlace::AfterList, b'[') => Problem {
            hint: "`jq -c '.[]' OLD > NEW.jsonl` writes the elements of several lists one a line",
            ..problem
        },
        _ => problem,
    }
}

/// Joins the kept elements again. Brackets, commas and white space stay the same, except around
/// removed elements.
pub(crate) struct Rejoined {
    /// The bytes before the first element.
    lead: Option<Vec<u8>>,
    /// The bytes since the last element.
    gap: Vec<u8>,
    limit: usize,
    written: u64,
}

impl Rejoined {
    /// Creates a list. More than `limit` bytes of white space between two elements are an error.
    pub fn new(limit: usize) -> Self {
        Self { lead: None, gap: Vec::new(), limit, written: 0 }
    }

    /// Takes the bytes between two elements.
    pub fn pass(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        self.gap.extend_from_slice(bytes);
        if self.gap.len() > self.limit.max(MAX_LEAD_BYTES as usize) {
            return Err(format!("more than {} bytes of white space before it", self.limit).into());
        }
        Ok(())
    }

    /// Skips a removed element.
    pub fn drop_element(&mut self) {
        let gap = std::mem::take(&mut self.gap);
        self.lead.get_or_insert(gap);
    }

    /// Writes a kept element.
    pub fn write(&mut self, element: &[u8], out: &mut impl Write) -> io::Result<()> {
        let gap = std::mem::take(&mut self.gap);
        let before = match (&self.lead, self.written) {
            (Some(lead), 0) => lead,
            _ => &gap,
        };
        out.write_all(before)?;
        out.write_all(element)?;
        self.lead.get_or_insert(gap);
        self.written += 1;
        Ok(())
    }

    /// Writes the bytes behind the last element, and returns how many elements were written.
    pub fn finish(self, out: &mut impl Write) -> io::Result<u64> {
        if let (Some(lead), 0) = (&self.lead, self.written) {
            let bracket = lead.iter().position(|byte| *byte == b'[').map_or(lead.len(), |at| at + 1);
            out.write_all(&lead[..bracket])?;
        }
        out.write_all(&self.gap)?;
        Ok(self.written)
    }
}
