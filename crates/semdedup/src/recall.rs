//! The stage that measures: a seeded sample of rows against the whole data.

use semdedup_core::{
    EXACT, Epsilon, ExhaustiveSearch, NO_CLUSTER, RankKey, Ranking, RecallSample, SamplePurpose, sample_rows,
};

use crate::Result;
use crate::cluster::blocks;
use crate::memory::Memory;
use crate::options::SWEEP_EPSILONS;
use crate::progress::{Progress, Stage};
use crate::score::ScoreColumns;
use crate::store::EmbeddingStore;
use crate::summary::RecallAt;

/// What of the run the recall sample is drawn by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sampling {
    pub(crate) rows: usize,
    pub(crate) seed: u64,
    pub(crate) ranking: Ranking,
    pub(crate) memory: Memory,
}

/// Compares a sample of the rows that have a direction with every row that ranks before them.
pub(crate) fn measure(
    store: &EmbeddingStore,
    columns: &ScoreColumns,
    sampling: &Sampling,
    progress: &dyn Progress,
) -> Result<Vec<(f32, f32)>> {
    let key = |row: u64| sampling.ranking.key(columns.similarity[row as usize], row);
    let comparable =
        |row: u64| columns.cluster[row as usize] != NO_CLUSTER && columns.similarity[row as usize] != 0.0;
    let sample = sample_rows(store.rows(), sampling.rows, sampling.seed, SamplePurpose::Recall);
    let (exact, searched): (Vec<u64>, Vec<u64>) = sample
        .into_iter()
        .filter(|&row| comparable(row))
        .partition(|&row| columns.score[row as usize] == EXACT);

    progress.begin(Stage::Recall, "rows", store.rows());
    let keys: Vec<RankKey> = searched.iter().map(|&row| key(row)).collect();
    let rows = store.gather(&searched)?;
    let mut search = ExhaustiveSearch::new(&rows, &keys);
    for rows in blocks(store, sampling.memory) {
        // What copies an earlier-ranking row need not be looked at: that row is as similar and ranks before.
        let compared: Vec<Option<RankKey>> = rows
            .clone()
            .map(|row| (comparable(row) && columns.score[row as usize] != EXACT).then(|| key(row)))
            .collect();
        search.compare(&store.read(rows)?, &compared);
        progress.advance(compared.len() as u64);
    }
    let found = searched.iter().map(|&row| columns.score[row as usize]).zip(search.finish());
    Ok(exact.iter().map(|_| (EXACT, EXACT)).chain(found).collect())
}

/// The recall at the sweep's list of ε and at the one in use, ascending; nothing without a sample.
pub(crate) fn report(samples: &[(f32, f32)], in_use: Option<f64>) -> Vec<RecallAt> {
    if samples.is_empty() {
        return Vec::new();
    }
    let samples: Vec<RecallSample> =
        samples.iter().map(|&(score, exhaustive)| RecallSample { score, exhaustive }).collect();
    let mut epsilons: Vec<f64> = SWEEP_EPSILONS.into_iter().chain(in_use).collect();
    epsilons.sort_by(f64::total_cmp);
    epsilons.dedup();
    let at = |epsilon: f64| Epsilon::new(epsilon).ok().map(|e| semdedup_core::recall(&samples, e).into());
    epsilons.into_iter().filter_map(at).collect()
}
