//! Hashes everything that the result of each stage of a run depends on.

use semdedup_core::Ranking;
use serde::Serialize;

use crate::cluster::{clustering, cost};
use crate::embed::embedder::{Embedder, embed_fingerprint};
use crate::error::Result;
use crate::input::find::Input;
use crate::options::{ClusterOptions, RunOptions};
use crate::outputs::Outputs;
use crate::select::selection::describe;
use crate::workdir::fingerprint::Fingerprint;

/// The fingerprint of the result of each stage. Each contains the one of the stage before.
pub(crate) struct Fingerprints {
    pub(crate) embed: Fingerprint,
    pub(crate) train: Fingerprint,
    pub(crate) assign: Fingerprint,
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
        let score = Fingerprint::of(&("score", ranking_parameters(&options.ranking)), Some(&assign))?;
        let recall = Fingerprint::of(&("recall", options.recall_sample, seed), Some(&score))?;
        let goal = describe(options.goal);
        let select = Fingerprint::of(&("select", goal, options.rule.name()), Some(&recall))?;
        let pairs = options.pairs.map(|pairs| (pairs.above.to_bits(), pairs.per_row));
        let result = Fingerprint::of(&("result", outputs.fingerprint(), pairs), Some(&select))?;
        let pairs = Fingerprint::of(&("pairs", pairs), Some(&score))?;
        Ok(Self { embed, train, assign, score, recall, pairs, select, result })
    }
}

/// Returns the parameters of a ranking. A random ranking depends on its seed, the others do not.
fn ranking_parameters(ranking: &Ranking) -> impl Serialize {
    let seed = (ranking.keep == semdedup_core::Keep::Random).then_some(ranking.seed);
    (ranking.keep.name(), seed)
}
