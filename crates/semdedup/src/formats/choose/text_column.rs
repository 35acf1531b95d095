//! Finds the text column of a table: the column asked for, or the only one that can be the text. A
//! guess that could be wrong is an error.

use crate::error::{Error, Result};
use crate::formats::choose::binary as held;
use crate::formats::choose::candidates::{MOST_CANDIDATES, is_candidate, may_hold};
use crate::formats::choose::language::{is_language, is_rival};
use crate::formats::choose::listing::shortened;
use crate::formats::choose::named_text::NamedText;
use crate::formats::choose::table::Table;
use crate::formats::choose::values::values_of;
use crate::formats::columns::{Column, DEFAULT_TEXT, Found, Wanted};
use crate::formats::file::InputFile;
use crate::formats::list_path::ListPath;
use crate::formats::usual_names::is_partner;

/// The columns of the texts of a file.
#[derive(Debug, Clone)]
pub(crate) struct TextColumns {
    /// The columns in the order in which they are joined; never empty.
    pub names: Vec<String>,
    /// The columns that hold turns.
    pub turns: Vec<String>,
    /// The names that reach into lists.
    pub lists: Vec<String>,
    pub found: Found,
}

impl TextColumns {
    pub(crate) fn of(columns: &[&Column], found: Found) -> Self {
        let names = |which: &dyn Fn(&Column) -> bool| {
            columns.iter().filter(|column| which(column)).map(|column| column.name.clone()).collect()
        };
        let (turns, lists) = (names(&|column| column.is_turns), Vec::new());
        Self { names: names(&|_| true), turns, lists, found }
    }

    pub(crate) fn plain(name: &str, found: Found) -> Self {
        Self { names: vec![name.to_owned()], turns: Vec::new(), lists: Vec::new(), found }
    }

    /// Adds the columns of another choice behind these.
    pub(crate) fn join(mut self, more: Self) -> Self {
        self.names.extend(more.names);
        self.turns.extend(more.turns);
        self.lists.extend(more.lists);
        self
    }
}

