//! The report of a run.

use indicatif::HumanBytes;
use semdedup::models::TextLimit;
use semdedup::{FileSummary, OutputKind, PairSummary, RunOptions, Summary};

use super::facts::{
    STEPS, add_repeated, add_reused, add_uncompared, add_unknown_words, clusters, long_texts, target,
};
use super::recall::add_recall;
use crate::numbers::{count, decimal, duration, percent, share_of};
use crate::shell;
use crate::table::Facts;

/// The number of scripts and of files whose removed share is shown.
const SHOWN_SHARES: usize = 3;

/// Renders what a run did. `limit` says who decided how much of a long text was read.
pub fn run_table(summary: &Summary, options: &RunOptions, limit: TextLimit) -> String {
    let mut facts = Facts::default();
    add_rows(&mut facts, summary);
    add_texts(&mut facts, summary, limit);
    add_scripts(&mut facts, summary);
    add_files(&mut facts, summary);
    add_keys(&mut facts, summary);
    facts.add("epsilon", epsilon(summary));
    facts.add("rule", rule(summary));
    if let Some(pairs) = &summary.pairs {
        facts.add("pairs", pair_counts(pairs));
    }
    facts.add("clusters", clusters(summary.clusters, summary.largest_cluster));
    add_recall(&mut facts, summary);
    facts.add("time", times(summary));
    if let Some(bytes) = summary.peak_rss_bytes {
        facts.add("peak memory", HumanBytes(bytes).to_string());
    }
    add_results(&mut facts, summary, options);
    facts.text()
}

/// Adds what was compared, and how many rows were kept, removed and skipped.
fn add_rows(facts: &mut Facts, summary: &Summary) {
    let rows_in = summary.rows_in;
    facts.add("compared", summary.compared.to_string());
    facts.add("rows in", count(rows_in));
    facts.add("kept", share_of(summary.rows_kept, rows_in));
    facts.add("removed", share_of(summary.rows_removed, rows_in));
    let of = match summary.compared.by.as_str() {
        "embeddings" => "embedding",
        "image" => "image",
        "both" => "text and image",
        _ => "text",
    };
    if of == "embedding" {
        facts.add("same embedding", share_of(summary.same_embedding, rows_in));
    } else {
        add_copies(facts, summary, of);
    }
    if summary.rows_skipped > 0 {
        facts.add("skipped", format!("{} (listed in skipped.parquet)", count(summary.rows_skipped)));
    }
}

/// Adds the numbers of rows that have the embedding of a row before them. `of` says what was compared.
fn add_copies(facts: &mut Facts, summary: &Summary, of: &str) {
    let share = |rows: u64| share_of(rows, summary.rows_in);
    facts.add("exact copies", format!("{}: the same {of}", share(summary.exact_duplicates)));
    if summary.same_embedding > 0 {
        facts.add("same embedding", format!("{}: another {of}", share(summary.same_embedding)));
    }
    if summary.equal_up_to_limit > 0 {
        let rows = share(summary.equal_up_to_limit);
        facts
            .add("equal at first", format!("{rows}: equal up to the limit of the model, not read behind it"));
    }
}

/// Adds the numbers of rows with unusual texts or embeddings.
fn add_texts(facts: &mut Facts, summary: &Summary, limit: TextLimit) {
    if summary.empty_rows > 0 {
        facts.add("empty texts", format!("{}, all kept", count(summary.empty_rows)));
    }
    add_uncompared(facts, "zero rows", summary.zero_rows);
    add_uncompared(facts, "not finite", summary.non_finite_rows);
    if summary.truncated_texts > 0 {
        facts.add("long texts", long_texts(summary.truncated_texts, limit));
    }
    add_unknown_words(facts, summary.unknown_texts, summary.rows_in);
    add_repeated(facts, summary.embedded_rows, summary.repeated_rows);
    add_reused(facts, summary.reused_embeddings);
}

/// Adds the column on which compared rows agree, and the keys by which rows rank, if they read the input,
/// with the number of rows without a value.
fn add_keys(facts: &mut Facts, summary: &Summary) {
    if let Some(column) = &summary.within {
        facts.add("within", format!("{column}: rows of different values were not compared"));
    }
    if summary.without_value.is_empty() {
        return;
    }
    facts.add("kept first", summary.keep.clone());
    for (key, &rows) in summary.without_value.iter().filter(|(_, rows)| **rows > 0) {
        facts.add("", format!("{key}: {} without a value, which come last", rows_of(rows)));
    }
}

