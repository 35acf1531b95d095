//! Measures the recall: compares a seeded sample of the rows with the whole data.

use std::path::Path;

use semdedup_core::{
    Cut, Direction, EXACT, Epsilon, ExhaustiveSearch, RankKey, Ranking, RecallSample, SamplePurpose,
    UnitRows, sample_rows,
};
use serde::{Deserialize, Serialize};

use crate::arrays::store::{EmbeddingStore, blocks};
use crate::error::{Error, Result};
use crate::memory::Memory;
use crate::options::SWEEP_EPSILONS;
use crate::progress::{Progress, Stage, StopSignal};
use crate::score::columns::ScoreColumns;
use crate::storage;
use crate::summary::RecallAt;
use crate::workdir::sealed::{check_seal, write_sealed};

/// How the recall sample is drawn and compared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sampling {
    /// The rows of the sample.
    pub(crate) rows: usize,
    pub(crate) seed: u64,
    pub(crate) ranking: Ranking,
    pub(crate) memory: Memory,
}

/// Compares a sample of the rows with every row that ranks before them. Rows without direction are
/// neither sampled nor compared.
///
/// Rows without a cluster count like all others on both sides: the run compares them with nothing,
/// and the duplicates that it misses because of this lower the recall. Their place in the rank
/// order is the one that [`Ranking`] gives them.
pub(crate) fn measure(
    store: &EmbeddingStore,
    columns: &ScoreColumns,
    sampling: &Sampling,
    progress: &dyn Progress,
) -> Result<Vec<RecallSample>> {
    let order = columns.order(sampling.ranking);
    let key = |row: u64| order.key(row);
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
    let stop = StopSignal::new(progress);
    for range in blocks(store, sampling.memory) {
        stop.check()?;
        let rows = store.read(range.clone())?;
        // A copy of an earlier-ranking row need not be compared: that row is as similar and ranks
        // before.
        let is_compared = |i: usize, row: u64| rows.direction(i) == Direction::Unit && !is_copy(row);
        let compared: Vec<Option<RankKey>> =
            range.enumerate().map(|(i, row)| is_compared(i, row).then(|| key(row))).collect();
        search.compare(&rows, &compared);
        progress.advance(compared.len() as u64);
    }
    let scores = searched.iter().map(|&row| columns.score[row as usize]);
    let found = scores.zip(search.finish()).map(|(score, exhaustive)| RecallSample { score, exhaustive });
    let copies = exact.iter().map(|_| RecallSample { score: EXACT, exhaustive: EXACT });
    Ok(copies.chain(found).collect())
}

/// Returns the recall at the sweep's list of ε and at the cut in use, ascending by ε; nothing
/// without a sample.
pub(crate) fn report(samples: &[RecallSample], in_use: Option<Cut>) -> Vec<RecallAt> {
    if samples.is_empty() {
        return Vec::new();
    }
    let listed = SWEEP_EPSILONS.into_iter().filter_map(|epsilon| Epsilon::new(epsilon).ok()).map(Cut::Above);
    let mut cuts: Vec<Cut> = listed.chain(in_use).collect();
    cuts.sort_by(|a, b| a.epsilon().total_cmp(&b.epsilon()));
    cuts.dedup();
    cuts.into_iter().map(|cut| semdedup_core::recall(samples, cut).into()).collect()
}

/// The contents of `samples.json`: pairs of score and exhaustive score.
#[derive(Serialize, Deserialize)]
struct StoredSamples {
    samples: Vec<(f32, f32)>,
}

/// Writes the recall samples into a work directory, as pairs of score and exhaustive score.
pub(crate) fn write_samples(path: &Path, samples: &[RecallSample]) -> Result<()> {
    let samples = samples.iter().map(|sample| (sample.score, sample.exhaustive)).collect();
    write_sealed(path, &StoredSamples { samples })
}

/// Reads the recall samples of a work directory.
pub(crate) fn read_samples(path: &Path) -> Result<Vec<RecallSample>> {
    let bytes = storage::read(path).map_err(Error::io)?;
    check_seal(path, &bytes)?;
    let pairs = match serde_json::from_slice(&bytes) {
        Ok(StoredSamples { samples }) => Ok(samples),
        // Earlier versions wrote the list alone.
        Err(error) => serde_json::from_slice(&bytes).map_err(|_| error),
    };
    let pairs: Vec<(f32, f32)> =
        pairs.map_err(|e| Error::work(path, e).hint("delete the work directory to begin anew"))?;
    Ok(pairs.into_iter().map(|(score, exhaustive)| RecallSample { score, exhaustive }).collect())
}

#[cfg(test)]
#[path = "recall_tests.rs"]
mod tests;
