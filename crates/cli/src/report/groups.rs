//! What a run did with groups of rows.

use semdedup::{GroupStats, ScoreBand, Stats};

use crate::numbers::{count, percent};
use crate::table::{Side, columns};

/// The most groups that are printed.
const PRINTED_GROUPS: usize = 50;

const GROUP_COLUMNS: [(&str, Side); 7] = [
    ("rows", Side::Right),
    ("kept", Side::Right),
    ("removed", Side::Right),
    ("share removed", Side::Right),
    ("equal", Side::Right),
    ("value", Side::Left),
    ("lost most to", Side::Left),
];

/// Renders the largest groups, and the bands of scores.
pub fn stats_text(stats: &Stats) -> String {
    let mut table = vec![GROUP_COLUMNS.map(|(name, _)| name.to_owned()).to_vec()];
    table[0][5].clone_from(&visible(&stats.by));
    table.extend(stats.groups.iter().take(PRINTED_GROUPS).map(group_cells));
    let groups = columns(&table, &GROUP_COLUMNS.map(|(_, side)| side));
    let rest = &stats.groups[stats.groups.len().min(PRINTED_GROUPS)..];
    let more = match rest {
        [] => String::new(),
        _ => {
            let [rows, removed] = [|group: &GroupStats| group.rows, |group: &GroupStats| group.rows_removed]
                .map(|of| count(rest.iter().map(of).sum()));
            let values = if rest.len() == 1 {
                "1 more".to_owned()
            } else {
                format!("{} more", count(rest.len() as u64))
            };
            format!("and {values}, of {rows} rows, {removed} removed (--json and --csv have all)\n")
        }
    };
    let header = ["score", "rows", "removed"].map(str::to_owned).to_vec();
    let bands: Vec<_> = std::iter::once(header).chain(stats.bands.iter().map(band_cells)).collect();
    format!("{groups}{more}\n{}", columns(&bands, &[Side::Left, Side::Right, Side::Right]))
}

fn group_cells(group: &GroupStats) -> Vec<String> {
    let lost = group.lost_most_to.as_ref();
    let lost = lost.map(|lost| format!("{} ({})", shown(lost.value.as_deref()), count(lost.rows)));
    vec![
        count(group.rows),
        count(group.rows_kept),
        count(group.rows_removed),
        percent(group.share_removed),
        count(group.equal_rows),
        shown(group.value.as_deref()),
        lost.unwrap_or_default(),
    ]
}

fn band_cells(band: &ScoreBand) -> Vec<String> {
    let range = match (band.from, band.below) {
        (Some(from), None) => format!("{from}"),
        (Some(from), Some(below)) => format!("{from} to below {below}"),
        (None, below) => format!("below {}", below.unwrap_or_default()),
    };
    vec![range, count(band.rows), count(band.rows_removed)]
}

/// Renders all groups as CSV (RFC 4180). A group without a value has an empty field without quotes.
pub fn stats_csv(stats: &Stats) -> String {
    let mut csv = format!(
        "{},rows,rows_kept,rows_removed,share_removed,equal_rows,lost_most_to,lost_most_to_rows\n",
        quoted(&stats.by)
    );
    let value = |value: &Option<String>| value.as_deref().map(quoted).unwrap_or_default();
    for group in &stats.groups {
        let lost = group.lost_most_to.as_ref();
        let (to, to_rows) = lost.map(|lost| (value(&lost.value), lost.rows.to_string())).unwrap_or_default();
        let GroupStats { rows, rows_kept, rows_removed, share_removed, equal_rows, .. } = group;
        let name = value(&group.value);
        csv += &format!(
            "{name},{rows},{rows_kept},{rows_removed},{share_removed},{equal_rows},{to},{to_rows}\n"
        );
    }
    csv
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// The number of characters of a value that are shown.
const SHOWN_CHARS: usize = 60;

/// Shows a value in one line, which cannot control the terminal.
fn shown(value: Option<&str>) -> String {
    let Some(value) = value else { return "(none)".to_owned() };
    match value.char_indices().nth(SHOWN_CHARS) {
        None => visible(value),
        Some((end, _)) => format!("{}…", visible(&value[..end])),
    }
}

fn visible(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(value: Option<&str>, rows: u64) -> GroupStats {
        let value = value.map(str::to_owned);
        GroupStats {
            value,
            rows,
            rows_kept: rows,
            rows_removed: 0,
            share_removed: 0.0,
            equal_rows: 0,
            lost_most_to: None,
        }
    }

    #[test]
    fn fifty_groups_are_printed_and_the_rest_is_counted() {
        let groups = (0..53).map(|number| group(Some(&format!("v{number}")), 2)).collect();
        let stats = Stats { by: "lang".to_owned(), groups, bands: Vec::new() };
        let text = stats_text(&stats);
        assert!(text.contains("v49") && !text.contains("v50"), "{text}");
        assert!(text.contains("and 3 more, of 6 rows, 0 removed"), "{text}");
        assert_eq!(stats_csv(&stats).lines().count(), 54);
    }

    #[test]
    fn values_in_csv_have_quotes_and_no_value_has_none() {
        let groups = vec![group(Some("a \"b\",\nc"), 1), group(None, 1)];
        let csv = stats_csv(&Stats { by: "x".to_owned(), groups, bands: Vec::new() });
        assert!(csv.contains("\n\"a \"\"b\"\",\nc\",1,1,0,0,0,,\n,1,1,0,0,0,,\n"), "{csv}");
    }

    #[test]
    fn a_value_cannot_control_the_terminal_and_is_short() {
        assert_eq!(shown(Some("a\u{1b}[2J\nb")), "a\u{fffd}[2J\u{fffd}b");
        assert!(shown(Some(&"x".repeat(1000))).chars().count() < 70);
        assert_eq!(shown(None), "(none)");
    }
}
