//! The stages of a run up to the scores, each skipped if it is done.

use std::path::{Path, PathBuf};

use semdedup_core::UnitEmbeddings;

use crate::arrays::store::EmbeddingStore;
use crate::cluster::clustering::{self, Clustering};
use crate::cluster::cost::auto_clusters;
use crate::cluster::{assign, train};
use crate::embed::dataset::Dataset;
use crate::embed::stage::embed_parts;
use crate::error::{Error, ErrorKind, Result};
use crate::input::find::Input;
use crate::pipeline::resolved::ResolvedRun;
use crate::progress::{Progress, Stage};
use crate::recall::{self, Sampling, read_samples};
use crate::score::checkpoints::remove_parts;
use crate::score::columns::ScoreColumns;
use crate::score::scores_file::{NamedRows, ScoresFile, write_scores};
use crate::score::stage::Scorer;
use crate::select::id_lists::check_ids;
use crate::select::selection;
use crate::storage::atomic::write_atomically;
use crate::workdir::pair_counts::{self, PairCounts};
use crate::workdir::row_index::Ids;
use crate::workdir::work_dir::WorkDir;

/// Everything up to the scores, read back from the work directory.
pub(crate) struct Scored {
    pub(crate) dataset: Dataset,
    pub(crate) columns: ScoreColumns,
    pub(crate) scores: ScoresFile,
    pub(crate) clusters: usize,
    /// How many memory allows, and how many there would be without that limit, where it makes a difference.
    pub(crate) limited_clusters: Option<(usize, usize)>,
    pub(crate) recall_samples: Vec<(f32, f32)>,
    pub(crate) compared: PairCounts,
}

/// The files of the assignment stage.
struct ClusteringFiles {
    assignments: PathBuf,
    probes: PathBuf,
}

impl ClusteringFiles {
    fn inside(folder: &Path) -> Self {
        Self { assignments: folder.join("assignments.npy"), probes: folder.join("probes.npy") }
    }
}

