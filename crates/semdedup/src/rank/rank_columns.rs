//! Ranks the rows of an input by the keys that read it.

use crate::error::{Error, ErrorKind, Result};
use crate::formats::{Columns, InputFile, of_texts, value_columns};
use crate::input::find::Input;
use crate::keep_keys::KeepKey;
use crate::progress::{Progress, Stage};
use crate::rank::column_reader::{ColumnReader, ReadRows};
use crate::rank::numbers::{Direction, Numbers};
use crate::rank::preference::Preference;
use crate::rank::ranks::refine;
use crate::rank::values::{Unordered, Value, each_text, each_value};
use crate::workdir::row_index::RowIndex;

/// The version of the rules that order values. It is part of the fingerprint of the ranks.
pub(crate) const REVISION: u32 = 1;

/// The keys that rank rows, with the columns that each reads of each file.
#[derive(Debug)]
pub(crate) struct RankColumns {
    keys: Vec<(KeepKey, Vec<Columns>)>,
}

/// The ranks of the rows of an input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ranks {
    /// The rank of each row, from 0 on; the lowest is first.
    pub(crate) ranks: Vec<u32>,
    /// For each key the number of rows without a value.
    pub(crate) missing: Vec<u64>,
}

impl RankColumns {
    /// Finds the columns of the keys, and looks at their first values.
    ///
    /// # Errors
    /// A file without a column; values without an order.
    pub(crate) fn find(input: &Input, keys: &[KeepKey]) -> Result<Self> {
        let columns = |key: &KeepKey| match key.column() {
            Some(name) => value_columns(&input.files, name),
            None => texts_of(input),
        };
        let keys = keys.iter().map(|key| Ok((key.clone(), columns(key)?))).collect::<Result<Vec<_>>>()?;
        for (key, columns) in &keys {
            let mut first = KeyNumbers::new(key, 0);
            ColumnReader { input, columns }.read_first(&mut |rows| first.take(key, &rows))?;
        }
        Ok(Self { keys })
    }

    /// Reads the columns of all rows and ranks the rows. It takes 16 bytes of memory for each row.
    ///
    /// # Errors
    /// Input that cannot be read, or that does not have these rows any more; values without an order;
    /// a column without any value.
    pub(crate) fn rank(&self, input: &Input, row_index: &RowIndex, progress: &dyn Progress) -> Result<Ranks> {
        let rows = row_index.rows();
        let Ok(count) = u32::try_from(rows) else {
            let problem = format!("{rows} rows cannot be ranked by columns, at most {} can", u32::MAX);
            return Err(Error::usage(problem).hint("--keep hard, easy, random or first"));
        };
        progress.begin(Stage::Rank, "bytes", input.bytes() * self.keys.len() as u64);
        let mut ranks = Ranks { ranks: vec![0; count as usize], missing: Vec::new() };
        for (key, columns) in &self.keys {
            let mut found = KeyNumbers::new(key, count as usize);
            let reader = ColumnReader { input, columns };
            let read = reader.read(progress, &mut |rows| found.take(key, &rows))?;
            reader.check_rows(&read, row_index)?;
            ranks.missing.push(found.missing());
            refine(&mut ranks.ranks, &found.finish(key, rows)?);
        }
        Ok(ranks)
    }
}

/// Returns the columns that read the texts of each file.
fn texts_of(input: &Input) -> Result<Vec<Columns>> {
    let of_file = |(file, columns): (&InputFile, &Columns)| {
        let problem = "`longest` compares the lengths of texts, and no texts are compared";
        let none = || Error::input(&file.path, problem).hint("rank by a column, such as --keep max:width");
        of_texts(columns).filter(|_| input.by.text()).ok_or_else(none)
    };
    input.files.iter().zip(&input.columns).map(of_file).collect()
}

/// The values of a key as numbers in the same order.
enum KeyNumbers<'k> {
    /// Of a column that is ordered by its values, or of the lengths of texts.
    Ordered(Numbers),
    Preferred(Preference<'k>),
}

impl<'k> KeyNumbers<'k> {
    /// Starts with room for `rows` rows.
    fn new(key: &'k KeepKey, rows: usize) -> Self {
        match key {
            KeepKey::Prefer { values, .. } => Self::Preferred(Preference::new(values, rows)),
            KeepKey::Longest | KeepKey::Max(_) | KeepKey::Min(_) => {
                Self::Ordered(Numbers::with_capacity(rows))
            }
        }
    }

    /// Appends rows.
    fn take(&mut self, key: &KeepKey, read: &ReadRows) -> Result<()> {
        let ReadRows { file, rows, .. } = read;
        let taken = match (self, key) {
            (Self::Ordered(numbers), KeepKey::Longest) => {
                let length = |text: Option<&str>| {
                    text.map_or(Value::Missing, |text| Value::Whole(text.chars().count() as i64))
                };
                let mut texts = rows.texts.iter().enumerate();
                texts.try_for_each(|(row, text)| {
                    numbers.push(length(text)).map_err(|problem| Unordered { row, problem })
                })
            }
            (Self::Ordered(numbers), _) => each_value(&read.column(), &mut |value| numbers.push(value)),
            (Self::Preferred(places), _) => each_text(&read.column(), &mut |value| {
                places.push(value);
                Ok(())
            }),
        };
        taken.map_err(|Unordered { row, problem }| {
            let (row, column) = (rows.first_row + row as u64, key.column().unwrap_or_default());
            Error::input(&file.path, format!("row {row}: column `{column}` {problem}")).hint(KINDS)
        })
    }

    fn missing(&self) -> u64 {
        match self {
            Self::Ordered(numbers) => numbers.missing(),
            Self::Preferred(places) => places.missing(),
        }
    }

    /// Returns a number for each of the `rows` rows, of which the smallest ranks first.
    ///
    /// # Errors
    /// A column that decides nothing, because no row has a value, or no row has a preferred one.
    fn finish(self, key: &KeepKey, rows: u64) -> Result<Vec<u64>> {
        if self.missing() == rows && rows > 0 {
            return Err(Error::new(ErrorKind::Input, format!("`{key}`: none of {rows} rows has a value"))
                .hint("name another column, or leave the key out"));
        }
        match self {
            Self::Ordered(numbers) => {
                let first = if matches!(key, KeepKey::Min(_)) { Direction::Min } else { Direction::Max };
                Ok(numbers.finish(first))
            }
            Self::Preferred(places) => match places.others() {
                Some(others) if rows > 0 => {
                    let problem = format!("`{key}`: no row has any of these values; there are {others}");
                    Err(Error::new(ErrorKind::Input, problem).hint("name values as the column has them"))
                }
                _ => Ok(places.finish()),
            },
        }
    }
}

const KINDS: &str = "rows can be ranked by numbers, booleans, dates (2024-01-31) or strings, all of one kind in a \
     column, and a missing one is null or an empty field; prefer:COLUMN=VALUE,VALUE ranks by a list of values";
