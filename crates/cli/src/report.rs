//! The results of the commands as people read them.

use std::collections::BTreeMap;
use std::path::Path;

use indicatif::{HumanBytes, HumanCount};
use semdedup::{
    ClusterPlan, ClusterReport, EmbedReport, FileSummary, OutputKind, Plan, RunOptions, ScoreReport,
    SelectReport, Summary, SweepRow,
};

use crate::output::shell_word;
use crate::progress::seconds;
use crate::table::{Facts, Side, columns};

/// The names under which seconds are reported, in the order in which the work is done.
const STEPS: [&str; 7] = ["embed", "train", "assign", "score", "recall", "select", "write"];

/// How many scripts and files to show with what they lose.
const SHARES: usize = 3;

/// What a run did.
pub fn run(summary: &Summary, options: &RunOptions) -> String {
    let mut facts = Facts::default();
    let rows_in = summary.rows_in;
    facts.add("compared", summary.compared.to_string());
    facts.add("rows in", count(rows_in));
    facts.add("kept", share_of(summary.rows_kept, rows_in));
    facts.add("removed", share_of(summary.rows_removed, rows_in));
    facts.add("exact copies", format!("{}: the same embedding", share_of(summary.exact_duplicates, rows_in)));
    if summary.rows_skipped > 0 {
        facts.add("skipped", format!("{} (listed in skipped.parquet)", count(summary.rows_skipped)));
    }
    if summary.empty_rows > 0 {
        facts.add("empty texts", format!("{}, all kept", count(summary.empty_rows)));
    }
    add_uncompared(&mut facts, "zero rows", summary.zero_rows);
    add_uncompared(&mut facts, "not finite", summary.non_finite_rows);
    if summary.truncated_texts > 0 {
        facts.add("long texts", format!("{}, read up to --max-tokens", count(summary.truncated_texts)));
    }
    if summary.unknown_texts > 0 {
        let texts = share_of(summary.unknown_texts, rows_in);
        facts.add("unknown words", format!("in most of {texts} texts, compared by their letters"));
    }
    add_shares(&mut facts, summary);
    facts.add("epsilon", epsilon(summary));
    facts.add("clusters", clusters(summary.clusters, summary.largest_cluster));
    add_recall(&mut facts, summary);
    facts.add("time", times(summary));
    if let Some(bytes) = summary.peak_rss_bytes {
        facts.add("peak memory", HumanBytes(bytes).to_string());
    }
    let out = &options.output.out;
    facts.add("results", out.display().to_string());
    for list in &summary.lists {
        facts.add("", format!("{} ids in {}", count(list.rows), out.join(&list.file).display()));
    }
    if summary.output.contains(&OutputKind::Annotate) {
        facts.add(
            "",
            format!("{} rows with columns added in {}", count(rows_in), out.join("annotated").display()),
        );
    }
    let out = shell_word(&out.display().to_string());
    facts.add("next", format!("semdedup sweep {out}    how much would go at other thresholds"));
    facts.add("", format!("semdedup show {out}     read pairs that were found alike"));
    facts.text()
}

/// What each script loses, and the files that lose most, where there are several.
fn add_shares(facts: &mut Facts, summary: &Summary) {
    let line = |name: &str, removed: u64, rows: u64| {
        format!("{} of {} {name} removed", percent(removed as f64 / rows.max(1) as f64), count(rows))
    };
    if summary.scripts.len() > 1 {
        let shown = summary.scripts.iter().take(SHARES);
        let mut lines: Vec<String> =
            shown.map(|share| line(&share.name, share.rows_removed, share.rows)).collect();
        let more = summary.scripts.len().saturating_sub(SHARES);
        lines.extend((more > 0).then(|| format!("{more} more scripts in summary.json")));
        facts.add("by script", lines.join(", "));
    }
    if summary.files.len() > 1 {
        let lost = |file: &FileSummary| file.rows_removed as f64 / (file.rows_in.max(1)) as f64;
        let mut files: Vec<&FileSummary> = summary.files.iter().collect();
        files.sort_by(|a, b| lost(b).total_cmp(&lost(a)));
        let shown = files.iter().take(SHARES);
        let lines: Vec<String> =
            shown.map(|file| line(&file.kept, file.rows_removed, file.rows_in)).collect();
        let most = if files.len() > SHARES { "most: " } else { "" };
        facts.add("by file", format!("{most}{}", lines.join(", ")));
    }
}

/// The ε in use, and where it came from if it is not what was asked for.
fn epsilon(summary: &Summary) -> String {
    let number = short(summary.epsilon);
    if summary.goal.starts_with("epsilon") {
        number
    } else {
        format!("{number} (what `{}` amounts to)", summary.goal)
    }
}

/// Rows that are compared with nothing, if there are any.
fn add_uncompared(facts: &mut Facts, name: &str, rows: u64) {
    if rows > 0 {
        facts.add(name, format!("{}, kept and compared with nothing", count(rows)));
    }
}

