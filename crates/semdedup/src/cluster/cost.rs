//! Estimates the cost of clustering and comparing, and finds the number of clusters that costs
//! least.
//!
//! The unit of cost is the comparison of two rows, which is the kernels' unit of work. Work that is
//! done once for a row (reading, scaling, encoding, gathering) counts as the number of comparisons
//! that take as long. This was measured on 0.5 and 10 million rows of dimension 256
//! (`docs/performance.md`). Both grow with the dimension, so the figures hold about as well for
//! other dimensions.

use semdedup_core::Probes;

use crate::memory::{LEAST_TRAINING_ROWS_PER_CLUSTER, training_row_bytes};

/// Up to this number of centroids, a row is compared with all of them. Beyond it, a row is compared
/// with those of the nearest groups (`semdedup_core::Assigner`).
const ONE_BY_ONE: f64 = 2048.0;

/// The groups that a row looks into, and the list of groups itself. Each has √k centroids.
const GROUPS: f64 = 9.0;

/// The cost of looking into groups, for each row, besides the comparisons.
const GROUPED_ROW: f64 = 1800.0;

/// How many times as much a comparison with all centroids may cost as one with the nearest groups,
/// because it finds more duplicates.
const EXACT_IS_WORTH: f64 = 1.1;

/// The cost of assigning a row besides the comparisons.
const ASSIGNED_ROW: f64 = 1500.0;

/// The cost of a row in each cluster that it is compared in, besides the comparisons.
const COMPARED_ROW: f64 = 1000.0;

/// The cost of a row of the training sample besides the comparisons.
const TRAINED_ROW: f64 = 7000.0;

/// The rounds of training.
const ROUNDS: f64 = 8.0;

/// The cost of a row of the training sample besides the comparisons, if training refines all
/// clusters ([`semdedup_core::Training::refinements`]).
const REFINED_ROW: f64 = 12_000.0;

/// How many times refining compares a row of the training sample with the centroids.
const REFINED: f64 = 4.0;

/// The other clusters that a row probes with `--probes auto`: 3 to 5.5 on average.
const AUTO_VISITS: f64 = 4.0;

/// The size of a row's cluster as a multiple of the mean size. It is above 1 because clusters
/// differ in size and most rows are in large ones.
const UNEVEN: f64 = 1.3;

/// Up to this number of rows, all rows are in one cluster: that takes hardly any time, and it finds
/// everything.
const FEW_ROWS: u64 = 10_000;

/// Chooses the number of clusters for `rows` rows of dimension `dim`, for users who name none.
///
/// Returns the number that costs least, but at most `most`, the number that memory allows to train.
/// Returns 1 for up to 10,000 rows.
pub fn auto_clusters(rows: u64, dim: usize, most: usize) -> usize {
    if rows <= FEW_ROWS {
        return 1;
    }
    let few_enough = |&clusters: &usize| clusters as u64 <= rows / 8 && clusters <= most;
    let total = |&clusters: &usize| {
        let worth = if clusters as f64 <= ONE_BY_ONE { 1.0 } else { EXACT_IS_WORTH };
        worth * Cost::of(rows, dim, clusters, Probes::Auto).total()
    };
    candidates().take_while(few_enough).min_by(|a, b| total(a).total_cmp(&total(b))).unwrap_or(1)
}

/// Lists the numbers of clusters to consider, ascending.
fn candidates() -> impl Iterator<Item = usize> {
    (8..400).map(|step| 2f64.powf(f64::from(step) / 8.0).round() as usize)
}

/// Reduces `most`, the number of clusters that memory allows, to what can change the choice of
/// [`auto_clusters`] for up to 100 million rows. All memory limits that lead to the same choices
/// give the same number.
pub(crate) fn limit(most: usize, dim: usize) -> usize {
    let enough = auto_clusters(100_000_000, dim, usize::MAX);
    candidates().take_while(|&clusters| clusters <= most.min(enough)).last().unwrap_or(1)
}

/// The expected cost of the stages, in comparisons.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) train: f64,
    pub(crate) assign: f64,
    pub(crate) score: f64,
    /// The pairs of rows that scoring compares.
    pub(crate) pairs: f64,
}

