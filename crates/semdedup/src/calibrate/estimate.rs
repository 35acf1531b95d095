//! Shares estimated from labels, with their 95 % confidence intervals.

use std::ops::Add;

use semdedup_core::wilson;
use serde::Serialize;

/// A share that labels tell, with its 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// The share, in [0, 1].
    pub share: f64,
    /// The lower and upper end of the interval.
    pub interval: (f64, f64),
    /// The number of labels that count for the share.
    pub count: u64,
    /// The number of labels that the share is based on.
    pub of: u64,
    /// The standard error of a share that was estimated band by band (Cochran, Sampling Techniques,
    /// 1977, chapter 5); none where a band has a single label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standard_error: Option<f64>,
}

impl Estimate {
    /// Estimates a share from `of` independent labels; none without any.
    pub(crate) fn of_labels(count: u64, of: u64) -> Option<Self> {
        (of > 0).then(|| Self::of_size(count, of, of as f64))
    }

    fn of_size(count: u64, of: u64, size: f64) -> Self {
        let share = count as f64 / of as f64;
        Self { share, interval: wilson(share, size), count, of, standard_error: None }
    }

    /// Estimates a share from labels that come in clusters, such as the rows of a group, which are
    /// right or wrong together.
    ///
    /// The variance is that of a ratio of cluster totals (Cochran 1977, chapter 6): with `n` labels of
    /// a cluster, `r` of them right, and `G` clusters, `G/(G−1) Σ(r − share·n)² / (Σn)²`. The interval
    /// is Wilson's, for the number of independent labels that have this variance, which is at most
    /// the number of labels. Where all labels agree, it is the number of clusters.
    pub(crate) fn of_clusters(sums: &ClusterSums) -> Option<Self> {
        let ClusterSums { clusters, labels, right, .. } = *sums;
        if labels == 0 {
            return None;
        }
        let (count, of, groups) = (right as f64, labels as f64, clusters as f64);
        let share = count / of;
        let squares = sums.right_squared as f64 - 2.0 * share * sums.product as f64
            + share * share * sums.labels_squared as f64;
        let variance = groups / (groups - 1.0) * squares / (of * of);
        let size = share * (1.0 - share) / variance;
        let size = if size.is_finite() && size > 0.0 { size.min(of) } else { groups };
        Some(Self::of_size(right, labels, size))
    }
}

/// Sums over clusters of labels, from which the variance of a share follows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ClusterSums {
    /// The clusters that have a label.
    pub(crate) clusters: u64,
    /// The labels of all clusters.
    pub(crate) labels: u64,
    /// Those that are right.
    pub(crate) right: u64,
    /// The sum over clusters of the squared number of labels.
    pub(crate) labels_squared: u64,
    /// The sum of the product of labels and right labels.
    pub(crate) product: u64,
    /// The sum of the squared number of right labels.
    pub(crate) right_squared: u64,
}

impl ClusterSums {
    /// Replaces the labels and right labels of a cluster.
    pub(crate) fn replace(&mut self, before: (u64, u64), after: (u64, u64)) {
        self.clusters += u64::from(after.0 > 0) - u64::from(before.0 > 0);
        let change = |sum: &mut u64, value: fn((u64, u64)) -> u64| *sum = *sum - value(before) + value(after);
        change(&mut self.labels, |(labels, _)| labels);
        change(&mut self.right, |(_, right)| right);
        change(&mut self.labels_squared, |(labels, _)| labels * labels);
        change(&mut self.product, |(labels, right)| labels * right);
        change(&mut self.right_squared, |(_, right)| right * right);
    }
}

impl Add for ClusterSums {
    type Output = Self;

    /// Adds the sums of other clusters.
    fn add(self, other: Self) -> Self {
        Self {
            clusters: self.clusters + other.clusters,
            labels: self.labels + other.labels,
            right: self.right + other.right,
            labels_squared: self.labels_squared + other.labels_squared,
            product: self.product + other.product,
            right_squared: self.right_squared + other.right_squared,
        }
    }
}

/// Rows of a band, of which some were drawn at random and labelled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Stratum {
    /// The rows that the labels stand for.
    pub(crate) rows: u64,
    /// The labels.
    pub(crate) labels: u64,
    /// Those that say "the same".
    pub(crate) same: u64,
}

impl Stratum {
    fn share(self) -> f64 {
        self.same as f64 / self.labels as f64
    }

