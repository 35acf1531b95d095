//! Makes the warnings and the summary of a run.

use std::collections::HashMap;
use std::path::Path;

use semdedup_embed::TextLimit;

use crate::cluster::clustering::largest;
use crate::embed::dataset::{Dataset, skipped_rows, unknown_words, zero_rows};
use crate::embed::not_utf8::not_utf8;
use crate::error::Result;
use crate::indistinct::IndistinctTexts;
use crate::input::find::Input;
use crate::pipeline::close_rows::{CloseRows, indistinct_warning};
use crate::pipeline::copies::Copies;
use crate::pipeline::limited_clusters::LimitedClusters;
use crate::pipeline::resolved::ResolvedRun;
use crate::pipeline::scored::Scored;
use crate::progress::Progress;
use crate::recall;
use crate::select::selection::{Outcome, Selection, describe};
use crate::shares::{Groups, Share, losers};
use crate::storage::is_url;
use crate::summary::{PairSummary, Summary};
use crate::warning::EMPTY_TEXT_SHARE;
use crate::warning::LARGE_CLUSTER_SHARE;
use crate::warning::LOOSE_EPSILON;
use crate::warning::REMOVED_SHARE;
use crate::warning::Warning;

use crate::workdir::pair_counts;
use crate::workdir::script::{Code, ScriptRun};
use crate::workdir::uncompared::Uncompared;

/// With fewer clusters than this, a cluster with a large share of the rows is no cause for a
/// warning.
const FEW_CLUSTERS: usize = 4;

/// The findings about a run that its summary reports.
struct Notes {
    warnings: Vec<Warning>,
    uncompared: Uncompared,
    /// The rows that each script loses.
    scripts: Vec<Share>,
}

/// What is reported on, and to whom.
struct Reported<'a> {
    input: &'a Input,
    progress: &'a dyn Progress,
    /// Who decides how much of a long text is read.
    limit: TextLimit,
}

/// What a run has found out about its rows.
pub(crate) struct Findings<'a> {
    pub(crate) scored: &'a Scored,
    pub(crate) selection: &'a Selection,
    pub(crate) alike: Alike,
    pub(crate) pairs: Option<PairSummary>,
    /// The warnings about columns that the user watches.
    pub(crate) watched: Vec<Warning>,
}

/// The rows that are all but equal to a row before them.
pub(crate) struct Alike {
    copies: Copies,
    indistinct: Option<IndistinctTexts>,
}

impl Alike {
    /// Counts the copies, and compares the texts of other rows that are all but equal.
    ///
    /// # Errors
    /// Files of the work directory or of the input that cannot be read.
    pub(crate) fn find(input: &Input, scored: &Scored) -> Result<Self> {
        let mut close = CloseRows::default();
        let copies = Copies::count(&scored.dataset, &scored.columns, |row| close.add(row))?;
        Ok(Self { copies, indistinct: close.compare(input, scored)? })
    }
}

impl Notes {
    /// Finds what the user should know, and reports the warnings.
    fn collect(findings: &Findings, run: &Reported) -> Self {
        let Findings { scored, selection, alike, watched, .. } = findings;
        let &Reported { input, progress, limit } = run;
        let rows = selection.outcome.len() as u64;
        let mut uncompared = scored.columns.uncompared();
        uncompared.zero = zero_rows(&scored.dataset, uncompared.zero);
        let mut warnings: Vec<Warning> = input.warnings().collect();
        // These were reported at the beginning.
        let reported = warnings.len();
        warnings.extend(skipped_rows(&scored.dataset));
        warnings.extend(not_utf8(&scored.dataset, input));
        warnings.extend(uncompared.warnings(&scored.dataset.row_index));
        let share = |part: u64| part as f64 / rows as f64;
        let empty = scored.dataset.empty;
        if share(empty) >= EMPTY_TEXT_SHARE {
            warnings.push(Warning::EmptyTexts { rows: empty, of: rows });
        }
        if scored.dataset.truncated > 0 {
            let (rows, equal) = (scored.dataset.truncated, alike.copies.up_to_limit);
            warnings.push(Warning::TruncatedTexts { rows, equal, limit });
        }
        warnings.extend(unknown_words(&scored.dataset));
        let read = rows - selection.count(Outcome::Skipped);
        warnings.extend(indistinct_warning(alike.indistinct.as_ref(), read));
        let largest = largest(&scored.columns.cluster);
        if scored.clusters >= FEW_CLUSTERS && share(largest) >= LARGE_CLUSTER_SHARE {
            warnings.push(Warning::LargeCluster { rows: largest, of: rows, clusters: scored.clusters });
        }
        if let Some(LimitedClusters { clusters, wanted }) = scored.limited_clusters {
            warnings.push(Warning::FewerClusters { clusters, wanted });
        }
        let removed = selection.count(Outcome::Removed);
        if share(removed) >= REMOVED_SHARE {
            warnings.push(Warning::RemovesMost { rows: removed, of: rows, epsilon: selection.epsilon });
        } else if selection.lowest_removed(&scored.columns.score) < 1.0 - LOOSE_EPSILON as f32 {
            warnings.push(Warning::LooseTarget { epsilon: selection.epsilon });
        }
        let scripts = shares_of_scripts(&scored.dataset.scripts, selection);
        let files = shares_of_files(&scored.dataset, selection);
        for (groups, shares) in [(Groups::Files, &files), (Groups::Scripts, &scripts)] {
            warnings.extend(losers(shares).map(|losers| Warning::LoseMost { groups, losers }));
        }
        warnings.extend(watched.iter().cloned());
        warnings[reported..].iter().for_each(|warning| progress.warn(warning));
        Self { warnings, uncompared, scripts }
    }
}

