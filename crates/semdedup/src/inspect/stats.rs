//! Counts what a finished run did with groups of rows: the values of a column, files, lengths, scripts.

use std::path::Path;

use serde::Serialize;

use crate::error::Result;
use crate::input::groups::{GroupBy, RowGroups};
use crate::inspect::compare::result::{Fate, ListedResult, Rows};
use crate::score::columns::ScoreColumns;

/// What a run did with groups of rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stats {
    /// What the rows are grouped by: `file`, `length`, `script`, or the name of a column.
    pub by: String,
    /// The groups, the largest first.
    pub groups: Vec<GroupStats>,
    /// All rows by their score, from 1 downwards.
    pub bands: Vec<ScoreBand>,
}

/// A group of rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupStats {
    /// The value that its rows share; none for rows without a value.
    pub value: Option<String>,
    /// The rows that could be read.
    pub rows: u64,
    /// The rows that stay.
    pub rows_kept: u64,
    /// The rows that go.
    pub rows_removed: u64,
    /// `rows_removed` as a share of `rows`, in [0, 1].
    pub share_removed: f64,
    /// The rows with the embedding of a row that ranks before them: exact copies, and texts that the model
    /// reads alike.
    pub equal_rows: u64,
    /// The group that has the most of the rows for which its removed rows went; none if none went.
    pub lost_most_to: Option<LostTo>,
}

/// The rows that a group lost to another one, or to itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LostTo {
    /// The value of the other group; none for rows without a value.
    pub value: Option<String>,
    /// The removed rows whose `duplicate_of` is in that group.
    pub rows: u64,
}

/// The rows whose scores are in a range.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ScoreBand {
    /// The scores are at least this; none for the lowest band.
    pub from: Option<f32>,
    /// The scores are below this; none for the first band, of scores of exactly 1.
    pub below: Option<f32>,
    /// The rows that could be read.
    pub rows: u64,
    /// The rows of them that go.
    pub rows_removed: u64,
}

/// The least scores of the bands but the last, which has all others.
const BANDS: [f32; 9] = [1.0, 0.99, 0.97, 0.95, 0.93, 0.9, 0.85, 0.8, 0.7];

/// Counts what a run did with groups of rows. `result` is the output folder of a run.
///
/// # Errors
/// A place without the result of a run; a column that the input does not have, or that has more than
/// 131,072 values; input that is not there any more or has changed.
pub fn stats(result: &Path, by: &GroupBy) -> Result<Stats> {
    let listed = ListedResult::open(result)?;
    let Rows::Run { run, fates } = &listed.rows else {
        return Err(listed
            .problem("the rows of a selection or of a list cannot be read again")
            .hint("give it the --out folder of a `semdedup run`"));
    };
    let groups = RowGroups::of(&run.input()?, &run.scores.row_index, by)?;
    let columns = run.scores.columns()?;
    Ok(Stats {
        by: by.to_string(),
        groups: group_stats(&groups, fates, &columns),
        bands: bands(fates, &columns.score),
    })
}

fn group_stats(groups: &RowGroups, fates: &[Fate], columns: &ScoreColumns) -> Vec<GroupStats> {
    let empty = |value: &Option<String>| GroupStats {
        value: value.clone(),
        rows: 0,
        rows_kept: 0,
        rows_removed: 0,
        share_removed: 0.0,
        equal_rows: 0,
        lost_most_to: None,
    };
    let mut found: Vec<GroupStats> = groups.names.iter().map(empty).collect();
    // The group of each removed row, and that of the row for which it went.
    let mut losses: Vec<(u32, u32)> = Vec::new();
    for (row, (&group, &fate)) in groups.of_row.iter().zip(fates).enumerate() {
        let of = &mut found[group as usize];
        match fate {
            Fate::Neither => continue,
            Fate::Kept => of.rows_kept += 1,
            Fate::Removed => {
                of.rows_removed += 1;
                let to = usize::try_from(columns.duplicate_of[row]).ok().and_then(|to| groups.of_row.get(to));
                losses.extend(to.map(|&to| (group, to)));
            }
        }
        of.rows += 1;
        of.equal_rows += u64::from(columns.score[row] == semdedup_core::EXACT);
    }
    losses.sort_unstable();
    for same in losses.chunk_by(|a, b| a == b) {
        let ((group, to), rows) = (same[0], same.len() as u64);
        let most = &mut found[group as usize].lost_most_to;
        if most.as_ref().is_none_or(|most| most.rows < rows) {
            *most = Some(LostTo { value: groups.names[to as usize].clone(), rows });
        }
    }
    for group in &mut found {
        group.share_removed = group.rows_removed as f64 / group.rows.max(1) as f64;
    }
    found.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.value.cmp(&b.value)));
    found
}

fn bands(fates: &[Fate], scores: &[f32]) -> Vec<ScoreBand> {
    let from = BANDS.iter().copied().map(Some).chain([None]);
    let below = [None].into_iter().chain(BANDS.iter().copied().map(Some));
    let mut bands: Vec<ScoreBand> =
        from.zip(below).map(|(from, below)| ScoreBand { from, below, rows: 0, rows_removed: 0 }).collect();
    for (fate, &score) in fates.iter().zip(scores).filter(|(fate, _)| **fate != Fate::Neither) {
        if let Some(band) = bands.iter_mut().find(|band| band.from.is_none_or(|from| score >= from)) {
            band.rows += 1;
            band.rows_removed += u64::from(*fate == Fate::Removed);
        }
    }
    bands
}
