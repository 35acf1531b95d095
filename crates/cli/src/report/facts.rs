//! Lines that the reports of several commands share.

use std::collections::BTreeMap;

use semdedup::models::TextLimit;

use crate::numbers::{count, share_of};
use crate::table::Facts;

/// The names of the steps in the timings, in the order of the work.
pub const STEPS: [&str; 10] =
    ["embed", "train", "assign", "within", "rank", "score", "recall", "pairs", "select", "write"];

/// Adds a line on rows that are compared with nothing, if there are any.
pub fn add_uncompared(facts: &mut Facts, name: &str, rows: u64) {
    if rows > 0 {
        facts.add(name, format!("{}, kept and compared with nothing", count(rows)));
    }
}

/// Adds a line on texts whose words are mostly missing from the model's vocabulary, if there are
/// any.
pub fn add_unknown_words(facts: &mut Facts, texts: u64, rows: u64) {
    if texts > 0 {
        let texts = share_of(texts, rows);
        facts.add("unknown words", format!("{texts} texts are mostly such words, compared by their letters"));
    }
}

/// Formats the number of texts that were not read to their ends, and what says how far they were.
pub fn long_texts(texts: u64, limit: TextLimit) -> String {
    match limit {
        TextLimit::MaxTokens => format!("{}, read up to --max-tokens", count(texts)),
        TextLimit::Server => format!("{}, which the server cut off", count(texts)),
    }
}

/// Adds the number of rows that the model embedded, if others repeat them.
pub fn add_repeated(facts: &mut Facts, embedded: Option<u64>, repeated: u64) {
    if let Some(embedded) = embedded.filter(|_| repeated > 0) {
        let (embedded, repeated) = (count(embedded), count(repeated));
        facts.add(
            "embedded",
            format!("{embedded} rows, each a different one; {repeated} more rows repeat them"),
        );
    }
}

/// Adds the number of rows whose embeddings an earlier run had made.
pub fn add_reused(facts: &mut Facts, rows: u64) {
    if rows > 0 {
        facts.add("reused", format!("{} embeddings that an earlier run had made", count(rows)));
    }
}

/// Formats the number of clusters: `152 (largest: 2,910 rows)`.
pub fn clusters(clusters: usize, largest: u64) -> String {
    let rows = if largest == 1 { "row" } else { "rows" };
    format!("{} (largest: {} {rows})", count(clusters as u64), count(largest))
}

/// Returns the option of a target size: `--keep-fraction 0.5` for `keep fraction 0.5`, `--keep-rows 5` for
/// `keep 5 rows`.
pub fn target(goal: &str) -> String {
    match goal.strip_prefix("keep ").and_then(|goal| goal.strip_suffix(" rows")) {
        Some(rows) => format!("--keep-rows {rows}"),
        None => goal.replacen("keep ", "--keep-", 1),
    }
}

/// Formats the seconds of the steps that a command took, in the order of the work.
pub fn step_times(seconds: &BTreeMap<&str, f64>) -> String {
    let step = |name: &&str| Some(format!("{name} {:.1} s", seconds.get(*name)?));
    STEPS.iter().filter_map(step).collect::<Vec<_>>().join(", ")
}
