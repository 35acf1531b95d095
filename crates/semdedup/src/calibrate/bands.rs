//! Precision and coverage from pairs that were drawn at random within bands of similarity: a stratified
//! sample, in which each band counts by its rows.

use serde::Serialize;

use crate::calibrate::curve::{Curves, LabelledAt, Threshold};
use crate::calibrate::estimate::{Estimate, Stratum, weighted, weighted_coverage};
use crate::calibrate::pair_curve::{JudgedPair, halves};

/// The lower ends of the bands. A band reaches up to the next one; the last holds equal embeddings.
const LOWER_ENDS: [f64; 10] = [0.5, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.99, 1.0];

/// The number of bands.
pub(crate) const BANDS: usize = LOWER_ENDS.len();

/// Returns the band of a score; none below the lowest.
pub(crate) fn band_of(score: f32) -> Option<usize> {
    LOWER_ENDS.iter().rposition(|&end| f64::from(score) >= end)
}

/// Returns the name of a band, such as `0.93-0.95`, and `1` for equal embeddings.
pub(crate) fn band_name(band: usize) -> String {
    match LOWER_ENDS.get(band + 1) {
        Some(end) => format!("{}-{end}", LOWER_ENDS[band]),
        None => LOWER_ENDS[band].to_string(),
    }
}

/// Returns the band of a name.
pub(crate) fn band_named(name: &str) -> Option<usize> {
    (0..BANDS).find(|&band| band_name(band) == name)
}

/// The name of the rows whose text or image is that of their match.
const COPIES: &str = "copies";

/// A band, its rows and its labels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Band {
    /// The lower and the upper end of its similarities, such as `0.93-0.95`; `1` for equal embeddings,
    /// and `copies` for rows whose text or image is that of their match, which need no label.
    pub band: String,
    /// The rows whose score is in the band.
    pub rows: u64,
    /// Those of them that the ε of the run removes.
    pub rows_removed: u64,
    /// The share of the labelled pairs that say the same; none without labels.
    pub same: Option<Estimate>,
}

/// The rows that bands hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct BandRows {
    /// The scores, ascending.
    scores: Vec<f32>,
    /// The rows whose text or image is that of their match. They are in no band.
    pub(crate) copies: u64,
}

impl BandRows {
    pub(crate) fn new(scores: impl Iterator<Item = f32>, copies: u64) -> Self {
        let mut scores: Vec<f32> = scores.filter(|&score| band_of(score).is_some()).collect();
        scores.sort_unstable_by(f32::total_cmp);
        Self { scores, copies }
    }

    /// Counts the copies that a threshold removes: all or none.
    fn copies_above(&self, threshold: Threshold) -> u64 {
        if threshold.removes(1.0) { self.copies } else { 0 }
    }

    /// Counts the rows of a band.
    pub(crate) fn rows(&self, band: usize) -> u64 {
        let Division { start, end, .. } = Division::of(&self.scores, band, Threshold::of(0.0));
        (end - start) as u64
    }
}

/// The part of ascending similarities that is in a band, and where a threshold divides it.
struct Division {
    start: usize,
    /// The first one that the threshold removes.
    cut: usize,
    end: usize,
}

impl Division {
    fn of(similarities: &[f32], band: usize, threshold: Threshold) -> Self {
        let below = |end: f64| similarities.partition_point(|&similarity| f64::from(similarity) < end);
        let start = below(LOWER_ENDS[band]);
        let end = LOWER_ENDS.get(band + 1).map_or(similarities.len(), |&end| below(end));
        let cut = similarities.partition_point(|&similarity| !threshold.removes(similarity));
        Self { start, cut: cut.clamp(start, end), end }
    }
}

/// Labelled pairs, ascending by similarity.
struct Labels {
    similarities: Vec<f32>,
    /// The number of the same pairs among the first ones.
    same_before: Vec<u64>,
}

impl Labels {
    fn new(pairs: &[JudgedPair]) -> Self {
        let mut pairs = pairs.to_vec();
        pairs.sort_by(|a, b| a.similarity.total_cmp(&b.similarity));
        let mut same_before = vec![0];
        for pair in &pairs {
            same_before.push(same_before[same_before.len() - 1] + u64::from(pair.same));
        }
        Self { similarities: pairs.iter().map(|pair| pair.similarity).collect(), same_before }
    }

