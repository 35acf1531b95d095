//! Decides everything that the options of a run leave open. [`crate::run`], [`crate::plan`] and
//! their stages share the decisions, so that nothing is found or decided twice.

use std::path::PathBuf;

use crate::comparison::Comparison;
use crate::embed::embedder::Embedder;
use crate::error::Result;
use crate::input::find::Input;
use crate::options::{RunOptions, check_goal};
use crate::outputs::Outputs;
use crate::pipeline::fingerprints::Fingerprints;
use crate::pipeline::watch::check_watched;
use crate::rank::rank_columns::RankColumns;
use crate::within::groups_of_rows::WithinColumn;
use crate::write::checks::check_not_inside;
use crate::write::result_target::ResultTarget;

/// A run of which everything is decided: what it reads, writes and depends on.
pub(crate) struct ResolvedRun<'a> {
    pub(crate) options: &'a RunOptions,
    pub(crate) embedder: Embedder<'a>,
    /// The files that are read, and their columns.
    pub(crate) input: Input,
    /// The column on which compared rows agree.
    pub(crate) within: Option<WithinColumn>,
    /// The columns that rank the rows.
    pub(crate) rank_columns: RankColumns,
    /// The kinds of results that are written.
    pub(crate) outputs: Outputs,
    /// The fingerprints of the stages.
    pub(crate) stages: Fingerprints,
    /// The work directory.
    pub(crate) work: PathBuf,
}

impl<'a> ResolvedRun<'a> {
    /// Finds the input and decides everything else; writes nothing.
    ///
    /// # Errors
    /// Every failure that can be known before the run does any work.
    pub(crate) fn new(options: &'a RunOptions, embedder: Embedder<'a>) -> Result<Self> {
        check_goal(options.goal)?;
        let (out, work) = (&options.output.out, options.output.work_dir());
        let input = Input::find(&options.input, &[out.clone(), work.clone()])?;
        embedder.check(&input)?;
        let within = options.within.as_deref().map(|name| WithinColumn::find(&input, name)).transpose()?;
        let rank_columns = RankColumns::find(&input, options.keep.of_input())?;
        let outputs = options.outputs.resolve(&input)?;
        outputs.check(&input)?;
        let stages = Fingerprints::of(&input, embedder, options, &outputs)?;
        check_watched(&input, &options.watch)?;
        check_not_inside(&input, out)?;
        check_not_inside(&input, &work)?;
        Ok(Self { options, embedder, input, within, rank_columns, outputs, stages, work })
    }

    /// Returns the place and the fingerprint of the result.
    pub(crate) fn target(&self) -> ResultTarget<'_> {
        let output = &self.options.output;
        let (out, work) = (&output.out, &self.work);
        ResultTarget { out, work, overwrite: output.overwrite, fingerprint: &self.stages.result }
    }

    /// Returns what is compared: the columns, how they were found, and the model.
    pub(crate) fn comparison(&self) -> Comparison {
        Comparison::of(&self.input, self.embedder)
    }

    /// Returns the dimension of the embeddings.
    pub(crate) fn dim(&self) -> usize {
        self.embedder.dim(&self.input)
    }
}
