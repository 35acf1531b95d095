//! Divides clusters by the groups of their rows, so that rows of different groups never meet.
//!
//! The rows of one group in one cluster become a cluster of its own, with the same centroid. A row
//! probes those of its group. So everything that compares rows in clusters compares rows of one group
//! alone, and knows nothing of groups.

use rayon::prelude::*;
use semdedup_core::{NO_CLUSTER, UnitEmbeddings};

use crate::error::{Error, Result};

/// Clusters that are divided by the groups of their rows.
pub(crate) struct DividedClusters {
    /// The cluster, and in the lower half the group, of each new cluster, ascending.
    parts: Vec<u64>,
}

impl DividedClusters {
    /// Divides the clusters of rows, which have these groups.
    pub(crate) fn new(cluster: &[u32], groups: &[u32]) -> Self {
        let rows = cluster.par_iter().zip(groups).filter(|&(&cluster, _)| cluster != NO_CLUSTER);
        let mut parts: Vec<u64> = rows.map(|(&cluster, &group)| part(cluster, group)).collect();
        parts.par_sort_unstable();
        parts.dedup();
        Self { parts }
    }

    /// The number of new clusters.
    pub(crate) fn len(&self) -> usize {
        self.parts.len()
    }

    /// Returns the new cluster of rows of a group in a cluster; [`NO_CLUSTER`] if there are none.
    pub(crate) fn of(&self, cluster: u32, group: u32) -> u32 {
        self.parts.binary_search(&part(cluster, group)).map_or(NO_CLUSTER, |place| place as u32)
    }

    /// Replaces new clusters by those that they are parts of.
    pub(crate) fn make_whole(&self, clusters: &mut [u32]) {
        let whole = |part: &u64| (part >> 32) as u32;
        clusters.iter_mut().for_each(|cluster| {
            *cluster = self.parts.get(*cluster as usize).map_or(NO_CLUSTER, whole);
        });
    }

    /// Returns the centroid of each new cluster.
    pub(crate) fn centroids(&self, centroids: &UnitEmbeddings) -> Result<UnitEmbeddings> {
        let values = self.parts.iter().flat_map(|part| centroids.row((part >> 32) as usize)).copied();
        UnitEmbeddings::new(values.collect(), centroids.dim())
            .map_err(|error| Error::usage(error.to_string()))
    }
}

fn part(cluster: u32, group: u32) -> u64 {
    u64::from(cluster) << 32 | u64::from(group)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn rows_share_a_new_cluster_if_they_share_the_old_one_and_the_group() {
        let (cluster, groups) = ([2, 0, 2, NO_CLUSTER, 2, 0], [1, 1, 0, 1, 1, 0]);
        let divided = DividedClusters::new(&cluster, &groups);
        let new: Vec<u32> = cluster.iter().zip(groups).map(|(&c, group)| divided.of(c, group)).collect();
        assert_eq!((divided.len(), &new[..]), (4, &[3, 1, 2, NO_CLUSTER, 3, 0][..]));
        // Cluster 1 has no rows, and no row of group 5 is in cluster 2.
        assert_eq!([divided.of(1, 1), divided.of(2, 5)], [NO_CLUSTER; 2]);
        let mut whole = new;
        divided.make_whole(&mut whole);
        assert_eq!(whole, cluster);
        let centroids = UnitEmbeddings::new(vec![1.0, 0.0, 0.0, 1.0, 0.6, 0.8], 2).unwrap();
        let of_new = divided.centroids(&centroids).unwrap();
        assert_eq!(of_new.values(), [1.0, 0.0, 1.0, 0.0, 0.6, 0.8, 0.6, 0.8]);
    }
}
