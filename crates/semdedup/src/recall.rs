//! The stage that measures: a seeded sample of rows against the whole data.

use std::path::Path;

use semdedup_core::{
    Cut, Direction, EXACT, Epsilon, ExhaustiveSearch, RankKey, Ranking, RecallSample, SamplePurpose,
    UnitRows, sample_rows,
};

use crate::arrays::store::{EmbeddingStore, blocks};
use crate::error::{Error, Result};
use crate::memory::Memory;
use crate::options::SWEEP_EPSILONS;
use crate::progress::{Progress, Stage};
use crate::score::columns::ScoreColumns;
use crate::storage;
use crate::summary::RecallAt;

/// What of the run the recall sample is drawn by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sampling {
    pub(crate) rows: usize,
    pub(crate) seed: u64,
    pub(crate) ranking: Ranking,
    pub(crate) memory: Memory,
}

/// Compares a sample of the rows that have a direction with every row that has one and ranks before them. Rows without a
/// cluster count like all others, sampled or compared with: the run compares them with nothing, and what it misses by that
/// is missed. They take the place in the rank order that [`Ranking`] gives them.
pub(crate) fn measure(
    store: &EmbeddingStore,
    columns: &ScoreColumns,
    sampling: &Sampling,
    progress: &dyn Progress,
) -> Result<Vec<(f32, f32)>> {
    let key = |row: u64| sampling.ranking.key(columns.similarity[row as usize], row);
    let is_copy = |row: u64| columns.score[row as usize] == EXACT;
    let sample = sample_rows(store.rows(), sampling.rows, sampling.seed, SamplePurpose::Recall);
    let sampled = store.gather(&sample)?;
    let directed = (0..sample.len()).filter(|&i| sampled.direction(i) == Direction::Unit);
    let (exact, searched): (Vec<u64>, Vec<u64>) = directed.map(|i| sample[i]).partition(|&row| is_copy(row));
    drop(sampled);

    progress.begin(Stage::Recall, "rows", store.rows());
    let keys: Vec<RankKey> = searched.iter().map(|&row| key(row)).collect();
    let rows = store.gather(&searched)?;
    let mut search = ExhaustiveSearch::new(&rows, &keys);
    for range in blocks(store, sampling.memory) {
        let rows = store.read(range.clone())?;
        // What copies an earlier-ranking row need not be looked at: that row is as similar and ranks before.
        let is_compared = |i: usize, row: u64| rows.direction(i) == Direction::Unit && !is_copy(row);
        let compared: Vec<Option<RankKey>> =
            range.enumerate().map(|(i, row)| is_compared(i, row).then(|| key(row))).collect();
        search.compare(&rows, &compared);
        progress.advance(compared.len() as u64);
    }
    let found = searched.iter().map(|&row| columns.score[row as usize]).zip(search.finish());
    Ok(exact.iter().map(|_| (EXACT, EXACT)).chain(found).collect())
}

/// The recall at the sweep's list of ε and at the cut in use, ascending; nothing without a sample.
pub(crate) fn report(samples: &[(f32, f32)], in_use: Option<Cut>) -> Vec<RecallAt> {
    if samples.is_empty() {
        return Vec::new();
    }
    let samples: Vec<RecallSample> =
        samples.iter().map(|&(score, exhaustive)| RecallSample { score, exhaustive }).collect();
    let listed = SWEEP_EPSILONS.into_iter().filter_map(|epsilon| Epsilon::new(epsilon).ok()).map(Cut::Above);
    let mut cuts: Vec<Cut> = listed.chain(in_use).collect();
    cuts.sort_by(|a, b| a.epsilon().total_cmp(&b.epsilon()));
    cuts.dedup();
    cuts.into_iter().map(|cut| semdedup_core::recall(&samples, cut).into()).collect()
}

/// The recall samples of a work directory.
pub(crate) fn read_samples(path: &Path) -> Result<Vec<(f32, f32)>> {
    let bytes = storage::read(path).map_err(Error::io)?;
    serde_json::from_slice(&bytes)
        .map_err(|e| Error::work(path, e).hint("delete the work directory to begin anew"))
}

#[cfg(test)]
#[path = "recall_tests.rs"]
mod tests;