    /// Returns the strata below and above a threshold. A band that it divides has one of each: among
    /// the rows of a band that are above, the labels above are a random sample.
    fn strata(&self, rows: &BandRows, threshold: Threshold) -> [Vec<Stratum>; 2] {
        let mut strata = [Vec::new(), Vec::new()];
        for band in 0..BANDS {
            let (of_rows, of_labels) = (
                Division::of(&rows.scores, band, threshold),
                Division::of(&self.similarities, band, threshold),
            );
            let parts = [
                (of_rows.start..of_rows.cut, of_labels.start..of_labels.cut),
                (of_rows.cut..of_rows.end, of_labels.cut..of_labels.end),
            ];
            for (strata, (rows, labels)) in strata.iter_mut().zip(parts) {
                let same = self.same_before[labels.end] - self.same_before[labels.start];
                strata.push(Stratum { rows: rows.len() as u64, labels: labels.len() as u64, same });
            }
        }
        strata
    }

    fn curve(&self, rows: &BandRows, epsilons: &[f64]) -> Vec<LabelledAt> {
        let at = |&epsilon: &f64| {
            let threshold = Threshold::of(epsilon);
            let [below, above] = self.strata(rows, threshold);
            let copies = rows.copies_above(threshold);
            let (precision, coverage) = (weighted(&above, copies), weighted_coverage(&above, &below, copies));
            LabelledAt { epsilon, precision, coverage }
        };
        epsilons.iter().map(at).collect()
    }
}

/// Estimates precision and coverage at each ε, and from each half of the labels of each band.
pub(crate) fn curves(pairs: &[JudgedPair], rows: &BandRows, epsilons: &[f64], seed: u64) -> Curves {
    let mut divided = [Vec::new(), Vec::new()];
    for band in 0..BANDS {
        let inside = pairs.iter().filter(|pair| band_of(pair.similarity) == Some(band)).copied().collect();
        let [first, second] = halves(inside, seed);
        // The pair that is left over goes to the halves in turn.
        let order = if divided[0].len() > divided[1].len() { [second, first] } else { [first, second] };
        divided.iter_mut().zip(order).for_each(|(half, pairs)| half.extend(pairs));
    }
    Curves {
        all: Labels::new(pairs).curve(rows, epsilons),
        halves: divided.map(|half| Labels::new(&half).curve(rows, epsilons)),
    }
}

/// Describes every band that has rows.
pub(crate) fn bands(pairs: &[JudgedPair], rows: &BandRows, epsilon: f64) -> Vec<Band> {
    let (labels, threshold) = (Labels::new(pairs), Threshold::of(epsilon));
    let [below, above] = labels.strata(rows, threshold);
    let band = |(band, (below, above)): (usize, (&Stratum, &Stratum))| {
        let all = Stratum {
            rows: below.rows + above.rows,
            labels: below.labels + above.labels,
            same: below.same + above.same,
        };
        let (rows, rows_removed) = (all.rows, above.rows);
        Band { band: band_name(band), rows, rows_removed, same: weighted(&[all], 0) }
    };
    let all = below.iter().zip(&above).enumerate().map(band);
    let copies = Band {
        band: COPIES.to_owned(),
        rows: rows.copies,
        rows_removed: rows.copies_above(threshold),
        same: weighted(&[], rows.copies),
    };
    all.chain([copies]).filter(|band| band.rows > 0).collect()
}

