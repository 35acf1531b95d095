//! Pairs of duplicates as people read them: both texts, how similar they are, which one stays.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;

use arrow::util::display::{ArrayFormatter, FormatOptions};
use semdedup_core::{NO_ROW, SamplePurpose, sample_rows};
use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};
use crate::inspect::finished_run::FinishedRun;
use crate::options::DEFAULT_EPSILON;
use crate::workdir::table_file::read_column;

/// Which pairs to show.
#[derive(Debug, Clone, PartialEq)]
pub enum Which {
    /// A row by its id: what it duplicates, and what duplicates it.
    Id(String),
    /// Some of the removed rows (or, where nothing was removed yet, of those that the default ε would).
    Random {
        /// How many.
        count: usize,
        /// Which ones.
        seed: u64,
    },
    /// Rows with a score in a range.
    Between {
        /// The lowest score.
        low: f32,
        /// The highest score.
        high: f32,
        /// At most so many, spread over the rows by the seed.
        count: usize,
        /// Which ones.
        seed: u64,
    },
}

/// A row and the row it duplicates.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pair {
    /// Their cosine similarity.
    pub score: f32,
    /// The row.
    pub row: PairRow,
    /// The row that is most similar to it of those that rank before it.
    pub duplicate_of: PairRow,
}

/// One side of a pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PairRow {
    /// The id.
    pub id: String,
    /// The file under `kept/`.
    pub file: String,
    /// The row's number in the file.
    pub row: u64,
    /// The text; none if it could not be read, or if there is no column of texts.
    pub text: Option<String>,
    /// Whether the result removed it; none where no result was written.
    pub removed: Option<bool>,
}

/// The most rows shown that duplicate one row.
const MOST_OF_ONE: usize = 20;

/// Finds pairs of a run and reads their texts from the input.
///
/// # Errors
/// If there are no scores, no such id, or the input is not there any more.
pub fn show(path: &Path, which: &Which) -> Result<Vec<Pair>> {
    FinishedRun::open(path)?.pairs(which)
}

impl FinishedRun {
    /// Finds pairs and reads their texts from the input.
    ///
    /// # Errors
    /// No such id, or input that is not there any more.
    pub fn pairs(&self, which: &Which) -> Result<Vec<Pair>> {
        let columns = self.scores.columns()?;
        let removed = self.removed()?;
        let ids = read_column(&self.scores.path, "id")?;
        let options = FormatOptions::default();
        let ids = ArrayFormatter::try_new(ids.as_ref(), &options)
            .map_err(|error| Error::input(&self.scores.path, error))?;
        let has_pair = |row: &usize| columns.duplicate_of[*row] != NO_ROW && columns.score[*row] > 0.0;
        let rows: Vec<usize> = match which {
            Which::Id(id) => {
                let all = 0..columns.score.len();
                let Some(row) = all.clone().find(|&row| ids.value(row).to_string() == *id) else {
                    return Err(Error::new(ErrorKind::Input, format!("no row has the id {id}"))
                        .hint("ids are in scores.parquet; without --id-column they are file:row"));
                };
                let mut of: Vec<usize> =
                    all.filter(|&other| columns.duplicate_of[other] == row as u64).collect();
                of.sort_by(|&a, &b| columns.score[b].total_cmp(&columns.score[a]).then(a.cmp(&b)));
                of.truncate(MOST_OF_ONE);
                std::iter::once(row).filter(has_pair).chain(of).collect()
            }
            Which::Random { count, seed } => {
                let goes = |row: &usize| match &removed {
                    Some(removed) => removed.contains(&(*row as u64)),
                    None => f64::from(columns.score[*row]) > 1.0 - DEFAULT_EPSILON,
                };
                some((0..columns.score.len()).filter(has_pair).filter(goes).collect(), *count, *seed)
            }
            Which::Between { low, high, count, seed } => {
                let inside = |row: &usize| (*low..=*high).contains(&columns.score[*row]);
                some((0..columns.score.len()).filter(has_pair).filter(inside).collect(), *count, *seed)
            }
        };
        let needed: BTreeSet<u64> =
            rows.iter().flat_map(|&row| [row as u64, columns.duplicate_of[row]]).collect();
        let texts = Texts::read(self, &needed)?;
        let side = |row: u64| texts.row(self, row, (ids.value(row as usize).to_string(), removed.as_ref()));
        Ok(rows
            .into_iter()
            .map(|row| Pair {
                score: columns.score[row],
                row: side(row as u64),
                duplicate_of: side(columns.duplicate_of[row]),
            })
            .collect())
    }
}

/// A seeded choice, in order.
fn some(rows: Vec<usize>, count: usize, seed: u64) -> Vec<usize> {
    let chosen = sample_rows(rows.len() as u64, count, seed, SamplePurpose::Recall);
    chosen.into_iter().map(|i| rows[i as usize]).collect()
}

struct Texts {
    by_row: HashMap<u64, String>,
}

impl Texts {
    fn read(run: &FinishedRun, rows: &BTreeSet<u64>) -> Result<Self> {
        let rows: Vec<u64> = rows.iter().copied().collect();
        let texts = run.texts(&rows)?;
        Ok(Self {
            by_row: rows.into_iter().zip(texts).filter_map(|(row, text)| Some((row, text?))).collect(),
        })
    }

    fn row(&self, run: &FinishedRun, number: u64, known: (String, Option<&HashSet<u64>>)) -> PairRow {
        let (file, row) = run.scores.row_index.locate(number);
        PairRow {
            id: known.0,
            file: run.scores.row_index.files[file].name.clone(),
            row,
            text: self.by_row.get(&number).cloned(),
            removed: known.1.map(|removed| removed.contains(&number)),
        }
    }
}
