//! Reads the column of the input whose equal values say that rows are the same.

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use crate::calibrate::curve::draw;
use crate::calibrate::table_values::each_value;
use crate::error::{Error, Result};
use crate::formats::check_unchanged;
use crate::input::find::Input;
use crate::inspect::finished_run::FinishedRun;

/// Stands for a row without a group.
pub(crate) const NO_GROUP: u32 = u32::MAX;

/// The hash of a row without a value.
const NO_VALUE: u64 = 0;

/// The group of each row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowGroups {
    /// The number of each row's group, from 0, or [`NO_GROUP`].
    pub(crate) of: Vec<u32>,
    /// Whether each group is in the second half.
    pub(crate) halves: Vec<bool>,
}

impl RowGroups {
    /// Numbers the groups of rows, which are given by a hash of each row's value, 0 for none. The seed
    /// decides in which half a group is.
    ///
    /// # Errors
    /// More groups than 32 bits can number.
    pub(crate) fn new(hashes: &[u64], seed: u64) -> Result<Self> {
        let mut different = hashes.to_vec();
        different.par_sort_unstable();
        different.dedup();
        different.retain(|&hash| hash != NO_VALUE);
        if different.len() >= NO_GROUP as usize {
            let problem =
                format!("{} different groups; at most {NO_GROUP} can be told apart", different.len());
            return Err(Error::usage(problem).hint("name a column with fewer values by --group-column"));
        }
        let group = |hash: &u64| different.binary_search(hash).map_or(NO_GROUP, |place| place as u32);
        let halves = different.iter().map(|&hash| draw(seed, &[hash]) & 1 == 1).collect();
        Ok(Self { of: hashes.par_iter().map(group).collect(), halves })
    }

    /// Reads a column of the input of a run.
    ///
    /// # Errors
    /// Input that is not there any more or has changed; a column that no file has.
    pub(crate) fn read(run: &FinishedRun, column: &str, seed: u64) -> Result<Self> {
        let input = Input::recorded(&run.embedded()?.folder)?;
        let files = (0..input.files.len()).into_par_iter();
        let hashes: Vec<Result<Vec<u64>>> =
            files.map(|file| file_hashes(run, &input, file, column)).collect();
        // Of several errors the first counts, whatever the threads do.
        let hashes: Vec<Vec<u64>> = hashes.into_iter().collect::<Result<_>>()?;
        let groups = Self::new(&hashes.concat(), seed)?;
        if groups.halves.is_empty() {
            return Err(Error::usage(format!(
                "--group-column {column}: no row of the input has a value in it"
            ))
            .hint("name a column that has equal values where rows say the same"));
        }
        Ok(groups)
    }

    /// Counts the rows of each group.
    pub(crate) fn sizes(&self) -> Vec<u32> {
        let mut sizes = vec![0; self.halves.len()];
        self.of.iter().filter(|&&group| group != NO_GROUP).for_each(|&group| sizes[group as usize] += 1);
        sizes
    }
}

/// Hashes the values of a file. An empty one is none: rows that lack a value are not the same.
fn file_hashes(run: &FinishedRun, input: &Input, file: usize, column: &str) -> Result<Vec<u64>> {
    let (found, rows) = (&input.files[file], run.scores.row_index.files[file].rows);
    check_unchanged(found)?;
    let mut hashes = Vec::with_capacity(rows as usize);
    each_value(found, column, &input.limits, &mut |value| {
        let value = value.filter(|value| !value.trim().is_empty());
        // A value may have any hash, and 0 is none.
        hashes.push(value.map_or(NO_VALUE, |value| xxh3_64(value.as_bytes()).max(1)));
    })?;
    if hashes.len() as u64 != rows {
        let problem = format!("{} rows, the run read {rows}", hashes.len());
        return Err(Error::input(&found.path, problem).hint("run the same command again, then calibrate"));
    }
    Ok(hashes)
}
