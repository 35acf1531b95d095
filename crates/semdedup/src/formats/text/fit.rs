//! Measures how a dialect of CSV fits the first records of a file.

use std::io::Read;

use crate::error::Result;
use crate::formats::dialect::Dialect;
use crate::formats::file::InputFile;
use crate::formats::text::encoded::open_text;
use crate::formats::text::fields::Fields;
use crate::formats::text::grammar::{Grammar, Place, Step};
use crate::storage::{fault_of, is_url};

/// The decompressed bytes of a file that tell its dialect.
const SAMPLE_BYTES: usize = 256 << 10;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The first bytes of a file.
#[derive(Debug, Default)]
pub(crate) struct Sample {
    bytes: Vec<u8>,
    /// Whether these are all bytes of the file.
    is_whole: bool,
}

impl Sample {
    /// Reads the first bytes of a file. Damage is reported where the file is read.
    ///
    /// # Errors
    /// A store that does not return the file.
    pub fn read(file: &InputFile) -> Result<Self> {
        let opened = match open_text(file) {
            Ok(opened) => opened,
            Err(error) if is_url(&file.path) => return Err(error),
            Err(_) => return Ok(Self::default()),
        };
        let mut bytes = Vec::new();
        let read = opened.open.stream.take(SAMPLE_BYTES as u64 + 1).read_to_end(&mut bytes);
        if let Some(fault) = read.as_ref().err().and_then(fault_of) {
            return Err(fault);
        }
        let is_whole = read.is_ok() && bytes.len() <= SAMPLE_BYTES;
        bytes.truncate(SAMPLE_BYTES);
        Ok(Self::new(&bytes, is_whole))
    }

    pub fn new(bytes: &[u8], is_whole: bool) -> Self {
        let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        Self { bytes: bytes.to_vec(), is_whole }
    }

    /// Returns the lines that are not empty.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.split(|byte| b"\r\n".contains(byte)).filter(|line| !line.is_empty())
    }

    /// Returns the bytes behind this many lines that are not empty.
    fn below(&self, lines: u32) -> &[u8] {
        let mut rest = self.bytes.as_slice();
        for _ in 0..lines {
            let blank = rest.iter().take_while(|byte| b"\r\n".contains(byte)).count();
            rest = &rest[blank..];
            rest = &rest[memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len())..];
        }
        rest
    }
}

/// The shape of a record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Where it begins and ends, without its line end.
    start: usize,
    end: usize,
    pub fields: usize,
    /// The number of fields in quotes.
    quoted: usize,
    /// Whether a quote is where a writer of this dialect puts none.
    is_dirty: bool,
    /// The number of delimiters at its end.
    trailing: usize,
}

impl Shape {
    /// Returns the record, which was found in `bytes`.
    pub fn bytes(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start..self.end]
    }
}

/// Returns the shapes of the records. The last one is left out if more bytes may follow.
pub(crate) fn shapes(bytes: &[u8], dialect: &Dialect, is_whole: bool) -> Vec<Shape> {
    let (grammar, quote) = (Grammar::of(dialect), dialect.quirks.quote.byte());
    let (mut found, mut place) = (Vec::new(), Place::Start);
    let mut shape = Shape { fields: 1, ..Shape::default() };
    for (at, &byte) in bytes.iter().enumerate() {
        let step = grammar.step(place, byte);
        place = match step {
            Step::Skip(next) | Step::Take(next, _) => {
                shape.quoted += usize::from((place, next) == (Place::Start, Place::Quoted));
                let is_stray = Some(byte) == quote || place == Place::Closed;
                shape.is_dirty |= next == Place::Unquoted && is_stray;
                shape.trailing = 0;
                next
            }
            Step::EndField => {
                shape.fields += 1;
                shape.trailing += 1;
                Place::Start
            }
            Step::EndRecord => {
                if at > shape.start {
                    found.push(Shape { end: at, ..shape });
                }
                shape = Shape { start: at + 1, fields: 1, ..Shape::default() };
                Place::Start
            }
        };
    }
    if is_whole && bytes.len() > shape.start {
        shape.is_dirty |= !Grammar::can_end(place);
        found.push(Shape { end: bytes.len(), ..shape });
    }
    found
}

/// How a dialect fits the first records of a file.
#[derive(Debug, Clone)]
pub(crate) struct Fit {
    pub dialect: Dialect,
    /// The fields of the first record.
    pub names: Vec<String>,
    pub rows: usize,
    /// The rows with as many fields as the first record.
    pub matched: usize,
    /// Those of them in which each quote is where a writer puts one.
    pub clean: usize,
    /// The fields in quotes of the clean rows.
    pub quoted: usize,
}

impl Fit {
    /// Measures a dialect, and finds whether delimiters end rows.
    pub fn of(sample: &Sample, mut dialect: Dialect) -> Self {
        let bytes = sample.below(dialect.quirks.lines_above_header);
        let shapes = shapes(bytes, &dialect, sample.is_whole);
        let mut fields = Fields::new(&dialect);
        let first = shapes.first().copied().unwrap_or_default();
        fields.read(first.bytes(bytes));
        let names = fields.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        let rows = if dialect.quirks.no_header { &shapes[..] } else { shapes.get(1..).unwrap_or_default() };
        let has_trailing =
            |row: &Shape| row.fields > first.fields && row.trailing >= row.fields - first.fields;
        let trailing = rows.iter().filter(|row| has_trailing(row)).count();
        let exact = rows.iter().filter(|row| row.fields == first.fields).count();
        // Where many other rows have fields behind the last column, its name may be missing instead.
        let is_trailing = trailing > 0 && is_most(trailing + exact, rows.len());
        dialect.quirks.trailing_delimiter = !dialect.quirks.no_header && is_trailing;
        let is_match = |row: &&Shape| {
            row.fields == first.fields || dialect.quirks.trailing_delimiter && has_trailing(row)
        };
        let matched = rows.iter().filter(is_match);
        let clean = matched.clone().filter(|row| !row.is_dirty);
        Self {
            dialect,
            names,
            rows: rows.len(),
            matched: matched.count(),
            quoted: clean.clone().map(|row| row.quoted).sum(),
            clean: clean.count(),
        }
    }

    /// Whether a column has a number in each of several rows, and none in the first record.
    pub fn has_numbers(&self, sample: &Sample) -> bool {
        let bytes = sample.below(self.dialect.quirks.lines_above_header);
        let rows = shapes(bytes, &self.dialect, sample.is_whole);
        let mut fields = Fields::new(&self.dialect);
        let is_number =
            |text: &[u8]| std::str::from_utf8(text).is_ok_and(|text| text.trim().parse::<f64>().is_ok());
        let mut columns: Vec<bool> = self.names.iter().map(|name| !is_number(name.as_bytes())).collect();
        for row in rows.iter().skip(1) {
            fields.read(row.bytes(bytes));
            columns.iter_mut().zip(fields.iter()).for_each(|(all, field)| *all &= is_number(field));
        }
        rows.len() > 2 && columns.contains(&true)
    }

    /// Whether the records have several columns, and nearly all of them the same number.
    pub fn is_good(&self) -> bool {
        self.names.len() > 1 && self.rows > 1 && is_most(self.matched, self.rows)
    }
}

/// Whether nine in ten rows are counted, and at least one.
pub(crate) fn is_most(count: usize, rows: usize) -> bool {
    count > 0 && 10 * count >= 9 * rows
}
