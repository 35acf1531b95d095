//! Deduplication of rows in memory: texts or embeddings in, the numbers of the kept rows out.

use std::collections::HashMap;

use rayon::prelude::*;
use semdedup_core::{
    Assigner, Assignment, Cut, Direction, EXACT, Epsilon, ExhaustiveSearch, Goal, Keep, NO_ROW, Part, Probes,
    RankKey, RankedRows, Ranking, RecallSample, SamplePurpose, Scored, Scores, Scoring, UnitEmbeddings,
    UnitRows, centroid_similarity, sample_rows,
};
use semdedup_embed::{StaticModel, TextModel};

use crate::cluster::assign::possible_probes;
use crate::cluster::train::{clusters_for, training};
use crate::error::{Error, Result};
use crate::indistinct::IndistinctTexts;
use crate::memory::Memory;
use crate::options::{ClusterOptions, DEFAULT_EPSILON, DEFAULT_RECALL_SAMPLE, check_goal};
use crate::pipeline::close_rows::indistinct_in_memory;
use crate::recall;
use crate::select::selection::goal_error;
use crate::summary::RecallAt;

/// Texts that one task embeds.
const TEXTS_PER_TASK: usize = 256;

/// The rows to deduplicate.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Data<'a> {
    /// Texts, which a model embeds. An empty text is compared with nothing and kept.
    Texts(&'a [&'a str]),
    /// Embeddings of any length above 0, a row behind the other.
    Embeddings {
        /// `rows × dim` values. A row of zeros and one with a NaN or an infinity are compared with
        /// nothing and kept.
        values: &'a [f32],
        /// The values of a row, at least 1.
        dim: usize,
    },
}

impl<'a> From<&'a [&'a str]> for Data<'a> {
    fn from(texts: &'a [&'a str]) -> Self {
        Self::Texts(texts)
    }
}

/// How [`deduplicate`] works. Every field has a default.
#[derive(Clone)]
#[non_exhaustive]
pub struct DeduplicateOptions<'a> {
    /// How much is removed: by default rows with a cosine similarity above 0.93 (ε = 0.07).
    pub goal: Goal,
    /// Which row of a set of duplicates stays: by default [`Keep::Hard`], as in the paper.
    pub keep: Keep,
    /// The rank of each row, if something else than `keep` says which row stays: the row of the lowest
    /// rank. Rows of equal rank are ordered by `keep`. By default there are none.
    pub ranks: Option<&'a [u32]>,
    /// The number of clusters, by default chosen from the number of rows
    /// ([`auto_clusters`](crate::auto_clusters)); up to 10,000 rows it is 1.
    pub clusters: Option<usize>,
    /// In which clusters a row is compared: by default [`Probes::Auto`].
    pub probes: Probes,
    /// The rows of the recall sample: by default 2,000; 0 measures no recall.
    pub recall_sample: usize,
    /// The seed of the samples, of the first centroids and of [`Keep::Random`]: by default 0.
    pub seed: u64,
    /// The model that embeds texts: by default the one inside this library.
    pub model: Option<&'a dyn TextModel>,
}

impl Default for DeduplicateOptions<'_> {
    fn default() -> Self {
        let epsilon = Epsilon::new(DEFAULT_EPSILON).expect("the default is in range");
        Self {
            goal: Goal::Epsilon(epsilon),
            keep: Keep::Hard,
            ranks: None,
            clusters: None,
            probes: Probes::Auto,
            recall_sample: DEFAULT_RECALL_SAMPLE,
            seed: 0,
            model: None,
        }
    }
}

/// What [`deduplicate`] found. Rows are numbered from 0, in the order in which they were given.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Deduplicated {
    /// The rows that stay, ascending.
    pub kept: Vec<usize>,
    /// For each row the row that reaches its score, whether or not it is removed; `None` where no row
    /// that ranks before it was compared with it.
    pub duplicate_of: Vec<Option<usize>>,
    /// For each row its highest cosine similarity with a compared row that ranks before it, in
    /// [−1, 1]; 0 where there is none. Rows of equal embeddings have 1.
    pub score: Vec<f32>,
    /// The ε that the goal amounts to: the removed rows have a score above `1 − ε`.
    pub epsilon: f64,
    /// Of the sampled rows that comparing everything with everything would remove, the share that was
    /// removed; `None` without a recall sample.
    pub recall: Option<RecallAt>,
    /// The rows whose text the model cannot tell from one that says something else; `None` for
    /// embeddings.
    pub indistinct_texts: Option<IndistinctTexts>,
    similarity: Vec<f32>,
    ranks: Vec<u32>,
    ranking: Ranking,
    samples: Vec<RecallSample>,
}

