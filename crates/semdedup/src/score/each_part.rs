//! Compares the rows of each pair of blocks, and stores the matches, so that a killed run continues
//! from there.

use semdedup_core::{Part, PartMatches, Stop};

use crate::error::Result;
use crate::progress::{Progress, StopSignal, stopped};
use crate::score::checkpoints::ScoreCheckpoints;
use crate::score::groups::BlockPair;
use crate::score::loader::Loader;

/// What is looked for in the rows that are compared at a time.
pub(crate) trait PartComparison {
    /// Compares the rows of a part, or returns `None` soon after `stop` has returned true. `done` is
    /// called with the number of rows completed.
    fn compare(&self, part: &Part, done: &mut dyn FnMut(usize), stop: &Stop) -> Option<PartMatches>;

    /// Takes the matches of a part.
    fn add(&mut self, found: &PartMatches);
}

/// The share of the progress that the comparison is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProgressShare {
    /// The rows that were reported before.
    pub(crate) before: u64,
    /// The number of rows that comparing all rows counts as.
    pub(crate) rows: u64,
}

/// Compares the rows of each pair of blocks that has no checkpoint.
pub(crate) fn compare_each(
    mut loader: Loader,
    checkpoints: Option<&ScoreCheckpoints>,
    (progress, share): (&dyn Progress, ProgressShare),
    comparison: &mut impl PartComparison,
) -> Result<()> {
    let (rows, groups) = (loader.store.rows(), loader.groups);
    let is_done = |pair: &BlockPair| checkpoints.is_some_and(|found| found.has(*pair));
    let mut reported = share.before;
    let stop = StopSignal::new(progress);
    for pair in groups.block_pairs() {
        if let Some(checkpoints) = checkpoints.filter(|_| is_done(&pair)) {
            comparison.add(&checkpoints.get(pair)?);
            continue;
        }
        stop.check()?;
        let pairs = groups.pairs_of_row(pair.group);
        let mut report = |compared| {
            let done = compared as u64 / pairs * share.rows / rows.max(1);
            reported += done;
            progress.advance(done);
        };
        let found = comparison.compare(&loader.load(pair)?.part(), &mut report, &|| stop.is_set());
        let found = found.ok_or_else(stopped)?;
        comparison.add(&found);
        checkpoints.map_or(Ok(()), |checkpoints| checkpoints.put(pair, &found))?;
    }
    progress.advance((share.before + share.rows).saturating_sub(reported));
    Ok(())
}
