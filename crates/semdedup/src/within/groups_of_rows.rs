//! Numbers the values of a column: rows of one number agree.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::formats::{Columns, value_columns};
use crate::input::find::Input;
use crate::progress::{Progress, Stage};
use crate::rank::column_reader::{ColumnReader, ReadRows};
use crate::rank::values::each_text;
use crate::workdir::row_index::RowIndex;

/// The most different values. With more of them hardly any two rows agree.
const MOST_VALUES: usize = 1 << 20;

/// The most bytes of all values together.
const MOST_BYTES: usize = 64 << 20;

/// The column on which compared rows agree, in each file.
#[derive(Debug)]
pub(crate) struct WithinColumn {
    name: String,
    columns: Vec<Columns>,
}

impl WithinColumn {
    /// Finds the column in all files, and looks at its first values.
    ///
    /// # Errors
    /// A file without the column; values that are lists, objects or bytes.
    pub(crate) fn find(input: &Input, name: &str) -> Result<Self> {
        let columns = value_columns(&input.files, name)?;
        let found = Self { name: name.to_owned(), columns };
        let mut first = Values::default();
        ColumnReader { input, columns: &found.columns }.read_first(&mut |rows| first.take(name, &rows))?;
        Ok(found)
    }

    /// Reads the column of all rows. Returns a number for each row; rows without a value have one of
    /// their own. It takes 4 bytes for each row, besides the different values.
    ///
    /// # Errors
    /// Input that cannot be read, or that does not have these rows any more; too many values.
    pub(crate) fn read(
        &self,
        input: &Input,
        row_index: &RowIndex,
        progress: &dyn Progress,
    ) -> Result<Vec<u32>> {
        progress.begin(Stage::Within, "bytes", input.bytes());
        let mut values =
            Values { groups: Vec::with_capacity(row_index.rows() as usize), ..Values::default() };
        let reader = ColumnReader { input, columns: &self.columns };
        let read = reader.read(progress, &mut |rows| values.take(&self.name, &rows))?;
        reader.check_rows(&read, row_index)?;
        Ok(values.groups)
    }
}

/// The values so far.
#[derive(Default)]
struct Values {
    /// The number of each row's value.
    groups: Vec<u32>,
    /// The number of each value. That of a row without one is 0.
    numbers: HashMap<Box<str>, u32>,
    bytes: usize,
}

impl Values {
    /// Appends rows.
    fn take(&mut self, name: &str, read: &ReadRows) -> Result<()> {
        let ReadRows { file, rows, .. } = read;
        let column = read.column();
        let taken = each_text(&column, &mut |value| {
            let number = value.map_or(Ok(0), |value| self.number(value))?;
            self.groups.push(number);
            Ok(())
        });
        taken.map_err(|unordered| {
            let row = rows.first_row + unordered.row as u64;
            let problem = format!("row {row}: column `{name}` {}", unordered.problem);
            Error::input(&file.path, problem)
                .hint("--within takes a column of categories, such as a language or a source")
        })
    }

    fn number(&mut self, value: &str) -> std::result::Result<u32, String> {
        if let Some(&number) = self.numbers.get(value) {
            return Ok(number);
        }
        self.bytes += value.len();
        if self.numbers.len() == MOST_VALUES || self.bytes > MOST_BYTES {
            let mib = MOST_BYTES >> 20;
            return Err(format!("holds more than {MOST_VALUES} different values, or {mib} MiB of them"));
        }
        let number = 1 + self.numbers.len() as u32;
        self.numbers.insert(value.into(), number);
        Ok(number)
    }
}
