//! What clustering and comparing cost, and the number of clusters that costs least.
//!
//! Everything is counted in comparisons of two rows (the kernels' unit of work); what is done once for a row (reading,
//! scaling, encoding, gathering) counts as so many comparisons as it takes time, measured on 0.5 and 10 million rows of
//! dimension 256 (`docs/performance.md`). Both grow with the dimension, so the figures hold for others about as well.

use semdedup_core::Probes;

use crate::memory::{LEAST_TRAINING_ROWS_PER_CLUSTER, training_row_bytes};

/// Up to so many centroids are looked at one by one; of more, those of the nearest groups (`semdedup_core::Assigner`).
const ONE_BY_ONE: f64 = 2048.0;

/// The groups that a row looks into, and the list of groups itself: each has √k centroids.
const GROUPS: f64 = 9.0;

/// What looking into groups costs a row beside the comparisons.
const GROUPED_ROW: f64 = 1800.0;

/// Looking at all centroids finds more duplicates than looking into groups, so it may cost so many times as much.
const EXACT_IS_WORTH: f64 = 1.1;

/// What assigning a row costs beside the comparisons.
const ASSIGNED_ROW: f64 = 1500.0;

/// What a row costs in each cluster that it is compared in, beside the comparisons.
const COMPARED_ROW: f64 = 1000.0;

/// What a row costs that memory does not hold: it is written to the disk about twice, and read back.
pub(crate) const SPILLED_ROW: f64 = 6000.0;

/// What a row of the training sample costs beside the comparisons.
const TRAINED_ROW: f64 = 7000.0;

/// Rounds of training.
const ROUNDS: f64 = 8.0;

/// The same where training goes over all clusters ([`semdedup_core::Training::refinements`]), and the comparisons with all of
/// them that it takes.
const REFINED_ROW: f64 = 12_000.0;

const REFINED: f64 = 4.0;

/// Other clusters that a row probes on average with `--probes auto`: 3 to 5.5.
const AUTO_VISITS: f64 = 4.0;

/// Clusters differ in size, and most rows lie in large ones: the rows of a row's cluster, in average clusters.
const UNEVEN: f64 = 1.3;

/// Data of so few rows is compared whole: that takes no time worth mentioning, and finds everything.
const FEW_ROWS: u64 = 10_000;

/// The number of clusters for `rows` rows of dimension `dim` where the user names none: the one of least cost, but no
/// more than `most`, which memory allows to train; for up to 10,000 rows one.
pub fn auto_clusters(rows: u64, dim: usize, most: usize) -> usize {
    if rows <= FEW_ROWS {
        return 1;
    }
    let few_enough = |&clusters: &usize| clusters as u64 <= rows / 8 && clusters <= most;
    let total = |&clusters: &usize| {
        let worth = if clusters as f64 <= ONE_BY_ONE { 1.0 } else { EXACT_IS_WORTH };
        worth * Cost::of((rows, dim), clusters, Probes::Auto).total()
    };
    candidates().take_while(few_enough).min_by(|a, b| total(a).total_cmp(&total(b))).unwrap_or(1)
}

/// The numbers of clusters that are considered, ascending.
fn candidates() -> impl Iterator<Item = usize> {
    (8..400).map(|step| 2f64.powf(f64::from(step) / 8.0).round() as usize)
}

/// What of `most`, the clusters that memory allows, can matter to [`auto_clusters`] for up to 100 million rows: the same
/// for all memories that make no difference.
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
}

impl Cost {
    /// For so many (rows, dimension) in so many clusters.
    pub(crate) fn of((rows, dim): (u64, usize), clusters: usize, probes: Probes) -> Self {
        let (n, k) = (rows as f64, clusters as f64);
        let sample = training_rows((clusters, probes), rows, dim) as f64;
        let looked_at = if k <= ONE_BY_ONE { k } else { GROUPED_ROW + GROUPS * k.sqrt() };
        let visits = match probes {
            Probes::Nearest(count) => count as f64 - 1.0,
            Probes::Auto => AUTO_VISITS,
        };
        let visits = visits.min(k - 1.0);
        let together = (UNEVEN * n / k).min(n);
        Self {
            train: sample
                * match probes {
                    Probes::Nearest(1) => REFINED_ROW + REFINED * looked_at,
                    _ => TRAINED_ROW + 2.0 * ROUNDS * k.sqrt().min(k),
                },
            assign: n * (ASSIGNED_ROW + looked_at),
            score: n * (COMPARED_ROW * (1.0 + visits) + together * (0.5 + visits)),
        }
    }

    pub(crate) fn total(self) -> f64 {
        self.train + self.assign + self.score
    }
}

/// Rows of the training sample for each centroid, where the sample stays below [`TRAINING_BYTES`]; and at least. Recall
/// hardly depends on how long k-means trains, so train little.
const TRAINING_ROWS_PER_CLUSTER: usize = 64;

/// The size that a training sample of many rows for each centroid may have.
const TRAINING_BYTES: usize = 128 << 20;

/// Where a row is compared in its own cluster alone, what lies beyond its border is lost, so borders must lie well: there
/// are so many times the training rows, and so many rounds over all clusters follow.
const MORE_TRAINING: usize = 2;

/// The rows that centroids are trained on.
pub(crate) fn training_rows((clusters, probes): (usize, Probes), rows: u64, dim: usize) -> usize {
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
            let cost = |clusters| Cost::of((rows, 256), clusters, Probes::Auto).total();
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

    /// The seconds of the stages in `bench/runs/`, from one machine; the ratios to each other are what is tested.
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
            let cost = Cost::of((rows, 256), clusters, probes);
            // A comparison took 0.83 ns there, as `--dry-run` measured it.
            let seconds = [cost.train, cost.assign, cost.score].map(|comparisons| comparisons * 0.83e-9);
            let off = (seconds.iter().sum::<f64>() / (train + assign + score)).ln().abs();
            assert!(off < 1.6f64.ln(), "{rows} rows, {clusters} clusters: {seconds:?}");
        }
    }
}
