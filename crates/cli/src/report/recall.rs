//! The measured recall of a run.

use semdedup::{MoreProbes, RecallAt, Summary, recall_advice};

use crate::numbers::{count, decimal, duration, percent};
use crate::table::Facts;

/// Epsilons that differ by less than this are the same epsilon.
const SAME_EPSILON: f64 = 1e-12;

/// A recall below this is followed by the options that raise it.
const LOW_RECALL: f64 = 0.95;

/// The most seconds of comparing everything for which that is proposed.
const EVERYTHING_SECONDS: f64 = 600.0;

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
    if share.min(at.recall_distinct.unwrap_or(1.0)) < LOW_RECALL {
        add_advice(facts, summary);
    }
}

/// Adds the options that raise the recall, and what they cost.
fn add_advice(facts: &mut Facts, summary: &Summary) {
    let Some(advice) = recall_advice(summary) else { return };
    let mut label = "more recall";
    if let Some(seconds) = advice.everything_seconds.filter(|&seconds| seconds <= EVERYTHING_SECONDS) {
        facts.add(label, format!("--clusters 1 compares everything with everything, {}", within(seconds)));
        label = "";
    }
    if let Some(MoreProbes { probes, times_the_pairs, seconds }) = advice.probes {
        let (times, time) = (decimal((10.0 * times_the_pairs).round() / 10.0), within(seconds));
        facts.add(label, format!("--probes {probes} compares about {times} times as many pairs, {time}"));
    }
}

/// Formats an estimated time.
fn within(seconds: f64) -> String {
    if seconds < 1.0 { "in less than a second".to_owned() } else { format!("in about {}", duration(seconds)) }
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
