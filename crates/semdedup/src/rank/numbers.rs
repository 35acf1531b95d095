//! The values of a column as numbers in the same order.

use std::collections::HashMap;

use crate::formats::shortened;
use crate::rank::values::Value;

/// Stands for a row without a value, which ranks after all others.
pub(super) const MISSING: u64 = u64::MAX;

/// The most different texts of a column that is ordered by them. More of them are hardly categories,
/// and all of them are in memory.
const MOST_TEXTS: usize = 1 << 20;

/// The most bytes of these texts together.
const MOST_TEXT_BYTES: usize = 64 << 20;

/// The row that ranks first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// The one with the smallest value.
    Min,
    /// The one with the largest value.
    Max,
}

/// The values of a column so far, as numbers in the same order, from 1 to [`MISSING`] − 1.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    kind: Option<Kind>,
    numbers: Vec<u64>,
    /// The texts, each with the number of those that were there before it.
    texts: HashMap<Box<str>, u64>,
    text_bytes: usize,
    missing: u64,
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Whole numbers so far, in the order of i64.
    Whole,
    /// Numbers, in the order of f64.
    Real,
    Truth,
    Time,
    Text,
}

impl Kind {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Missing => None,
            Value::Whole(number) => Some(if of_whole(*number).is_some() { Self::Whole } else { Self::Real }),
            Value::Real(_) => Some(Self::Real),
            Value::Truth(_) => Some(Self::Truth),
            Value::Time(_) => Some(Self::Time),
            Value::Text(_) => Some(Self::Text),
        }
    }

    fn is_number(self) -> bool {
        matches!(self, Self::Whole | Self::Real)
    }

    /// The name in messages.
    fn name(self) -> &'static str {
        match self {
            Self::Whole | Self::Real => "number",
            Self::Truth => "boolean",
            Self::Time => "date",
            Self::Text => "string",
        }
    }
}

impl Numbers {
    /// Makes room for the values of `rows` rows.
    pub(super) fn with_capacity(rows: usize) -> Self {
        Self { numbers: Vec::with_capacity(rows), ..Self::default() }
    }

    /// Appends the value of a row.
    ///
    /// # Errors
    /// A value of another kind than those before, or too many different texts; the problem in words.
    pub(super) fn push(&mut self, value: Value) -> Result<(), String> {
        let number = match Kind::of(&value) {
            None => MISSING,
            Some(kind) => {
                self.settle(kind, &value)?;
                self.number(value)?
            }
        };
        self.missing += u64::from(number == MISSING);
        self.numbers.push(number);
        Ok(())
    }

    /// Settles the kind of the column, to which one more value belongs.
    fn settle(&mut self, kind: Kind, value: &Value) -> Result<(), String> {
        match self.kind {
            None => self.kind = Some(kind),
            Some(known) if known == kind || (known.is_number() && kind == Kind::Whole) => {}
            Some(Kind::Whole) if kind == Kind::Real => {
                self.kind = Some(Kind::Real);
                let numbers = self.numbers.iter_mut().filter(|number| **number != MISSING);
                numbers.for_each(|number| *number = of_real(whole_of(*number) as f64));
            }
            Some(known) => {
                let shown = match value {
                    Value::Text(text) => format!("`{}`, a string", shortened(text)),
                    _ => format!("a {}", kind.name()),
                };
                return Err(format!("is {shown}, and the first value is a {}", known.name()));
            }
        }
        Ok(())
    }

    /// Returns the number of a value of the kind of the column.
    fn number(&mut self, value: Value) -> Result<u64, String> {
        Ok(match value {
            Value::Missing => MISSING,
            Value::Whole(number) if self.kind == Some(Kind::Real) => of_real(number as f64),
            Value::Whole(number) => of_whole(number).unwrap_or(MISSING),
            Value::Real(number) => of_real(number),
            Value::Truth(truth) => 1 + u64::from(truth),
            Value::Time(time) => of_whole(time.clamp(i64::MIN + 1, i64::MAX - 1)).unwrap_or(MISSING),
            Value::Text(text) => self.text(text)?,
        })
    }

    /// Returns the number of a text: 1 + the number of different texts before it.
    fn text(&mut self, text: &str) -> Result<u64, String> {
        if let Some(number) = self.texts.get(text) {
            return Ok(1 + number);
        }
        self.text_bytes += text.len();
        if self.texts.len() == MOST_TEXTS || self.text_bytes > MOST_TEXT_BYTES {
            return Err(format!(
                "holds more than {MOST_TEXTS} different strings, or {} MiB of them",
                MOST_TEXT_BYTES >> 20
            ));
        }
        let number = self.texts.len() as u64;
        self.texts.insert(text.into(), number);
        Ok(1 + number)
    }

    /// The number of rows without a value.
    pub(super) fn missing(&self) -> u64 {
        self.missing
    }

    /// Returns a number for each row, of which the smallest ranks first; [`MISSING`] where there is
    /// no value. Texts are in the order of their Unicode code points.
    pub(super) fn finish(mut self, first: Direction) -> Vec<u64> {
        if self.kind == Some(Kind::Text) {
            let mut texts: Vec<(Box<str>, u64)> = self.texts.drain().collect();
            // The order of the bytes of UTF-8 is that of the code points.
            texts.sort_unstable();
            let mut place = vec![0; texts.len()];
            (1..).zip(&texts).for_each(|(number, (_, old))| place[*old as usize] = number);
            let numbers = self.numbers.iter_mut().filter(|number| **number != MISSING);
            numbers.for_each(|number| *number = place[*number as usize - 1]);
        }
        if first == Direction::Max {
            let numbers = self.numbers.iter_mut().filter(|number| **number != MISSING);
            numbers.for_each(|number| *number = !*number);
        }
        self.numbers
    }
}

const SIGN: u64 = 1 << 63;

/// Maps whole numbers to numbers in the same order; none for the two that are taken.
fn of_whole(number: i64) -> Option<u64> {
    (number != i64::MIN && number != i64::MAX).then_some(number as u64 ^ SIGN)
}

/// Returns the whole number that [`of_whole`] maps.
fn whole_of(number: u64) -> i64 {
    (number ^ SIGN) as i64
}

/// Maps floats that are not NaN to numbers in the same order (−0 equals +0). The ends of u64 would be
/// NaN.
fn of_real(number: f64) -> u64 {
    let bits = (number + 0.0).to_bits();
    if bits & SIGN != 0 { !bits } else { bits | SIGN }
}

#[cfg(test)]
#[path = "numbers_tests.rs"]
mod tests;
