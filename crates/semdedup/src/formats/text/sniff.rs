//! Finds the dialect of a CSV file by its first records. Where two dialects fit equally well, the
//! user has to say which one is meant.

use crate::error::{Error, Result};
use crate::formats::columns::ColumnChoice;
use crate::formats::dialect::{Dialect, DialectChoice, Escape, Quirks, Quote};
use crate::formats::file::InputFile;
use crate::formats::text::delimiters::{DELIMITERS, delimiter_option, shown};
use crate::formats::text::fit::{Fit, Sample, shapes};
use crate::formats::usual_names::is_text_name;

/// At most this many lines of comments are skipped above a header…
const MOST_COMMENTS: usize = 64;
/// …and this many of a title.
const MOST_TITLES: usize = 3;
/// The name of a column that nobody names is at most this long, in bytes…
const MOST_NAME_BYTES: usize = 64;
/// …and has at most this many words.
const MOST_NAME_WORDS: usize = 4;

/// Returns the dialect of a file. `own` is the delimiter that its name stands for.
///
/// # Errors
/// A file that several dialects fit; a store that does not return the file.
pub(crate) fn sniff(
    file: &InputFile,
    own: u8,
    choice: &DialectChoice,
    columns: &ColumnChoice,
) -> Result<Dialect> {
    let sample = Sample::read(file)?;
    let sniffer = Sniffer { sample: &sample, own, choice, text: columns.text.as_deref() };
    sniffer.dialect().map_err(|doubt| {
        Error::input(&file.path, doubt.problem()).hint(format!(
            "type which it is: {}",
            doubt
                .0
                .iter()
                .map(|fit| delimiter_option(fit.dialect.delimiter))
                .collect::<Vec<_>>()
                .join(" or ")
        ))
    })
}

/// What is known of a file whose dialect is looked for.
pub(crate) struct Sniffer<'a> {
    pub sample: &'a Sample,
    /// The delimiter that the name of the file stands for.
    pub own: u8,
    pub choice: &'a DialectChoice,
    /// The text column that the user names.
    pub text: Option<&'a str>,
}

/// Several dialects that fit a file.
#[derive(Debug)]
pub(crate) struct Doubt(Vec<Fit>);

impl Doubt {
    fn problem(&self) -> String {
        let described = |fit: &Fit| {
            let names: Vec<String> =
                fit.names.iter().take(4).map(|name| format!("`{}`", name.escape_debug())).collect();
            let delimiter = shown(fit.dialect.delimiter);
            format!("`{delimiter}` ({} columns: {})", fit.names.len(), names.join(", "))
        };
        let fits: Vec<String> = self.0.iter().map(described).collect();
        format!("the columns may be separated by {}", fits.join(" or by "))
    }
}

