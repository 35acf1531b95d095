//! The order in which texts are read: half of a batch are runs of texts of one cluster, so that the
//! loss sees similar texts beside each other; the others are any.

use super::random::Random;

/// The number of texts of a batch.
pub(super) const BATCH: usize = 1024;
/// The number of texts of one cluster that follow each other.
const RUN: usize = 64;

/// Returns the batches of an epoch, in which each text comes about once. `clusters` are the texts of
/// each cluster.
pub(super) fn epoch(clusters: &[Vec<u32>], random: &mut Random) -> Vec<Vec<u32>> {
    let mut grouped: Vec<Vec<u32>> = clusters.to_vec();
    grouped.iter_mut().for_each(|texts| random.shuffle(texts));
    let mut runs: Vec<&[u32]> = grouped.iter().flat_map(|texts| texts.chunks(RUN)).collect();
    random.shuffle(&mut runs);
    let mut any: Vec<u32> = clusters.concat();
    random.shuffle(&mut any);
    let (near, any) = (runs.concat(), &any[any.len() / 2..]);
    let near = &near[..near.len() - any.len()];
    let half = BATCH / 2;
    let pairs = near.chunks(half).zip(any.chunks(half));
    pairs
        .map(|(near, any)| {
            // A text that is there twice would be pushed away from nothing.
            let mut batch = [near, any].concat();
            batch.sort_unstable();
            batch.dedup();
            batch
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_batch_has_neighbours_and_others() {
        let clusters: Vec<Vec<u32>> =
            (0..100).map(|cluster| (0..200).map(|n| cluster * 200 + n).collect()).collect();
        let batches = epoch(&clusters, &mut Random::new(1));
        assert_eq!(batches.len(), 20);
        for batch in &batches[..19] {
            let mut counts = vec![0; 100];
            batch.iter().for_each(|text| counts[(text / 200) as usize] += 1);
            assert!(
                batch.len() > 900 && counts.iter().filter(|count| **count >= 50).count() >= 5,
                "{counts:?}"
            );
            assert!(counts.iter().filter(|count| **count > 0).count() > 80);
        }
    }
}
