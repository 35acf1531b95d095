//! Recognises the results of earlier runs: their kept rows would be read beside their own input.

use std::collections::HashSet;
use std::path::Path;

use crate::error::{Error, Result};
use crate::storage::{Location, read};

/// The file that is written last, with the numbers of the run.
const SUMMARY: &str = "summary.json";

/// The tables of which a result has at least one.
const TABLES: [&str; 2] = ["removed.parquet", "scores.parquet"];

/// Whether a folder on the disk holds the result of a run.
pub(crate) fn is_result(folder: &Path) -> bool {
    let summary = folder.join(SUMMARY);
    summary.is_file()
        && TABLES.iter().any(|name| folder.join(name).is_file())
        && fs_err::read(summary).is_ok_and(|bytes| is_ours(&bytes))
}

/// Returns the folders with results of runs among the names of objects below a folder.
pub(crate) fn results_among(folder: &Location, names: &HashSet<&str>) -> Result<Vec<String>> {
    let mut results = Vec::new();
    for name in names {
        let Some(parent) =
            name.strip_suffix(SUMMARY).filter(|parent| parent.is_empty() || parent.ends_with('/'))
        else {
            continue;
        };
        if TABLES.iter().any(|table| names.contains(format!("{parent}{table}").as_str())) {
            let bytes = read(Path::new(&format!("{}/{name}", folder.text))).map_err(Error::io)?;
            if is_ours(&bytes) {
                results.push(parent.to_owned());
            }
        }
    }
    results.sort_unstable();
    Ok(results)
}

/// Whether a summary is one of ours.
fn is_ours(summary: &[u8]) -> bool {
    let summary: serde_json::Value = serde_json::from_slice(summary).unwrap_or_default();
    summary.get("scores_fingerprint").is_some()
}
