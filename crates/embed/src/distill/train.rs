//! The training of a table.

use std::ops::Range;

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::adam::Adam;
use super::batches::epoch;
use super::loss::{Batch, Gradients, Pair, gradients};
use super::negations::Negations;
use super::random::Random;
use super::start::{Start, start};

/// The rate of learning of the table at the beginning; it falls to 0.
const TABLE_RATE: f32 = 2e-3;
/// The rate of learning of the head at the beginning; it falls to 0.
const HEAD_RATE: f32 = 1e-3;
/// The number of texts of a batch whose negation is taken out, at most.
const NEGATED: usize = 128;
/// The number of other texts of a batch that get a changed copy.
const OTHERS: usize = 128;
/// The highest cosine of a text and its negation that costs nothing.
const MOST: f32 = 0.75;

/// How a text is read: its words, and a vector beside them that is not trained.
pub trait Read: Sync {
    /// Calls `word` with the number of each word of a text, and adds the vector of whatever else is
    /// in it to `sum`.
    fn read(&self, text: &str, words: &mut Vec<u32>, sum: &mut [f32]);

    /// Returns the number of a word.
    fn row_of(&self, word: &str) -> Option<u32>;
}

/// The texts to learn from.
pub struct Corpus<'a> {
    /// The texts.
    pub texts: &'a [String],
    /// The teacher's embeddings of the texts, `[texts, teacher dim]`, row-major, of length 1.
    pub teacher: &'a [f32],
    /// The teacher's embeddings of the words, `[words, teacher dim]`, row-major, of length 1.
    pub words: &'a [f32],
    /// The number of values of an embedding by the teacher.
    pub teacher_dim: usize,
    /// The texts of each cluster of the teacher's embeddings.
    pub clusters: &'a [Vec<u32>],
}

/// The settings of a training.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The number of values of a vector.
    pub dim: usize,
    /// The number of steps, each of about a thousand texts.
    pub steps: usize,
    /// The seed of the order of the texts and of their changed copies.
    pub seed: u64,
}

/// A step of the training.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// The number of the step, from 1 on.
    pub step: usize,
    /// The number of all steps.
    pub steps: usize,
    /// The loss of the batch before the step.
    pub loss: f32,
}

/// Trains a table, `[words, dim]`, row-major. `told` hears of each step and returns false to stop;
/// then there is no table.
///
/// Texts are read in the same order whatever the number of threads, and each value is computed by
/// one thread, so the same corpus and seed give the same table.
pub fn train(
    corpus: &Corpus,
    reader: &impl Read,
    settings: &Settings,
    told: &mut dyn FnMut(Step) -> bool,
) -> Option<Vec<f32>> {
    let (of_texts, of_words) =
        (matrix(corpus.teacher, corpus.teacher_dim), matrix(corpus.words, corpus.teacher_dim));
    let texts: Vec<ReadText> =
        corpus.texts.par_iter().map(|text| ReadText::of(text, reader, settings.dim)).collect();
    let mut counts = vec![0; of_words.nrows()];
    texts.iter().flat_map(|text| &text.words).for_each(|&word| counts[word as usize] += 1);
    let Start { mut table, mut head } = start(of_texts, of_words, &counts, settings.dim);
    let (mut of_table, mut of_head) =
        (Adam::new(table.nrows(), settings.dim), Adam::new(settings.dim, corpus.teacher_dim));
    let (mut random, negations) = (Random::new(settings.seed), Negations::new(&|word| reader.row_of(word)));
    let mut batches = Vec::new();
    for step in 0..settings.steps {
        if batches.is_empty() {
            batches = epoch(corpus.clusters, &mut random);
        }
        let Some(batch) = batches.pop() else { break };
        let own: Vec<&ReadText> = batch.iter().map(|&text| &texts[text as usize]).collect();
        let (copies, pairs) = copies(&own, &negations, &mut random);
        let read = [own, copies.iter().collect()].concat();
        let places: Vec<usize> = batch.iter().map(|&text| text as usize).collect();
        let teacher = of_texts.select(ndarray::Axis(0), &places);
        let found = gradients(&Batch { sums: sums(&read, &table), teacher, pairs: &pairs }, &head);
        let Gradients { loss, sums: by_sums, head: by_head } = found;
        let left = 1.0 - step as f32 / settings.steps as f32;
        let uses = Uses::of(&read, table.nrows());
        let add = |word: usize, slopes: &mut [f32]| {
            for &row in uses.rows(word) {
                slopes.iter_mut().zip(by_sums.row(row as usize)).for_each(|(slope, by)| *slope += by);
            }
        };
        of_table.step(slice(&mut table), TABLE_RATE * left, add);
        let copy = |row: usize, slopes: &mut [f32]| {
            slopes.iter_mut().zip(by_head.row(row)).for_each(|(slope, by)| *slope = *by);
        };
        of_head.step(slice(&mut head), HEAD_RATE * left, copy);
        if !told(Step { step: step + 1, steps: settings.steps, loss }) {
            return None;
        }
    }
    Some(table.into_raw_vec_and_offset().0)
}