/// Estimates the precision at one ε.
pub(crate) fn precision_at(pairs: &[JudgedPair], rows: &BandRows, epsilon: f64) -> Option<Estimate> {
    let threshold = Threshold::of(epsilon);
    weighted(&Labels::new(pairs).strata(rows, threshold)[1], rows.copies_above(threshold))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_score_is_in_the_band_whose_name_says_so() {
        assert_eq!((band_of(0.4999), band_of(0.5), band_of(1.0)), (None, Some(0), Some(BANDS - 1)));
        assert_eq!(band_of(0.999_999), Some(BANDS - 2));
        assert_eq!(band_of(0.94).map(band_name).as_deref(), Some("0.93-0.95"));
        for band in 0..BANDS {
            assert_eq!(band_named(&band_name(band)), Some(band));
        }
        assert_eq!((band_name(BANDS - 1).as_str(), band_named("0.9")), ("1", None));
        assert_eq!(band_of(f32::NAN), None);
    }

    fn pair(row: u64, similarity: f32, same: bool) -> JudgedPair {
        JudgedPair { rows: [row, 1000 + row], similarity, same }
    }

    #[test]
    fn a_band_that_the_threshold_divides_counts_by_its_rows_above() {
        // 100 rows at 0.96, 300 at 0.94, 600 at 0.935.
        let of = [(100, 0.96), (300, 0.94), (600, 0.935)];
        let rows = BandRows::new(of.iter().flat_map(|&(count, score)| vec![score; count]), 0);
        let pairs = [
            pair(0, 0.96, true),
            pair(1, 0.96, true),
            pair(2, 0.94, true),
            pair(3, 0.94, false),
            pair(4, 0.935, false),
        ];
        let at = Labels::new(&pairs).curve(&rows, &[0.02, 0.045, 0.062, 0.07]);
        let shares: Vec<Option<f64>> = at.iter().map(|at| at.precision.map(|p| p.share)).collect();
        assert_eq!(shares[0], None);
        assert_eq!(shares[1], Some(1.0));
        // Above 0.938: 100 rows, all the same, and 300, half of them.
        assert!((shares[2].unwrap() - 250.0 / 400.0).abs() < 1e-12, "{shares:?}");
        // The whole lower band: 900 rows, a third of them.
        assert!((shares[3].unwrap() - 400.0 / 1000.0).abs() < 1e-12, "{shares:?}");
        // Below 0.938 no label says the same.
        assert_eq!(at[2].coverage.unwrap().share, 1.0);
        let described = bands(&pairs, &rows, 0.062);
        let counts: Vec<_> = described.iter().map(|b| (b.band.as_str(), b.rows, b.rows_removed)).collect();
        assert_eq!(counts, [("0.93-0.95", 900, 300), ("0.95-0.97", 100, 100)]);
        assert_eq!(precision_at(&pairs, &rows, 0.062), at[2].precision);
        assert_eq!(rows.rows(5), 900);
    }

    #[test]
    fn a_band_with_rows_but_without_a_label_leaves_precision_unknown() {
        let rows = BandRows::new([0.96, 0.94, 0.94].into_iter(), 0);
        let at = Labels::new(&[pair(0, 0.96, true)]).curve(&rows, &[0.05, 0.07]);
        assert_eq!(at[0].precision.unwrap().share, 1.0);
        assert_eq!((&at[1].precision, &at[0].coverage), (&None, &None));
    }

    #[test]
    fn copies_count_as_right_and_need_no_label() {
        let rows = BandRows::new([0.96, 0.96].into_iter(), 6);
        let pairs = [pair(0, 0.96, false), pair(1, 0.96, false)];
        let at = Labels::new(&pairs).curve(&rows, &[0.01, 0.05]);
        let found = at[1].precision.unwrap();
        assert_eq!((found.share, found.interval, found.of), (0.75, (0.75, 0.75), 2));
        assert_eq!(at[0].precision.unwrap().share, 1.0);
        let described = bands(&pairs, &rows, 0.05);
        assert_eq!(
            (described[1].band.as_str(), described[1].rows, described[1].rows_removed),
            ("copies", 6, 6)
        );
    }

    #[test]
    fn each_half_has_half_of_the_labels_of_every_band() {
        let pairs: Vec<JudgedPair> =
            (0..90).map(|i| pair(i, [0.6, 0.75, 0.94, 0.96, 0.995][i as usize % 5], i % 2 == 0)).collect();
        let rows = BandRows::new(pairs.iter().map(|pair| pair.similarity), 0);
        let curves = curves(&pairs, &rows, &[0.5], 0);
        let of = |at: &[LabelledAt]| at[0].precision.unwrap().of;
        assert_eq!((of(&curves.all), of(&curves.halves[0]), of(&curves.halves[1])), (90, 45, 45));
    }
}
