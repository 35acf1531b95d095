//! The reports of the commands that do a single stage.

use std::path::Path;

use semdedup::models::TextLimit;
use semdedup::{ClusterReport, EmbedReport, ScoreReport, SelectReport, SweepRow};

use super::facts::{
    add_repeated, add_reused, add_uncompared, add_unknown_words, clusters, long_texts, step_times,
};
use super::recall::recall_of;
use crate::numbers::{count, decimal, percent, share_of};
use crate::shell;
use crate::table::{Facts, Side, columns};

/// The smallest epsilon for which `score` shows the recall.
const LEAST_SHOWN_EPSILON: f64 = 0.05;

/// Renders what `embed` did. `limit` says who decided how much of a long text was read.
pub fn embed_table(report: &EmbedReport, out: &Path, limit: TextLimit) -> String {
    let mut facts = Facts::default();
    facts.add("compared", report.compared.to_string());
    facts.add("rows", count(report.rows));
    if report.rows_skipped > 0 {
        facts.add("skipped", format!("{} (listed in skipped.parquet)", count(report.rows_skipped)));
    }
    facts.add("empty texts", count(report.empty_rows));
    add_uncompared(&mut facts, "zero rows", report.zero_rows);
    let long = match report.truncated_texts {
        0 => count(0),
        texts => long_texts(texts, limit),
    };
    facts.add("long texts", long);
    add_unknown_words(&mut facts, report.unknown_texts, report.rows);
    add_repeated(&mut facts, report.embedded_rows, report.repeated_rows);
    add_reused(&mut facts, report.reused_embeddings);
    facts.add("dimension", report.dim.to_string());
    facts.add("files", format!("{} in {}", report.files.len(), out.display()));
    facts.add("next", format!("semdedup cluster {} --out DIR", shell::quote(&out.display().to_string())));
    facts.text()
}

/// Renders what `distill` did.
#[cfg(feature = "transformers")]
pub fn distill_table(report: &semdedup::DistillReport) -> String {
    let mut facts = Facts::default();
    facts.add("teacher", report.teacher.clone());
    facts.add("texts", count(report.texts as u64));
    if report.rows_left_out > 0 {
        facts.add("left out", format!("{} rows without a text or an embedding", count(report.rows_left_out)));
    }
    facts.add("pieces", count(report.pieces as u64));
    facts.add("dimension", report.dim.to_string());
    facts.add("loss", format!("{:.4} at first, {:.4} in the end", report.loss[0], report.loss[1]));
    let model = shell::quote(&report.model.display().to_string());
    facts.add("results", report.model.display().to_string());
    facts.add("next", format!("semdedup run DATA --model {model} --out DIR"));
    facts.text()
}

/// Renders what `cluster` did.
pub fn cluster_table(report: &ClusterReport, out: &Path) -> String {
    let mut facts = Facts::default();
    facts.add("rows", count(report.rows));
    facts.add("dimension", report.dim.to_string());
    facts.add("clusters", clusters(report.clusters, report.largest_cluster));
    for (name, rows) in [("zero rows", report.zero_rows), ("not finite", report.non_finite_rows)] {
        if rows > 0 {
            facts.add(name, format!("{}, in no cluster", count(rows)));
        }
    }
    facts.add("time", step_times(&report.seconds));
    let file = |name: &str| out.join(name).display().to_string();
    let files = ["centroids.npy", "assignments.npy", "probes.npy"].map(file);
    let written: Vec<String> = files.into_iter().filter(|file| Path::new(file).exists()).collect();
    facts.add("results", written.join(", "));
    facts.text()
}

/// Renders what `score` did.
pub fn score_table(report: &ScoreReport, out: &Path) -> String {
    let mut facts = Facts::default();
    facts.add("rows", count(report.rows));
    facts.add("same embedding", share_of(report.equal_embeddings, report.rows));
    add_uncompared(&mut facts, "zero rows", report.zero_rows);
    add_uncompared(&mut facts, "not finite", report.non_finite_rows);
    add_uncompared(&mut facts, "no cluster", report.unclustered_rows);
    for at in report.recall.iter().filter(|at| at.epsilon >= LEAST_SHOWN_EPSILON) {
        if let (Some(share), Some(interval)) = (at.recall, at.interval) {
            let recall = recall_of(share, interval, at.rows);
            facts.add("recall", format!("at epsilon {}: {recall}", decimal(at.epsilon)));
        }
    }
    facts.add("time", step_times(&report.seconds));
    let out = out.display().to_string();
    facts.add("results", out.clone());
    facts.add("next", format!("semdedup sweep {}", shell::quote(&out)));
    facts.text()
}

/// Renders what `select` did.
pub fn select_table(report: &SelectReport, out: &Path) -> String {
    let mut facts = Facts::default();
    facts.add("rows in", count(report.rows_in));
    facts.add("kept", share_of(report.rows_kept, report.rows_in));
    facts.add("removed", share_of(report.rows_removed, report.rows_in));
    if report.rows_skipped > 0 {
        facts.add("skipped", format!("{}, which could not be read", count(report.rows_skipped)));
    }
    facts.add("epsilon", decimal(report.epsilon));
    facts.add("results", out.display().to_string());
    facts.text()
}

/// Renders how much each threshold would remove. `rule` is that of the result, if it is known.
pub fn sweep_table(rows: &[SweepRow], rule: Option<&str>) -> String {
    let mut table = vec![["epsilon", "kept", "removed", "share kept", "recall"].map(str::to_owned).to_vec()];
    for row in rows {
        let recall = row.recall.as_ref().and_then(|at| at.recall);
        table.push(vec![
            decimal(row.epsilon),
            count(row.rows_kept),
            count(row.rows_removed),
            percent(row.share_kept),
            recall.map_or_else(|| "-".to_owned(), percent),
        ]);
    }
    let mut text = columns(&table, &[Side::Right; 5]);
    if rule == Some("representative") {
        text.push_str(
            "counted by the rule any-earlier; by the rule representative of this result more rows stay\n",
        );
    }
    text
}
