//! Pairs of rows as text that people read.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use semdedup::{Difference, DifferenceKind, Pair, PairRow};

use crate::numbers::count;

const KEPT: Style = AnsiColor::Green.on_default().bold();
const REMOVED: Style = AnsiColor::Red.on_default().bold();
const BOLD: Style = Style::new().bold();

/// The number of characters of a text that are shown.
const SHOWN_CHARS: usize = 600;
const INDENT: &str = "    ";

/// Renders the pairs, with their texts wrapped to `width` columns.
pub fn pairs_text(pairs: &[Pair], width: usize) -> String {
    if pairs.is_empty() {
        return "no such pairs\n".to_owned();
    }
    let mut text = String::new();
    for pair in pairs {
        let _ = writeln!(text, "{BOLD}similarity {:.4}{BOLD:#}  {}", pair.score, verdict(pair));
        if let Some(difference) = pair.difference {
            let _ = writeln!(text, "  {}", differs(difference));
        }
        row(&mut text, &pair.row, width);
        row(&mut text, &pair.duplicate_of, width);
        text.push('\n');
    }
    text
}

/// Says which rows of a pair stay. Only the first row can go because of this pair; the second row
/// can go because of a third row.
fn verdict(pair: &Pair) -> &'static str {
    match (pair.row.removed, pair.duplicate_of.removed) {
        (Some(true), Some(true)) => "the first goes; the second goes too, because of another row",
        (Some(true), _) => "the first goes, the second stays",
        (Some(false), Some(true)) => "the first stays; the second goes, because of another row",
        (Some(false), _) => "both stay: below the threshold",
        (None, _) => "not decided yet: no selection was made",
    }
}

/// Says what differs between the texts of a pair.
fn differs(difference: Difference) -> String {
    match difference.kind {
        DifferenceKind::None => "the same text".to_owned(),
        _ => format!("differs in: {difference}"),
    }
}

fn row(text: &mut String, row: &PairRow, width: usize) {
    let (style, label) = match row.removed {
        Some(true) => (REMOVED, "removed"),
        Some(false) => (KEPT, "kept"),
        None => (BOLD, "row"),
    };
    let _ = writeln!(text, "  {style}{label:<7}{style:#}  {}", origin(row));
    let options = textwrap::Options::new(width).initial_indent(INDENT).subsequent_indent(INDENT);
    let _ = writeln!(text, "{}", textwrap::fill(&shortened(row.text.as_deref()), options));
}

/// Returns where a row comes from, with its id unless the id is just the file and row number.
fn origin(row: &PairRow) -> String {
    let origin = format!("{} row {}", visible(&row.file), row.row);
    if row.id == format!("{}:{}", row.file, row.row) {
        origin
    } else {
        format!("id {}  {origin}", visible(&row.id))
    }
}

/// Returns the beginning of a text, and how many characters follow it.
fn shortened(text: Option<&str>) -> String {
    let Some(text) = text else { return "(no text)".to_owned() };
    if text.trim().is_empty() {
        return "(empty)".to_owned();
    }
    match text.char_indices().nth(SHOWN_CHARS) {
        None => visible(text),
        Some((end, _)) => {
            let more = text[end..].chars().count();
            format!("{} … ({} more characters)", visible(&text[..end]), count(more as u64))
        }
    }
}

/// Replaces control characters, because a text must not control the terminal.
fn visible(text: &str) -> String {
    text.trim_end()
        .chars()
        .map(|c| match c {
            '\n' => '\n',
            '\t' => ' ',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row_of(id: &str, text: &str, removed: Option<bool>) -> PairRow {
        PairRow { id: id.into(), file: "a.jsonl".into(), row: 3, text: Some(text.into()), removed }
    }

    fn shown(row: PairRow, duplicate_of: PairRow) -> String {
        let differ = |(one, other): (&String, &String)| semdedup::difference(one, other);
        let difference = row.text.as_ref().zip(duplicate_of.text.as_ref()).map(differ);
        let pair = Pair { score: 0.93125, row, duplicate_of, difference };
        anstream::adapter::strip_str(&pairs_text(&[pair], 40)).to_string()
    }

    #[test]
    fn a_pair_shows_its_similarity_which_row_goes_and_where_both_come_from() {
        let text = shown(row_of("x", "one text", Some(true)), row_of("y", "1 text", Some(false)));
        assert_eq!(
            text,
            "similarity 0.9312  the first goes, the second stays\n  differs in: wording, numbers\n  removed  id x  a.jsonl row 3\n    one text\n  \
             kept     id y  a.jsonl row 3\n    1 text\n\n"
        );
    }

    #[test]
    fn a_pair_says_what_differs_if_it_has_texts() {
        let of = |text: &str| row_of("x", text, Some(true));
        let told = |row, other| shown(row, other).lines().nth(1).map(str::to_owned).unwrap_or_default();
        assert_eq!(told(of("5 men"), of("6 men")), "  differs in: numbers");
        assert_eq!(told(of("no text"), of("no text")), "  the same text");
        let without = PairRow { text: None, ..of("") };
        assert!(!shown(without, of("a text")).contains("differs"));
    }

    #[test]
    fn an_id_that_is_just_file_and_row_is_not_repeated() {
        assert_eq!(origin(&row_of("a.jsonl:3", "", None)), "a.jsonl row 3");
    }

    #[test]
    fn long_texts_are_wrapped_and_cut_with_the_number_of_characters_left_out() {
        let long = "word ".repeat(300);
        let text = shown(row_of("x", &long, None), row_of("y", "", None));
        assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
        assert!(text.contains("… (900 more"), "{text}");
        assert!(text.contains("(empty)") && text.contains("no selection was made"), "{text}");
    }

    #[test]
    fn a_text_cannot_control_the_terminal() {
        assert_eq!(visible("a\u{1b}[2J\rb\u{9b}c\td"), "a\u{fffd}[2J\u{fffd}b\u{fffd}c d");
    }
}
