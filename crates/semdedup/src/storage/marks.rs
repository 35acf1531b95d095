//! Names the files and folders by which semdedup knows its own work, also that of a killed run.

/// The folder in an output folder in which the result of a run is unfinished.
pub(crate) const UNFINISHED: &str = ".semdedup-unfinished";

/// The record, in the unfinished folder, of the files that a run is putting into place.
pub(crate) const RECORD: &str = "run.json";

/// The folder in an output folder of a mark and a lock, while a command replaces its files there.
pub(crate) const WRITING: &str = ".semdedup-writing";

/// The mark: the names of these files.
pub(crate) const MARK: &str = "files.json";

/// The beginning of the names of temporary folders in which a result for a store is written first.
pub(crate) const STAGED: &str = "semdedup-staged-";

/// The file in a work directory that says which stages are done.
pub(crate) const MANIFEST: &str = "manifest.json";
