//! Tells whether memory limits the number of clusters.

use crate::arrays::store::EmbeddingStore;
use crate::cluster::cost::auto_clusters;
use crate::pipeline::resolved::ResolvedRun;

/// A number of clusters that memory limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LimitedClusters {
    /// The number of clusters that memory allows.
    pub(crate) clusters: usize,
    /// The number of clusters without that limit.
    pub(crate) wanted: usize,
}

impl ResolvedRun<'_> {
    /// Returns the limit that memory sets to the number of clusters, if it changes the number.
    pub(super) fn limited_clusters(&self, store: &EmbeddingStore) -> Option<LimitedClusters> {
        let options = &self.options.cluster;
        let auto = |most| auto_clusters(store.rows(), store.dim(), most);
        let clusters = auto(options.memory.most_clusters(store.dim()));
        let wanted = auto(usize::MAX);
        (options.clusters.is_none() && clusters < wanted).then_some(LimitedClusters { clusters, wanted })
    }
}
