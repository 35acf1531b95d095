//! The characters between the fields of CSV: those that are looked for in each file, and others
//! that a header shows.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::formats::file::InputFile;
use crate::formats::text::fields::Fields;
use crate::formats::text::records::{CsvHeader, Records, without_line_end};

/// The bytes that separate the fields of most files: those of spreadsheets, of databases (`^`, `~`),
/// of Hive (Ctrl-A) and of ASCII itself (the unit separator).
pub(crate) const DELIMITERS: [u8; 8] = *b";\t|,^~\x01\x1f";

/// A part of a header that is longer is no name of a column, in bytes…
const MOST_NAME_BYTES: usize = 64;
/// …and one of more words neither.
const MOST_NAME_WORDS: usize = 4;

/// Returns a delimiter as it is typed: itself, or an escape.
pub(crate) fn shown(delimiter: u8) -> String {
    match delimiter {
        b'\t' => "\\t".to_owned(),
        0..b' ' | 0x7f.. => format!("\\x{delimiter:02x}"),
        other => char::from(other).to_string(),
    }
}

/// Returns what a user types to name a delimiter.
pub(crate) fn delimiter_option(delimiter: u8) -> String {
    match delimiter {
        b'\t' => "--delimiter tab".to_owned(),
        b',' => "--delimiter ,".to_owned(),
        b'\'' => "--delimiter \"'\"".to_owned(),
        other => format!("--delimiter '{}'", shown(other)),
    }
}

/// Fails if a header has another delimiter in it: the file may not have the delimiter that its name
/// stands for. The user has not named the delimiter.
pub(crate) fn check_delimiter(file: &InputFile, records: &Records) -> Result<()> {
    let Some(header) = &records.header else { return Ok(()) };
    let known = match &header.names[..] {
        [only] => DELIMITERS.into_iter().find(|&other| only.contains(char::from(other))),
        _ => None,
    };
    match known {
        Some(known) => Err(doubt(file, &header.names, &char::from(known).to_string())),
        None => separator(records).map_or(Ok(()), |found| Err(doubt(file, &header.names, &found))),
    }
}

/// The error for a header with `separator` in it.
fn doubt(file: &InputFile, names: &[String], separator: &str) -> Error {
    let shown = separator.escape_debug();
    let columns = match names.len() {
        1 => "one column".to_owned(),
        count => format!("{count} columns"),
    };
    let problem =
        format!("the header is {columns}, `{}`, with `{shown}` in it", names.join(",").escape_debug());
    let type_it = match separator.as_bytes() {
        &[byte] if byte.is_ascii() => format!("type {}", delimiter_option(byte)),
        bytes => format!(
            "`perl -pe 's/{}/\\x01/g' OLD > NEW.csv` writes one character in its place, as it has to be",
            pattern(bytes)
        ),
    };
    let or_not = match names.len() {
        1 => "if it is one column, name it with --text-column",
        _ => "if it does not, name the delimiter too: --delimiter ,",
    };
    Error::input(&file.path, problem).hint(format!("if `{shown}` separates the columns, {type_it}; {or_not}"))
}

/// Returns a separator for a regular expression within quotes of the shell.
fn pattern(separator: &[u8]) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b" :#;,=<>%~&-".contains(&byte);
    separator
        .iter()
        .map(|&byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("\\x{byte:02x}") })
        .collect()
}

/// Finds what divides the header and nine in ten of the first rows into the same number of parts, if
/// it does so better than the delimiter of the file.
fn separator(records: &Records) -> Option<String> {
    let header = records.header.as_ref()?;
    let line = |span: &Range<usize>| without_line_end(&records.buffer[span.clone()]);
    let first = records.header_span.as_ref().or(records.spans.first())?;
    let first = std::str::from_utf8(line(first)).ok()?.trim_start_matches('\u{feff}');
    let candidates = candidates(first);
    if candidates.is_empty() {
        return None;
    }
    let rows: Vec<&[u8]> = records.spans.iter().map(line).filter(|row| !row.is_empty()).collect();
    let parts_of = |row: &[u8], found: &str| memchr::memmem::find_iter(row, found.as_bytes()).count() + 1;
    let columns = header.names.len();
    let fit = if columns > 1 { fitting(header, &rows) } else { 0 };
    candidates.into_iter().find(|found| {
        let parts = parts_of(first.as_bytes(), found);
        let matched = rows.iter().filter(|row| parts_of(row, found) == parts).count();
        // Without a header, a text with a colon in it is usual.
        let may_be_meant = match records.header_span {
            Some(_) => are_names(first, found),
            None => found.contains(char::is_control) || found.len() > 1 && !found.contains(' '),
        };
        // Of two that fit, one character may be there by chance, as the colon in a time.
        let is_better = columns == 1 || fit < matched || parts > columns && found.len() > 1;
        may_be_meant && is_better && parts > 1 && matched > 0 && 10 * matched >= 9 * rows.len()
    })
}

/// Counts the rows that have as many fields as the header.
fn fitting(header: &CsvHeader, rows: &[&[u8]]) -> usize {
    let mut fields = Fields::new(&header.dialect);
    let is_fit = |row: &&&[u8]| {
        fields.read(row);
        fields.count() == header.names.len()
    };
    rows.iter().filter(is_fit).count()
}

/// Returns the runs of characters in a line that may separate its parts, without and with the spaces
/// around.
fn candidates(line: &str) -> Vec<String> {
    // Marks of sentences, of names and of addresses separate nothing; a dash does between spaces.
    let is_mark = |c: char| !c.is_alphanumeric() && !c.is_whitespace() && !"_-./\\'\"()[]{}?!,".contains(c);
    let mut found: Vec<String> = Vec::new();
    for run in line.split(|c: char| !is_mark(c)).filter(|run| !run.is_empty()) {
        found.push(run.to_owned());
        found.push(format!(" {run} "));
    }
    found.extend([" - ", " / "].map(str::to_owned));
    found.retain(|run| line.contains(run.as_str()));
    found
}

/// Whether the parts of a header can be the names of columns.
fn are_names(header: &str, separator: &str) -> bool {
    let is_name = |name: &str| {
        !name.trim().is_empty()
            && name.len() <= MOST_NAME_BYTES
            && name.split_whitespace().count() <= MOST_NAME_WORDS
    };
    header.split(separator).all(is_name)
}