    /// Returns the share with two more labels of each kind (Agresti and Coull, "Approximate is better
    /// than 'exact' for interval estimation of binomial proportions", The American Statistician 52,
    /// 1998). A few labels that agree are no certainty.
    fn moderate_share(self) -> f64 {
        (self.same as f64 + 2.0) / (self.labels as f64 + 4.0)
    }

    /// Returns the share of the rows that have no label: a sample of all rows leaves nothing open.
    fn open(self) -> f64 {
        1.0 - self.labels.min(self.rows) as f64 / self.rows as f64
    }

    /// Returns the variance of the share; none if a single label does not tell it.
    fn variance(self) -> Option<f64> {
        let (labels, share, open) = (self.labels as f64, self.share(), self.open());
        let variance = open * share * (1.0 - share) / (labels - 1.0);
        if open == 0.0 { Some(0.0) } else { Some(variance).filter(|_| self.labels > 1) }
    }
}

/// The estimated number of rows that are the same as their match.
struct Total {
    rows: f64,
    same: f64,
    /// `same` by moderate shares, and its variance.
    moderate: f64,
    variance: f64,
}

/// Adds up strata: Σ N p̂, where N are the rows of a stratum and p̂ the share of its labels. None if a
/// stratum with rows has no label.
fn total(strata: &[Stratum]) -> Option<Total> {
    let mut total = Total { rows: 0.0, same: 0.0, moderate: 0.0, variance: 0.0 };
    for stratum in strata.iter().filter(|stratum| stratum.rows > 0) {
        if stratum.labels == 0 {
            return None;
        }
        let (rows, share) = (stratum.rows as f64, stratum.moderate_share());
        total.rows += rows;
        total.same += rows * stratum.share();
        total.moderate += rows * share;
        total.variance += rows * rows * stratum.open() * share * (1.0 - share) / stratum.labels as f64;
    }
    Some(total)
}

/// Returns Wilson's interval for a share with a variance: for the number of independent labels that
/// would have it (the effective sample size of Kish, Survey Sampling, 1965). The variance, and
/// `moderate`, the share in its place, come from moderate shares: labels that agree in every stratum
/// would leave no variance.
fn interval(share: f64, moderate: f64, variance: f64) -> (f64, f64) {
    let size = if variance > 0.0 { moderate * (1.0 - moderate) / variance } else { f64::INFINITY };
    wilson(share, size)
}

/// Counts the labels of strata: all, and those that say "the same".
fn labels_of(strata: &[Stratum]) -> (u64, u64) {
    strata.iter().fold((0, 0), |(labels, same), s| (labels + s.labels, same + s.same))
}

/// Estimates the share of all rows of the strata that are the same as their match, Σ N p̂ / Σ N
/// (Cochran, Sampling Techniques, 1977, chapter 5). `certain` more rows are the same without a label.
/// None without rows, or if a stratum with rows has no label.
pub(crate) fn weighted(strata: &[Stratum], certain: u64) -> Option<Estimate> {
    let Total { rows, same, moderate, variance } = total(strata)?;
    let (certain, all) = (certain as f64, certain as f64 + rows);
    if all == 0.0 {
        return None;
    }
    let (low, high) = match rows > 0.0 {
        true => interval(same / rows, moderate / rows, variance / (rows * rows)),
        false => (1.0, 1.0),
    };
    let counted = strata.iter().filter(|stratum| stratum.rows > 0);
    let squares: Option<f64> =
        counted.map(|stratum| Some((stratum.rows as f64 / all).powi(2) * stratum.variance()?)).sum();
    let (of, count) = labels_of(strata);
    Some(Estimate {
        share: (certain + same) / all,
        interval: ((certain + rows * low) / all, (certain + rows * high) / all),
        count,
        of,
        standard_error: squares.map(f64::sqrt),
    })
}

