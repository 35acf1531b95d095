//! Hashes everything that the result of each stage of a run depends on.

use semdedup_core::Ranking;
use serde::Serialize;

use crate::cluster::{clustering, cost};
use crate::embed::embedder::{Embedder, embed_fingerprint};
use crate::error::Result;
use crate::input::find::Input;
use crate::options::{ClusterOptions, RunOptions};
use crate::outputs::Outputs;
use crate::progress::Stage;
use crate::rank::rank_columns;
use crate::select::selection::describe;
use crate::workdir::fingerprint::Fingerprint;

/// The fingerprint of the result of each stage. Each contains the one of the stage before.
pub(crate) struct Fingerprints {
    pub(crate) embed: Fingerprint,
    pub(crate) train: Fingerprint,
    pub(crate) assign: Fingerprint,
    /// The column on which compared rows agree, if there is one.
    pub(crate) within: Option<Fingerprint>,
    /// The ranks that the input gives the rows, if it gives any.
    pub(crate) rank: Option<Fingerprint>,
    pub(crate) score: Fingerprint,
    pub(crate) recall: Fingerprint,
    pub(crate) pairs: Fingerprint,
    pub(crate) select: Fingerprint,
    pub(crate) result: Fingerprint,
}

impl Fingerprints {
    /// Hashes everything that a run depends on.
    pub(crate) fn of(
        input: &Input,
        embedder: Embedder,
        options: &RunOptions,
        outputs: &Outputs,
    ) -> Result<Self> {
        let embed = embed_fingerprint(input, embedder)?;
        let dim = embedder.dim(input);
        let ClusterOptions { clusters, seed, probes, memory } = options.cluster;
        // The memory matters only if it limits the number of clusters that auto chooses.
        let most = clusters.is_none().then(|| cost::limit(memory.most_clusters(dim), dim));
        let train = Fingerprint::of(
            &("train", clustering::REVISION, clusters, most, seed, probes.most() == 1),
            Some(&embed),
        )?;
        let assign = Fingerprint::of(&("assign", format!("{probes:?}")), Some(&train))?;
        let within =
            options.within.as_ref().map(|column| Fingerprint::of(&("within", column), Some(&assign)));
        let within = within.transpose()?;
        let clustered = within.as_ref().unwrap_or(&assign);
        let rank = rank_fingerprint(options, &embed)?;
        let ranking = ranking_parameters(options.ranking());
        let score = match &rank {
            None => Fingerprint::of(&("score", ranking), Some(clustered))?,
            Some(rank) => Fingerprint::of(&("score", ranking, rank), Some(clustered))?,
        };
        let recall = Fingerprint::of(&("recall", options.recall_sample, seed), Some(&score))?;
        let goal = describe(options.goal);
        let select = Fingerprint::of(&("select", goal, options.rule.name()), Some(&recall))?;
        let pairs = options.pairs.map(|pairs| (pairs.above.to_bits(), pairs.per_row));
        let result = Fingerprint::of(&("result", outputs.fingerprint(), pairs), Some(&select))?;
        let pairs = Fingerprint::of(&("pairs", pairs), Some(&score))?;
        Ok(Self { embed, train, assign, within, rank, score, recall, pairs, select, result })
    }
}

impl Fingerprints {
    /// Whether the run has a stage.
    pub(crate) fn has(&self, stage: Stage) -> bool {
        match stage {
            Stage::Within => self.within.is_some(),
            Stage::Rank => self.rank.is_some(),
            _ => true,
        }
    }
}

/// Hashes what the ranks depend on that the input gives the rows; none if it gives none. The rows and
/// their files are those of the embedding stage.
fn rank_fingerprint(options: &RunOptions, embed: &Fingerprint) -> Result<Option<Fingerprint>> {
    let keys: Vec<String> = options.keep.of_input().iter().map(ToString::to_string).collect();
    if keys.is_empty() {
        return Ok(None);
    }
    Fingerprint::of(&("rank", rank_columns::REVISION, keys), Some(embed)).map(Some)
}

/// Returns the parameters of a ranking. A random ranking depends on its seed, the others do not.
fn ranking_parameters(ranking: Ranking) -> impl Serialize {
    let seed = (ranking.keep == semdedup_core::Keep::Random).then_some(ranking.seed);
    (ranking.keep.name(), seed)
}
