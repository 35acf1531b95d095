//! The measured recall of a run.

use semdedup::{RecallAt, Summary};

use crate::numbers::{count, decimal, percent};
use crate::table::Facts;

/// Epsilons that differ by less than this are the same epsilon.
const SAME_EPSILON: f64 = 1e-12;

/// Adds the recall at the epsilon in use, with its confidence interval and the number of rows
/// behind it. Exact copies make the recall look better, so a further line leaves them out.
///
/// A target that cuts through rows of equal score has the recall of all these rows.
pub fn add_recall(facts: &mut Facts, summary: &Summary) {
    if summary.recall_sample == 0 {
        let no_rows = summary.rows_in == summary.rows_skipped;
        let why = if no_rows { "there are no rows" } else { "--recall-sample 0" };
        facts.add("recall", format!("not measured ({why})"));
        return;
    }
    let at = recall_in_use(summary);
    let Some((at, share, interval)) = at.and_then(|at| Some((at, at.recall?, at.interval?))) else {
        facts.add("recall", why_no_recall(summary));
        return;
    };
    let sample = count(summary.recall_sample as u64);
    facts.add("recall", format!("{} in a sample of {sample}", recall_of(share, interval, at.rows)));
    if at.with_ties {
        facts.add("", "these tie at the threshold: the target keeps some of them, the recall counts all");
    }
    if let (Some(share), Some(interval)) = (at.recall_distinct, at.interval_distinct) {
        let recall = recall_of(share, interval, at.rows_distinct);
        facts.add("", format!("{recall}, not counting equal embeddings"));
    }
}

/// Formats a recall, its 95 % interval and the number of duplicates behind it.
pub fn recall_of(share: f64, interval: (f64, f64), duplicates: usize) -> String {
    let (low, high) = (percent(interval.0), percent(interval.1));
    let duplicates = count(duplicates as u64);
    format!("{} (95 % interval {low} to {high}) of {duplicates} duplicates", percent(share))
}

/// Returns the recall at the epsilon in use, with ties if it was measured both ways.
fn recall_in_use(summary: &Summary) -> Option<&RecallAt> {
    let in_use = |at: &&RecallAt| (at.epsilon - summary.epsilon).abs() < SAME_EPSILON;
    summary.recall.iter().filter(in_use).max_by_key(|at| at.with_ties)
}

/// Explains why there is no recall although there is a sample.
fn why_no_recall(summary: &Summary) -> String {
    let (sample, epsilon) = (count(summary.recall_sample as u64), decimal(summary.epsilon));
    if summary.rows_removed > 0 {
        format!(
            "not known: the {sample} sampled rows have no duplicate at epsilon {epsilon}; raise --recall-sample"
        )
    } else if summary.goal.starts_with("epsilon") {
        format!("none: of {sample} sampled rows none has a duplicate at epsilon {epsilon}")
    } else {
        format!("none: `{}` removes nothing", summary.goal)
    }
}
