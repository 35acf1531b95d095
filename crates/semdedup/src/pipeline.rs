//! A whole run: read and embed, train, assign, score, measure, select, write.

use std::path::{Path, PathBuf};
use std::time::Instant;

use semdedup_core::{Goal, Ranking};
use serde::Serialize;

use crate::cluster::{self, Clustering};
use crate::compared::Comparison;
use crate::cost::{self, Compared, auto_clusters};
use crate::dataset::{Dataset, Ids};
use crate::done::remove_parts;
use crate::embed::embed_parts;
use crate::embedder::Embedder;
use crate::error::{Error, ErrorKind, Result};
use crate::files::write_atomically;
use crate::formats::inside_output;
use crate::ids::check_ids;
use crate::input::Input;
use crate::options::{ClusterOptions, RunOptions};
use crate::output::{Found, OutputDir, Wanted};
use crate::outputs::Outputs;
use crate::plan;
use crate::progress::{Progress, Stage};
use crate::recall::{self, Sampling};
use crate::report::{Notes, peak_rss_bytes, summarise};
use crate::score::{ScoreColumns, Scorer};
use crate::storage;
use crate::store::EmbeddingStore;
use crate::summary::Summary;
use crate::table::{NamedRows, ScoresFile, write_scores};
use crate::work::{Fingerprint, WorkDir};
use crate::write::{self, Decision};

/// Removes the semantic duplicates from the input and writes what stays.
///
/// Called again with the same options it goes on where a killed run was, or returns the stored summary of a finished
/// one; with others it does again only what depends on them.
///
/// # Errors
/// Input that cannot be read, an output in the way, options out of range; see each message.
pub fn run(options: &RunOptions, embedder: Embedder, progress: &dyn Progress) -> Result<Summary> {
    let start = Instant::now();
    let work_path = options.output.work_dir();
    let input = Input::find(&options.input, &[options.output.out.clone(), work_path.clone()])?;
    embedder.check(&input)?;
    let outputs = options.outputs.resolve(&input)?;
    outputs.check(&input)?;
    let stages = Fingerprints::of(&input, embedder, (options, &outputs))?;
    check_not_inside(&input, &options.output.out)?;
    check_not_inside(&input, &work_path)?;
    let wanted = Wanted {
        out: &options.output.out,
        work: &work_path,
        overwrite: options.output.overwrite,
        fingerprint: &stages.result,
    };
    let out = OutputDir::open(&wanted)?;
    // What a run leaves out is said each time, also where an earlier one had done the work.
    input.warnings().for_each(|warning| progress.warn(&warning));
    let out = match out {
        Found::Done(mut summary) => {
            // The same columns may have been found in another way, and earlier versions did not say which they were.
            summary.compared = Comparison::of(&input, embedder);
            check_strict(&input, summary.rows_skipped, || String::from("see skipped.parquet"))?;
            Stage::ALL.into_iter().for_each(|stage| progress.end(stage, true));
            return Ok(*summary);
        }
        Found::Ready(out) => out,
    };
    let mut work = WorkDir::open(&work_path)?;
    if !work.has_begun(Stage::Embed, &stages.embed) {
        plan::check_disk(&input, embedder, options)?;
    }
    let run = Run { options, outputs: &outputs, input: &input, embedder, stages: &stages };
    let scored = run.score(&mut work, progress)?;
    progress.begin(Stage::Select, "rows", scored.dataset.places.rows());
    let decision = Decision::make(&scored.columns, &scored.scores, options.goal)?;
    progress.advance(scored.dataset.places.rows());
    progress.end(Stage::Select, false);
    let notes = Notes::collect(&scored, &decision, &input, progress);
    let mut summary = summarise(&run, &scored, &decision, notes);
    let written = write::write(&out, (&scored, &outputs), &decision, (&input, progress))?;
    summary.files = written.files;
    summary.lists = written.lists;
    summary.rows_kept = written.rows_kept;
    summary.peak_rss_bytes = peak_rss_bytes();
    summary.seconds = work.seconds();
    summary.seconds.insert(Stage::Write.name().to_owned(), written.seconds);
    summary.seconds.insert("total".to_owned(), start.elapsed().as_secs_f64());
    summary.reused_stages = work.reused().iter().map(|stage| stage.name().to_owned()).collect();
    out.commit(&summary)?;
    Ok(summary)
}

/// A run and what each of its stages depends on.
pub(crate) struct Run<'a> {
    pub(crate) options: &'a RunOptions,
    pub(crate) outputs: &'a Outputs,
    pub(crate) input: &'a Input,
    pub(crate) embedder: Embedder<'a>,
    pub(crate) stages: &'a Fingerprints,
}

/// What each stage's result depends on, each containing the one before.
pub(crate) struct Fingerprints {
    pub(crate) embed: Fingerprint,
    train: Fingerprint,
    assign: Fingerprint,
    pub(crate) score: Fingerprint,
    recall: Fingerprint,
    pub(crate) result: Fingerprint,
}

