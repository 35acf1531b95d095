//! Finds the dialect of a CSV file by its first records. Where two dialects fit equally well, the
//! user has to say which one is meant.

use crate::error::{Error, Result};
use crate::formats::columns::ColumnChoice;
use crate::formats::dialect::{Dialect, DialectChoice, Escape, Quirks, Quote};
use crate::formats::file::InputFile;
use crate::formats::text::delimiters::{DELIMITERS, delimiter_option, shown};
use crate::formats::text::fit::{Fit, Sample, is_most};
use crate::formats::text::titles::{MOST_TITLES, comments_above, is_header, is_prose, titles_above};
use crate::formats::usual_names::is_text_name;

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
    sniffer.dialect().map_err(|doubt| Error::input(&file.path, doubt.problem()).hint(doubt.hint()))
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
pub(crate) enum Doubt {
    /// Each has another delimiter.
    Delimiters(Vec<Fit>),
    /// The first record may be a title, and the header below it: the fields of both.
    Title { first: Vec<String>, below: Vec<String> },
}

impl Doubt {
    pub fn problem(&self) -> String {
        let columns = |names: &[String]| {
            let shown: Vec<String> =
                names.iter().take(4).map(|name| format!("`{}`", name.escape_debug())).collect();
            format!("({} columns: {})", names.len(), shown.join(", "))
        };
        match self {
            Self::Delimiters(fits) => {
                let described =
                    |fit: &Fit| format!("`{}` {}", shown(fit.dialect.delimiter), columns(&fit.names));
                let fits: Vec<String> = fits.iter().map(described).collect();
                format!("the columns may be separated by {}", fits.join(" or by "))
            }
            Self::Title { first, below } => format!(
                "the header may be the first line {} or, below a title, the next one {}",
                columns(first),
                columns(below)
            ),
        }
    }

    pub fn hint(&self) -> String {
        match self {
            Self::Delimiters(fits) => {
                let options: Vec<String> =
                    fits.iter().map(|fit| delimiter_option(fit.dialect.delimiter)).collect();
                format!("type which it is: {}", options.join(" or "))
            }
            Self::Title { .. } => {
                "name the column of the texts as its header does, with --text-column".to_owned()
            }
        }
    }
}