/// Formats a number of rows.
fn rows_of(rows: u64) -> String {
    format!("{} {}", count(rows), if rows == 1 { "row" } else { "rows" })
}

/// Adds what each script loses, if there are several.
fn add_scripts(facts: &mut Facts, summary: &Summary) {
    if summary.scripts.len() <= 1 {
        return;
    }
    let shown = summary.scripts.iter().take(SHOWN_SHARES);
    let mut lines: Vec<String> =
        shown.map(|share| removed_share(&share.name, share.rows_removed, share.rows)).collect();
    let more = summary.scripts.len().saturating_sub(SHOWN_SHARES);
    lines.extend((more > 0).then(|| format!("{more} more scripts in summary.json")));
    facts.add("by script", lines.join(", "));
}

/// Adds the files that lose most, if there are several files.
fn add_files(facts: &mut Facts, summary: &Summary) {
    if summary.files.len() <= 1 {
        return;
    }
    let lost = |file: &FileSummary| file.rows_removed as f64 / (file.rows_in.max(1)) as f64;
    let mut files: Vec<&FileSummary> = summary.files.iter().collect();
    files.sort_by(|a, b| lost(b).total_cmp(&lost(a)));
    let shown = files.iter().take(SHOWN_SHARES);
    let lines: Vec<String> =
        shown.map(|file| removed_share(&file.kept, file.rows_removed, file.rows_in)).collect();
    let most = if files.len() > SHOWN_SHARES { "most: " } else { "" };
    facts.add("by file", format!("{most}{}", lines.join(", ")));
}

/// Formats the share of the rows of a script or file that was removed.
fn removed_share(name: &str, removed: u64, rows: u64) -> String {
    format!("{} of {} {name} removed", percent(removed as f64 / rows.max(1) as f64), count(rows))
}

/// Formats the epsilon in use, and the target that it comes from if no epsilon was given.
fn epsilon(summary: &Summary) -> String {
    let number = decimal(summary.epsilon);
    if summary.goal.starts_with("epsilon") {
        number
    } else {
        format!("{number} (what `{}` amounts to)", target(&summary.goal))
    }
}

/// Formats the rule by which rows went, and whether a row that stays stands for each of them.
fn rule(summary: &Summary) -> String {
    let alone = summary.without_representative.unwrap_or(0);
    match summary.rule.as_str() {
        "representative" => "representative: a row that stays is as similar to each that goes".to_owned(),
        rule if alone > 0 => {
            let share = share_of(alone, summary.rows_removed);
            format!("{rule}: for {share} of the removed rows no row that stays is as similar")
        }
        rule => rule.to_owned(),
    }
}

/// Formats how many pairs were written, and for how many rows there are more.
fn pair_counts(pairs: &PairSummary) -> String {
    let &PairSummary { above, per_row, pairs, rows_cut } = pairs;
    let cut = match rows_cut {
        0 => String::new(),
        rows => format!("; {} rows have more than {per_row} and keep the most similar", count(rows)),
    };
    format!("{} above {above} in pairs.parquet{cut}", count(pairs))
}

/// Formats the time of the run and of each of its steps.
fn times(summary: &Summary) -> String {
    let total = summary.seconds.get("total").copied().unwrap_or(0.0);
    let step = |name: &&str| {
        let seconds = summary.seconds.get(*name)?;
        let reused = if summary.reused_stages.iter().any(|stage| stage == name) { " (reused)" } else { "" };
        Some(format!("{name} {seconds:.1}{reused}"))
    };
    let steps: Vec<String> = STEPS.iter().filter_map(step).collect();
    format!("{} ({})", duration(total), steps.join(", "))
}

/// Adds where the results are, and the commands to try next.
fn add_results(facts: &mut Facts, summary: &Summary, options: &RunOptions) {
    let out = &options.output.out;
    facts.add("results", out.display().to_string());
    for list in &summary.lists {
        facts.add(
            "",
            format!(
                "{} id{} in {}",
                count(list.rows),
                if list.rows == 1 { "" } else { "s" },
                out.join(&list.file).display()
            ),
        );
    }
    if summary.output.contains(&OutputKind::Annotate) {
        let (rows, folder) = (count(summary.rows_in), out.join("annotated"));
        facts.add("", format!("{rows} rows with columns added in {}", folder.display()));
    }
    let out = shell::quote(&out.display().to_string());
    facts.add("next", format!("semdedup sweep {out}    how much would go at other thresholds"));
    facts.add("", format!("semdedup show {out}     read pairs that were found alike"));
}
