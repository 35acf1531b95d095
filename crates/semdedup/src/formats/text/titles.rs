//! Tells titles and comments above the header of a CSV file from the header.

use crate::formats::dialect::Dialect;
use crate::formats::text::delimiters::DELIMITERS;
use crate::formats::text::fit::{Sample, shapes};

/// At most this many lines of comments are skipped above a header…
const MOST_COMMENTS: usize = 64;
/// …and this many of a title.
pub(crate) const MOST_TITLES: usize = 3;
/// The name of a column that nobody names is at most this long, in bytes…
const MOST_NAME_BYTES: usize = 64;
/// …and has at most this many words.
const MOST_NAME_WORDS: usize = 4;

/// Returns how many lines are above the header of a dialect with the comments that follow.
pub(crate) fn comments_above(sample: &Sample, dialect: &Dialect) -> u32 {
    lines_above(sample, dialect, MOST_COMMENTS, |line| is_comment(line, dialect.delimiter))
}

/// Returns how many lines are above the header of a dialect with the comments and titles that
/// follow.
pub(crate) fn titles_above(sample: &Sample, dialect: &Dialect) -> u32 {
    let is_above = |line: &[u8]| is_comment(line, dialect.delimiter) || is_title(line, dialect);
    lines_above(sample, dialect, MOST_TITLES, is_above)
}

/// Counts the lines that are above a header, those of the dialect and those that follow; returns
/// those of the dialect if more than `most` follow.
fn lines_above(sample: &Sample, dialect: &Dialect, most: usize, is_above: impl Fn(&[u8]) -> bool) -> u32 {
    let above = dialect.quirks.lines_above_header;
    let lines = sample.lines().skip(above as usize).take(most + 1);
    match lines.take_while(|line| is_above(line)).count() {
        count if count <= most => above + count as u32,
        _ => above,
    }
}

/// Whether a line above a header is a comment, or a title that a spreadsheet has filled up with
/// delimiters.
fn is_comment(line: &[u8], delimiter: u8) -> bool {
    let title = line.iter().rposition(|byte| *byte != delimiter).map_or(0, |last| last + 1);
    let is_filled_up = title > 0 && title < line.len() && !line[..title].contains(&delimiter);
    line.starts_with(b"#") || is_filled_up
}

/// Whether a line is one field.
fn is_title(line: &[u8], dialect: &Dialect) -> bool {
    matches!(shapes(line, dialect, true)[..], [only] if only.fields == 1)
}

/// Whether these can be the names of columns.
pub(crate) fn is_header(names: &[String]) -> bool {
    let is_name = |name: &String| {
        !name.is_empty()
            && name.trim() == name
            && name.len() <= MOST_NAME_BYTES
            && name.split_whitespace().count() <= MOST_NAME_WORDS
            && name.parse::<f64>().is_err()
            && !name.bytes().any(|byte| DELIMITERS.contains(&byte))
    };
    let is_first = |(place, name): (usize, &String)| !names[..place].contains(name);
    names.iter().all(is_name) && names.iter().enumerate().all(is_first)
}

/// Whether the fields of a line are parts of a sentence: spaces follow its commas.
pub(crate) fn is_prose(fields: &[String]) -> bool {
    fields.iter().skip(1).any(|field| field.starts_with(' '))
}
