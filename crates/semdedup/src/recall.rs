//! Measures the recall: compares a seeded sample of the rows with the whole data.

use std::collections::BTreeMap;
use std::path::Path;

use semdedup_core::{
    Cut, Direction, EXACT, Epsilon, ExhaustiveSearch, RankKey, Ranking, RecallSample, SamplePurpose,
    UnitEmbeddings, UnitRows, sample_rows,
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
pub(crate) struct Sampling<'a> {
    /// The rows of the sample.
    pub(crate) rows: usize,
    pub(crate) seed: u64,
    pub(crate) ranking: Ranking,
    pub(crate) memory: Memory,
    /// The group of each row, if only rows of one group are compared.
    pub(crate) groups: Option<&'a [u32]>,
}

/// The sampled rows of a group that are searched for.
struct GroupSample {
    group: u32,
    /// Their numbers.
    numbers: Vec<u64>,
    rows: UnitEmbeddings,
    keys: Vec<RankKey>,
}

/// Compares a sample of the rows with every row that ranks before them. Rows without direction are
/// neither sampled nor compared.
///
/// Rows without a cluster count like all others on both sides: the run compares them with nothing,
/// and the duplicates that it misses because of this lower the recall. Their place in the rank
/// order is the one that [`Ranking`] gives them. Rows of different groups are never compared, in the
/// run and here.
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
    let group = |row: u64| sampling.groups.map_or(0, |groups| groups[row as usize]);
    let mut by_group: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    searched.iter().for_each(|&row| by_group.entry(group(row)).or_default().push(row));
    let sample = |(group, numbers): (u32, Vec<u64>)| {
        let (rows, keys) = (store.gather(&numbers)?, numbers.iter().map(|&row| key(row)).collect());
        Ok(GroupSample { group, numbers, rows, keys })
    };
    let samples = by_group.into_iter().map(sample).collect::<Result<Vec<_>>>()?;
    let mut searches: Vec<ExhaustiveSearch> =
        samples.iter().map(|sample| ExhaustiveSearch::new(&sample.rows, &sample.keys)).collect();
    let stop = StopSignal::new(progress);
    for range in blocks(store, sampling.memory) {
        stop.check()?;
        let rows = store.read(range.clone())?;
        // A copy of an earlier-ranking row need not be compared: that row is as similar and ranks
        // before.
        let is_compared = |i: usize, row: u64| rows.direction(i) == Direction::Unit && !is_copy(row);
        for (sample, search) in samples.iter().zip(&mut searches) {
            let is_compared = |i: usize, row: u64| group(row) == sample.group && is_compared(i, row);
            let key = |(i, row)| is_compared(i, row).then(|| key(row));
            search.compare(&rows, &range.clone().enumerate().map(key).collect::<Vec<_>>());
        }
        progress.advance(range.end - range.start);
    }
    let scores = samples.iter().flat_map(|sample| &sample.numbers).map(|&row| columns.score[row as usize]);
    let exhaustive = searches.into_iter().flat_map(ExhaustiveSearch::finish);
    let found = scores.zip(exhaustive).map(|(score, exhaustive)| RecallSample { score, exhaustive });
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
