//! The stages of a run up to the scores, each skipped if it is done.

use std::path::Path;

use crate::arrays::store::EmbeddingStore;
use crate::cluster::clustering::{self, Clustering};
use crate::cluster::cost::auto_clusters;
use crate::cluster::{assign, train};
use crate::comparison::Comparison;
use crate::embed::dataset::Dataset;
use crate::embed::embedder::Embedder;
use crate::embed::stage::embed_parts;
use crate::error::{Error, ErrorKind, Result};
use crate::input::find::Input;
use crate::options::RunOptions;
use crate::outputs::Outputs;
use crate::pipeline::fingerprints::Fingerprints;
use crate::progress::{Progress, Stage};
use crate::recall::{self, Sampling, read_samples};
use crate::score::checkpoints::remove_parts;
use crate::score::columns::ScoreColumns;
use crate::score::scores_file::{NamedRows, ScoresFile, write_scores};
use crate::score::stage::Scorer;
use crate::select::id_lists::check_ids;
use crate::select::selection;
use crate::storage::atomic::write_atomically;
use crate::workdir::pair_counts::{self, Compared};
use crate::workdir::row_index::Ids;
use crate::workdir::work_dir::WorkDir;

/// A run and what each of its stages depends on.
pub(crate) struct Run<'a> {
    pub(crate) options: &'a RunOptions,
    pub(crate) outputs: &'a Outputs,
    pub(crate) input: &'a Input,
    pub(crate) embedder: Embedder<'a>,
    pub(crate) stages: &'a Fingerprints,
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
        if dataset.row_index.rows() == 0 {
            return Err(Error::new(ErrorKind::Input, format!("no rows in {} files", self.input.files.len()))
                .hint("check the input: there is nothing to deduplicate"));
        }
        if dataset.skipped.len() as u64 == dataset.row_index.rows() {
            let (rows, first) = (dataset.row_index.rows(), dataset.first_skipped());
            return Err(Error::new(ErrorKind::Input, format!("all {rows} rows were skipped: {first}")).hint(
                "nothing was written; check that --text-column or --image-column names the right column",
            ));
        }
        self.options
            .goal
            .check(dataset.row_index.rows() - dataset.skipped.len() as u64)
            .map_err(selection::goal_error)?;
        if self.outputs.needs_checked_ids() {
            let (ids, skipped) = (dataset.ids(self.input)?, dataset.skipped_rows());
            check_ids(self.outputs, &ids, &dataset.row_index, &skipped)?;
        }
        let store = dataset.open_embeddings()?;
        let options = &self.options.cluster;
        let centroids_path = work.folder(Stage::Train).join("centroids.npy");
        work.stage(Stage::Train, &self.stages.train, progress, |folder| {
            // Before the first stage that takes long, not after it.
            dataset.check_ids(self.input)?;
            let trained = train::train(&store, options, progress)?;
            pair_counts::write_compared(folder, trained.compared)?;
            clustering::write_centroids(&centroids_path, &trained.centroids)
        })?;
        let centroids = clustering::read_centroids(&centroids_path, store.dim())?;
        let folder = work.folder(Stage::Assign);
        let (assignments_path, probes_path) = (folder.join("assignments.npy"), folder.join("probes.npy"));
        work.stage(Stage::Assign, &self.stages.assign, progress, |folder| {
            let assigned = assign::assign(&store, &centroids, (options, &probes_path), progress)?;
            pair_counts::write_compared(folder, assigned.compared)?;
            clustering::write_assignments(&assignments_path, &assigned.clusters)
        })?;
        let scores_path = work.folder(Stage::Score).join("scores.parquet");
        work.stage(Stage::Score, &self.stages.score, progress, |folder| {
            let probes = (options.probes.most() > 1).then_some(probes_path.as_path());
            let clustering = Clustering::open(&assignments_path, probes, store.rows(), centroids.len())?;
            let (ranking, memory) = (&self.options.ranking, options.memory);
            let scorer = Scorer { ranking, memory, folder, resumes: Some(&self.stages.score), progress };
            let scored = scorer.score(&store, &centroids, clustering)?;
            pair_counts::write_compared(folder, scored.compared)?;
            self.write_scores(&scores_path, &dataset, &scored.columns)?;
            remove_parts(folder)
        })?;
        let scores = ScoresFile::open(&scores_path)?;
        let columns = scores.columns()?;
        let recall_samples = self.recall(work, (&store, &columns), progress)?;
        let compared = Compared {
            train: pair_counts::read_compared(&work.folder(Stage::Train))?,
            assign: pair_counts::read_compared(&work.folder(Stage::Assign))?,
            score: pair_counts::read_compared(&work.folder(Stage::Score))?,
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
        let named = NamedRows { ids: &ids, row_index: &dataset.row_index, skipped: &skipped, by, compared };
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
pub(crate) fn check_strict(input: &Input, skipped: u64, first: impl FnOnce() -> String) -> Result<()> {
    if skipped == 0 || !input.strict {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Input, format!("{skipped} rows cannot be read: {}", first()))
        .hint("mend the rows, or leave out --strict to skip and list such rows"))
}
