//! Says what would raise the recall of a run, and what it would cost.

use semdedup_core::Probes;

use crate::cluster::cost::Cost;
use crate::progress::Stage;
use crate::summary::Summary;

/// What would raise the recall of a run. The times are estimates from those of the run, on the same
/// machine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RecallAdvice {
    /// More probes; none if each row is compared in nearly all clusters already.
    pub probes: Option<MoreProbes>,
    /// The seconds in which everything would be compared with everything, with `--clusters 1`; none if
    /// no recall sample was compared, whose time tells.
    pub everything_seconds: Option<f64>,
}

/// A larger number of clusters in which each row is compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MoreProbes {
    /// The number of clusters (`--probes`).
    pub probes: usize,
    /// How many times as many pairs of rows would be compared as in the run.
    pub times_the_pairs: f64,
    /// The seconds that comparing them would take.
    pub seconds: f64,
}

/// The number of clusters that is proposed first. It found all but a few duplicates wherever it was
/// measured (`docs/performance.md`).
const PROBES: usize = 20;

/// The most clusters in which a row can be compared, as the option allows.
const MOST_PROBES: usize = 1000;

/// Says what would raise the recall of a run; none if it had only one cluster, in which everything is
/// compared.
pub fn recall_advice(summary: &Summary) -> Option<RecallAdvice> {
    if summary.clusters <= 1 {
        return None;
    }
    Some(RecallAdvice { probes: more_probes(summary), everything_seconds: everything_seconds(summary) })
}

fn more_probes(summary: &Summary) -> Option<MoreProbes> {
    let now = summary.probes.parse().map_or(Probes::Auto, Probes::Nearest);
    let probes = match now {
        Probes::Nearest(count) if count >= PROBES => 2 * count,
        _ => PROBES,
    };
    if probes >= summary.clusters.min(MOST_PROBES + 1) {
        return None;
    }
    let cost = |probes| Cost::of(summary.rows_in, summary.dim, summary.clusters, probes);
    let (now, more) = (cost(now), cost(Probes::Nearest(probes)));
    Some(MoreProbes {
        probes,
        times_the_pairs: more.pairs / now.pairs,
        seconds: summary.seconds.get(Stage::Score.name())? * more.score / now.score,
    })
}

/// Estimates the seconds of comparing all pairs from those of the recall sample, which was compared
/// with all rows.
fn everything_seconds(summary: &Summary) -> Option<f64> {
    let seconds = *summary.seconds.get(Stage::Recall.name())?;
    let (rows, sample) = (summary.rows_in as f64, summary.recall_sample as f64);
    (sample > 0.0).then_some(seconds * rows / (2.0 * sample))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn summary(clusters: usize, probes: &str) -> Summary {
        let mut summary =
            Summary { rows_in: 100_000, dim: 256, clusters, recall_sample: 2000, ..Summary::default() };
        summary.probes = probes.to_owned();
        summary.seconds.insert("score".to_owned(), 2.0);
        summary.seconds.insert("recall".to_owned(), 0.2);
        summary
    }

    #[test]
    fn everything_takes_as_long_as_the_sample_for_each_pair() {
        // 2,000 × 100,000 pairs took 0.2 s; there are 100,000² / 2.
        assert_eq!(recall_advice(&summary(300, "auto")).unwrap().everything_seconds, Some(5.0));
        let mut unmeasured = summary(300, "auto");
        unmeasured.recall_sample = 0;
        assert_eq!(recall_advice(&unmeasured).unwrap().everything_seconds, None);
        assert_eq!(recall_advice(&summary(1, "auto")), None);
    }

    #[test]
    fn more_probes_are_proposed_as_long_as_there_are_other_clusters() {
        let proposed = |clusters, probes: &str| {
            recall_advice(&summary(clusters, probes)).unwrap().probes.map(|more| more.probes)
        };
        assert_eq!([proposed(300, "1"), proposed(300, "auto"), proposed(300, "19")], [Some(20); 3]);
        assert_eq!([proposed(300, "20"), proposed(300, "60")], [Some(40), Some(120)]);
        assert_eq!([proposed(20, "1"), proposed(100, "50"), proposed(5000, "600")], [None; 3]);
    }

    #[test]
    fn more_probes_cost_in_proportion_to_the_pairs() {
        let more = recall_advice(&summary(300, "1")).unwrap().probes.unwrap();
        // Half of a row's own cluster and 19 others, instead of half of its own.
        assert!((more.times_the_pairs - 39.0).abs() < 1e-9, "{more:?}");
        assert!(more.seconds > 2.0 && more.seconds < 2.0 * more.times_the_pairs, "{more:?}");
    }
}
