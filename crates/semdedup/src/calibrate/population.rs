//! The pairs that a result found, from which people are asked about some: each row that has a match,
//! with it.

use semdedup_core::EXACT;

use crate::calibrate::bands::{BandRows, band_of};
use crate::embed::dataset::Dataset;
use crate::error::Result;
use crate::inspect::finished_run::FinishedRun;
use crate::inspect::pairs::has_pair;
use crate::score::columns::ScoreColumns;
use crate::workdir::contents::Content;

/// All rows of a result that have a match.
#[derive(Debug)]
pub(crate) struct Population {
    pub(crate) columns: ScoreColumns,
    /// Whether the text or image of each row is, byte for byte, that of its match. Nobody is asked about
    /// such a pair.
    is_copy: Vec<bool>,
    pub(crate) rows: BandRows,
}

impl Population {
    /// Reads the scores of a run, and which of its rows are copies.
    ///
    /// # Errors
    /// Scores that cannot be read, a work directory that is gone.
    pub(crate) fn read(run: &FinishedRun) -> Result<Self> {
        let columns = run.scores.columns()?;
        let dataset = run.dataset()?;
        let is_copy = copies(&columns, &dataset)?;
        let copies = is_copy.iter().filter(|is_copy| **is_copy).count() as u64;
        let asked = (0..columns.score.len()).filter(|&row| has_pair(&columns, row) && !is_copy[row]);
        let rows = BandRows::new(asked.map(|row| columns.score[row]), copies);
        Ok(Self { columns, is_copy, rows })
    }

    /// Returns the band of a row and its match; none for copies, and below the lowest band.
    pub(crate) fn band(&self, row: usize) -> Option<usize> {
        let is_asked = has_pair(&self.columns, row) && !self.is_copy[row];
        band_of(self.columns.score[row]).filter(|_| is_asked)
    }
}

/// Finds the rows whose content is that of their match. Where it is not known what was embedded, there
/// are none. One part is in memory at a time, with 24 bytes for each row that has a copy.
fn copies(columns: &ScoreColumns, dataset: &Dataset) -> Result<Vec<bool>> {
    let mut is_copy = vec![false; columns.score.len()];
    let equal = (0..columns.score.len()).filter(|&row| columns.score[row] == EXACT);
    let mut firsts: Vec<u64> = equal.map(|row| columns.duplicate_of[row]).collect();
    firsts.sort_unstable();
    firsts.dedup();
    let mut of_firsts = vec![Content::NOTHING; firsts.len()];
    let is_known = for_each(dataset, &mut |row, content| {
        if let Ok(place) = firsts.binary_search(&row) {
            of_firsts[place] = content;
        }
    })?;
    if !is_known {
        return Ok(is_copy);
    }
    for_each(dataset, &mut |row, content| {
        let row = row as usize;
        if columns.score.get(row) == Some(&EXACT) && content != Content::NOTHING {
            let place = firsts.binary_search(&columns.duplicate_of[row]);
            is_copy[row] = place.is_ok_and(|place| of_firsts[place] == content);
        }
    })?;
    Ok(is_copy)
}

/// Gives each row with its content. Returns false if that of a part is not known.
fn for_each(dataset: &Dataset, take: &mut dyn FnMut(u64, Content)) -> Result<bool> {
    let mut row = 0;
    for part in 0..dataset.embeddings.len() {
        let Some(contents) = dataset.contents(part)? else { return Ok(false) };
        for content in contents {
            take(row, content);
            row += 1;
        }
    }
    Ok(true)
}
