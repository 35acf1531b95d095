//! Decides which rows go, and which row that stays stands for each of them.

use semdedup_core::{RuleError, RuleScores, select_by_rule};

use crate::error::Result;
use crate::pairs::find::PairFinder;
use crate::pairs::rule_search::RuleSearch;
use crate::pipeline::clustered::ClusteredRows;
use crate::pipeline::resolved::ResolvedRun;
use crate::pipeline::scored::Scored;
use crate::progress::{Progress, Stage};
use crate::select::representatives::{read_representatives, write_representatives};
use crate::select::selection::{Selection, goal_error};
use crate::workdir::work_dir::WorkDir;
use crate::write::result_files::REPRESENTATIVES;

impl ResolvedRun<'_> {
    /// Decides which rows go, and finds the rows that stand for them. The searches for these can take a
    /// while, so what they find is stored.
    pub(crate) fn decide(
        &self,
        work: &mut WorkDir,
        scored: &Scored,
        progress: &dyn Progress,
    ) -> Result<Selection> {
        let rows = ClusteredRows::of(self, work);
        let path = work.folder(Stage::Select).join(REPRESENTATIVES);
        work.stage(Stage::Select, &self.stages.select, progress, |folder| {
            let (mut rows, columns) = (rows.open(scored)?, &scored.columns);
            let memory = self.options.cluster.memory;
            let mut search = RuleSearch {
                finder: PairFinder { memory, folder, progress, shown: Stage::Select },
                store: &rows.store,
                centroids: &rows.centroids,
                clustering: &mut rows.clustering,
                cluster: rows.divided.as_deref().unwrap_or(&columns.cluster),
                order: columns.order(scored.scores.ranking),
                columns,
                fingerprint: &self.stages.select,
                searches: 0,
            };
            let scores = RuleScores {
                score: &columns.score,
                duplicate_of: &columns.duplicate_of,
                order: columns.order(scored.scores.ranking),
            };
            let decided = select_by_rule(&scores, self.options.rule, self.options.goal, &mut search);
            let decided = decided.map_err(|error| match error {
                RuleError::Goal(error) => goal_error(error),
                RuleError::Search(error) => error,
            })?;
            write_representatives(&path, &decided, &columns.pairs())
        })?;
        read_representatives(&path, &scored.columns, self.options.rule)
    }
}
