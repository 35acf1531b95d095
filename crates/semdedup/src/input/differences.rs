//! Says what differs between the texts of rows and those of the rows that they duplicate, for any
//! number of rows.
//!
//! The input is read once for a batch of pairs, and of each text an [`Outline`] of a few hundred
//! bytes is kept. That decides all pairs but those in which one text may contain the other. Their
//! texts are read again, as many at once as memory holds.

use rayon::prelude::*;
use semdedup_core::NO_ROW;

use crate::difference::kind::Difference;
use crate::difference::outline::Outline;
use crate::error::Result;
use crate::formats::{WantedTexts, take_texts};
use crate::input::find::Input;
use crate::input::read_rows::read_ascending;
use crate::memory::Memory;
use crate::workdir::row_index::RowIndex;

/// The bytes that a pair takes at most while its batch is compared: the outlines of two texts,
/// twice while those of several files become one list, and row numbers.
const BYTES_PER_PAIR: u64 = 4 * size_of::<Option<Outline>>() as u64 + 128;

/// The fewest pairs of a batch: with fewer, the input would be read too often.
const LEAST_PAIRS: u64 = 1 << 14;

/// How much is compared at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchSize {
    /// The pairs of a batch, at least 1.
    pairs: usize,
    /// The bytes of the texts that are in memory at once. A pair with longer texts is read by
    /// itself.
    text_bytes: u64,
}

impl BatchSize {
    /// Returns the size of batches for which memory is enough.
    pub(crate) fn within(memory: Memory) -> Self {
        let half = memory.bytes() / 2;
        Self { pairs: (half / BYTES_PER_PAIR).max(LEAST_PAIRS) as usize, text_bytes: half }
    }
}

/// A row and the row that it duplicates, [`NO_ROW`] if none.
pub(crate) type Pair = [u64; 2];

/// The texts of the rows of an input.
pub(crate) struct RowTexts<'a> {
    pub(crate) input: &'a Input,
    pub(crate) row_index: &'a RowIndex,
}

impl RowTexts<'_> {
    /// Returns what differs in each pair, in order; `None` where a text is missing. Reads the input
    /// once or more for each batch of the pairs.
    ///
    /// # Errors
    /// Input that is not there any more, has changed, or cannot be read.
    pub(crate) fn differences(&self, pairs: &[Pair], size: BatchSize) -> Result<Vec<Option<Difference>>> {
        let mut found = Vec::with_capacity(pairs.len());
        for pairs in pairs.chunks(size.pairs) {
            found.extend(self.of_batch(pairs, size)?);
        }
        Ok(found)
    }

    fn of_batch(&self, pairs: &[Pair], size: BatchSize) -> Result<Vec<Option<Difference>>> {
        let outlines = self.read(pairs.iter(), &Outline::of)?;
        let of = |pair: &Pair| Some([outlines.get(pair[0])?, outlines.get(pair[1])?]);
        let decide = |pair: &Pair| of(pair).and_then(|[one, other]| one.difference(other));
        let mut found: Vec<Option<Difference>> = pairs.par_iter().map(decide).collect();
        let is_open = |&place: &usize| found[place].is_none() && of(&pairs[place]).is_some();
        let open: Vec<usize> = (0..pairs.len()).filter(is_open).collect();
        let bytes = |place: usize| {
            of(&pairs[place]).map_or(0, |[one, other]| one.bytes().saturating_add(other.bytes()))
        };
        let mut open = &open[..];
        while !open.is_empty() {
            let (now, later) = open.split_at(fitting(open, size.text_bytes, bytes));
            let texts = self.read(now.iter().map(|place| &pairs[*place]), &str::to_owned)?;
            let compare = |place: &usize| {
                let pair = &pairs[*place];
                let ([one, other], texts) = (of(pair)?, [texts.get(pair[0])?, texts.get(pair[1])?]);
                Some(one.difference_of_texts(other, texts[0], texts[1]))
            };
            let compared: Vec<Option<Difference>> = now.par_iter().map(compare).collect();
            now.iter().zip(compared).for_each(|(place, difference)| found[*place] = difference);
            open = later;
        }
        Ok(found)
    }

    /// Reads the texts of all rows of pairs, and keeps something of each.
    fn read<'p, T: Send>(
        &self,
        pairs: impl Iterator<Item = &'p Pair>,
        take: &(dyn Fn(&str) -> T + Sync),
    ) -> Result<OfRows<T>> {
        let mut rows: Vec<u64> = pairs.flatten().copied().filter(|row| *row != NO_ROW).collect();
        rows.sort_unstable();
        rows.dedup();
        let values = read_ascending(self.input, self.row_index, &rows, &|file, columns, limits, rows| {
            take_texts(file, columns, limits, &WantedTexts { rows, take })
        })?;
        Ok(OfRows { rows, values })
    }
}

/// What was kept of the texts of rows.
struct OfRows<T> {
    /// The numbers of the rows, ascending.
    rows: Vec<u64>,
    values: Vec<Option<T>>,
}

impl<T> OfRows<T> {
    fn get(&self, row: u64) -> Option<&T> {
        self.values[self.rows.binary_search(&row).ok()?].as_ref()
    }
}

/// Returns how many of the first places fit into `most` bytes, at least one.
fn fitting(places: &[usize], most: u64, bytes: impl Fn(usize) -> u64) -> usize {
    let mut total = 0u64;
    let fits = |place: &&usize| {
        total = total.saturating_add(bytes(**place));
        total <= most
    };
    places.iter().take_while(fits).count().max(1)
}

#[cfg(test)]
#[path = "differences_tests.rs"]
mod tests;
