//! Runs the stages up to the scores and the recall. A stage that is done is skipped.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use semdedup_core::{RecallSample, UnitEmbeddings};

use crate::arrays::store::EmbeddingStore;
use crate::cluster::assign::{self, AssignOptions};
use crate::cluster::stored::{StoredClustering, store_centroids, stored_centroids};
use crate::cluster::train;
use crate::embed::dataset::Dataset;
use crate::embed::not_utf8::not_utf8;
use crate::embed::stage::embed_stage;
use crate::error::{Error, ErrorKind, Result};
use crate::formats::stored_id_type;
use crate::input::find::Input;
use crate::options::ClusterOptions;
use crate::pipeline::divided::{ComparedClusters, divide_clusters, score_in};
use crate::pipeline::limited_clusters::LimitedClusters;
use crate::pipeline::resolved::ResolvedRun;
use crate::progress::{Progress, Stage};
use crate::rank::rank_columns::Ranks;
use crate::rank::ranks_file::{read_ranks, write_ranks};
use crate::recall::{self, Sampling, read_samples, write_samples};
use crate::score::checkpoints::remove_checkpoints;
use crate::score::columns::ScoreColumns;
use crate::score::scores_file::{NamedRows, ScoresFile, write_scores};
use crate::score::stage::{Resumes, Scorer};
use crate::select::id_lists::check_ids;
use crate::select::selection;
use crate::within::stage::read_groups;
use crate::workdir::pair_counts::{self, PairCounts};
use crate::workdir::row_index::Ids;
use crate::workdir::work_dir::WorkDir;

/// The results of all stages up to the scores, read back from the work directory.
pub(crate) struct Scored {
    pub(crate) dataset: Dataset,
    pub(crate) columns: ScoreColumns,
    pub(crate) scores: ScoresFile,
    /// The number of clusters.
    pub(crate) clusters: usize,
    /// The limit that memory sets to the number of clusters, if there is one.
    pub(crate) limited_clusters: Option<LimitedClusters>,
    /// For each key that reads the input the number of rows without a value.
    pub(crate) without_value: BTreeMap<String, u64>,
    pub(crate) recall_samples: Vec<RecallSample>,
    pub(crate) compared: PairCounts,
}

/// The rows and their embeddings.
#[derive(Clone, Copy)]
struct EmbeddedRows<'a> {
    dataset: &'a Dataset,
    store: &'a EmbeddingStore,
}

/// The clusters in which rows are compared.
struct StoredClusters<'a> {
    centroids: &'a UnitEmbeddings,
    whole: &'a StoredClustering,
    /// The folder of the parts in which rows agree on a column, if only such rows are compared.
    divided: Option<&'a Path>,
}

