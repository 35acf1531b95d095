//! Labels of finished runs.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use semdedup_core::NO_ROW;

use crate::calibrate::judged_pairs::JudgedPairs;
use crate::calibrate::label_rows::{Answer, LabelRow, LabelRows};
use crate::calibrate::population::Population;
use crate::inspect::finished_run::FinishedRun;
use crate::inspect::pairs::has_pair;
use crate::{Run, Silent};

const TEXTS: [&str; 8] = [
    "A cat sat on the mat.",
    "a  cat sat on the mat.",
    "A cat sat on the mat.",
    "The cat sat on a mat all day.",
    "Prices rose by two percent in May.",
    "Prices rose by three percent in May.",
    "Prices rose by two percent in May",
    "",
];

fn finished(folder: &Path) -> FinishedRun {
    let (input, out) = (folder.join("rows.txt"), folder.join("out"));
    std::fs::write(&input, TEXTS.join("\n") + "\n").unwrap();
    Run::builder([input.display().to_string()], &out).build().unwrap().run(&Silent).unwrap();
    FinishedRun::open(&out).unwrap()
}

#[test]
fn a_pair_has_the_bits_of_its_score() {
    let folder = tempfile::tempdir().unwrap();
    let run = finished(folder.path());
    let columns = run.scores.columns().unwrap();
    let rows: Vec<usize> = (0..TEXTS.len()).filter(|&row| has_pair(&columns, row)).collect();
    assert!(rows.len() >= 5);
    let label = |(place, &row): (usize, &usize)| LabelRow {
        row: place,
        ids: [columns.duplicate_of[row], row as u64].map(|row| format!("rows.txt:{row}")),
        answer: Answer::Same,
        band: None,
        rows_in_band: None,
    };
    let labels = LabelRows { rows: rows.iter().enumerate().map(label).collect(), ..LabelRows::default() };
    let judged = JudgedPairs::by_embeddings(&run, labels).unwrap();
    let bits = |similarity: f32| similarity.to_bits();
    let found: Vec<u32> = judged.pairs.iter().map(|pair| bits(pair.similarity)).collect();
    assert_eq!(found, rows.iter().map(|&row| bits(columns.score[row])).collect::<Vec<_>>());
}

#[test]
fn only_rows_with_the_text_of_their_match_are_copies_and_in_no_band() {
    let folder = tempfile::tempdir().unwrap();
    let population = Population::read(&finished(folder.path())).unwrap();
    let columns = &population.columns;
    let mut copies = 0;
    for (row, text) in TEXTS.into_iter().enumerate() {
        let of = columns.duplicate_of[row];
        let is_copy = of != NO_ROW && columns.score[row] == 1.0 && text == TEXTS[of as usize];
        copies += u64::from(is_copy);
        assert_eq!(
            population.band(row).is_some(),
            has_pair(columns, row) && !is_copy && columns.score[row] >= 0.5
        );
    }
    // Rows 0 and 1 differ in letters that do not count, so two of the first three rows have a match of
    // the same embedding, and at most one of these has its text.
    assert_eq!(population.rows.copies, copies);
    assert!(columns.score.iter().filter(|&&score| score == 1.0).count() >= 2);
}
