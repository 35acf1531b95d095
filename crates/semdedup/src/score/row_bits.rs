//! A set of rows that takes one bit for each row of the data.

/// A set of rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct RowBits {
    words: Vec<u64>,
}

impl RowBits {
    /// Makes an empty set that has room for this many rows.
    pub(crate) fn with_room(rows: usize) -> Self {
        Self { words: vec![0; rows.div_ceil(64)] }
    }

    /// Adds a row.
    pub(crate) fn insert(&mut self, row: usize) {
        self.words[row / 64] |= 1 << (row % 64);
    }

    /// Returns whether the set has no room for any row.
    pub(crate) fn is_without_room(&self) -> bool {
        self.words.is_empty()
    }

    /// Returns whether a row is in the set.
    pub(crate) fn contains(&self, row: usize) -> bool {
        self.words.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    /// Lists the rows, ascending.
    pub(crate) fn rows(&self) -> impl Iterator<Item = usize> {
        let of_word = |(place, &word): (usize, &u64)| {
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| place * 64 + bit)
        };
        self.words.iter().enumerate().filter(|(_, word)| **word != 0).flat_map(of_word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_the_rows_that_were_added_in_order() {
        let mut bits = RowBits::with_room(200);
        [199, 0, 63, 64, 0].into_iter().for_each(|row| bits.insert(row));
        assert!(bits.rows().eq([0, 63, 64, 199]));
        assert!((0..300).filter(|&row| bits.contains(row)).eq([0, 63, 64, 199]));
    }
}
