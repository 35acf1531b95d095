//! A run with everything settled that its options leave open. [`crate::run`], [`crate::plan`] and
//! their stages share it, so that nothing is found or decided twice.

use std::path::PathBuf;

use crate::comparison::Comparison;
use crate::embed::embedder::Embedder;
use crate::error::Result;
use crate::input::find::Input;
use crate::options::RunOptions;
use crate::outputs::Outputs;
use crate::pipeline::fingerprints::Fingerprints;
use crate::write::checks::check_not_inside;
use crate::write::result_dir::ResultTarget;

/// What a run reads, writes and depends on.
pub(crate) struct ResolvedRun<'a> {
    pub(crate) options: &'a RunOptions,
    pub(crate) embedder: Embedder<'a>,
    /// The files that are read, and their columns.
    pub(crate) input: Input,
    /// What is written of the rows.
    pub(crate) outputs: Outputs,
    /// What the result of each stage depends on.
    pub(crate) stages: Fingerprints,
    /// The work directory.
    pub(crate) work: PathBuf,
}

impl<'a> ResolvedRun<'a> {
    /// Finds the input and settles everything else; writes nothing.
    ///
    /// # Errors
    /// Everything that can be known to make the run fail before it does any work.
    pub(crate) fn new(options: &'a RunOptions, embedder: Embedder<'a>) -> Result<Self> {
        let (out, work) = (&options.output.out, options.output.work_dir());
        let input = Input::find(&options.input, &[out.clone(), work.clone()])?;
        embedder.check(&input)?;
        let outputs = options.outputs.resolve(&input)?;
        outputs.check(&input)?;
        let stages = Fingerprints::of(&input, embedder, (options, &outputs))?;
        check_not_inside(&input, out)?;
        check_not_inside(&input, &work)?;
        Ok(Self { options, embedder, input, outputs, stages, work })
    }

    /// Where the result goes.
    pub(crate) fn target(&self) -> ResultTarget<'_> {
        let output = &self.options.output;
        let (out, work) = (&output.out, &self.work);
        ResultTarget { out, work, overwrite: output.overwrite, fingerprint: &self.stages.result }
    }

    /// What is compared: columns, how they were found, and the model.
    pub(crate) fn comparison(&self) -> Comparison {
        Comparison::of(&self.input, self.embedder)
    }

    /// The values of an embedding.
    pub(crate) fn dim(&self) -> usize {
        self.embedder.dim(&self.input)
    }
}
