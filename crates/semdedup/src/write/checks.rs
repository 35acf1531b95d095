//! Checks that the outputs can be written before any work is done.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::formats::{self, inside_output};
use crate::input::find::Input;
use crate::outputs::{IdsFormat, OutputKind, Outputs};
use crate::storage;

/// Fails if an input is inside the output folder: a run would remove rows from the result of an
/// earlier run.
pub(crate) fn check_not_inside(input: &Input, out: &Path) -> Result<()> {
    // Resolve the links of a path; a URL has none.
    let real = |path: &Path| match storage::is_url(path) {
        true => Some(storage::canonical_url(path)),
        false => fs_err::canonicalize(path).ok(),
    };
    let Some(out) = real(out) else { return Ok(()) };
    let inside = |path: &PathBuf| real(path).is_some_and(|path| path.starts_with(&out));
    match input.paths().find(|path| inside(path)) {
        Some(path) => Err(inside_output(&path, &out)),
        None => Ok(()),
    }
}

impl Outputs {
    /// Decides what the options leave open.
    ///
    /// # Errors
    /// A format of ids without ids to write, or a prefix without columns to add.
    pub(crate) fn resolve(&self, input: &Input) -> Result<Self> {
        let mut resolved = self.clone();
        if resolved.kinds.is_empty() {
            let alone = input.is_embeddings_alone();
            resolved.kinds.insert(if alone { OutputKind::Ids } else { OutputKind::Files });
        }
        if !resolved.has(OutputKind::Ids) && !resolved.ids.is_empty() {
            return Err(Error::usage("--ids-format is given, but no ids are written")
                .hint("add --output ids, or --output files,ids"));
        }
        if !resolved.has(OutputKind::Annotate) && !resolved.prefix.is_empty() {
            return Err(Error::usage("--annotate-prefix is given, but nothing is annotated")
                .hint("add --output annotate, or --output files,annotate"));
        }
        if resolved.has(OutputKind::Ids) && resolved.ids.is_empty() {
            resolved.ids.insert(IdsFormat::Txt);
        }
        Ok(resolved)
    }

    /// Fails, before any work is done, if the input cannot be written in these kinds of results.
    ///
    /// # Errors
    /// A format without columns, columns of the same names, or uids of rows that have none.
    pub(crate) fn check(&self, input: &Input) -> Result<()> {
        if self.ids.contains(&IdsFormat::Datacomp) && !input.has_ids() {
            return Err(Error::usage("--ids-format datacomp needs uids, and no column of ids is named")
                .hint("name it with --id-column; DataComp calls it uid"));
        }
        if self.has(OutputKind::Files) {
            input.files.iter().try_for_each(formats::check_kept)?;
        }
        if self.has(OutputKind::Annotate) {
            let added = self.added();
            input.files.iter().try_for_each(|file| formats::check_annotated(file, &added))?;
        }
        Ok(())
    }
}
