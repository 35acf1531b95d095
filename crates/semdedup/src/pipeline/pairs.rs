//! Finds the pairs of similar rows, if they are asked for.

use semdedup_core::{EXACT, Found, NO_CLUSTER};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::options::PairOptions;
use crate::pairs::find::{PairFinder, WantedPairs};
use crate::pairs::pairs_file::PairsWriter;
use crate::pipeline::clustered::ClusteredRows;
use crate::pipeline::resolved::ResolvedRun;
use crate::pipeline::scored::Scored;
use crate::progress::{Progress, Stage};
use crate::storage::read;
use crate::summary::PairSummary;
use crate::workdir::sealed::{check_seal, write_sealed};
use crate::workdir::work_dir::WorkDir;
use crate::write::result_files::PAIRS;

/// What the stage says of its pairs.
#[derive(Serialize, Deserialize)]
struct Counts {
    pairs: u64,
    rows_cut: u64,
}

impl ResolvedRun<'_> {
    /// Finds the pairs of similar rows, if they are asked for, among the rows that are compared with
    /// each other.
    pub(crate) fn find_pairs(
        &self,
        work: &mut WorkDir,
        scored: &Scored,
        progress: &dyn Progress,
    ) -> Result<Option<PairSummary>> {
        let Some(PairOptions { above, per_row }) = self.options.pairs else { return Ok(None) };
        let options = PairOptions { above, per_row };
        let rows = ClusteredRows::of(self, work);
        let folder = work.folder(Stage::Pairs);
        let counts = folder.join("counts.json");
        work.stage(Stage::Pairs, &self.stages.pairs, progress, |folder| {
            let mut rows = rows.open(scored)?;
            let columns = &scored.columns;
            let is_copy = |row: u64| columns.score[row as usize] == EXACT;
            let clusters = rows.clustering.cluster.iter_mut().zip(0..);
            clusters.filter(|(_, row)| is_copy(*row)).for_each(|(cluster, _)| *cluster = NO_CLUSTER);
            let wanted = WantedPairs {
                is_searched: &|row| columns.score[row as usize] > above && !is_copy(row),
                found: Found::Earlier,
                floor: above,
                most: per_row,
                counts_more: true,
                fingerprint: &self.stages.pairs,
            };
            let memory = self.options.cluster.memory;
            let finder = PairFinder { memory, folder, progress, shown: Stage::Pairs };
            let ids = scored.dataset.ids(&self.input)?;
            let skipped = scored.dataset.skipped_rows();
            let named = self.named_rows(&scored.dataset, &ids, &skipped)?;
            let mut writer = PairsWriter::create(&folder.join(PAIRS), &options, columns, &named)?;
            let rows_cut = finder.find(&rows.paired(scored), &wanted, &mut |found| writer.write(&found))?;
            let pairs = writer.pairs;
            writer.finish()?;
            write_sealed(&counts, &Counts { pairs, rows_cut })
        })?;
        let json = read(&counts).map_err(|error| Error::work(&counts, error))?;
        check_seal(&counts, &json)?;
        let Counts { pairs, rows_cut } =
            serde_json::from_slice(&json).map_err(|error| Error::work(&counts, error))?;
        Ok(Some(PairSummary { above, per_row, pairs, rows_cut }))
    }
}