impl ResolvedRun<'_> {
    /// Does the stages up to recall; each is skipped if it is done.
    pub(crate) fn score(&self, work: &mut WorkDir, progress: &dyn Progress) -> Result<Scored> {
        let dataset = self.embed(work, progress)?;
        self.check(&dataset)?;
        let store = dataset.open_embeddings()?;
        let centroids = self.train((&dataset, &store), work, progress)?;
        let clustering = self.assign(&store, &centroids, work, progress)?;
        let scores = self.compare((&dataset, &store), (&centroids, &clustering), work, progress)?;
        let columns = scores.columns()?;
        let recall_samples = self.recall(work, (&store, &columns), progress)?;
        let pairs = |stage| pair_counts::read_pair_count(&work.folder(stage));
        let compared = PairCounts {
            train: pairs(Stage::Train)?,
            assign: pairs(Stage::Assign)?,
            score: pairs(Stage::Score)?,
        };
        let (clusters, limited_clusters) = (centroids.len(), self.limited_clusters(&store));
        Ok(Scored { dataset, columns, scores, clusters, limited_clusters, recall_samples, compared })
    }

    /// Embeds the rows, and finds them in the work directory.
    fn embed(&self, work: &mut WorkDir, progress: &dyn Progress) -> Result<Dataset> {
        let folder = work.folder(Stage::Embed);
        work.stage(Stage::Embed, &self.stages.embed, progress, |folder| {
            embed_parts(&self.input, self.embedder, folder, progress)
        })?;
        Dataset::open(&self.input, &folder, &self.stages.embed)
    }

    /// Fails, before a stage that takes long, where the rows that were read are not what was asked for.
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
            return Err(Error::new(ErrorKind::Input, format!("all {rows} rows were skipped: {first}")).hint(
                "nothing was written; check that --text-column or --image-column names the right column",
            ));
        }
        self.options.goal.check(rows - skipped).map_err(selection::goal_error)?;
        if self.outputs.needs_checked_ids() {
            let (ids, skipped) = (dataset.ids(&self.input)?, dataset.skipped_rows());
            check_ids(&self.outputs, &ids, &dataset.row_index, &skipped)?;
        }
        Ok(())
    }

    /// Trains the centroids.
    fn train(
        &self,
        (dataset, store): (&Dataset, &EmbeddingStore),
        work: &mut WorkDir,
        progress: &dyn Progress,
    ) -> Result<UnitEmbeddings> {
        let path = work.folder(Stage::Train).join("centroids.npy");
        work.stage(Stage::Train, &self.stages.train, progress, |folder| {
            // Before the first stage that takes long, not after it.
            dataset.check_ids(&self.input)?;
            let trained = train::train(store, &self.options.cluster, progress)?;
            pair_counts::write_pair_count(folder, trained.compared)?;
            clustering::write_centroids(&path, &trained.centroids)
        })?;
        clustering::read_centroids(&path, store.dim())
    }

    /// Finds the cluster of each row and the clusters that it probes.
    fn assign(
        &self,
        store: &EmbeddingStore,
        centroids: &UnitEmbeddings,
        work: &mut WorkDir,
        progress: &dyn Progress,
    ) -> Result<ClusteringFiles> {
        let options = &self.options.cluster;
        let files = ClusteringFiles::inside(&work.folder(Stage::Assign));
        work.stage(Stage::Assign, &self.stages.assign, progress, |folder| {
            let assigned = assign::assign(store, centroids, (options, &files.probes), progress)?;
            pair_counts::write_pair_count(folder, assigned.compared)?;
            clustering::write_assignments(&files.assignments, &assigned.clusters)
        })?;
        Ok(files)
    }

    /// Compares the rows of each cluster.
    fn compare(
        &self,
        (dataset, store): (&Dataset, &EmbeddingStore),
        (centroids, files): (&UnitEmbeddings, &ClusteringFiles),
        work: &mut WorkDir,
        progress: &dyn Progress,
    ) -> Result<ScoresFile> {
        let options = &self.options.cluster;
        let path = work.folder(Stage::Score).join("scores.parquet");
        work.stage(Stage::Score, &self.stages.score, progress, |folder| {
            let probes = (options.probes.most() > 1).then_some(files.probes.as_path());
            let clustering = Clustering::open(&files.assignments, probes, store.rows(), centroids.len())?;
            let (ranking, memory) = (&self.options.ranking, options.memory);
            let scorer = Scorer { ranking, memory, folder, resumes: Some(&self.stages.score), progress };
            let scored = scorer.score(store, centroids, clustering)?;
            pair_counts::write_pair_count(folder, scored.compared)?;
            self.write_scores(&path, dataset, &scored.columns)?;
            remove_parts(folder)
        })?;
        ScoresFile::open(&path)
    }

    fn write_scores(&self, path: &Path, dataset: &Dataset, columns: &ScoreColumns) -> Result<()> {
        let ids: Ids = dataset.ids(&self.input)?;
        let skipped = dataset.skipped_rows();
        // Embeddings that were given may be of anything.
        let by = self.input.given.is_none().then_some(self.input.by);
        let row_index = &dataset.row_index;
        let named =
            NamedRows { ids: &ids, row_index, skipped: &skipped, by, compared: Some(self.comparison()) };
        write_scores(path, columns, &named, &self.options.ranking)
    }

    /// How many clusters memory allows, and how many there would be without that limit, where it makes
    /// a difference.
    fn limited_clusters(&self, store: &EmbeddingStore) -> Option<(usize, usize)> {
        let options = &self.options.cluster;
        let auto = |most| auto_clusters(store.rows(), store.dim(), most);
        let (most, wanted) = (auto(options.memory.most_clusters(store.dim())), auto(usize::MAX));
        (options.clusters.is_none() && most < wanted).then_some((most, wanted))
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
pub(crate) fn check_strict(input: &Input, skipped: u64, first: impl FnOnce() -> String) -> Result<()> {
    if skipped == 0 || !input.strict {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Input, format!("{skipped} rows cannot be read: {}", first()))
        .hint("mend the rows, or leave out --strict to skip and list such rows"))
}