/// Removes semantic duplicates from rows in memory; no file is read or written.
///
/// The result is the same, bit for bit, as that of a run over a file with these rows and options, on
/// any number of threads.
///
/// ```
/// use semdedup::{DeduplicateOptions, Epsilon, Goal, deduplicate};
/// # fn main() -> semdedup::Result<()> {
/// let texts = ["The cat sat on the mat.", "the cat sat on the  mat.", "Prices rose by two percent."];
/// let mut found = deduplicate(&texts[..], &DeduplicateOptions::default())?;
/// assert_eq!(found.kept.len(), 2);
/// assert!(found.score.iter().any(|&score| score == 1.0)); // case and spacing do not count
///
/// // Another threshold takes microseconds: the scores stay.
/// found.rethreshold(Goal::KeepRows(1))?;
/// assert_eq!(found.kept.len(), 1);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Values that are not a whole number of rows, another number of ranks, a goal or a number of clusters out of range, a model
/// that fails.
pub fn deduplicate<'a>(data: impl Into<Data<'a>>, options: &DeduplicateOptions) -> Result<Deduplicated> {
    check_goal(options.goal)?;
    let embedded;
    let (values, dim, texts) = match data.into() {
        Data::Texts(texts) => {
            embedded = embed(texts, options)?;
            (&embedded.0[..], embedded.1, Some(texts))
        }
        Data::Embeddings { values, dim } => (values, dim, None),
    };
    let unit = |values: Vec<f32>| UnitEmbeddings::new(values, dim).map_err(|e| Error::usage(e.to_string()));
    let rows = unit(values.to_vec())?;
    let gather = |numbers: &[u64]| {
        let row = |&number: &u64| &values[number as usize * dim..(number as usize + 1) * dim];
        unit(numbers.iter().flat_map(row).copied().collect())
    };
    let ranks = options.ranks.unwrap_or_default();
    if options.ranks.is_some_and(|ranks| ranks.len() != rows.len()) {
        return Err(Error::usage(format!("{} ranks for {} rows", ranks.len(), rows.len()))
            .hint("give every row a rank, or leave `ranks` out"));
    }
    let ranking = Ranking { keep: options.keep, seed: options.seed };
    let (scores, similarity) = score(&rows, &gather, &ranking, options)?;
    let order = RankedRows::new(ranking, &similarity, ranks);
    let samples = sample(&rows, &gather, &Compared { scores: &scores, order }, options)?;
    let indistinct = |texts: &[&str]| indistinct_in_memory(texts, &scores.score, &scores.duplicate_of);
    let indistinct_texts = texts.map(indistinct).transpose()?;
    let duplicate_of = scores.duplicate_of.iter().map(|&of| (of != NO_ROW).then_some(of as usize)).collect();
    let mut found = Deduplicated {
        kept: Vec::new(),
        duplicate_of,
        score: scores.score,
        epsilon: 0.0,
        recall: None,
        indistinct_texts,
        similarity,
        ranks: ranks.to_vec(),
        ranking,
        samples,
    };
    found.rethreshold(options.goal)?;
    Ok(found)
}

impl Deduplicated {
    /// Selects again with another goal, from the same scores: sets `kept`, `epsilon` and `recall`.
    ///
    /// # Errors
    /// A goal that cannot be met, or that [`check_goal`](crate::check_goal) refuses; nothing changes then.
    pub fn rethreshold(&mut self, goal: Goal) -> Result<()> {
        check_goal(goal)?;
        let order = RankedRows::new(self.ranking, &self.similarity, &self.ranks);
        let scored = Scored { score: &self.score, order };
        let selection = semdedup_core::select(&scored, goal).map_err(goal_error)?;
        self.kept = (0..self.score.len()).filter(|&row| !selection.removed[row]).collect();
        self.epsilon = selection.epsilon;
        let recall = |cut: Cut| {
            let report = recall::report(&self.samples, Some(cut));
            report.into_iter().find(|at| at.epsilon == cut.epsilon())
        };
        self.recall = selection.cut.and_then(recall);
        Ok(())
    }
}

/// Embeds texts; returns `texts × dim` values and `dim`.
fn embed(texts: &[&str], options: &DeduplicateOptions) -> Result<(Vec<f32>, usize)> {
    let built_in;
    let model = match options.model {
        Some(model) => model,
        None => {
            built_in = StaticModel::built_in(None).map_err(Error::model)?;
            &built_in
        }
    };
    let (dim, per_task) = (model.dim(), model.rows_per_call().unwrap_or(TEXTS_PER_TASK).max(1));
    let (distinct, numbers) = distinct(texts);
    let mut values = vec![0.0; texts.len() * dim];
    let places = values[..distinct.len() * dim].par_chunks_mut(per_task * dim);
    let tasks = distinct.par_chunks(per_task).zip(places);
    tasks.try_for_each(|(texts, values)| model.embed(texts, values).map(drop)).map_err(Error::model)?;
    // From the last row on, so that no embedding is overwritten before its last copy is made.
    for (row, &number) in numbers.iter().enumerate().rev() {
        values.copy_within(number * dim..(number + 1) * dim, row * dim);
    }
    Ok((values, dim))
}