impl Sniffer<'_> {
    /// Returns the dialect of the file.
    pub fn dialect(&self) -> std::result::Result<Dialect, Doubt> {
        let said = self.said_delimiter().filter(|_| !self.is_named(&self.marked(self.own, 0)));
        let above = u32::from(said.is_some());
        if let Some(delimiter) = self.choice.delimiter.or(said) {
            let dialect = self.best(delimiter, above).dialect;
            return Ok(Dialect { is_asked: true, ..dialect });
        }
        let own = self.best(self.own, 0);
        let others = || DELIMITERS.into_iter().filter(|other| *other != self.own);
        let has_other = |name: &String| others().any(|other| name.contains(char::from(other)));
        if self.is_named(&own) || own.is_good() && !own.names.iter().any(has_other) {
            return Ok(own.dialect);
        }
        let marks = [self.choice.quote.and_then(Quote::byte), self.choice.escape.and_then(Escape::byte)];
        let others = others().filter(|other| !marks.contains(&Some(*other)));
        let others = others.map(|delimiter| self.best(delimiter, 0)).collect();
        decide(own, others).map(|fit| fit.dialect)
    }

    /// Whether the user names the whole header as the column of the texts.
    fn is_named(&self, fit: &Fit) -> bool {
        matches!(&fit.names[..], [only] if self.text == Some(only))
    }

    /// Returns the delimiter that a first line `sep=;` names, as Excel writes it.
    fn said_delimiter(&self) -> Option<u8> {
        let first = self.sample.lines().next()?;
        let first = first.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(first);
        match first.split_at_checked(4)? {
            (sep, [delimiter]) if sep.eq_ignore_ascii_case(b"sep=") && delimiter.is_ascii() => {
                Some(*delimiter)
            }
            _ => None,
        }
    }

    /// Returns the best dialect with this delimiter. At least `above` lines are above the header.
    fn best(&self, delimiter: u8, above: u32) -> Fit {
        let plain = self.marked(delimiter, above);
        let has_header = !self.choice.no_header;
        if has_header && self.has_text(&plain.names) {
            return plain;
        }
        let dialect = self.dialect_of(delimiter, above);
        let comments = self.lines_above(above, MOST_COMMENTS, |line| is_comment(line, delimiter));
        if comments > above && has_header {
            let lower = self.marked(delimiter, comments);
            if lower.rows > 0 && self.has_text(&lower.names) && is_header(&lower.names) {
                return lower;
            }
        }
        if plain.is_good() {
            return plain;
        }
        let titles = self.lines_above(above, MOST_TITLES, |line| {
            has_header && (is_comment(line, delimiter) || is_title(line, &dialect))
        });
        for lines in [titles, comments].into_iter().filter(|lines| *lines > above) {
            let lower = self.marked(delimiter, lines);
            let is_whole = lower.is_good() && lower.matched == lower.rows;
            if is_whole && (!has_header || is_header(&lower.names)) {
                return lower;
            }
        }
        plain
    }

    /// Counts the lines that are above a header, `above` and those that follow; returns `above` if
    /// more than `most` follow.
    fn lines_above(&self, above: u32, most: usize, is_above: impl Fn(&[u8]) -> bool) -> u32 {
        let lines = self.sample.lines().skip(above as usize).take(most + 1);
        match lines.take_while(|line| is_above(line)).count() {
            count if count <= most => above + count as u32,
            _ => above,
        }
    }

    /// Returns the best dialect with this delimiter and this many lines above the header. Other
    /// marks than the usual ones must read more rows.
    fn marked(&self, delimiter: u8, above: u32) -> Fit {
        let usual = self.dialect_of(delimiter, above);
        let mut best = Fit::of(self.sample, usual);
        let may_be_meant = best.names.len() > 1 || delimiter == self.own;
        if best.clean == best.rows || !may_be_meant {
            return best;
        }
        let quotes = self.choice.quote.map_or(vec![Quote::default(), Quote(Some('\''))], |quote| vec![quote]);
        let escapes =
            self.choice.escape.map_or(vec![Escape::default(), Escape(Some('\\'))], |escape| vec![escape]);
        for quote in quotes {
            for &escape in &escapes {
                let fit = Fit::of(
                    self.sample,
                    Dialect { quirks: Quirks { quote, escape, ..usual.quirks }, ..usual },
                );
                if is_better(&fit, &best) {
                    best = fit;
                }
            }
        }
        best
    }

    /// Returns the dialect with these settings, with the marks that the user names or else the usual
    /// ones.
    fn dialect_of(&self, delimiter: u8, above: u32) -> Dialect {
        let DialectChoice { quote, escape, no_header, delimiter: asked } = *self.choice;
        let quirks = Quirks {
            quote: quote.unwrap_or_default(),
            escape: escape.unwrap_or_default(),
            no_header,
            lines_above_header: above,
            trailing_delimiter: false,
        };
        Dialect { quirks, is_asked: asked.is_some(), ..Dialect::new(delimiter) }
    }

    /// Whether a column is the text by its name.
    fn has_text(&self, names: &[String]) -> bool {
        names.iter().any(|name| match self.text {
            Some(text) => name == text || text.split(',').any(|part| part.trim() == name),
            None => {
                let name = name.trim_start_matches('#').trim().to_ascii_lowercase();
                name == "text" || is_text_name(&name)
            }
        })
    }
}

/// Whether a dialect with unusual marks is better than one with others.
fn is_better(fit: &Fit, other: &Fit) -> bool {
    match fit.dialect.quirks.quote == other.dialect.quirks.quote {
        true => fit.clean > other.clean && fit.matched >= other.matched,
        false => fit.rows - fit.matched < other.rows - other.matched && fit.quoted > other.quoted,
    }
}

/// Chooses among the best dialects of each delimiter. `own`, that of the file's name, is taken
/// unless another one is certain.
fn decide(own: Fit, mut others: Vec<Fit>) -> std::result::Result<Fit, Doubt> {
    others.retain(Fit::is_good);
    let has_more_columns = others.iter().all(|other| other.names.len() < own.names.len());
    if others.is_empty() || own.is_good() && has_more_columns {
        return Ok(own);
    }
    let is_possible = own.names.len() > 1 && 2 * own.matched >= own.rows;
    let mut fits: Vec<Fit> = is_possible.then_some(own).into_iter().chain(others).collect();
    if fits.len() > 1 {
        // A field in quotes tells the delimiters around it.
        let mut quoted = fits.iter().filter(|fit| fit.quoted > 0);
        match (quoted.next(), quoted.next()) {
            (Some(only), None) => return Ok(only.clone()),
            _ => return Err(Doubt(fits)),
        }
    }
    fits.pop().ok_or(Doubt(fits))
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
fn is_header(names: &[String]) -> bool {
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

#[cfg(test)]
#[path = "sniff_tests.rs"]
mod tests;