/// The recall at the ε in use, with its interval and the rows behind it; exact copies flatter it, so without them too. For a
/// target that cuts through rows of equal score it is that of all these rows.
fn add_recall(facts: &mut Facts, summary: &Summary) {
    if summary.recall_sample == 0 {
        let why =
            if summary.rows_in == summary.rows_skipped { "there are no rows" } else { "--recall-sample 0" };
        facts.add("recall", format!("not measured ({why})"));
        return;
    }
    let at_epsilon = summary.recall.iter().filter(|at| (at.epsilon - summary.epsilon).abs() < 1e-12);
    let at_epsilon = at_epsilon.max_by_key(|at| at.with_ties);
    let Some((at, share, interval)) = at_epsilon.and_then(|at| Some((at, at.recall?, at.interval?))) else {
        facts.add("recall", no_recall(summary));
        return;
    };
    let sample = count(summary.recall_sample as u64);
    facts.add("recall", format!("{} in a sample of {sample}", measured(share, interval, at.rows)));
    if at.with_ties {
        facts.add("", "they tie at the threshold: the target keeps some of them, all count".to_owned());
    }
    if let (Some(share), Some(interval)) = (at.recall_distinct, at.interval_distinct) {
        facts.add("", format!("{}, not counting exact copies", measured(share, interval, at.rows_distinct)));
    }
}

/// Why there is no recall, although there is a sample.
fn no_recall(summary: &Summary) -> String {
    let (sample, epsilon) = (count(summary.recall_sample as u64), short(summary.epsilon));
    if summary.rows_removed > 0 {
        return format!(
            "not known: the {sample} sampled rows have no duplicate at epsilon {epsilon}; raise --recall-sample"
        );
    }
    if summary.goal.starts_with("epsilon") {
        return format!("none: of {sample} sampled rows none has a duplicate at epsilon {epsilon}");
    }
    format!("none: `{}` removes nothing", summary.goal)
}

fn measured(share: f64, (low, high): (f64, f64), rows: usize) -> String {
    let rows = count(rows as u64);
    format!("{} (95 % interval {} to {}) of {rows} duplicates", percent(share), percent(low), percent(high))
}

fn times(summary: &Summary) -> String {
    let total = summary.seconds.get("total").copied().unwrap_or(0.0);
    let stage = |name: &&str| {
        let took = summary.seconds.get(*name)?;
        let reused = if summary.reused_stages.iter().any(|stage| stage == name) { " (reused)" } else { "" };
        Some(format!("{name} {took:.1}{reused}"))
    };
    let stages: Vec<String> = STEPS.iter().filter_map(stage).collect();
    format!("{} ({})", seconds(total), stages.join(", "))
}

/// The seconds of the steps of a command for some stages, in their order.
fn steps(seconds: &BTreeMap<&str, f64>) -> String {
    let step = |name: &&str| Some(format!("{name} {:.1} s", seconds.get(*name)?));
    STEPS.iter().filter_map(step).collect::<Vec<_>>().join(", ")
}

/// `152 (largest: 2,910 rows)`
fn clusters(clusters: usize, largest: u64) -> String {
    let rows = if largest == 1 { "row" } else { "rows" };
    format!("{} (largest: {} {rows})", count(clusters as u64), count(largest))
}

/// What a run would do.
pub fn plan(plan: &Plan) -> String {
    let header = ["rows", "bytes", "text", "image", "id", "embedding", "file"].map(str::to_owned).to_vec();
    let name = |column: &Option<String>| column.clone().unwrap_or_else(|| "-".to_owned());
    let mut rows = vec![header];
    for file in &plan.files {
        rows.push(vec![
            count(file.rows),
            HumanBytes(file.bytes).to_string(),
            name(&file.text_column),
            name(&file.image_column),
            name(&file.id_column),
            match &file.embeddings {
                Some(path) => path.display().to_string(),
                None => name(&file.embedding_column),
            },
            file.path.display().to_string(),
        ]);
    }
    let right_then_left =
        [Side::Right, Side::Right, Side::Left, Side::Left, Side::Left, Side::Left, Side::Left];
    let mut facts = Facts::default();
    facts.add("compared", plan.compared.to_string());
    facts.add("rows", count(plan.rows));
    facts.add("clusters", count(plan.clusters as u64));
    facts.add("memory", format!("about {}", HumanBytes(plan.memory_bytes)));
    let free = plan.free_bytes.map_or(String::new(), |free| format!(" ({} free)", HumanBytes(free)));
    facts.add("disk", format!("about {}{free}", HumanBytes(plan.disk_bytes)));
    facts.add("time", format!("about {}", seconds(plan.seconds)));
    facts.add("results", format!("{} ({})", plan.out.display(), plan.written.join(", ")));
    facts.add("work", plan.work.display().to_string());
    format!("{}\n{}\nnothing was written (--dry-run)\n", columns(&rows, &right_then_left), facts.text())
}

