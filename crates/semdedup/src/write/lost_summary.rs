//! Says what helps where the summary of a result is damaged or gone: without it nobody knows which
//! rows the result removed, and which files are ours.

use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::marks::UNFINISHED;
use crate::storage::{exists, is_file, is_url};
use crate::summary::{SUMMARY, summary_problem};
use crate::write::result_files::RESULTS;

/// Fails if a finished result in this folder has a damaged summary.
pub(crate) fn check_summary(out: &Path) -> Result<()> {
    match summary_problem(out)? {
        // It may be a file of another program.
        Some(problem) if has_tables(out)? => Err(lost(out, &problem)?),
        _ => Ok(()),
    }
}

/// Fails if a finished result in this folder has no summary. A run that is killed while it puts its
/// result into place leaves a mark.
pub(crate) fn check_summary_is_there(out: &Path) -> Result<()> {
    if is_file(&out.join(SUMMARY))? || exists(&out.join(UNFINISHED))? || !has_tables(out)? {
        return Ok(());
    }
    Err(lost(out, "is missing, and it says what this run did")?)
}

/// Whether the tables are there that every result has.
fn has_tables(out: &Path) -> Result<bool> {
    Ok(is_file(&out.join("removed.parquet"))? && is_file(&out.join("scores.parquet"))?)
}

fn lost(out: &Path, problem: &str) -> Result<Error> {
    let mut there = Vec::new();
    for name in RESULTS.into_iter().chain([SUMMARY]) {
        if exists(&out.join(name))? {
            there.push(quoted(&out.join(name)));
        }
    }
    let old = quoted(&out.with_file_name(format!("{}-damaged", name_of(out))));
    let files = there.join(" ");
    let hint = match is_url(out) {
        true => format!("move these away and run the same `semdedup run` again: {files}"),
        false => format!(
            "to write the result again: mkdir {old} && mv {files} {old}, then the same `semdedup run`"
        ),
    };
    let message = format!("{}: {problem}", out.join(SUMMARY).display());
    Ok(Error::new(ErrorKind::Output, message).hint(hint))
}

fn name_of(out: &Path) -> String {
    out.file_name().map_or_else(|| "result".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Returns a path as a shell takes it for one word.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-:=@+,".contains(c);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
