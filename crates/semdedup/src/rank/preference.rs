//! The places of the values of a column in a list of preferred ones.

use std::collections::HashMap;

use crate::formats::shortened;
use crate::rank::numbers::MISSING;

/// How many values that are not in the list an error shows.
const SHOWN: usize = 5;

/// The places of the values of a column so far.
pub(super) struct Preference<'a> {
    places: HashMap<&'a str, u64>,
    numbers: Vec<u64>,
    missing: u64,
    /// Whether a row has a value of the list.
    is_found: bool,
    /// The first values that are not in the list.
    others: Vec<String>,
}

impl<'a> Preference<'a> {
    /// Starts with a list of values, the best one first, and room for `rows` rows.
    pub(super) fn new(values: &'a [String], rows: usize) -> Self {
        let places = values.iter().map(String::as_str).zip(0..).collect();
        let numbers = Vec::with_capacity(rows);
        Self { places, numbers, missing: 0, is_found: false, others: Vec::new() }
    }

    /// Appends the value of a row.
    pub(super) fn push(&mut self, value: Option<&str>) {
        let place = value.map(|value| self.places.get(value).copied());
        self.numbers.push(match place {
            None => MISSING,
            Some(None) => self.places.len() as u64,
            Some(Some(place)) => place,
        });
        self.missing += u64::from(place.is_none());
        self.is_found |= matches!(place, Some(Some(_)));
        if let (Some(None), Some(value)) = (place, value)
            && self.others.len() < SHOWN
            && !self.others.iter().any(|other| other == value)
        {
            self.others.push(value.to_owned());
        }
    }

    /// The number of rows without a value.
    pub(super) fn missing(&self) -> u64 {
        self.missing
    }

    /// Returns the values that are there instead, if no row has a value of the list.
    pub(super) fn others(&self) -> Option<String> {
        let others = || self.others.iter().map(|value| format!("`{}`", shortened(value)));
        (!self.is_found).then(|| others().collect::<Vec<_>>().join(", "))
    }

    /// Returns a number for each row, of which the smallest ranks first; [`MISSING`] where there is
    /// no value.
    pub(super) fn finish(self) -> Vec<u64> {
        self.numbers
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn values_of_the_list_come_in_its_order_then_all_others_then_rows_without_one() {
        let values = ["wiki".to_owned(), "books".to_owned()];
        let mut found = Preference::new(&values, 6);
        for value in [Some("web"), Some("books"), None, Some("wiki"), Some("Wiki"), Some("books")] {
            found.push(value);
        }
        assert_eq!((found.missing(), found.others()), (1, None));
        assert_eq!(found.finish(), [2, 1, MISSING, 0, 2, 1]);
    }

    #[test]
    fn a_list_of_which_no_row_has_a_value_is_noticed_and_the_values_that_are_there_are_shown() {
        let values = ["wikki".to_owned()];
        let mut found = Preference::new(&values, 4);
        ["wiki", "web", "wiki"].iter().for_each(|value| found.push(Some(value)));
        assert_eq!(found.others().unwrap(), "`wiki`, `web`");
        found.push(Some("wikki"));
        assert_eq!(found.others(), None);
    }
}
