//! Checks everything that would make a run fail before it does any work.

use crate::embed::embedder::Embedder;
use crate::error::Result;
use crate::input::find::Input;
use crate::options::RunOptions;
use crate::pipeline::fingerprints::Fingerprints;
use crate::write::checks::check_not_inside;
use crate::write::result_dir::ResultTarget;

/// Fails where [`run`] would before it does any work.
pub(crate) fn check(input: &Input, embedder: Embedder, options: &RunOptions) -> Result<()> {
    let (out, work) = (&options.output.out, &options.output.work_dir());
    check_not_inside(input, out)?;
    check_not_inside(input, work)?;
    embedder.check(input)?;
    let outputs = options.outputs.resolve(input)?;
    outputs.check(input)?;
    let fingerprint = &Fingerprints::of(input, embedder, (options, &outputs))?.result;
    ResultTarget { out, work, overwrite: options.output.overwrite, fingerprint }.inspect().map(|_| ())
}