/// Estimates which share of the rows that are the same as their match is above a threshold:
/// `A / (A + B)`, where A is the number of such rows above it and B that below.
///
/// Its variance is that of the linear terms of the ratio (Cochran 1977, chapter 6). `certain` more rows
/// above are the same without a label. None if there are no such rows, or if a stratum with rows has no
/// label.
pub(crate) fn weighted_coverage(above: &[Stratum], below: &[Stratum], certain: u64) -> Option<Estimate> {
    let (a, b, certain) = (total(above)?, total(below)?, certain as f64);
    let all = certain + a.same + b.same;
    if all <= 0.0 {
        return None;
    }
    let share = (certain + a.same) / all;
    let moderate_all = certain + a.moderate + b.moderate;
    let moderate = (certain + a.moderate) / moderate_all;
    let variance = ((1.0 - moderate).powi(2) * a.variance + moderate.powi(2) * b.variance)
        / (moderate_all * moderate_all);
    let (count, of_b) = (labels_of(above).1, labels_of(below).1);
    let interval = interval(share, moderate, variance);
    Some(Estimate { share, interval, count, of: count + of_b, standard_error: None })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn one_stratum_of_countless_rows_has_wilsons_interval() {
        let stratum = Stratum { rows: 1 << 60, labels: 40, same: 36 };
        let (found, plain) = (weighted(&[stratum], 0).unwrap(), Estimate::of_labels(36, 40).unwrap());
        assert!(close(found.share, 0.9) && close(found.share, plain.share));
        assert!(close(found.interval.0, plain.interval.0) && close(found.interval.1, plain.interval.1));
        // √(0.9 · 0.1 / 39)
        assert!(close(found.standard_error.unwrap(), (0.09f64 / 39.0).sqrt()));
        assert_eq!(Estimate::of_labels(0, 0), None);
    }

    #[test]
    fn bands_count_by_their_rows_and_not_by_their_labels() {
        // 900 rows of which 10 of 10 labels are right, 100 rows of which 5 of 10 are.
        let strata = [(900, 10, 10), (100, 10, 5)];
        let strata = strata.map(|(rows, labels, same)| Stratum { rows, labels, same });
        let found = weighted(&strata, 0).unwrap();
        assert!(close(found.share, 0.95), "{found:?}");
        assert_eq!((found.count, found.of), (15, 20));
        // By hand: only the second band has a variance, 0.1² · (1 − 10/100) · 0.25 / 9.
        assert!(close(found.standard_error.unwrap(), (0.01 * 0.9 * 0.25 / 9.0f64).sqrt()));
        // By hand, with 12 of 14 and 7 of 14 as moderate shares.
        let moderate = 0.9 * 12.0 / 14.0 + 0.1 * 0.5;
        let variance =
            0.81 * (890.0 / 900.0) * (12.0 / 14.0) * (2.0 / 14.0) / 10.0 + 0.01 * 0.9 * 0.25 / 10.0;
        let expected = wilson(0.95, moderate * (1.0 - moderate) / variance);
        assert!(close(found.interval.0, expected.0) && close(found.interval.1, expected.1), "{found:?}");
    }

    /// A generator of random numbers in [0, 1) (splitmix64).
    fn random(state: &mut u64) -> f64 {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Of many draws of `labels` labels a band, the share whose interval holds the precision and the share
    /// whose interval holds the coverage.
    fn held(bands: &[(u64, f64)], labels: u64) -> (f64, f64) {
        let (mut state, draws, mut held) = (7, 4000, (0, 0));
        let half = bands.len() / 2;
        let same = |bands: &[(u64, f64)]| bands.iter().map(|(rows, share)| *rows as f64 * share).sum::<f64>();
        let rows: u64 = bands.iter().map(|(rows, _)| rows).sum();
        let (precision, coverage) = (same(bands) / rows as f64, same(&bands[half..]) / same(bands));
        let holds = |(low, high): (f64, f64), truth: f64| usize::from(low <= truth && truth <= high);
        for _ in 0..draws {
            let draw = |&(rows, share): &(u64, f64)| {
                let same = (0..labels).filter(|_| random(&mut state) < share).count() as u64;
                Stratum { rows, labels, same }
            };
            let strata: Vec<Stratum> = bands.iter().map(draw).collect();
            held.0 += holds(weighted(&strata, 0).unwrap().interval, precision);
            held.1 +=
                holds(weighted_coverage(&strata[half..], &strata[..half], 0).unwrap().interval, coverage);
        }
        (held.0 as f64 / draws as f64, held.1 as f64 / draws as f64)
    }

    #[test]
    fn intervals_hold_the_truth_about_as_often_as_they_say() {
        let verses =
            [(12_000, 0.86), (9_300, 0.895), (10_200, 0.9), (10_000, 0.908), (8_100, 0.887), (2_100, 0.97)];
        let steep =
            [(30_000, 0.2), (20_000, 0.5), (15_000, 0.7), (10_000, 0.9), (5_000, 0.97), (9_000, 0.99)];
        for bands in [verses, steep] {
            for labels in [8, 20] {
                let (precision, coverage) = held(&bands, labels);
                assert!((0.93..=1.0).contains(&precision), "{bands:?} {labels}: {precision}");
                assert!((0.93..=1.0).contains(&coverage), "{bands:?} {labels}: {coverage}");
            }
        }
    }

    #[test]
    fn rows_without_a_label_leave_a_share_unknown_and_bands_without_rows_do_not_count() {
        let known = Stratum { rows: 50, labels: 5, same: 5 };
        let [unknown, empty] = [7, 0].map(|rows| Stratum { rows, ..Stratum::default() });
        assert_eq!(weighted(&[known, unknown], 0), None);
        assert_eq!(weighted(&[known, empty], 0), weighted(&[known], 0));
        assert_eq!((weighted(&[empty], 0), weighted_coverage(&[empty], &[empty], 0)), (None, None));
        // Every row is labelled, so nothing is uncertain.
        let census = weighted(&[Stratum { rows: 4, labels: 4, same: 3 }], 0).unwrap();
        assert_eq!((census.interval, census.standard_error), ((0.75, 0.75), Some(0.0)));
    }

    #[test]
    fn rows_that_are_certain_need_no_label_and_count_as_right() {
        let band = Stratum { rows: 100, labels: 10, same: 5 };
        let (found, alone) = (weighted(&[band], 300).unwrap(), weighted(&[band], 0).unwrap());
        assert!(close(found.share, 350.0 / 400.0) && found.of == 10, "{found:?}");
        assert!(close(found.interval.0, (300.0 + 100.0 * alone.interval.0) / 400.0), "{found:?}");
        assert_eq!(weighted(&[], 3).map(|e| (e.share, e.interval, e.of)), Some((1.0, (1.0, 1.0), 0)));
        let coverage = weighted_coverage(&[], &[band], 150).unwrap();
        assert!(close(coverage.share, 150.0 / 200.0), "{coverage:?}");
    }

    #[test]
    fn coverage_is_the_share_of_the_same_rows_that_is_above() {
        let above = [Stratum { rows: 100, labels: 10, same: 9 }];
        let below = [Stratum { rows: 300, labels: 10, same: 1 }];
        let found = weighted_coverage(&above, &below, 0).unwrap();
        assert!(close(found.share, 90.0 / 120.0), "{found:?}");
        assert_eq!((found.count, found.of), (9, 10));
        assert!(0.0 < found.interval.0 && found.interval.0 < 0.75 && found.interval.1 > 0.75, "{found:?}");
        assert_eq!(weighted_coverage(&above, &[], 0).unwrap().interval, (1.0, 1.0));
    }

    #[test]
    fn clusters_of_equal_labels_count_as_one_label_each() {
        // 30 clusters of 4 labels, all right or all wrong: as 30 labels, up to the factor G/(G−1).
        let mut sums = ClusterSums::default();
        (0..30).for_each(|cluster| sums.replace((0, 0), (4, if cluster < 24 { 4 } else { 0 })));
        let found = Estimate::of_clusters(&sums).unwrap();
        assert!(close(found.share, 0.8) && (found.count, found.of) == (96, 120));
        let expected = wilson(0.8, 29.0);
        assert!(close(found.interval.0, expected.0) && close(found.interval.1, expected.1), "{found:?}");
        // Clusters of one label each: at most the number of labels, as for independent labels.
        let mut single = ClusterSums::default();
        (0..30).for_each(|cluster| single.replace((0, 0), (1, u64::from(cluster < 24))));
        let found = Estimate::of_clusters(&single).unwrap();
        assert!(close(found.interval.0, expected.0), "{found:?}");
        // All right: as many labels as clusters.
        let mut right = ClusterSums::default();
        (0..5).for_each(|_| right.replace((0, 0), (8, 8)));
        assert_eq!(Estimate::of_clusters(&right).unwrap().interval, wilson(1.0, 5.0));
        assert_eq!(Estimate::of_clusters(&ClusterSums::default()), None);
    }

    #[test]
    fn replacing_the_labels_of_a_cluster_is_the_same_as_summing_anew() {
        let mut sums = ClusterSums::default();
        sums.replace((0, 0), (1, 1));
        sums.replace((1, 1), (2, 1));
        sums.replace((0, 0), (3, 2));
        sums.replace((2, 1), (4, 3));
        let expected = ClusterSums {
            clusters: 2,
            labels: 7,
            right: 5,
            labels_squared: 25,
            product: 18,
            right_squared: 13,
        };
        assert_eq!(sums, expected);
    }
}