impl Sniffer<'_> {
    /// Returns the dialect of the file.
    pub fn dialect(&self) -> std::result::Result<Dialect, Doubt> {
        let said = self.said_delimiter().filter(|_| !self.is_named(&self.marked(self.own, 0)));
        let above = u32::from(said.is_some());
        if let Some(delimiter) = self.choice.delimiter.or(said) {
            let dialect = self.best(delimiter, above)?.dialect;
            return Ok(Dialect { is_asked: true, ..dialect });
        }
        let own = self.best(self.own, 0)?;
        let others = || DELIMITERS.into_iter().filter(|other| *other != self.own);
        let has_other = |name: &String| others().any(|other| name.contains(char::from(other)));
        if self.is_named(&own) || own.is_good() && !own.names.iter().any(has_other) {
            return Ok(own.dialect);
        }
        let marks = [self.choice.quote.and_then(Quote::byte), self.choice.escape.and_then(Escape::byte)];
        let others = others().filter(|other| !marks.contains(&Some(*other)));
        // A title is asked for only with the delimiter of the name.
        let others = others.filter_map(|delimiter| self.best(delimiter, 0).ok()).collect();
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
    fn best(&self, delimiter: u8, above: u32) -> std::result::Result<Fit, Doubt> {
        let plain = self.marked(delimiter, above);
        let has_header = !self.choice.no_header;
        if has_header && self.has_text(&plain.names) {
            return Ok(plain);
        }
        let dialect = self.dialect_of(delimiter, above);
        let comments = comments_above(self.sample, &dialect);
        if comments > above && has_header {
            let lower = self.marked(delimiter, comments);
            if lower.rows > 0 && self.has_text(&lower.names) && is_header(&lower.names) {
                return Ok(lower);
            }
        }
        if has_header && let Some(lower) = self.below_title(&plain) {
            let is_doubtful = plain.is_good() && self.text.is_none();
            return match is_doubtful {
                true => Err(Doubt::Title { first: plain.names, below: lower.names }),
                false => Ok(lower),
            };
        }
        if plain.is_good() {
            return Ok(plain);
        }
        let titles = if has_header { titles_above(self.sample, &dialect) } else { above };
        for lines in [titles, comments].into_iter().filter(|lines| *lines > above) {
            let lower = self.marked(delimiter, lines);
            let is_whole = lower.is_good() && lower.matched == lower.rows;
            if is_whole && (!has_header || is_header(&lower.names)) {
                return Ok(lower);
            }
        }
        Ok(plain)
    }

    /// Returns the best dialect with a header below a title that has delimiters in it; none if the
    /// first line, that of `plain`, is the header as far as this can be told.
    fn below_title(&self, plain: &Fit) -> Option<Fit> {
        let Dialect { delimiter, quirks, .. } = plain.dialect;
        let may_be_title = match plain.is_good() {
            true => is_prose(&plain.names),
            false => plain.names.len() > 1 && 2 * plain.matched < plain.rows,
        };
        let lines = (1..=MOST_TITLES as u32).filter(|_| may_be_title);
        let mut below = lines.map(|more| self.marked(delimiter, quirks.lines_above_header + more));
        below.find(|lower| {
            let is_whole = lower.is_good() && lower.matched == lower.rows && is_header(&lower.names);
            let is_told =
                || self.has_text(&lower.names) || !is_header(&plain.names) && lower.has_numbers(self.sample);
            is_whole && is_told()
        })
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
        for quirks in self.variants(usual.quirks) {
            let fit = Fit::of(self.sample, Dialect { quirks, ..usual });
            if is_better(&fit, &best) {
                best = fit;
            }
        }
        // Of one column, nearly every line is a row.
        let may_be_escaped = best.matched < best.rows && best.names.len() > 1;
        may_be_escaped.then(|| self.escaped(usual)).flatten().unwrap_or(best)
    }

    /// Returns the dialect of databases, without quotes and with backslashes before delimiters and line
    /// breaks, if every row fits in it, and not all fit where backslashes are letters.
    fn escaped(&self, usual: Dialect) -> Option<Fit> {
        let may_be_meant = self.choice.quote.is_none() && self.choice.escape.is_none();
        let of = |escape| {
            let quirks = Quirks { quote: Quote(None), escape: Escape(escape), ..usual.quirks };
            Fit::of(self.sample, Dialect { quirks, ..usual })
        };
        may_be_meant.then(|| of(None)).filter(|letters| letters.matched < letters.rows)?;
        Some(of(Some('\\'))).filter(|fit| fit.matched == fit.rows && fit.rows > 0)
    }

    /// Returns the marks that are tried beside the usual ones, apart from those that the user names.
    fn variants(&self, usual: Quirks) -> Vec<Quirks> {
        let quotes = self.choice.quote.map_or(vec![Quote::default(), Quote(Some('\''))], |quote| vec![quote]);
        let escapes =
            self.choice.escape.map_or(vec![Escape::default(), Escape(Some('\\'))], |escape| vec![escape]);
        let marks = |quote| escapes.iter().map(move |&escape| Quirks { quote, escape, ..usual });
        let mut variants: Vec<Quirks> = quotes.into_iter().flat_map(marks).collect();
        if self.choice.quote != Some(Quote(None)) {
            variants.push(Quirks { skip_spaces: true, ..usual });
        }
        variants
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
            skip_spaces: false,
            plain_backslash: escape == Some(Escape(None)),
        };
        Dialect { quirks, is_asked: asked.is_some(), ..Dialect::new(delimiter) }
    }

    /// Whether a column is the text by its name.
    fn has_text(&self, names: &[String]) -> bool {
        names.iter().any(|name| match self.text {
            Some(text) => name == text || text.split(',').any(|part| part.trim() == name.trim()),
            None => {
                let name = name.trim_start_matches('#').trim().to_ascii_lowercase();
                name == "text" || is_text_name(&name)
            }
        })
    }
}

/// Whether a dialect with unusual marks is better than one with others.
fn is_better(fit: &Fit, other: &Fit) -> bool {
    let (marks, others) = (fit.dialect.quirks, other.dialect.quirks);
    if marks.skip_spaces {
        // A quote behind a space is a letter in some rows of a file that has no quotes.
        let gain = fit.clean.saturating_sub(other.clean);
        let is_gain = fit.matched > other.matched || fit.matched == other.matched && 2 * gain >= fit.rows;
        return is_gain && fit.quoted > other.quoted && is_most(fit.clean, fit.rows);
    }
    match marks.quote == others.quote {
        true if fit.clean == fit.rows && other.clean < other.rows => fit.rows > 0,
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
            _ => return Err(Doubt::Delimiters(fits)),
        }
    }
    fits.pop().ok_or(Doubt::Delimiters(fits))
}

#[cfg(test)]
#[path = "sniff_tests.rs"]
mod tests;