/// Returns the distinct texts in the order in which they come first, and the place of each text
/// among them.
fn distinct<'a>(texts: &[&'a str]) -> (Vec<&'a str>, Vec<usize>) {
    let (mut distinct, mut known) = (Vec::new(), HashMap::new());
    let number = |&text: &&'a str| {
        *known.entry(text).or_insert_with(|| {
            distinct.push(text);
            distinct.len() - 1
        })
    };
    let numbers = texts.iter().map(number).collect();
    (distinct, numbers)
}

/// Clusters the rows and compares those of each cluster; returns the scores and each row's similarity
/// to its centroid.
fn score(
    rows: &UnitEmbeddings,
    gather: &dyn Fn(&[u64]) -> Result<UnitEmbeddings>,
    ranking: &Ranking,
    options: &DeduplicateOptions,
) -> Result<(Scores, Vec<f32>)> {
    let (count, dim) = (rows.len() as u64, rows.dim());
    if rows.is_empty() {
        return Ok((Scores { score: Vec::new(), duplicate_of: Vec::new() }, Vec::new()));
    }
    let DeduplicateOptions { clusters, probes, seed, ranks, .. } = *options;
    let options = ClusterOptions { clusters, seed, probes, memory: Memory::new(u64::MAX) };
    let plan = training(&options, clusters_for(&options, count, dim)?, count, dim);
    let centroids = semdedup_core::train(&gather(&plan.sample)?, &plan.settings).centroids;
    let Assignment { mut cluster, probes, .. } =
        Assigner::new(&centroids).assign(rows, possible_probes(probes, centroids.len()));
    let similarity = centroid_similarity(rows, &centroids, &mut cluster);
    let numbers: Vec<u64> = (0..count).collect();
    let order = RankedRows::new(*ranking, &similarity, ranks.unwrap_or_default());
    let mut scoring = Scoring::new(order, &centroids);
    let clusters = 0..centroids.len() as u32;
    let part = Part { rows, numbers: &numbers, cluster: &cluster, probes: &probes, clusters };
    scoring.add(&scoring.compare(&part, &mut |_| ()));
    let scores = scoring.finish();
    Ok((scores, similarity))
}

/// What a comparison found, for measuring its recall.
struct Compared<'a> {
    scores: &'a Scores,
    order: RankedRows<'a>,
}

/// Compares a sample of the rows with all rows that rank before them: their scores, and the scores
/// that an exhaustive comparison gives them.
fn sample(
    rows: &UnitEmbeddings,
    gather: &dyn Fn(&[u64]) -> Result<UnitEmbeddings>,
    compared: &Compared,
    options: &DeduplicateOptions,
) -> Result<Vec<RecallSample>> {
    let score = &compared.scores.score;
    let key = |row: u64| compared.order.key(row);
    let is_copy = |row: u64| score[row as usize] == EXACT;
    let has_direction = |row: u64| rows.direction(row as usize) == Direction::Unit;
    let sample = sample_rows(rows.len() as u64, options.recall_sample, options.seed, SamplePurpose::Recall);
    let (exact, searched): (Vec<u64>, Vec<u64>) =
        sample.into_iter().filter(|&row| has_direction(row)).partition(|&row| is_copy(row));
    let keys: Vec<RankKey> = searched.iter().map(|&row| key(row)).collect();
    let sampled = gather(&searched)?;
    let mut search = ExhaustiveSearch::new(&sampled, &keys);
    // What copies an earlier-ranking row need not be looked at: that row is as similar and ranks before.
    let candidate = |row: u64| (has_direction(row) && !is_copy(row)).then(|| key(row));
    search.compare(rows, &(0..rows.len() as u64).map(candidate).collect::<Vec<_>>());
    let scores = searched.iter().map(|&row| score[row as usize]);
    let found = scores.zip(search.finish()).map(|(score, exhaustive)| RecallSample { score, exhaustive });
    let copies = exact.iter().map(|_| RecallSample { score: EXACT, exhaustive: EXACT });
    Ok(copies.chain(found).collect())
}

#[cfg(test)]
#[path = "in_memory_tests.rs"]
mod tests;
