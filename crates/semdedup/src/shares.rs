//! How much each file and each script loses, and which lose far more than the others. A model that
//! cannot read a script takes all of its rows for copies, and the totals look healthy.

use serde::{Deserialize, Serialize};

/// A group of fewer rows is too small to judge.
const FEWEST_ROWS: u64 = 10;
/// A group that loses more than this share of its rows…
const MUCH: f64 = 0.5;
/// …and more than this many times the share that the other groups lose, is named in a warning.
const TIMES: f64 = 5.0;

/// Rows that belong together, and how many of them go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// What the rows are called together: a file, or a script.
    pub name: String,
    /// The rows that could be read.
    pub rows: u64,
    /// Those of them that go.
    pub rows_removed: u64,
}

impl Share {
    /// The share that goes; 0 of no rows.
    pub fn removed(&self) -> f64 {
        self.rows_removed as f64 / self.rows.max(1) as f64
    }
}

/// The groups that lose most of their rows, and what the other groups lose.
#[derive(Debug, Clone, PartialEq)]
pub struct Losers {
    /// The groups that lose most, largest share first.
    pub groups: Vec<Share>,
    /// The share that all others lose together.
    pub others: f64,
}

/// The groups that lose more than half of their rows, and more than five times the share that all those which do not lose together.
pub(crate) fn losers(shares: &[Share]) -> Option<Losers> {
    let (much, others): (Vec<&Share>, Vec<&Share>) =
        shares.iter().filter(|share| share.rows > 0).partition(|share| share.removed() > MUCH);
    let sum = |of: fn(&Share) -> u64| others.iter().map(|share| of(share)).sum::<u64>();
    let others = match sum(|share| share.rows) {
        0 => return None,
        rows => sum(|share| share.rows_removed) as f64 / rows as f64,
    };
    let is_told = |share: &&&Share| share.rows >= FEWEST_ROWS && share.removed() > TIMES * others;
    let mut groups: Vec<Share> = much.iter().filter(is_told).map(|share| (*share).clone()).collect();
    groups.sort_by(|a, b| b.removed().total_cmp(&a.removed()).then_with(|| b.rows.cmp(&a.rows)));
    (!groups.is_empty()).then_some(Losers { groups, others })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(name: &str, rows: u64, rows_removed: u64) -> Share {
        Share { name: name.to_owned(), rows, rows_removed }
    }

    fn named(shares: &[Share]) -> Vec<String> {
        losers(shares).map_or(Vec::new(), |losers| losers.groups.into_iter().map(|g| g.name).collect())
    }

    #[test]
    fn a_group_that_loses_nearly_everything_beside_others_that_do_not_is_named() {
        let shares =
            [share("latin", 23_754, 1_400), share("gujarati", 2_000, 1_998), share("armenian", 1_000, 972)];
        assert_eq!(named(&shares), ["gujarati", "armenian"]);
        let others = losers(&shares).map(|losers| losers.others);
        assert_eq!(others, Some(1_400.0 / 23_754.0));
    }

    #[test]
    fn several_such_groups_do_not_hide_each_other() {
        let mut shares: Vec<Share> = (0..9).map(|n| share(&format!("lost {n}"), 1_000, 990)).collect();
        shares.push(share("fine", 100, 1));
        assert_eq!(named(&shares).len(), 9);
    }

    #[test]
    fn a_loss_that_all_share_names_nobody() {
        assert_eq!(named(&[share("a", 100, 90), share("b", 100, 95)]), [""; 0]);
        assert_eq!(named(&[share("a", 100, 60), share("b", 100, 20)]), [""; 0]);
        assert_eq!(named(&[share("a", 100, 99)]), [""; 0]);
    }

    #[test]
    fn exactly_half_and_a_few_rows_name_nobody() {
        assert_eq!(named(&[share("half", 100, 50), share("b", 100, 0)]), [""; 0]);
        assert_eq!(named(&[share("few", 9, 9), share("b", 100, 0)]), [""; 0]);
        assert_eq!(named(&[share("more", 100, 51), share("b", 100, 0)]), ["more"]);
    }
}
