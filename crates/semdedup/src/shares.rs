//! Finds the files and scripts that lose far more of their rows than the others. A model that
//! cannot read a script takes all of its rows for copies, while the totals look healthy.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The fewest rows of a group that is large enough to judge.
const FEWEST_ROWS: u64 = 10;

/// A warning names a group that loses more than this share of its rows, and more than [`TIMES`]
/// times the share that the other groups lose.
const MUCH: f64 = 0.5;

/// See [`MUCH`].
const TIMES: f64 = 5.0;

/// How rows are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Groups {
    /// By the input file that they come from.
    Files,
    /// By the script that they are written in.
    Scripts,
}

impl Groups {
    /// Returns the name of one group.
    pub(crate) fn singular(self) -> &'static str {
        match self {
            Self::Files => "file",
            Self::Scripts => "script",
        }
    }

    /// Returns the name of several groups.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Scripts => "scripts",
        }
    }
}

/// The rows of a group, and the number of them that go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The name of the file or script.
    pub name: String,
    /// The rows that could be read.
    pub rows: u64,
    /// The rows that go.
    pub rows_removed: u64,
}

impl Share {
    /// Returns the share that goes, in [0, 1]; 0 for a group without rows.
    pub fn removed(&self) -> f64 {
        self.rows_removed as f64 / self.rows.max(1) as f64
    }
}

/// The groups that lose most of their rows, and the share that the other groups lose.
#[derive(Debug, Clone, PartialEq)]
pub struct Losers {
    /// The groups that lose most, largest share first.
    pub groups: Vec<Share>,
    /// The share that all groups which lose at most half of their rows lose together.
    pub others: f64,
}

/// The values of a watched column that lose nearly all of their rows, largest share first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedLoss {
    /// The column.
    pub column: String,
    /// The values.
    pub values: Vec<Share>,
}

/// The values of a watched column that a warning names.
const NAMED_VALUES: usize = 5;

impl fmt::Display for WatchedLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { column, values } = self;
        let (values_lose, their) = match values.len() {
            1 => ("1 value".to_owned(), "loses nearly all of its rows"),
            count => (format!("{count} values"), "lose nearly all of their rows"),
        };
        let loss = |share: &Share| {
            let percent = 100.0 * share.removed();
            format!("{} loses {} of {} ({percent:.1} %)", share.name, share.rows_removed, share.rows)
        };
        let mut lost: Vec<String> = values.iter().take(NAMED_VALUES).map(loss).collect();
        let more = values.len().saturating_sub(NAMED_VALUES);
        lost.extend((more > 0).then(|| format!("and {more} more")));
        write!(
            f,
            "{values_lose} of the column {column} {their}: {}; `semdedup stats OUT --by {column}` shows for which rows, \
             `semdedup show OUT` pairs",
            lost.join(", ")
        )
    }
}

/// Finds the groups that lose more than half of their rows, and more than five times the share that
/// all groups which lose at most half of their rows lose together.
pub(crate) fn losers(shares: &[Share]) -> Option<Losers> {
    let (much, others): (Vec<&Share>, Vec<&Share>) =
        shares.iter().filter(|share| share.rows > 0).partition(|share| share.removed() > MUCH);
    let sum = |of: fn(&Share) -> u64| others.iter().map(|share| of(share)).sum::<u64>();
    let others = match sum(|share| share.rows) {
        0 => return None,
        rows => sum(|share| share.rows_removed) as f64 / rows as f64,
    };
    let is_named = |share: &&&Share| share.rows >= FEWEST_ROWS && share.removed() > TIMES * others;
    let mut groups: Vec<Share> = much.iter().filter(is_named).map(|share| (*share).clone()).collect();
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
    fn a_watched_loss_names_the_first_values_and_counts_the_rest() {
        let loss =
            |values: &[Share]| WatchedLoss { column: "lang".to_owned(), values: values.to_vec() }.to_string();
        let one = loss(&[share("gu", 200, 199)]);
        assert!(
            one.starts_with(
                "1 value of the column lang loses nearly all of its rows: gu loses 199 of 200 (99.5 %);"
            ),
            "{one}"
        );
        let many: Vec<Share> = (0..7).map(|number| share(&format!("v{number}"), 20, 20)).collect();
        let many = loss(&many);
        assert!(
            many.starts_with(
                "7 values of the column lang lose nearly all of their rows: v0 loses 20 of 20 (100.0 %),"
            ),
            "{many}"
        );
        assert!(
            many.contains("v4 loses 20 of 20 (100.0 %), and 2 more; `semdedup stats OUT --by lang`"),
            "{many}"
        );
    }

    #[test]
    fn several_such_groups_do_not_hide_each_other() {
        let mut shares: Vec<Share> = (0..9).map(|n| share(&format!("lost {n}"), 1_000, 990)).collect();
        shares.push(share("fine", 100, 1));
        assert_eq!(named(&shares).len(), 9);
    }

    #[test]
    fn a_loss_that_all_groups_share_names_no_group() {
        assert_eq!(named(&[share("a", 100, 90), share("b", 100, 95)]), [""; 0]);
        assert_eq!(named(&[share("a", 100, 60), share("b", 100, 20)]), [""; 0]);
        assert_eq!(named(&[share("a", 100, 99)]), [""; 0]);
    }

    #[test]
    fn a_group_that_loses_exactly_half_or_has_few_rows_is_not_named() {
        assert_eq!(named(&[share("half", 100, 50), share("b", 100, 0)]), [""; 0]);
        assert_eq!(named(&[share("few", 9, 9), share("b", 100, 0)]), [""; 0]);
        assert_eq!(named(&[share("more", 100, 51), share("b", 100, 0)]), ["more"]);
    }
}