/// What `cluster` and then `score` would do.
pub fn cluster_plan(plan: &ClusterPlan) -> String {
    let mut facts = Facts::default();
    facts.add("rows", count(plan.rows));
    facts.add("dimension", plan.dim.to_string());
    facts.add("clusters", count(plan.clusters as u64));
    facts.add("disk", format!("about {}", HumanBytes(plan.disk_bytes)));
    facts.add("time", format!("about {}, with scoring", seconds(plan.seconds)));
    format!("{}\nnothing was written (--dry-run)\n", facts.text())
}

/// What `embed` did.
pub fn embed(report: &EmbedReport, out: &Path) -> String {
    let mut facts = Facts::default();
    facts.add("compared", report.compared.to_string());
    facts.add("rows", count(report.rows));
    if report.rows_skipped > 0 {
        facts.add("skipped", count(report.rows_skipped));
    }
    facts.add("empty texts", count(report.empty_rows));
    add_uncompared(&mut facts, "zero rows", report.zero_rows);
    facts.add("long texts", format!("{}, read up to --max-tokens", count(report.truncated_texts)));
    if report.unknown_texts > 0 {
        let texts = share_of(report.unknown_texts, report.rows);
        facts.add("unknown words", format!("in most of {texts} texts, compared by their letters"));
    }
    facts.add("dimension", report.dim.to_string());
    facts.add("files", format!("{} in {}", report.files.len(), out.display()));
    facts.add("next", format!("semdedup cluster {} --out DIR", shell_word(&out.display().to_string())));
    facts.text()
}

/// What `cluster` did.
pub fn cluster(report: &ClusterReport, out: &Path) -> String {
    let mut facts = Facts::default();
    facts.add("rows", count(report.rows));
    facts.add("dimension", report.dim.to_string());
    facts.add("clusters", clusters(report.clusters, report.largest_cluster));
    for (name, rows) in [("zero rows", report.zero_rows), ("not finite", report.non_finite_rows)] {
        if rows > 0 {
            facts.add(name, format!("{}, in no cluster", count(rows)));
        }
    }
    let file = |name: &str| out.join(name).display().to_string();
    facts.add("time", steps(&report.seconds));
    let files = ["centroids.npy", "assignments.npy", "probes.npy"].map(file);
    let there: Vec<String> = files.into_iter().filter(|file| Path::new(file).exists()).collect();
    facts.add("results", there.join(", "));
    facts.text()
}

/// What `score` did.
pub fn score(report: &ScoreReport, out: &Path) -> String {
    let mut facts = Facts::default();
    facts.add("rows", count(report.rows));
    facts.add("exact copies", share_of(report.exact_duplicates, report.rows));
    add_uncompared(&mut facts, "zero rows", report.zero_rows);
    add_uncompared(&mut facts, "not finite", report.non_finite_rows);
    add_uncompared(&mut facts, "no cluster", report.unclustered_rows);
    for at in report.recall.iter().filter(|at| at.epsilon >= 0.05) {
        if let (Some(share), Some(interval)) = (at.recall, at.interval) {
            let measured = measured(share, interval, at.rows);
            facts.add("recall", format!("at epsilon {}: {measured}", short(at.epsilon)));
        }
    }
    facts.add("time", steps(&report.seconds));
    let out = out.display().to_string();
    facts.add("results", out.clone());
    facts.add("next", format!("semdedup sweep {}", shell_word(&out)));
    facts.text()
}

/// What `select` did.
pub fn select(report: &SelectReport, out: &Path) -> String {
    let mut facts = Facts::default();
    facts.add("rows in", count(report.rows_in));
    facts.add("kept", share_of(report.rows_kept, report.rows_in));
    facts.add("removed", share_of(report.rows_removed, report.rows_in));
    if report.rows_skipped > 0 {
        facts.add("skipped", format!("{}, which could not be read", count(report.rows_skipped)));
    }
    facts.add("epsilon", short(report.epsilon));
    facts.add("results", out.display().to_string());
    facts.text()
}

/// How much would go at each threshold.
pub fn sweep(rows: &[SweepRow]) -> String {
    let mut table = vec![["epsilon", "kept", "removed", "share kept", "recall"].map(str::to_owned).to_vec()];
    for row in rows {
        table.push(vec![
            short(row.epsilon),
            count(row.rows_kept),
            count(row.rows_removed),
            percent(row.share_kept),
            row.recall.as_ref().and_then(|at| at.recall).map_or_else(|| "-".to_owned(), percent),
        ]);
    }
    columns(&table, &[Side::Right; 5])
}

fn count(rows: u64) -> String {
    HumanCount(rows).to_string()
}

fn share_of(rows: u64, of: u64) -> String {
    if of == 0 { count(rows) } else { format!("{} ({})", count(rows), percent(rows as f64 / of as f64)) }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// A number to six digits after the point, without the zeros that say nothing.
fn short(number: f64) -> String {
    let digits = format!("{number:.6}");
    digits.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_but_not_wrong() {
        assert_eq!(short(0.1), "0.1");
        assert_eq!(short(1.0), "1");
        assert_eq!(short(0.123_456_78), "0.123457");
        assert_eq!(share_of(0, 0), "0");
        assert_eq!(share_of(1, 3), "1 (33.3 %)");
    }
}
