//! Shows pairs of duplicates for people to read: both texts, their similarity, and which row stays.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;

use arrow_cast::display::{ArrayFormatter, FormatOptions};
use semdedup_core::{NO_ROW, SamplePurpose, sample_rows};
use serde::Serialize;

use crate::difference::compare::difference;
use crate::difference::kind::Difference;
use crate::error::{Error, ErrorKind, Result};
use crate::formats::arrow::display::printable;
use crate::inspect::finished_run::FinishedRun;
use crate::options::DEFAULT_EPSILON;
use crate::score::columns::ScoreColumns;
use crate::workdir::row_index::RowLocation;
use crate::workdir::table_file::read_column;

/// The pairs to show.
#[derive(Debug, Clone, PartialEq)]
pub enum Which {
    /// A row by its id: the row that it duplicates, and the rows that duplicate it.
    Id(String),
    /// A sample of the removed rows. If no result was written yet, a sample of the rows that the
    /// default ε would remove.
    Random {
        /// The size of the sample.
        count: usize,
        /// The seed of the sample.
        seed: u64,
    },
    /// A sample of the rows with a score in a range.
    Between {
        /// The lowest score.
        low: f32,
        /// The highest score.
        high: f32,
        /// The size of the sample.
        count: usize,
        /// The seed of the sample.
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
    /// The most similar compared row that ranks before it.
    pub duplicate_of: PairRow,
    /// What differs between their texts; none if one of them could not be read, or if there is no text
    /// column.
    pub difference: Option<Difference>,
}

/// One side of a pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PairRow {
    /// The id of the row.
    pub id: String,
    /// The name of its file under `kept/`.
    pub file: String,
    /// The row's number in the file.
    pub row: u64,
    /// The text; none if it could not be read, or if there is no text column.
    pub text: Option<String>,
    /// Whether the result removed it; none if no result was written.
    pub removed: Option<bool>,
}

/// The most rows to show that duplicate one row.
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
        let ids = printable(&read_column(&self.scores.path, "id")?);
        let options = FormatOptions::default();
        let ids = ArrayFormatter::try_new(ids.as_ref(), &options)
            .map_err(|error| Error::input(&self.scores.path, error))?;
        let find = |id: &str| (0..columns.score.len()).find(|&row| ids.value(row).to_string() == id);
        let rows = choose(which, &columns, removed.as_ref(), &find)?;
        let needed: BTreeSet<u64> =
            rows.iter().flat_map(|&row| [row as u64, columns.duplicate_of[row]]).collect();
        let texts = self.texts_by_row(&needed)?;
        let side = |number: u64| {
            let RowLocation { file, row } = self.scores.row_index.locate(number);
            PairRow {
                id: ids.value(number as usize).to_string(),
                file: self.scores.row_index.files[file].name.clone(),
                row,
                text: texts.get(&number).cloned(),
                removed: removed.as_ref().map(|removed| removed.contains(&number)),
            }
        };
        let differ = |[one, other]: [&PairRow; 2]| {
            Some(difference(one.text.as_deref()?, other.text.as_deref()?)).filter(|_| !self.is_of_images())
        };
        let pair = |number: usize| {
            let (row, duplicate_of) = (side(number as u64), side(columns.duplicate_of[number]));
            let difference = differ([&row, &duplicate_of]);
            Pair { score: columns.score[number], row, duplicate_of, difference }
        };
        Ok(rows.into_iter().map(pair).collect())
    }

    /// Whether the rows were compared by image. Their texts are the links of the images then.
    fn is_of_images(&self) -> bool {
        self.summary().is_some_and(|summary| summary.compared.by == "image")
    }

    /// Reads the texts of some rows, by the number of the row. A row without a text is left out.
    pub(crate) fn texts_by_row(&self, rows: &BTreeSet<u64>) -> Result<HashMap<u64, String>> {
        let rows: Vec<u64> = rows.iter().copied().collect();
        let texts = match self.is_of_images() {
            true => self.image_links(&rows)?,
            false => self.texts(&rows)?,
        };
        Ok(rows.into_iter().zip(texts).filter_map(|(row, text)| Some((row, text?))).collect())
    }
}

/// Chooses the rows to show. `find` finds the row of an id.
fn choose(
    which: &Which,
    columns: &ScoreColumns,
    removed: Option<&HashSet<u64>>,
    find: &dyn Fn(&str) -> Option<usize>,
) -> Result<Vec<usize>> {
    let with_pair = || (0..columns.score.len()).filter(|&row| has_pair(columns, row));
    Ok(match which {
        Which::Id(id) => {
            let Some(row) = find(id) else {
                return Err(Error::new(ErrorKind::Input, format!("no row has the id {id}"))
                    .hint("ids are in scores.parquet; without --id-column they are file:row"));
            };
            pairs_of(row, columns)
        }
        Which::Random { count, seed } => {
            let goes = |&row: &usize| match removed {
                Some(removed) => removed.contains(&(row as u64)),
                None => f64::from(columns.score[row]) > 1.0 - DEFAULT_EPSILON,
            };
            sample(with_pair().filter(goes).collect(), *count, *seed)
        }
        Which::Between { low, high, count, seed } => {
            let inside = |&row: &usize| (*low..=*high).contains(&columns.score[row]);
            sample(with_pair().filter(inside).collect(), *count, *seed)
        }
    })
}

/// Returns whether a row has a pair to show.
pub(crate) fn has_pair(columns: &ScoreColumns, row: usize) -> bool {
    columns.duplicate_of[row] != NO_ROW && columns.score[row] > 0.0
}

/// Returns the row itself, if it has a pair, and the rows that duplicate it, most similar first.
fn pairs_of(row: usize, columns: &ScoreColumns) -> Vec<usize> {
    let all = 0..columns.score.len();
    let mut copies: Vec<usize> = all.filter(|&other| columns.duplicate_of[other] == row as u64).collect();
    copies.sort_by(|&a, &b| columns.score[b].total_cmp(&columns.score[a]).then(a.cmp(&b)));
    copies.truncate(MOST_OF_ONE);
    std::iter::once(row).filter(|&row| has_pair(columns, row)).chain(copies).collect()
}

/// Draws `count` of the rows by the seed, in their order.
fn sample(rows: Vec<usize>, count: usize, seed: u64) -> Vec<usize> {
    let chosen = sample_rows(rows.len() as u64, count, seed, SamplePurpose::Recall);
    chosen.into_iter().map(|i| rows[i as usize]).collect()
}