impl Fingerprints {
    fn of(input: &Input, embedder: Embedder, (options, outputs): (&RunOptions, &Outputs)) -> Result<Self> {
        let embed = embed_fingerprint(input, embedder)?;
        let dim = embedder.dim(input);
        let ClusterOptions { clusters, seed, probes, memory } = options.cluster;
        // Memory matters where it limits the clusters that auto chooses.
        let most = clusters.is_none().then(|| cost::limit(memory.most_clusters(dim), dim));
        let train = Fingerprint::of(
            &("train", cluster::REVISION, clusters, most, seed, probes.most() == 1),
            Some(&embed),
        )?;
        let assign = Fingerprint::of(&("assign", format!("{probes:?}")), Some(&train))?;
        let score = Fingerprint::of(&("score", ranking_parameters(&options.ranking)), Some(&assign))?;
        let recall = Fingerprint::of(&("recall", options.recall_sample, seed), Some(&score))?;
        let goal = describe(options.goal);
        let result = match outputs.fingerprint() {
            None => Fingerprint::of(&("result", goal), Some(&recall))?,
            Some(outputs) => Fingerprint::of(&("result", goal, outputs), Some(&recall))?,
        };
        Ok(Self { embed, train, assign, score, recall, result })
    }
}

pub(crate) fn embed_fingerprint(input: &Input, embedder: Embedder) -> Result<Fingerprint> {
    Fingerprint::of(&("embed", input, embedder.fingerprint()), None)
}

/// A random ranking depends on its seed, the others do not.
fn ranking_parameters(ranking: &Ranking) -> impl Serialize {
    let seed = (ranking.keep == semdedup_core::Keep::Random).then_some(ranking.seed);
    (crate::table::name_of(ranking), seed)
}

/// The goal as options say it.
pub(crate) fn describe(goal: Goal) -> String {
    match goal {
        Goal::Epsilon(epsilon) => format!("epsilon {}", epsilon.get()),
        Goal::KeepFraction(share) => format!("keep fraction {share}"),
        Goal::KeepRows(rows) => format!("keep {rows} rows"),
    }
}

/// Fails where [`run`] would before it does any work.
pub(crate) fn check(input: &Input, embedder: Embedder, options: &RunOptions) -> Result<()> {
    let (out, work) = (&options.output.out, &options.output.work_dir());
    check_not_inside(input, out)?;
    check_not_inside(input, work)?;
    embedder.check(input)?;
    let outputs = options.outputs.resolve(input)?;
    outputs.check(input)?;
    let fingerprint = &Fingerprints::of(input, embedder, (options, &outputs))?.result;
    Wanted { out, work, overwrite: options.output.overwrite, fingerprint }.inspect().map(|_| ())
}

/// Everything up to the scores, read back from the work directory.
pub(crate) struct Scored {
    pub(crate) dataset: Dataset,
    pub(crate) columns: ScoreColumns,
    pub(crate) scores: ScoresFile,
    pub(crate) clusters: usize,
    /// How many memory allows, and how many there would be without that limit, where it makes a difference.
    pub(crate) limited_clusters: Option<(usize, usize)>,
    pub(crate) recall_samples: Vec<(f32, f32)>,
    pub(crate) compared: Compared,
}

