//! Stopping a stage that takes long.

/// Returns whether to stop. Stages call it from any thread, some hundred times a second at most per
/// thread. Once it has returned true it must not return false again: a stage that was told to stop
/// has skipped work, and its result is of no use.
pub type Stop<'a> = dyn Fn() -> bool + Sync + 'a;

/// Never stops.
pub(crate) const NEVER: &Stop<'static> = &|| false;