impl Cost {
    /// Estimates the cost of `rows` rows of dimension `dim` in `clusters` clusters.
    pub(crate) fn of(rows: u64, dim: usize, clusters: usize, probes: Probes) -> Self {
        let (n, k) = (rows as f64, clusters as f64);
        let sample = training_rows(rows, dim, clusters, probes) as f64;
        let looked_at = if k <= ONE_BY_ONE { k } else { GROUPED_ROW + GROUPS * k.sqrt() };
        let visits = match probes {
            Probes::Nearest(count) => count as f64 - 1.0,
            Probes::Auto => AUTO_VISITS,
        };
        let visits = visits.min(k - 1.0);
        let together = (UNEVEN * n / k).min(n);
        let pairs = n * together * (0.5 + visits);
        Self {
            train: sample
                * match probes {
                    Probes::Nearest(1) => REFINED_ROW + REFINED * looked_at,
                    _ => TRAINED_ROW + 2.0 * ROUNDS * k.sqrt().min(k),
                },
            assign: n * (ASSIGNED_ROW + looked_at),
            score: n * COMPARED_ROW * (1.0 + visits) + pairs,
            pairs,
        }
    }

    /// Returns the cost of all three stages.
    pub(crate) fn total(self) -> f64 {
        self.train + self.assign + self.score
    }
}

/// The rows of the training sample for each centroid, while the sample is within
/// [`TRAINING_BYTES`]. Recall hardly depends on how long k-means trains, so the sample is small.
const TRAINING_ROWS_PER_CLUSTER: usize = 64;

/// The size of the training sample from which on it has fewer rows for each centroid.
const TRAINING_BYTES: usize = 128 << 20;

/// How many times as many training rows there are with `--probes 1`. A row is then compared in its
/// own cluster alone, and duplicates across a border are missed, so the borders must be good.
const MORE_TRAINING: usize = 2;

/// Returns the number of rows to train `clusters` centroids on, of `rows` rows of dimension `dim`.
pub(crate) fn training_rows(rows: u64, dim: usize, clusters: usize, probes: Probes) -> usize {
    let more = if probes.most() == 1 { MORE_TRAINING } else { 1 };
    let wanted = (clusters * TRAINING_ROWS_PER_CLUSTER * more)
        .min(TRAINING_BYTES * more / training_row_bytes(dim) as usize)
        .max(clusters * LEAST_TRAINING_ROWS_PER_CLUSTER);
    wanted.min(usize::try_from(rows).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: [u64; 7] = [20_000, 100_000, 500_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];

    #[test]
    fn more_rows_get_more_clusters_but_not_in_proportion() {
        let clusters = SIZES.map(|rows| auto_clusters(rows, 256, usize::MAX));
        assert!(clusters.is_sorted_by(|a, b| a < b), "{clusters:?}");
        assert!(clusters[2] > 500 && clusters[2] < 2500, "{clusters:?}");
        assert!(clusters[4] > 20_000 && clusters[4] < 100_000, "{clusters:?}");
        assert_eq!(auto_clusters(10_000, 256, usize::MAX), 1);
        assert_eq!(auto_clusters(0, 256, usize::MAX), 1);
    }

    #[test]
    fn no_other_number_of_clusters_costs_much_less() {
        for rows in SIZES {
            let cost = |clusters| Cost::of(rows, 256, clusters, Probes::Auto).total();
            let chosen = auto_clusters(rows, 256, usize::MAX);
            for other in [chosen / 4, chosen / 2, chosen * 2, chosen * 4] {
                assert!(cost(chosen) <= EXACT_IS_WORTH * cost(other), "{rows} rows: {chosen} or {other}");
            }
        }
    }

    #[test]
    fn memory_limits_the_clusters() {
        let free = auto_clusters(10_000_000, 256, usize::MAX);
        assert!(auto_clusters(10_000_000, 256, free / 3) <= free / 3);
        assert_eq!(auto_clusters(10_000_000, 256, 1), 1);
    }

    /// Compares the ratios of the estimates with those of the seconds in `bench/runs/`, which are
    /// from one machine.
    #[test]
    fn the_model_has_the_ratios_of_measured_times() {
        // (rows, clusters, probes, train, assign, score) in seconds on two cores.
        let (auto, own) = (Probes::Auto, Probes::Nearest(1));
        let measured = [
            (500_383, 1000, own, 1.7, 0.6, 0.7),
            (500_383, 1218, auto, 0.38, 1.05, 1.75),
            (500_383, 4096, auto, 0.58, 1.2, 1.4),
            (1_000_000, 2048, auto, 0.9, 3.1, 6.8),
            (1_000_000, 8192, auto, 0.9, 3.2, 4.75),
            (10_000_000, 38_968, auto, 9.2, 58.0, 82.0),
        ];
        for (rows, clusters, probes, train, assign, score) in measured {
            let cost = Cost::of(rows, 256, clusters, probes);
            // A comparison took 0.83 ns there, as `--dry-run` measured it.
            let seconds = [cost.train, cost.assign, cost.score].map(|comparisons| comparisons * 0.83e-9);
            let off = (seconds.iter().sum::<f64>() / (train + assign + score)).ln().abs();
            assert!(off < 1.6f64.ln(), "{rows} rows, {clusters} clusters: {seconds:?}");
        }
    }
}