impl ResolvedRun<'_> {
    /// Runs the stages up to the recall. A stage that is done is skipped.
    pub(crate) fn score(&self, work: &mut WorkDir, progress: &dyn Progress) -> Result<Scored> {
        let dataset = StageRunner { run: self, work, progress }.embed()?;
        self.check(&dataset)?;
        let stage = &self.stages;
        if !work.is_done(Stage::Score, &stage.score) || !work.is_done(Stage::Recall, &stage.recall) {
            dataset.check_embeddings()?;
        }
        let mut stages = StageRunner { run: self, work, progress };
        let store = dataset.open_embeddings()?;
        let rows = EmbeddedRows { dataset: &dataset, store: &store };
        let centroids = stages.train(rows)?;
        let clustering = stages.assign(&store, &centroids)?;
        let divided = stages.divide(rows, &centroids, &clustering)?;
        let Ranks { ranks, missing } = stages.rank(&dataset)?;
        let clusters =
            StoredClusters { centroids: &centroids, whole: &clustering, divided: divided.as_deref() };
        let scores = stages.compare(rows, &clusters, ranks)?;
        let columns = scores.columns()?;
        let recall_samples = stages.recall(&store, &columns, divided.as_deref())?;
        let pairs = |stage| pair_counts::read_pair_count(&work.folder(stage));
        let compared = PairCounts {
            train: pairs(Stage::Train)?,
            assign: pairs(Stage::Assign)?,
            score: pairs(Stage::Score)?,
        };
        let (clusters, limited_clusters) = (centroids.len(), self.limited_clusters(&store));
        let without_value =
            self.options.keep.of_input().iter().map(ToString::to_string).zip(missing).collect();
        Ok(Scored {
            dataset,
            columns,
            scores,
            clusters,
            limited_clusters,
            without_value,
            recall_samples,
            compared,
        })
    }

    /// Fails, before a stage that takes long, if the rows that were read are not what was asked
    /// for.
    fn check(&self, dataset: &Dataset) -> Result<()> {
        let (rows, skipped) = (dataset.row_index.rows(), dataset.skipped.len() as u64);
        check_strict(&self.input, skipped, || dataset.first_skipped())?;
        dataset.check_roles(&self.input)?;
        if rows == 0 {
            let problem = format!("no rows in {} files", self.input.files.len());
            return Err(Error::new(ErrorKind::Input, problem)
                .hint("check the input: there is nothing to deduplicate"));
        }
        if skipped == rows {
            let first = dataset.first_skipped();
            let cause = match not_utf8(dataset, &self.input) {
                Some(warning) => warning.to_string(),
                None if self.input.files.iter().any(|file| file.encoding.is_some()) => {
                    "see whether --encoding names the right encoding".to_owned()
                }
                None => "check that --text-column or --image-column names the right column".to_owned(),
            };
            return Err(Error::new(ErrorKind::Input, format!("all {rows} rows were skipped: {first}"))
                .hint(format!("nothing was written; {cause}")));
        }
        self.options.goal.check(rows - skipped).map_err(selection::goal_error)?;
        if self.outputs.needs_checked_ids() {
            let (ids, skipped) = (dataset.ids(&self.input)?, dataset.skipped_rows());
            check_ids(&self.outputs, &ids, &dataset.row_index, &skipped)?;
        }
        Ok(())
    }

    /// Writes `scores.parquet`.
    fn write_scores(&self, path: &Path, dataset: &Dataset, columns: &ScoreColumns) -> Result<()> {
        let (ids, skipped) = (dataset.ids(&self.input)?, dataset.skipped_rows());
        write_scores(path, columns, &self.named_rows(dataset, &ids, &skipped)?, &self.options.ranking())
    }

    /// Returns the names of the rows for a table.
    pub(crate) fn named_rows<'a>(
        &self,
        dataset: &'a Dataset,
        ids: &'a Ids,
        skipped: &'a [u64],
    ) -> Result<NamedRows<'a>> {
        // Embeddings that were given may be of anything.
        let by = self.input.given.is_none().then_some(self.input.by);
        let id_type = stored_id_type(&self.input.files, &self.input.columns)?;
        let compared = Some(self.comparison());
        Ok(NamedRows { ids, id_type, row_index: &dataset.row_index, skipped, by, compared })
    }
}

/// Runs the stages of a run one by one. A stage that is done is skipped, and its result is read
/// back.
struct StageRunner<'r, 'o> {
    run: &'r ResolvedRun<'o>,
    work: &'r mut WorkDir,
    progress: &'r dyn Progress,
}

impl StageRunner<'_, '_> {
    /// Embeds the rows.
    fn embed(&mut self) -> Result<Dataset> {
        let Self { run, work, progress } = self;
        embed_stage(work, &run.input, run.embedder, run.options.output.overwrite, *progress)
    }

    /// Trains the centroids.
    fn train(&mut self, rows: EmbeddedRows) -> Result<UnitEmbeddings> {
        let Self { run, work, progress } = self;
        work.stage(Stage::Train, &run.stages.train, *progress, |folder| {
            // Check the ids before the first stage that takes long, not after it.
            rows.dataset.check_ids(&run.input)?;
            let trained = train::train(rows.store, &run.options.cluster, *progress)?;
            pair_counts::write_pair_count(folder, trained.compared)?;
            store_centroids(folder, &trained.centroids)
        })?;
        stored_centroids(&work.folder(Stage::Train), rows.store.dim())
    }

