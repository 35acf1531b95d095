//! The stage that compares: the rows of each cluster among themselves, some clusters at a time.

use semdedup_core::{EXACT, NO_CLUSTER, Part, Ranking, UnitEmbeddings, centroid_similarity};

use crate::Result;
use crate::cluster::BLOCK_ROWS;
use crate::progress::{Progress, Stage};
use crate::store::EmbeddingStore;

/// The result of the comparison, in the order of the rows.
#[derive(Debug, Default)]
pub(crate) struct ScoreColumns {
    /// [`NO_CLUSTER`] for a row with a NaN or an infinity.
    pub(crate) cluster: Vec<u32>,
    pub(crate) similarity: Vec<f32>,
    pub(crate) score: Vec<f32>,
    /// [`NO_ROW`] where no row of the cluster ranks before.
    pub(crate) duplicate_of: Vec<u64>,
}

/// In place of a row number: there is none.
pub(crate) const NO_ROW: u64 = u64::MAX;

impl ScoreColumns {
    /// Rows with the same embedding as a row that ranks before them.
    pub(crate) fn exact_duplicates(&self) -> u64 {
        self.score.iter().filter(|&&score| score == EXACT).count() as u64
    }
}

/// Scores every row.
pub(crate) fn score(
    store: &EmbeddingStore,
    centroids: &UnitEmbeddings,
    cluster: Vec<u32>,
    scoring: (&Ranking, &dyn Progress),
) -> Result<ScoreColumns> {
    let (ranking, progress) = scoring;
    let rows = cluster.len();
    let mut columns = ScoreColumns {
        similarity: vec![0.0; rows],
        score: vec![0.0; rows],
        duplicate_of: vec![NO_ROW; rows],
        cluster,
    };
    let order = by_cluster(&columns.cluster, centroids.len());
    progress.begin(Stage::Score, "rows", order.len() as u64);
    for numbers in parts(&order, &columns.cluster) {
        let rows = store.gather(numbers)?;
        let cluster: Vec<u32> = numbers
            .iter()
            .enumerate()
            // Whoever made the assignments may have given a NaN row a cluster; it has no place in it.
            .map(|(i, &row)| match rows.non_finite_rows().binary_search(&i) {
                Ok(_) => NO_CLUSTER,
                Err(_) => columns.cluster[row as usize],
            })
            .collect();
        let similarity = centroid_similarity(&rows, centroids, &cluster);
        let part = Part { rows: &rows, numbers, cluster: &cluster, similarity: &similarity };
        let scores = semdedup_core::score(&part, ranking);
        for (i, &row) in numbers.iter().enumerate() {
            columns.cluster[row as usize] = cluster[i];
            columns.similarity[row as usize] = similarity[i];
            columns.score[row as usize] = scores.score[i];
            columns.duplicate_of[row as usize] = scores.duplicate_of[i].unwrap_or(NO_ROW);
        }
        progress.advance(numbers.len() as u64);
    }
    Ok(columns)
}

/// The rows that are in a cluster, cluster after cluster, ascending in each.
fn by_cluster(cluster: &[u32], clusters: usize) -> Vec<u64> {
    let mut next = vec![0usize; clusters + 1];
    for &c in cluster.iter().filter(|&&c| c != NO_CLUSTER) {
        next[c as usize + 1] += 1;
    }
    for c in 0..clusters {
        next[c + 1] += next[c];
    }
    let mut order = vec![0; next[clusters]];
    for (row, &c) in cluster.iter().enumerate().filter(|&(_, &c)| c != NO_CLUSTER) {
        order[next[c as usize]] = row as u64;
        next[c as usize] += 1;
    }
    order
}

/// Whole clusters, as many as fit in a block; a larger cluster is a part of its own.
fn parts<'a>(order: &'a [u64], cluster: &[u32]) -> Vec<&'a [u64]> {
    let mut parts = Vec::new();
    let (mut start, mut end) = (0, 0);
    for rows in order.chunk_by(|&a, &b| cluster[a as usize] == cluster[b as usize]) {
        if end > start && end + rows.len() - start > BLOCK_ROWS as usize {
            parts.push(&order[start..end]);
            start = end;
        }
        end += rows.len();
    }
    if end > start {
        parts.push(&order[start..end]);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_ordered_by_cluster_and_rows_without_one_are_left_out() {
        assert_eq!(by_cluster(&[2, 0, NO_CLUSTER, 2, 0], 4), [1, 4, 0, 3]);
        assert_eq!(by_cluster(&[], 1), Vec::<u64>::new());
    }

    #[test]
    fn parts_hold_whole_clusters_and_a_cluster_larger_than_a_block_is_alone() {
        let block = BLOCK_ROWS as usize;
        let sizes = [3, block - 1, 1, 2 * block, 5, 5];
        let cluster: Vec<u32> = sizes.iter().enumerate().flat_map(|(c, &n)| vec![c as u32; n]).collect();
        let order = by_cluster(&cluster, sizes.len());
        let lengths: Vec<usize> = parts(&order, &cluster).iter().map(|part| part.len()).collect();
        assert_eq!(lengths, [3, block, 2 * block, 10]);
    }
}
