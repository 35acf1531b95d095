//! Draws pairs of a finished run for people to label, and counts what they say.

use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::calibrate::bands::{self, BANDS, Band, BandRows, band_name, precision_at};
use crate::calibrate::curve::draw;
use crate::calibrate::estimate::Estimate;
use crate::calibrate::judged_pairs::JudgedPairs;
use crate::calibrate::label_file::{LabelFile, WrittenLabel};
use crate::calibrate::label_rows::{Answer, LabelRows, LeftOutLabels};
use crate::calibrate::pair_curve::JudgedPair;
use crate::calibrate::population::Population;
use crate::calibrate::row_ids::ids_of;
use crate::error::{Error, Result};
use crate::inspect::finished_run::FinishedRun;
use crate::inspect::pairs::{Pair, PairRow};
use crate::score::columns::ScoreColumns;

/// The pairs that are drawn of each band for one session, beside those that are labelled.
const DRAWN_AT_ONCE: usize = 500;

/// The pairs whose texts are read at a time.
const TEXTS_AT_ONCE: usize = 16;

/// A session in which somebody labels pairs of a finished run: rows with their `duplicate_of`, drawn at
/// random within bands of similarity, the bands in turn.
pub struct Labelling {
    run: FinishedRun,
    file: LabelFile,
    /// The pairs that are to be asked, and those that were asked.
    queue: Vec<DrawnPair>,
    next: usize,
    /// The texts of the next pairs.
    texts: VecDeque<[Option<String>; 2]>,
    rows: BandRows,
    /// The labels that count, of the file and of this session.
    judged: Vec<JudgedPair>,
    session: Vec<Answer>,
    earlier_unsure: u64,
    /// Labels of the file that do not count for this result.
    left_out: Vec<(&'static str, LeftOutLabels)>,
}

/// A pair that was drawn.
#[derive(Debug, Clone)]
struct DrawnPair {
    rows: [u64; 2],
    ids: [String; 2],
    removed: [Option<bool>; 2],
    similarity: f32,
    band: usize,
}

/// A pair to label.
#[derive(Debug, Clone, PartialEq)]
pub struct PairToLabel {
    /// The pair.
    pub pair: Pair,
    /// The band that it was drawn from, such as `0.93-0.95`.
    pub band: String,
}

/// What the labels say so far.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabellingState {
    /// The labels that count, those of earlier sessions included.
    pub labels: u64,
    /// The pairs that nobody was sure about.
    pub unsure: u64,
    /// The ε of the run.
    pub epsilon: f64,
    /// The share of the removed rows whose match says the same, each band counted by its removed rows;
    /// none until every band that loses rows has a label.
    pub precision: Option<Estimate>,
    /// The bands, their rows and their labels.
    pub bands: Vec<Band>,
}

/// Options of [`Labelling::open`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LabelOptions {
    /// The file of the labels; it is created, or continued.
    pub labels: PathBuf,
    /// The seed of the draw.
    pub seed: u64,
}

impl LabelOptions {
    /// Draws with the seed 0.
    pub fn new(labels: impl Into<PathBuf>) -> Self {
        Self { labels: labels.into(), seed: 0 }
    }
}

impl Labelling {
    /// Opens a finished run and a file of labels. `result` is the output folder of a run, or its work
    /// directory.
    ///
    /// # Errors
    /// No finished run, no pair to label, or a file of labels that something else wrote.
    pub fn open(result: &Path, options: &LabelOptions) -> Result<Self> {
        let run = FinishedRun::open(result)?;
        let population = Population::read(&run)?;
        if (0..BANDS).all(|band| population.rows.rows(band) == 0) {
            let problem = "no two rows are alike (a similarity of 0.5 or more) without being copies";
            return Err(
                Error::input(result, problem).hint("there is nothing to label; `semdedup show` shows copies")
            );
        }
        let (file, labels) = LabelFile::open(&options.labels)?;
        let known = JudgedPairs::by_band(&run, &labels, &population)?;
        let drawn = draw_rows(&population, DRAWN_AT_ONCE + labels.rows.len(), options.seed);
        let queue = queue(&run, &population.columns, drawn, &labels, options.seed)?;
        Ok(Self {
            file,
            queue,
            next: 0,
            texts: VecDeque::new(),
            rows: population.rows,
            judged: known.pairs,
            session: Vec::new(),
            earlier_unsure: known.counts.unsure,
            left_out: known.counts.left_out().into_iter().map(|(name, out)| (name, out.clone())).collect(),
            run,
        })
    }

    /// Whether the file of labels ended in a half-written line, which was removed.
    pub fn is_repaired(&self) -> bool {
        self.file.is_repaired
    }

