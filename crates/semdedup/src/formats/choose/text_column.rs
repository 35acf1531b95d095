//! Which column of a table is the text: the one asked for, or the only one that it can be. A guess that could be wrong is an error.

use crate::error::{Error, Result};
use crate::formats::choose::binary as held;
use crate::formats::choose::language::{is_language, is_rival};
use crate::formats::choose::listing::shortened;
use crate::formats::choose::table::Table;
use crate::formats::choose::values::values_of;
use crate::formats::columns::{Column, DEFAULT_TEXT, Found, Wanted};
use crate::formats::file::InputFile;
use crate::formats::turns::CHATS;
use crate::formats::usual_names::{is_partner, is_text_name};

/// Of more columns of strings it is not asked which of them is the text.
const MOST_CANDIDATES: usize = 64;

/// The columns of the texts of a file.
#[derive(Debug, Clone)]
pub(crate) struct Texts {
    /// In the order in which they are joined; never empty.
    pub names: Vec<String>,
    /// Those that hold turns.
    pub turns: Vec<String>,
    pub found: Found,
}

impl Texts {
    fn of(columns: &[&Column], found: Found) -> Self {
        let names = |which: &dyn Fn(&Column) -> bool| {
            columns.iter().filter(|column| which(column)).map(|column| column.name.clone()).collect()
        };
        Self { names: names(&|_| true), turns: names(&|column| column.is_turns), found }
    }

    fn plain(name: &str, found: Found) -> Self {
        Self { names: vec![name.to_owned()], turns: Vec::new(), found }
    }
}

