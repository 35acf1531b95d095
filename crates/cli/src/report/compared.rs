//! The comparison of several results.

use semdedup::{ComparedFile, ComparedResult, ComparedResults, OnlyRemoved, ResultPair, SampledRow};

use crate::numbers::{count, decimal, percent, share_of};
use crate::table::{Facts, Side, columns};

/// The most files that are listed: those on which the results differ most.
const LISTED_FILES: usize = 10;

/// The number of characters of a text that are shown.
const SHOWN_CHARS: usize = 90;

/// Renders a comparison. Results are called A, B, C, …
pub fn compared_text(compared: &ComparedResults) -> String {
    let mut facts = Facts::default();
    if let Some(rows) = compared.rows {
        facts.add("rows", count(rows));
    }
    for (number, result) in compared.results.iter().enumerate() {
        facts.add(&letter(number), result_line(result));
    }
    for pair in &compared.pairs {
        add_pair(&mut facts, pair);
    }
    if let Some(rows) = compared.kept_by_all.filter(|_| compared.results.len() > 2) {
        facts.add("kept by all", count(rows));
    }
    let mut text = facts.text();
    for only in compared.only_removed.iter().filter(|only| only.rows > 0) {
        text += &only_removed(only, compared.results.len());
    }
    text + &files(compared)
}

/// The name of a result in the text.
fn letter(number: usize) -> String {
    u8::try_from(number).map_or_else(|_| number.to_string(), |number| char::from(b'A' + number).to_string())
}

fn result_line(result: &ComparedResult) -> String {
    let rows = [result.rows_kept, result.rows_removed].into_iter().flatten().sum();
    let counted = |rows_of: Option<u64>, what: &str| {
        let known = match (result.rows_kept, result.rows_removed) {
            (Some(_), Some(_)) => rows_of.map(|number| share_of(number, rows)),
            _ => rows_of.map(count),
        };
        known.map(|known| format!("{what} {known}"))
    };
    let skipped = (result.rows_skipped > 0).then(|| format!("skipped {}", count(result.rows_skipped)));
    let how = [
        result.epsilon.map(|epsilon| format!("epsilon {}", decimal(epsilon))),
        result.keep.as_ref().map(|keep| format!("keep {keep}")),
        result.model.clone(),
    ];
    let parts = [counted(result.rows_kept, "kept"), counted(result.rows_removed, "removed"), skipped];
    let parts: Vec<String> = parts.into_iter().chain(how).flatten().collect();
    format!("{}: {}", visible(&result.place), parts.join(", "))
}

fn add_pair(facts: &mut Facts, pair: &ResultPair) {
    let (a, b) = (letter(pair.first), letter(pair.second));
    if let Some(both) = pair.kept_by_both {
        let share = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), percent);
        let (of_a, of_b) = (share(pair.share_of_first), share(pair.share_of_second));
        facts.add(&format!("{a} and {b} keep"), format!("{}: {of_a} of {a}, {of_b} of {b}", count(both)));
    }
    if let Some(both) = pair.removed_by_both {
        facts.add(&format!("{a} and {b} remove"), count(both));
    }
    let (only_a, only_b) = (count(pair.only_first_removed), count(pair.only_second_removed));
    facts.add("they differ in", format!("{only_a} rows that {a} removes, {only_b} that {b} removes"));
}

/// Renders the rows that one result removes and all others keep.
fn only_removed(only: &OnlyRemoved, results: usize) -> String {
    let others = if results == 2 { "the other keeps" } else { "all others keep" };
    let mut text = format!("\nonly {} removes {}, {others}\n", letter(only.result), counted_rows(only.rows));
    let lines = only.samples.iter().map(sample_cells).collect::<Vec<_>>();
    for line in columns(&lines, &[Side::Left; 2]).lines() {
        text += &format!("  {line}\n");
    }
    text
}

fn counted_rows(rows: u64) -> String {
    if rows == 1 { "1 row".to_owned() } else { format!("{} rows", count(rows)) }
}

fn sample_cells(sample: &SampledRow) -> Vec<String> {
    let text = sample.text.as_deref().unwrap_or_default();
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut = words.char_indices().nth(SHOWN_CHARS).map_or(words.len(), |(end, _)| end);
    let end = if cut < words.len() { " …" } else { "" };
    vec![visible(&sample.id), format!("{}{end}", visible(&words[..cut]))]
}

/// Renders the files on which the results differ most.
fn files(compared: &ComparedResults) -> String {
    let differing = |file: &&ComparedFile| file.rows_kept.iter().any(|&kept| kept != file.kept_by_all);
    let mut files: Vec<&ComparedFile> = compared.files.iter().filter(differing).collect();
    if compared.files.len() < 2 || files.is_empty() {
        return String::new();
    }
    let most = |file: &ComparedFile| file.rows_kept.iter().map(|kept| kept - file.kept_by_all).sum::<u64>();
    files.sort_by_key(|file| std::cmp::Reverse(most(file)));
    let header = ["rows".to_owned()].into_iter();
    let header = header.chain((0..compared.results.len()).map(|number| format!("{} keeps", letter(number))));
    let mut table = vec![header.chain(["all keep", "file"].map(str::to_owned)).collect::<Vec<_>>()];
    for file in files.iter().take(LISTED_FILES) {
        let numbers = [file.rows].into_iter().chain(file.rows_kept.iter().copied()).chain([file.kept_by_all]);
        table.push(numbers.map(count).chain([visible(&file.file)]).collect());
    }
    let mut sides = vec![Side::Right; compared.results.len() + 2];
    sides.push(Side::Left);
    let more = files.len().saturating_sub(LISTED_FILES);
    let more = if more == 0 { String::new() } else { format!("and {more} more files, in --json\n") };
    format!("\n{}{more}", columns(&table, &sides))
}

/// Replaces control characters, because data must not control the terminal.
fn visible(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_one_line_that_cannot_control_the_terminal() {
        let text = Some(format!("a\u{1b}[2J\nb  c {}", "word ".repeat(50)));
        let cells = sample_cells(&SampledRow { id: "i\u{7}".to_owned(), file: None, row: None, text });
        assert_eq!(cells[0], "i\u{fffd}");
        assert!(cells[1].starts_with("a\u{fffd}[2J b c word") && cells[1].ends_with('…'), "{}", cells[1]);
        assert!(cells[1].chars().count() < 100);
    }

    #[test]
    fn results_have_letters() {
        assert_eq!([0, 1, 15].map(letter), ["A", "B", "P"]);
    }
}