    /// Lists the labels of the file that do not count for this result.
    pub fn left_out(&self) -> &[(&'static str, LeftOutLabels)] {
        &self.left_out
    }

    /// Returns the pair to label next, with its texts; `None` if all that were drawn are labelled.
    ///
    /// # Errors
    /// Input that is not there any more, or has changed.
    pub fn next_pair(&mut self) -> Result<Option<PairToLabel>> {
        if self.texts.is_empty() {
            self.read_texts()?;
        }
        let (Some(drawn), Some(texts)) = (self.queue.get(self.next), self.texts.front()) else {
            return Ok(None);
        };
        let side = |place: usize| {
            let location = self.run.scores.row_index.locate(drawn.rows[place]);
            PairRow {
                id: drawn.ids[place].clone(),
                file: self.run.scores.row_index.files[location.file].name.clone(),
                row: location.row,
                text: texts[place].clone(),
                removed: drawn.removed[place],
            }
        };
        // What differs is not said: it would suggest an answer.
        let (row, duplicate_of) = (side(0), side(1));
        let pair = Pair { score: drawn.similarity, row, duplicate_of, difference: None };
        Ok(Some(PairToLabel { pair, band: band_name(drawn.band) }))
    }

    /// Reads the texts of the next pairs.
    fn read_texts(&mut self) -> Result<()> {
        let some = &self.queue[self.next..self.queue.len().min(self.next + TEXTS_AT_ONCE)];
        let rows: BTreeSet<u64> = some.iter().flat_map(|pair| pair.rows).collect();
        let texts = self.run.texts_by_row(&rows)?;
        self.texts = some.iter().map(|pair| pair.rows.map(|row| texts.get(&row).cloned())).collect();
        Ok(())
    }

    /// Stores the answer to the pair at hand. It is on the disk when this returns.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn answer(&mut self, answer: Answer) -> Result<()> {
        let Some(pair) = self.queue.get(self.next) else { return Ok(()) };
        self.file.add(&WrittenLabel {
            ids: pair.ids.each_ref().map(String::as_str),
            answer,
            similarity: pair.similarity,
            band: &band_name(pair.band),
            rows_in_band: self.rows.rows(pair.band),
        })?;
        if answer != Answer::Unsure {
            let same = answer == Answer::Same;
            self.judged.push(JudgedPair { rows: pair.rows, similarity: pair.similarity, same });
        }
        self.session.push(answer);
        self.next += 1;
        self.texts.pop_front();
        Ok(())
    }

    /// Takes the last answer of this session back, so that its pair is the next one again. Returns
    /// whether there was one.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn back(&mut self) -> Result<bool> {
        if !self.file.take_back()? {
            return Ok(false);
        }
        if self.session.pop().is_some_and(|answer| answer != Answer::Unsure) {
            self.judged.pop();
        }
        self.next -= 1;
        self.texts.clear();
        Ok(true)
    }

    /// Returns what the labels say so far.
    pub fn state(&self) -> LabellingState {
        let epsilon = self.run.epsilon();
        let unsure = self.session.iter().filter(|answer| **answer == Answer::Unsure).count() as u64;
        LabellingState {
            labels: self.judged.len() as u64,
            unsure: self.earlier_unsure + unsure,
            epsilon,
            precision: precision_at(&self.judged, &self.rows, epsilon),
            bands: bands::bands(&self.judged, &self.rows, epsilon),
        }
    }
}

/// Draws at most `most` rows of each band: those with the lowest hashes.
fn draw_rows(population: &Population, most: usize, seed: u64) -> [Vec<u64>; BANDS] {
    let mut drawn: [BinaryHeap<(u64, u64)>; BANDS] = Default::default();
    let rows = (0..population.columns.score.len()).filter_map(|row| Some((row, population.band(row)?)));
    for (row, band) in rows {
        let heap = &mut drawn[band];
        heap.push((draw(seed, &[row as u64]), row as u64));
        if heap.len() > most {
            heap.pop();
        }
    }
    drawn.map(|heap| heap.into_sorted_vec().into_iter().map(|(_, row)| row).collect())
}

/// Orders the pairs that are not labelled yet: the bands in turn, so that each has as many labels as
/// the others, and within a turn in random order, so that nobody can guess the band.
fn queue(
    run: &FinishedRun,
    columns: &ScoreColumns,
    drawn: [Vec<u64>; BANDS],
    labels: &LabelRows,
    seed: u64,
) -> Result<Vec<DrawnPair>> {
    let of = |row: u64| columns.duplicate_of[row as usize];
    let ids = ids_of(run, &drawn.iter().flatten().flat_map(|&row| [row, of(row)]).collect())?;
    let id = |row: u64| ids.get(&row).cloned().unwrap_or_default();
    let done: HashSet<[&str; 2]> = labels.rows.iter().flat_map(|label| both_orders(&label.ids)).collect();
    let mut turns: HashMap<usize, u64> = HashMap::new();
    labels.rows.iter().filter_map(|label| label.band).for_each(|band| *turns.entry(band).or_default() += 1);
    let removed = run.removed()?;
    let is_removed = |row: u64| removed.as_ref().map(|removed| removed.contains(&row));
    let mut queue = Vec::new();
    for (band, rows) in drawn.into_iter().enumerate() {
        let turn = turns.entry(band).or_default();
        for row in rows {
            let (rows, ids) = ([row, of(row)], [id(row), id(of(row))]);
            if done.contains(&ids.each_ref().map(String::as_str)) {
                continue;
            }
            let order = (*turn, draw(seed, &[*turn, band as u64]));
            let (similarity, removed) = (columns.score[row as usize], rows.map(is_removed));
            queue.push((order, DrawnPair { rows, ids, removed, similarity, band }));
            *turn += 1;
        }
    }
    queue.sort_by_key(|(order, _)| *order);
    Ok(queue.into_iter().map(|(_, pair)| pair).collect())
}

fn both_orders([a, b]: &[String; 2]) -> [[&str; 2]; 2] {
    [[a, b], [b, a]]
}