impl Table<'_> {
    /// Returns the column of exactly this name, or else the columns that the name lists.
    pub fn asked(&self, name: &str) -> Result<TextColumns> {
        if self.knows_nothing() {
            return Ok(TextColumns::plain(name, Found::Asked));
        }
        let names: Vec<&str> = match self.find(name)? {
            None if name.contains(',') => name.split(',').map(str::trim).collect(),
            _ => vec![name],
        };
        let asked = names.into_iter().map(|name| match (self.find(name)?, ListPath::of(name)) {
            (Some(column), _) => Ok(TextColumns::of(&[self.checked(column, Found::Asked)?], Found::Asked)),
            (None, Some(path)) => {
                self.check_path(name, &path)?;
                let lists = vec![name.to_owned()];
                Ok(TextColumns { lists, ..TextColumns::plain(name, Found::Asked) })
            }
            (None, None) => Err(self.no_text(name, None)),
        });
        let none = TextColumns::of(&[], Found::Asked);
        asked.into_iter().try_fold(none, |joined, more: Result<TextColumns>| Ok(joined.join(more?)))
    }

    /// Returns the column that the files before this one have.
    ///
    /// # Errors
    /// A column of this file that is more likely to be the text.
    pub fn as_in(&self, other: &InputFile, texts: &TextColumns, wanted: &Wanted) -> Result<TextColumns> {
        let name = texts.names.first().map_or(DEFAULT_TEXT, String::as_str);
        if self.knows_nothing() {
            return Ok(TextColumns::plain(name, texts.found));
        }
        let path = other.path.display();
        let differs = |problem: String| {
            Error::input(&self.file.path, problem)
                .hint(format!("name the column that both have with --text-column, or run them one by one; --text-column {name} takes `{name}`"))
        };
        let named = self.named(&Wanted { text: None, ..*wanted })?.map(|named| named.column);
        if let Some(column) = named.filter(|_| !texts.found.is_certain())
            && !column.name.eq_ignore_ascii_case(name)
        {
            let found = &column.name;
            return Err(differs(format!(
                "has a column `{found}`, but the texts of {path} are read from `{name}`"
            )));
        }
        if texts.names.len() > 1 {
            return match self.fine_tuning(&Wanted { text: None, ..*wanted })? {
                Some(own) if own.names == texts.names => Ok(own),
                own => {
                    let own = own.map(|own| format!("has its texts in `{}`", own.names.join(",")));
                    let own = own.unwrap_or_else(|| "has other columns".to_owned());
                    let names = texts.names.join(",");
                    Err(Error::input(
                        &self.file.path,
                        format!("{own}, but the texts of {path} are read from `{names}`"),
                    )
                    .hint("name columns that both have with --text-column, or run them one by one"))
                }
            };
        }
        if texts.found == Found::Values
            && let Some(own) = self.unasked(&Wanted { text: None, ..*wanted })?
            && own.names != texts.names
        {
            let own = own.names.join(",");
            return Err(differs(format!(
                "has its texts in `{own}`, but those of {path} are read from `{name}`"
            )));
        }
        let column = match self.find(name)? {
            Some(column) => Some(column),
            None => named.filter(|column| column.name.eq_ignore_ascii_case(name)),
        };
        match column {
            Some(column) => Ok(TextColumns::of(&[self.checked(column, texts.found)?], texts.found)),
            None => Err(self
                .no_text(name, None)
                .hint(format!("{path} has its texts in `{name}`; name a column that all files have with --text-column, or run them one by one"))),
        }
    }

    /// Returns the column that is certainly the text; `None` in a file without rows.
    pub fn unasked(&self, wanted: &Wanted) -> Result<Option<TextColumns>> {
        if self.knows_nothing() {
            return Ok(Some(TextColumns::plain(DEFAULT_TEXT, Found::Text)));
        }
        if let Some(NamedText { column, found }) = self.named(wanted)? {
            self.check_named(column, found, wanted)?;
            return Ok(Some(TextColumns::of(&[column], found)));
        }
        if let Some(example) = self.fine_tuning(wanted)? {
            return Ok(Some(example));
        }
        let mut candidates = Vec::new();
        for column in self.columns.iter().filter(|column| is_candidate(column, wanted)) {
            if column.is_text || (column.is_binary && held::holds_texts(self.file, column)?) {
                candidates.push(column);
            }
        }
        let (mut likely, mut rivals) = (Vec::new(), 0);
        for column in candidates.iter().take(MOST_CANDIDATES) {
            let Some(values) = values_of(self.file, &column.name)? else { return Ok(None) };
            let values = || values.iter().map(String::as_str);
            match is_language(values()) {
                true => likely.push(*column),
                false => rivals += usize::from(is_partner(&column.name) || is_rival(values())),
            }
        }
        let is_sure = rivals == 0
            && candidates.len() <= MOST_CANDIDATES
            && !self.columns.iter().any(|column| !column.is_nested && may_hold(column, wanted));
        match likely[..] {
            [only] if is_sure => {
                self.check_header(only)?;
                Ok(Some(TextColumns::of(&[only], Found::Values)))
            }
            [] if rivals == 0
                && let Some(column) = self.named_null() =>
            {
                Ok(Some(TextColumns::plain(&column.name, Found::Name)))
            }
            _ => Err(self.no_text(DEFAULT_TEXT, Some(&likely))),
        }
    }

    /// Fails where the name of a column is a sentence: the file has no header, and its first row
    /// would be taken for one.
    fn check_header(&self, column: &Column) -> Result<()> {
        let name = column.name.as_str();
        if !is_language([name].into_iter()) {
            return Ok(());
        }
        let problem = format!("the name of a column looks like a text: `{}`", shortened(name));
        Err(Error::input(&self.file.path, problem)
            .hint("if the file has no header, type --no-header (CSV) or write a line above the first one: text; if that is the name, type it after --text-column"))
    }

    /// Returns a column whose values are texts or turns.
    ///
    /// # Errors
    /// Values of another type; two columns of its name.
    pub(crate) fn checked<'c>(&self, column: &'c Column, found: Found) -> Result<&'c Column> {
        // Fails if there are two columns of this name.
        self.find(&column.name)?;
        if column.is_text || column.is_turns {
            return Ok(column);
        }
        if column.is_binary {
            return held::check_text(self.file, column, found).map(|()| column);
        }
        let kind = column.kind.as_deref().unwrap_or("of another type");
        let name = &column.name;
        let problem = format!("column `{name}` is {kind}, not a string");
        let hint = match column.is_list || column.may_hold_text {
            true => format!(
                "choose another with --text-column; {name}[*] reaches into a list, {name}[*].FIELD into its objects"
            ),
            false => "choose another with --text-column".to_owned(),
        };
        Err(Error::input(&self.file.path, problem).hint(hint))
    }
}
