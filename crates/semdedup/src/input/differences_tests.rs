//! Differences of many pairs, beside those of each pair by itself.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use super::*;
use crate::difference::compare::difference;
use crate::inspect::finished_run::FinishedRun;
use crate::{Run, Silent};

/// The texts of two files, and a bad row between them.
fn texts() -> Vec<Option<String>> {
    let vary = |number: usize| match number % 6 {
        0 => format!("Row {} is safe", number / 12),
        1 => format!("row {} IS safe", number / 12),
        2 => "Row is not safe at all".to_owned(),
        3 => format!("safe is Row {}", number / 12),
        4 => format!("Row {} is safe {}", number / 12, "and sound ".repeat(number % 50)),
        _ => format!("Another text of {number} words"),
    };
    let mut texts: Vec<Option<String>> = (0..3000).map(|number| Some(vary(number))).collect();
    texts[1700] = None;
    texts
}

/// Runs over two files with the texts.
fn finished(folder: &Path) -> FinishedRun {
    let line = |text: &Option<String>| match text {
        Some(text) => format!("{{\"text\": \"{text}\"}}\n"),
        None => "no JSON\n".to_owned(),
    };
    let names = ["a.jsonl", "b.jsonl"].map(|name| folder.join(name));
    let lines: Vec<String> = texts().iter().map(line).collect();
    std::fs::write(&names[0], lines[..1600].concat()).unwrap();
    std::fs::write(&names[1], lines[1600..].concat()).unwrap();
    let inputs = names.iter().map(|name| name.display().to_string());
    Run::builder(inputs, folder.join("out")).build().unwrap().run(&Silent).unwrap();
    FinishedRun::open(folder.join("out")).unwrap()
}

#[test]
fn pairs_in_batches_of_any_size_differ_as_each_pair_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let (run, texts) = (finished(folder.path()), texts());
    let mut pairs: Vec<Pair> = (0..3000).map(|row| [row, row * 7 % 2999]).collect();
    pairs.push([5, NO_ROW]);
    pairs.extend((0..40).map(|row| [row * 12, row * 12 + 4]));
    let text = |row: u64| texts.get(row as usize).and_then(Option::as_deref);
    let alone = |pair: &Pair| Some(difference(text(pair[0])?, text(pair[1])?));
    let expected: Vec<Option<Difference>> = pairs.iter().map(alone).collect();
    let kinds: std::collections::BTreeSet<_> = expected.iter().flatten().map(|found| found.kind).collect();
    assert!(kinds.len() >= 5 && expected.iter().filter(|found| found.is_none()).count() >= 2, "{kinds:?}");
    let input = run.input().unwrap();
    let rows = RowTexts { input: &input, row_index: &run.scores.row_index };
    for size in [
        BatchSize { pairs: 10_000, text_bytes: u64::MAX },
        BatchSize { pairs: 10_000, text_bytes: 2_000 },
        BatchSize { pairs: 700, text_bytes: 0 },
    ] {
        assert_eq!(rows.differences(&pairs, size).unwrap(), expected, "{size:?}");
    }
    assert!(rows.differences(&[], BatchSize::within(Memory::new(0))).unwrap().is_empty());
    std::fs::write(folder.path().join("b.jsonl"), "{\"text\": \"another\"}\n").unwrap();
    assert!(rows.differences(&pairs, BatchSize::within(Memory::new(0))).is_err());
}

#[test]
fn the_differences_of_a_result_are_those_of_its_removed_rows() {
    let folder = tempfile::tempdir().unwrap();
    let run = finished(folder.path());
    let found = run.differences(Memory::new(1 << 20)).unwrap();
    assert_eq!(found.len() as u64, run.summary().unwrap().rows_removed);
    assert!(found.is_sorted_by_key(|found| found.row) && found.len() > 100);
    let duplicate_of = run.scores.columns().unwrap().duplicate_of;
    for found in found.iter().step_by(37) {
        let texts = run.texts(&[found.row, duplicate_of[found.row as usize]]).unwrap();
        let [Some(one), Some(other)] = &texts[..] else { panic!("{texts:?}") };
        assert_eq!(found.difference, Some(difference(one, other)));
    }
}

#[test]
fn as_many_texts_are_read_as_fit_but_one_pair_always() {
    let bytes = |place: usize| [5, 5, 5, 100, 1][place];
    assert_eq!(fitting(&[0, 1, 2, 3], 10, bytes), 2);
    assert_eq!(fitting(&[3, 4], 10, bytes), 1);
    assert_eq!(fitting(&[0, 1, 2, 3, 4], u64::MAX, bytes), 5);
    assert_eq!(fitting(&[0], 0, bytes), 1);
}