impl Table<'_> {
    /// The column of exactly this name, else the columns that it lists.
    pub fn asked(&self, name: &str) -> Result<Texts> {
        if self.knows_nothing() {
            return Ok(Texts::plain(name, Found::Asked));
        }
        let names: Vec<&str> = match self.find(name)? {
            None if name.contains(',') => name.split(',').map(str::trim).collect(),
            _ => vec![name],
        };
        let column = |name: &str| match self.find(name)? {
            Some(column) => self.checked(column, Found::Asked),
            None => Err(self.no_text(name, None)),
        };
        let columns = names.into_iter().map(column).collect::<Result<Vec<_>>>()?;
        Ok(Texts::of(&columns, Found::Asked))
    }

    /// The column that the files before this one have, unless this one has a column that is more likely to be the text.
    pub fn as_in(&self, other: &InputFile, texts: &Texts, wanted: &Wanted) -> Result<Texts> {
        let name = texts.names.first().map_or(DEFAULT_TEXT, String::as_str);
        if self.knows_nothing() {
            return Ok(Texts::plain(name, texts.found));
        }
        let path = other.path.display();
        let named = self.named(&Wanted { text: None, ..*wanted })?;
        if let Some((column, _)) = named.filter(|_| !texts.found.is_certain())
            && !column.name.eq_ignore_ascii_case(name)
        {
            let found = &column.name;
            let problem = format!("has a column `{found}`, but the texts of {path} are read from `{name}`");
            return Err(Error::input(&self.file.path, problem)
                .hint(format!("name the column that both have with --text-column, or run them one by one; --text-column {name} takes `{name}`")));
        }
        if texts.found == Found::Values
            && let Some(own) = self.unasked(&Wanted { text: None, ..*wanted })?
            && own.names != texts.names
        {
            let problem = format!(
                "has its texts in `{}`, but those of {path} are read from `{name}`",
                own.names.join(",")
            );
            return Err(Error::input(&self.file.path, problem)
                .hint(format!("name the column that both have with --text-column, or run them one by one; --text-column {name} takes `{name}`")));
        }
        let column = match self.find(name)? {
            Some(column) => Some(column),
            None => named.map(|(column, _)| column).filter(|column| column.name.eq_ignore_ascii_case(name)),
        };
        match column {
            Some(column) => Ok(Texts::of(&[self.checked(column, texts.found)?], texts.found)),
            None => Err(self
                .no_text(name, None)
                .hint(format!("{path} has its texts in `{name}`; name a column that all files have with --text-column, or run them one by one"))),
        }
    }

    /// The column that is the text for certain; none in a file without rows.
    pub fn unasked(&self, wanted: &Wanted) -> Result<Option<Texts>> {
        if self.knows_nothing() {
            return Ok(Some(Texts::plain(DEFAULT_TEXT, Found::Text)));
        }
        if let Some((column, found)) = self.named(wanted)? {
            self.check_named(column, found, wanted)?;
            return Ok(Some(Texts::of(&[column], found)));
        }
        let mut candidates = Vec::new();
        for column in self.columns.iter().filter(|column| is_candidate(column, wanted)) {
            if column.is_text || (column.is_binary && held::holds_texts(self.file, column)?) {
                candidates.push(column);
            }
        }
        let is_other_text = |column: &&Column| {
            column.may_hold_text
                && !column.is_nested
                && !column.is_image
                && Some(column.name.as_str()) != wanted.embedding
        };
        let (mut likely, mut rivals) = (Vec::new(), 0);
        for column in candidates.iter().take(MOST_CANDIDATES) {
            let Some(values) = values_of(self.file, &column.name)? else { return Ok(None) };
            let values = || values.iter().map(String::as_str);
            match is_language(values()) {
                true => likely.push(*column),
                false => rivals += usize::from(is_partner(&column.name) || is_rival(values())),
            }
        }
        match likely[..] {
            [only]
                if rivals == 0
                    && candidates.len() <= MOST_CANDIDATES
                    && !self.columns.iter().any(|c| is_other_text(&c)) =>
            {
                self.check_header(only)?;
                Ok(Some(Texts::of(&[only], Found::Values)))
            }
            _ => Err(self.no_text(DEFAULT_TEXT, Some(&likely))),
        }
    }

    /// Fails where the name of a column is a sentence: the file has no header, and its first row would be lost as one.
    fn check_header(&self, column: &Column) -> Result<()> {
        let name = column.name.as_str();
        if !is_language([name].into_iter()) {
            return Ok(());
        }
        let problem = format!("the name of a column looks like a text: `{}`", shortened(name));
        Err(Error::input(&self.file.path, problem)
            .hint("if the file has no header, write a line above the first one: text; if that is the name, type it after --text-column"))
    }

    /// Fails where a column has a usual name of texts, but other values than texts have, and another column has these: an `article`
    /// of numbers beside a review, a `passage` that comes again with each of its questions.
    fn check_named(&self, column: &Column, found: Found, wanted: &Wanted) -> Result<()> {
        if found != Found::Name || !column.is_text {
            return Ok(());
        }
        let is_language_in = |column: &Column| -> Result<bool> {
            Ok(values_of(self.file, &column.name)?
                .is_none_or(|values| is_language(values.iter().map(String::as_str))))
        };
        if is_language_in(column)? {
            return Ok(());
        }
        let mut likely = vec![column];
        let others = self.columns.iter().filter(|other| other.name != column.name);
        for other in others.filter(|other| is_candidate(other, wanted)).take(MOST_CANDIDATES) {
            let may_be_text = other.is_turns || (other.is_text && is_language_in(other)?);
            let may_hold =
                other.may_hold_text && !other.is_image && Some(other.name.as_str()) != wanted.embedding;
            if may_be_text || may_hold {
                likely.push(other);
            }
        }
        match likely.len() {
            1 => Ok(()),
            _ => Err(self.no_text(DEFAULT_TEXT, Some(&likely))),
        }
    }

    /// The column that is named for texts or chats.
    fn named(&self, wanted: &Wanted) -> Result<Option<(&Column, Found)>> {
        let usable = |column: &&Column| {
            is_candidate(column, wanted) && (column.is_text || column.is_turns || column.is_binary)
        };
        let columns: Vec<&Column> = self.columns.iter().filter(usable).collect();
        // In tables of pictures either of both may be the caption.
        let has_caption = columns.iter().any(|column| column.name.eq_ignore_ascii_case("caption"));
        let has_image = self.columns.iter().any(|column| column.is_image);
        if let Some(column) = self.find(DEFAULT_TEXT)?
            && !(has_caption && has_image)
        {
            // A file of a guessed column may have any column inside another.
            return Ok(Some((self.checked(column, Found::Text)?, Found::Text)));
        }
        let is_text = |column: &&&Column| column.name.eq_ignore_ascii_case(DEFAULT_TEXT);
        let is_named = |column: &&&Column| {
            let name = column.name.to_ascii_lowercase();
            is_text_name(&name) || (column.is_turns && CHATS.contains(&name.as_str()))
        };
        let mut all: Vec<&Column> = columns.iter().filter(is_text).copied().collect();
        if all.is_empty() || has_caption {
            all.extend(columns.iter().filter(is_named));
        }
        let mut named = Vec::new();
        for column in all {
            // A binary column counts only if its values are texts.
            if !column.is_binary || held::holds_texts(self.file, column)? {
                named.push(column);
            }
        }
        match named[..] {
            [] => Ok(None),
            [only] => Ok(Some((self.checked(only, Found::Name)?, Found::Name))),
            _ => Err(self.no_text(DEFAULT_TEXT, Some(&named))),
        }
    }

    fn checked<'c>(&self, column: &'c Column, found: Found) -> Result<&'c Column> {
        // Of two columns of one name nobody knows which is meant.
        self.find(&column.name)?;
        if column.is_text || column.is_turns {
            return Ok(column);
        }
        if column.is_binary {
            return held::check_text(self.file, column, found).map(|()| column);
        }
        let kind = column.kind.as_deref().unwrap_or("of another type");
        let problem = format!("column `{}` is {kind}, not a string", column.name);
        Err(Error::input(&self.file.path, problem).hint("choose another with --text-column"))
    }
}

/// Whether a column may be taken unasked. One that is always null holds nothing.
fn is_candidate(column: &Column, wanted: &Wanted) -> bool {
    !column.is_nested && column.kind.as_deref() != Some("null") && Some(column.name.as_str()) != wanted.id
}