/// Counts the rows of a group, and those of them that go.
fn share(name: &str, outcomes: &[Outcome]) -> Share {
    let count = |is: fn(Outcome) -> bool| outcomes.iter().filter(|&&outcome| is(outcome)).count() as u64;
    let rows = count(|outcome| outcome != Outcome::Skipped);
    Share { name: name.to_owned(), rows, rows_removed: count(|outcome| outcome == Outcome::Removed) }
}

/// Counts the rows that each file of the input loses, in the order of the input.
fn shares_of_files(dataset: &Dataset, selection: &Selection) -> Vec<Share> {
    let files = dataset.row_index.files.iter().enumerate();
    files.map(|(number, file)| share(&file.name, selection.of_file(dataset, number))).collect()
}

/// Counts the rows that each script loses, the script with most rows first. Rows without a text
/// belong to no script.
fn shares_of_scripts(runs: &[ScriptRun], selection: &Selection) -> Vec<Share> {
    let mut counts: HashMap<Code, Share> = HashMap::new();
    let mut start = 0;
    for &ScriptRun(script, rows) in runs {
        let end = start + rows as usize;
        let found = share("", &selection.outcome[start..end]);
        let count = counts.entry(script).or_insert_with(|| share("", &[]));
        count.rows += found.rows;
        count.rows_removed += found.rows_removed;
        start = end;
    }
    let named = |(script, count): (Code, Share)| Some(Share { name: script.name()?, ..count });
    let mut shares: Vec<Share> = counts.into_iter().filter_map(named).collect();
    shares.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.name.cmp(&b.name)));
    shares
}

/// Reports the warnings and makes the summary, except the fields that are known only when
/// everything is written.
pub(crate) fn summarise(run: &ResolvedRun, findings: &Findings, progress: &dyn Progress) -> Summary {
    let Findings { scored, selection, alike, pairs, .. } = findings;
    let reported = Reported { input: &run.input, progress, limit: run.embedder.text_limit() };
    let notes = Notes::collect(findings, &reported);
    let Alike { copies, indistinct } = alike;
    let (options, dim) = (run.options, run.dim());
    Summary {
        fingerprint: run.stages.result.as_str().to_owned(),
        rows_fingerprint: run.stages.embed.as_str().to_owned(),
        scores_fingerprint: run.stages.score.as_str().to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        compared: run.comparison(),
        rows_in: selection.outcome.len() as u64,
        rows_kept: selection.count(Outcome::Kept),
        rows_removed: selection.count(Outcome::Removed),
        rows_skipped: selection.count(Outcome::Skipped),
        exact_duplicates: copies.exact,
        same_embedding: copies.other,
        equal_up_to_limit: copies.up_to_limit,
        indistinct_texts: indistinct.clone(),
        empty_rows: scored.dataset.empty,
        zero_rows: notes.uncompared.zero.rows,
        non_finite_rows: notes.uncompared.non_finite.rows,
        truncated_texts: scored.dataset.truncated,
        reused_embeddings: scored.dataset.reused,
        embedded_rows: scored.dataset.embedded,
        repeated_rows: scored.dataset.repeated,
        unknown_texts: scored.dataset.unknown.iter().sum(),
        epsilon: selection.epsilon,
        goal: describe(options.goal),
        rule: selection.rule.name().to_owned(),
        without_representative: selection.without_representative(&scored.columns.pairs()),
        pairs: *pairs,
        keep: options.keep.to_string(),
        without_value: scored.without_value.clone(),
        within: options.within.clone(),
        seed: options.cluster.seed,
        model: run.embedder.name(&run.input),
        dim,
        clusters: scored.clusters,
        largest_cluster: largest(&scored.columns.cluster),
        probes: options.cluster.probes.to_string(),
        flops: scored.compared.flops(dim),
        flops_brute_force: pair_counts::brute_force_flops(scored.columns.cluster.len() as u64, dim),
        seconds: std::collections::BTreeMap::new(),
        reused_stages: Vec::new(),
        peak_rss_bytes: None,
        instruction_set: semdedup_core::instruction_set().to_owned(),
        threads: rayon::current_num_threads(),
        recall: recall::report(&scored.recall_samples, selection.cut),
        recall_sample: scored.recall_samples.len(),
        work: absolute(&run.work),
        output: run.outputs.kinds.iter().copied().collect(),
        files: Vec::new(),
        scripts: notes.scripts,
        lists: Vec::new(),
        warnings: notes.warnings.iter().map(ToString::to_string).collect(),
        written: None,
    }
}

/// Returns a path that means the same from any folder.
fn absolute(path: &Path) -> String {
    if is_url(path) {
        return path.display().to_string();
    }
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()).display().to_string()
}
