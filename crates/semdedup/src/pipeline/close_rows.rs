//! Compares the texts of close rows, to find out whether the model tells texts apart.

use std::collections::{BTreeSet, BinaryHeap};

use rayon::prelude::*;
use semdedup_core::NO_ROW;
use xxhash_rust::xxh3::xxh3_64;

use crate::error::Result;
use crate::formats::{WantedTexts, take_texts};
use crate::indistinct::{IndistinctTexts, beginning, differ};
use crate::input::find::Input;
use crate::input::read_rows::read_rows;
use crate::pipeline::copies::{EmbeddedRows, RowScores};
use crate::pipeline::scored::Scored;
use crate::warning::Warning;
use crate::workdir::contents::Content;
use crate::workdir::row_index::RowIndex;

/// The most pairs of which a run reads the texts again: enough that the share of those that differ is
/// known to about 6 %.
const MOST_PAIRS: usize = 256;

/// The close rows of a run: their number, and a sample.
#[derive(Debug, Default)]
pub(crate) struct CloseRows {
    count: u64,
    /// The rows with the lowest hashes of their numbers, so that it is the same sample every time.
    sample: BinaryHeap<(u64, u64)>,
}

impl CloseRows {
    /// Adds a row.
    pub(crate) fn add(&mut self, row: usize) {
        let row = row as u64;
        self.count += 1;
        self.sample.push((xxh3_64(&row.to_le_bytes()), row));
        if self.sample.len() > MOST_PAIRS {
            self.sample.pop();
        }
    }

    /// Compares the texts of the sample with those that they duplicate. Reads none if the close rows
    /// are few; returns none if the texts that were embedded are not known.
    ///
    /// # Errors
    /// Input that cannot be read, or has changed.
    pub(crate) fn compare(&self, input: &Input, scored: &Scored) -> Result<Option<IndistinctTexts>> {
        if !knows_texts(input) {
            return Ok(None);
        }
        let mut found = IndistinctTexts::among(self.count);
        let dataset = &scored.dataset;
        if !found.is_worth_comparing(dataset.row_index.rows() - dataset.skipped.len() as u64) {
            return Ok(Some(found));
        }
        let mut pairs: Vec<[u64; 2]> =
            self.sample.iter().map(|&(_, row)| [row, scored.columns.duplicate_of[row as usize]]).collect();
        pairs.retain(|&[_, of]| of != NO_ROW);
        pairs.sort_unstable();
        let rows: BTreeSet<u64> = pairs.iter().flatten().copied().collect();
        let rows: Vec<u64> = rows.into_iter().collect();
        let texts = beginnings(input, &dataset.row_index, &rows)?;
        let text = |row: u64| rows.binary_search(&row).ok().and_then(|place| texts[place].as_deref());
        for pair in pairs {
            if let [Some(one), Some(other)] = pair.map(text) {
                found.add([one, other], || pair.map(|row| dataset.row_index.name(row)));
            }
        }
        Ok(Some(found))
    }
}

/// Returns the warning about `of` rows, if the model cannot tell many of their texts apart.
pub(crate) fn indistinct_warning(found: Option<&IndistinctTexts>, of: u64) -> Option<Warning> {
    let found = found.filter(|found| found.is_warned(of))?.clone();
    Some(Warning::IndistinctTexts { found, of })
}

/// Whether the texts of the rows are what was embedded. Nobody knows whether given embeddings are of
/// the texts or of the images of their rows.
fn knows_texts(input: &Input) -> bool {
    let has_text = input.columns.iter().any(|columns| columns.text.is_some());
    let may_be_images =
        input.given.is_some() && input.columns.iter().any(|columns| columns.images().is_some());
    input.by.text() && has_text && !may_be_images
}

/// Reads the beginnings of the texts of rows.
fn beginnings(input: &Input, row_index: &RowIndex, rows: &[u64]) -> Result<Vec<Option<String>>> {
    let take = |text: &str| beginning(text).to_owned();
    read_rows(input, row_index, rows, &|file, columns, limits, rows| {
        take_texts(file, columns, limits, &WantedTexts { rows, take: &take })
    })
}

/// Compares all close rows of texts in memory with those that they duplicate.
///
/// # Errors
/// Never fails; the type is that of [`EmbeddedRows::copies`], which can fail on files.
pub(crate) fn indistinct_in_memory(
    texts: &[&str],
    score: &[f32],
    duplicate_of: &[u64],
) -> Result<IndistinctTexts> {
    let contents: Vec<Content> = texts.par_iter().map(|text| Content::of(text.as_bytes())).collect();
    let mut close: Vec<usize> = Vec::new();
    let scores = RowScores { score, duplicate_of };
    EmbeddedRows { parts: 1, contents: |_| Ok(Some(contents.clone())), scores }
        .copies(|row| close.push(row))?;
    close.retain(|&row| duplicate_of[row] != NO_ROW);
    let pairs: Vec<[usize; 2]> = close.into_iter().map(|row| [row, duplicate_of[row] as usize]).collect();
    let different: Vec<bool> = pairs.par_iter().map(|&[row, of]| differ(texts[row], texts[of])).collect();
    let mut found = IndistinctTexts::among(pairs.len() as u64);
    for (pair, differ) in pairs.into_iter().zip(different) {
        found.add_compared(differ, pair.map(|row| texts[row]), || pair.map(|row| row.to_string()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_spread_over_all_rows_and_does_not_depend_on_what_comes_later() {
        let close = |rows: std::ops::Range<usize>| {
            let mut close = CloseRows::default();
            rows.for_each(|row| close.add(row));
            let rows: BTreeSet<u64> = close.sample.iter().map(|&(_, row)| row).collect();
            (close.count, rows)
        };
        assert_eq!(close(0..100), (100, (0..100).collect()));
        let (count, rows) = close(0..100_000);
        assert_eq!((count, rows.len()), (100_000, MOST_PAIRS));
        let in_each_quarter = [0, 25_000, 50_000, 75_000].map(|from| rows.range(from..from + 25_000).count());
        assert!(in_each_quarter.iter().all(|count| (40..90).contains(count)), "{in_each_quarter:?}");
    }
}