impl Run<'_> {
    /// The stages up to recall, each skipped if it is done.
    pub(crate) fn score(&self, work: &mut WorkDir, progress: &dyn Progress) -> Result<Scored> {
        let folder = work.folder(Stage::Embed);
        work.stage(Stage::Embed, &self.stages.embed, progress, |folder| {
            embed_parts(self.input, self.embedder, folder, progress)
        })?;
        let dataset = Dataset::open(self.input, &folder, &self.stages.embed)?;
        check_strict(self.input, dataset.skipped.len() as u64, || dataset.first_skipped())?;
        dataset.check_roles(self.input)?;
        if dataset.places.rows() == 0 {
            return Err(Error::new(ErrorKind::Input, format!("no rows in {} files", self.input.files.len()))
                .hint("check the input: there is nothing to deduplicate"));
        }
        if dataset.skipped.len() as u64 == dataset.places.rows() {
            let (rows, first) = (dataset.places.rows(), dataset.first_skipped());
            return Err(Error::new(ErrorKind::Input, format!("all {rows} rows were skipped: {first}")).hint(
                "nothing was written; check that --text-column or --image-column names the right column",
            ));
        }
        self.options
            .goal
            .check(dataset.places.rows() - dataset.skipped.len() as u64)
            .map_err(write::unmet)?;
        if self.outputs.needs_checked_ids() {
            let (ids, skipped) = (dataset.ids(self.input)?, dataset.skipped_rows());
            check_ids(self.outputs, &ids, &dataset.places, &skipped)?;
        }
        let store = dataset.open_embeddings()?;
        let options = &self.options.cluster;
        let centroids_path = work.folder(Stage::Train).join("centroids.npy");
        work.stage(Stage::Train, &self.stages.train, progress, |folder| {
            // Before the first stage that takes long, not after it.
            dataset.check_ids(self.input)?;
            let trained = cluster::train(&store, options, progress)?;
            cost::write_compared(folder, trained.compared)?;
            cluster::write_centroids(&centroids_path, &trained.centroids)
        })?;
        let centroids = cluster::read_centroids(&centroids_path, store.dim())?;
        let folder = work.folder(Stage::Assign);
        let (assignments_path, probes_path) = (folder.join("assignments.npy"), folder.join("probes.npy"));
        work.stage(Stage::Assign, &self.stages.assign, progress, |folder| {
            let assigned = cluster::assign(&store, &centroids, (options, &probes_path), progress)?;
            cost::write_compared(folder, assigned.compared)?;
            cluster::write_assignments(&assignments_path, &assigned.clusters)
        })?;
        let scores_path = work.folder(Stage::Score).join("scores.parquet");
        work.stage(Stage::Score, &self.stages.score, progress, |folder| {
            let probes = (options.probes.most() > 1).then_some(probes_path.as_path());
            let clustering = Clustering::open(&assignments_path, probes, store.rows(), centroids.len())?;
            let (ranking, memory) = (&self.options.ranking, options.memory);
            let scorer = Scorer { ranking, memory, folder, resumes: Some(&self.stages.score), progress };
            let scored = scorer.score(&store, &centroids, clustering)?;
            cost::write_compared(folder, scored.compared)?;
            self.write_scores(&scores_path, &dataset, &scored.columns)?;
            remove_parts(folder)
        })?;
        let scores = ScoresFile::open(&scores_path)?;
        let columns = scores.columns()?;
        let recall_samples = self.recall(work, (&store, &columns), progress)?;
        let compared = Compared {
            train: cost::read_compared(&work.folder(Stage::Train))?,
            assign: cost::read_compared(&work.folder(Stage::Assign))?,
            score: cost::read_compared(&work.folder(Stage::Score))?,
        };
        let clusters = centroids.len();
        let auto = |most| auto_clusters(store.rows(), store.dim(), most);
        let counts = (auto(options.memory.most_clusters(store.dim())), auto(usize::MAX));
        let limited_clusters =
            Some(counts).filter(|(most, wanted)| options.clusters.is_none() && most < wanted);
        Ok(Scored { dataset, columns, scores, clusters, limited_clusters, recall_samples, compared })
    }

    fn write_scores(&self, path: &Path, dataset: &Dataset, columns: &ScoreColumns) -> Result<()> {
        let ids: Ids = dataset.ids(self.input)?;
        let skipped = dataset.skipped_rows();
        // Embeddings that were given may be of anything.
        let by = self.input.given.is_none().then_some(self.input.by);
        let compared = Some(Comparison::of(self.input, self.embedder));
        let named = NamedRows { ids: &ids, places: &dataset.places, skipped: &skipped, by, compared };
        write_scores(path, columns, &named, &self.options.ranking)
    }

    fn recall(
        &self,
        work: &mut WorkDir,
        scored: (&EmbeddingStore, &ScoreColumns),
        progress: &dyn Progress,
    ) -> Result<Vec<(f32, f32)>> {
        let path = work.folder(Stage::Recall).join("samples.json");
        let sampling = Sampling {
            rows: self.options.recall_sample,
            seed: self.options.cluster.seed,
            ranking: self.options.ranking,
            memory: self.options.cluster.memory,
        };
        work.stage(Stage::Recall, &self.stages.recall, progress, |_| {
            let samples = match sampling.rows {
                0 => Vec::new(),
                _ => recall::measure(scored.0, scored.1, &sampling, progress)?,
            };
            let json = serde_json::to_vec(&samples).map_err(|error| Error::work(&path, error))?;
            write_atomically(&path, &json)
        })?;
        read_samples(&path)
    }
}

/// Under `--strict` rows that an earlier run skipped are as much of an error as new ones.
fn check_strict(input: &Input, skipped: u64, first: impl FnOnce() -> String) -> Result<()> {
    if skipped == 0 || !input.strict {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Input, format!("{skipped} rows cannot be read: {}", first()))
        .hint("mend the rows, or leave out --strict to skip and list such rows"))
}

/// The recall samples of a work directory.
pub(crate) fn read_samples(path: &Path) -> Result<Vec<(f32, f32)>> {
    let bytes = storage::read(path).map_err(Error::io)?;
    serde_json::from_slice(&bytes)
        .map_err(|e| Error::work(path, e).hint("delete the work directory to begin anew"))
}

/// Reading from the folder that is being written would remove rows from what was kept before.
fn check_not_inside(input: &Input, out: &Path) -> Result<()> {
    // Where a path really leads; a URL leads nowhere else.
    let real = |path: &Path| match storage::is_url(path) {
        true => Some(storage::spelled(path)),
        false => fs_err::canonicalize(path).ok(),
    };
    let Some(out) = real(out) else { return Ok(()) };
    let inside = |path: &PathBuf| real(path).is_some_and(|path| path.starts_with(&out));
    match input.paths().find(|path| inside(path)) {
        Some(path) => Err(inside_output(path, &out)),
        None => Ok(()),
    }
}