    /// Finds the cluster of each row and the clusters that it probes.
    fn assign(&mut self, store: &EmbeddingStore, centroids: &UnitEmbeddings) -> Result<StoredClustering> {
        let Self { run, work, progress } = self;
        let ClusterOptions { probes, memory, .. } = run.options.cluster;
        let stored = StoredClustering::inside(&work.folder(Stage::Assign));
        work.stage(Stage::Assign, &run.stages.assign, *progress, |folder| {
            let options = AssignOptions { probes, memory, probes_path: &stored.probes() };
            let assigned = assign::assign(store, centroids, &options, *progress)?;
            pair_counts::write_pair_count(folder, assigned.compared)?;
            stored.write(&assigned)
        })?;
        Ok(stored)
    }

    /// Divides the clusters by the column on which compared rows agree, if there is one.
    fn divide(
        &mut self,
        rows: EmbeddedRows,
        centroids: &UnitEmbeddings,
        stored: &StoredClustering,
    ) -> Result<Option<PathBuf>> {
        let Self { run, work, progress } = self;
        let has_probes = run.options.cluster.probes.most() > 1;
        let whole = || stored.read(rows.store.rows(), centroids.len(), has_probes);
        divide_clusters(run, work, &rows.dataset.row_index, whole, *progress)
    }

    /// Ranks the rows by what the input says of them; no ranks if nothing of it is asked for.
    fn rank(&mut self, dataset: &Dataset) -> Result<Ranks> {
        let Self { run, work, progress } = self;
        let Some(stage) = &run.stages.rank else { return Ok(Ranks::default()) };
        work.stage(Stage::Rank, stage, *progress, |folder| {
            write_ranks(folder, &run.rank_columns.rank(&run.input, &dataset.row_index, *progress)?)
        })?;
        read_ranks(&work.folder(Stage::Rank), dataset.row_index.rows())
    }

    /// Compares the rows of each cluster, which have these ranks.
    fn compare(
        &mut self,
        rows: EmbeddedRows,
        clusters: &StoredClusters,
        ranks: Vec<u32>,
    ) -> Result<ScoresFile> {
        let Self { run, work, progress } = self;
        let EmbeddedRows { dataset, store } = rows;
        let &StoredClusters { centroids, whole, divided } = clusters;
        let ClusterOptions { probes, memory, .. } = run.options.cluster;
        let path = work.folder(Stage::Score).join("scores.parquet");
        work.stage(Stage::Score, &run.stages.score, *progress, |folder| {
            let whole = whole.read(store.rows(), centroids.len(), probes.most() > 1)?;
            let (ranking, stage) = (run.options.ranking(), &run.stages.score);
            let resumes = Some(Resumes { folder, stage });
            let scorer = Scorer { ranking, memory, resumes, progress: *progress };
            let scored = score_in(ComparedClusters { whole, centroids, divided }, &scorer, store, ranks)?;
            pair_counts::write_pair_count(folder, scored.compared)?;
            run.write_scores(&path, dataset, &scored.columns)?;
            remove_checkpoints(folder)
        })?;
        ScoresFile::open(&path)
    }

    /// Measures the recall.
    fn recall(
        &mut self,
        store: &EmbeddingStore,
        columns: &ScoreColumns,
        divided: Option<&Path>,
    ) -> Result<Vec<RecallSample>> {
        let Self { run, work, progress } = self;
        let path = work.folder(Stage::Recall).join("samples.json");
        let rows = columns.score.len();
        work.stage(Stage::Recall, &run.stages.recall, *progress, |_| {
            let groups = divided.map(|folder| read_groups(folder, rows)).transpose()?;
            let sampling = Sampling {
                rows: run.options.recall_sample,
                seed: run.options.cluster.seed,
                ranking: run.options.ranking(),
                memory: run.options.cluster.memory,
                groups: groups.as_deref(),
            };
            let samples = match sampling.rows {
                0 => Vec::new(),
                _ => recall::measure(store, columns, &sampling, *progress)?,
            };
            write_samples(&path, &samples)
        })?;
        read_samples(&path)
    }
}

/// Fails under `--strict` if rows were skipped, in this run or in an earlier one.
pub(crate) fn check_strict(input: &Input, skipped: u64, first: impl FnOnce() -> String) -> Result<()> {
    if skipped == 0 || !input.strict {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Input, format!("{skipped} rows cannot be read: {}", first()))
        .hint("fix the rows, or leave out --strict to skip and list such rows"))
}
