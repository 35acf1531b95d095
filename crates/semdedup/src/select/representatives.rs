//! Stores which rows go and what stands for them, and reads it back.

use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, UInt64Type};
use arrow_array::{ArrayRef, Float32Array, RecordBatch, UInt64Array};
use arrow_schema::{DataType, Field, Schema};
use parquet::file::metadata::KeyValue;
use parquet::file::reader::{FileReader, SerializedFileReader};
use semdedup_core::{Cut, EXACT, EarlierPairs, Epsilon, Representatives, Rule, RuleSelection, ScoredPairs};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::score::columns::ScoreColumns;
use crate::select::selection::{Outcome, Selection};
use crate::storage::Blob;
use crate::workdir::table_file::{BATCH_ROWS, TableWriter, check_table, guarded, open_columns};

const DECIDED_KEY: &str = "semdedup.decided";

/// What a table of representatives says of all its rows. The bits of floats, because they must be
/// read back as they were.
#[derive(Serialize, Deserialize)]
struct Decided {
    epsilon: u64,
    /// Everything above 1 − this ε goes by its score.
    above: Option<u64>,
    /// Of the rows with this score some go.
    through: Option<u32>,
}

/// Writes the rows that go: `row`, `kept_as_row` and the `similarity` with it, both null if no row that
/// stays is similar enough.
pub(crate) fn write_representatives(
    path: &Path,
    decided: &RuleSelection,
    scores: &ScoredPairs,
) -> Result<()> {
    let RuleSelection { representatives, epsilon, cut } = decided;
    let cut = Decided {
        epsilon: epsilon.to_bits(),
        above: match cut {
            Some(Cut::Above(epsilon)) => Some(epsilon.get().to_bits()),
            _ => None,
        },
        through: match cut {
            Some(Cut::Through(tie)) => Some(tie.to_bits()),
            _ => None,
        },
    };
    let cut = serde_json::to_string(&cut).map_err(|error| Error::work(path, error))?;
    let schema = Schema::new(vec![
        Field::new("row", DataType::UInt64, false),
        Field::new("kept_as_row", DataType::UInt64, true),
        Field::new("similarity", DataType::Float32, true),
    ]);
    let metadata = vec![KeyValue::new(DECIDED_KEY.to_owned(), cut)];
    let mut table = TableWriter::create(path, schema, metadata)?;
    let rows = 0..representatives.removed.len() as u64;
    let mut rows = rows.filter(|&row| representatives.removed[row as usize]);
    loop {
        let batch: Vec<u64> = rows.by_ref().take(BATCH_ROWS).collect();
        if batch.is_empty() {
            break;
        }
        let kept: Vec<_> = batch.iter().map(|&row| representatives.of(row, scores)).collect();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt64Array::from(batch)),
            Arc::new(kept.iter().map(|kept| Some((*kept)?.0)).collect::<UInt64Array>()),
            Arc::new(kept.iter().map(|kept| Some((*kept)?.1)).collect::<Float32Array>()),
        ];
        table.write(columns)?;
    }
    table.finish()
}

/// Reads which rows go and what stands for them.
///
/// # Errors
/// A table that is damaged, and one in which a row stands for another that should not: this is checked
/// each time, because data are deleted on its word.
pub(crate) fn read_representatives(path: &Path, columns: &ScoreColumns, rule: Rule) -> Result<Selection> {
    check_table(path)?;
    let decided = decided(path)?;
    let rows = columns.score.len();
    let outcome = |&score: &f32| if score.is_nan() { Outcome::Skipped } else { Outcome::Kept };
    let mut outcome: Vec<Outcome> = columns.score.iter().map(outcome).collect();
    let mut found = Representatives { removed: vec![false; rows], others: EarlierPairs::default() };
    let scores = columns.pairs();
    for batch in open_columns(path, &["row", "kept_as_row", "similarity"])? {
        let batch = batch?;
        let (row, kept) = (numbers(&batch, 0), numbers(&batch, 1));
        let similarity = batch.column(2).as_primitive_opt::<Float32Type>();
        let (Some(row), Some(kept), Some(similarity)) = (row, kept, similarity) else {
            return Err(damaged(path, "has columns of other types"));
        };
        for ((row, kept), similarity) in row.iter().zip(kept).zip(similarity) {
            let place =
                row.map(|row| row as usize).filter(|&row| row < rows && outcome[row] == Outcome::Kept);
            let Some(place) = place else {
                return Err(damaged(path, "names a row that is not there, or twice"));
            };
            (outcome[place], found.removed[place]) = (Outcome::Removed, true);
            // What the score says need not be kept.
            let by_score = (scores.duplicate_of[place], scores.score[place]);
            if let (Some(kept), Some(similarity)) = (kept, similarity)
                && by_score != (kept, similarity)
                && scores.score[place] != EXACT
            {
                found.others.push(place as u64, kept, similarity);
            }
        }
    }
    let cut = match (decided.above, decided.through) {
        (Some(epsilon), _) => Epsilon::new(f64::from_bits(epsilon)).ok().map(Cut::Above),
        (None, tie) => tie.map(|tie| Cut::Through(f32::from_bits(tie))),
    };
    let selection = Selection {
        outcome,
        epsilon: f64::from_bits(decided.epsilon),
        cut,
        rule,
        representatives: Some(found),
    };
    selection
        .check_representatives(&scores)
        .map_err(|row| damaged(path, &format!("no row that stays stands for row {row}")))?;
    Ok(selection)
}

fn numbers(batch: &RecordBatch, column: usize) -> Option<&UInt64Array> {
    batch.column(column).as_primitive_opt::<UInt64Type>()
}

/// Reads what a table says of all its rows.
fn decided(path: &Path) -> Result<Decided> {
    let file = Blob::open(path)?;
    guarded(path, || {
        let reader = SerializedFileReader::new(file).map_err(|error| damaged(path, &error.to_string()))?;
        let pairs = reader.metadata().file_metadata().key_value_metadata().cloned().unwrap_or_default();
        let found = pairs.into_iter().find(|pair| pair.key == DECIDED_KEY).and_then(|pair| pair.value);
        let found = found.and_then(|json| serde_json::from_str(&json).ok());
        found.ok_or_else(|| damaged(path, "does not say what was decided"))
    })
}

fn damaged(path: &Path, problem: &str) -> Error {
    Error::work(path, problem).hint("delete its folder: the rows are then selected again")
}