/// Views values as a matrix, row by row.
fn matrix(values: &[f32], columns: usize) -> ArrayView2<'_, f32> {
    ArrayView2::from_shape((values.len() / columns, columns), values).expect("whole rows")
}

/// Returns the values of a matrix, row by row.
fn slice(matrix: &mut Array2<f32>) -> &mut [f32] {
    matrix.as_slice_mut().unwrap_or_default()
}

/// A text as it was read.
struct ReadText {
    words: Vec<u32>,
    /// The sum of what is not trained.
    rest: Vec<f32>,
}

impl ReadText {
    fn of(text: &str, reader: &impl Read, dim: usize) -> Self {
        let (mut words, mut rest) = (Vec::new(), vec![0.0; dim]);
        reader.read(text, &mut words, &mut rest);
        Self { words, rest }
    }
}

/// Returns changed copies of texts of a batch, as rows behind its own.
fn copies(texts: &[&ReadText], negations: &Negations, random: &mut Random) -> (Vec<ReadText>, Vec<Pair>) {
    let (mut copies, mut pairs) = (Vec::new(), Vec::new());
    let negated = (0..texts.len()).filter(|&text| negations.are_in(&texts[text].words)).take(NEGATED);
    let others: Vec<usize> = (0..OTHERS).map(|_| random.below(texts.len().max(1))).collect();
    for text in negated.chain(others) {
        let Some(words) = negations.changed(&texts[text].words, random) else { continue };
        pairs.push(Pair { text, copy: texts.len() + copies.len(), most: MOST });
        copies.push(ReadText { words, rest: texts[text].rest.clone() });
    }
    (copies, pairs)
}

/// Returns the sums of the words' vectors of texts, `[texts, dim]`.
fn sums(texts: &[&ReadText], table: &Array2<f32>) -> Array2<f32> {
    let mut sums = Array2::zeros((texts.len(), table.ncols()));
    slice(&mut sums).par_chunks_mut(table.ncols()).zip(texts).for_each(|(sum, text)| {
        sum.copy_from_slice(&text.rest);
        for &word in &text.words {
            sum.iter_mut().zip(table.row(word as usize)).for_each(|(sum, value)| *sum += value);
        }
    });
    sums
}

/// The rows of a batch in which each word occurs.
struct Uses {
    rows: Vec<u32>,
    ends: Vec<usize>,
}

impl Uses {
    fn of(texts: &[&ReadText], words: usize) -> Self {
        let mut ends = vec![0; words];
        texts.iter().flat_map(|text| &text.words).for_each(|&word| ends[word as usize] += 1);
        let mut start = 0;
        for end in &mut ends {
            (*end, start) = (start, start + *end);
        }
        let mut rows = vec![0; start];
        for (row, text) in (0u32..).zip(texts) {
            for &word in &text.words {
                rows[ends[word as usize]] = row;
                ends[word as usize] += 1;
            }
        }
        Self { rows, ends }
    }

    fn rows(&self, word: usize) -> &[u32] {
        let Range { start, end } = word.checked_sub(1).map_or(0, |before| self.ends[before])..self.ends[word];
        &self.rows[start..end]
    }
}
