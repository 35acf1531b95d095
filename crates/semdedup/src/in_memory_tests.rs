//! Deduplication in memory finds what a run over files finds.

#![allow(clippy::unwrap_used)]

use semdedup_core::{Goal, SamplePurpose, sample_rows};
use semdedup_embed::{EmbedStats, ModelError};

use super::*;
use crate::inspect::finished_run::FinishedRun;
use crate::options::RunOptions;
use crate::{Embedder, Silent};

/// Sentences of few words, so that many are alike, some equal and some empty.
fn texts(count: u64) -> Vec<String> {
    let word = |number: u64| format!("{}{}", ["red", "slow", "old", "wet"][number as usize % 4], number / 4);
    let text = |row: u64| match row % 997 {
        0 => String::new(),
        _ => {
            let words = sample_rows(400, 6, row / 2 * 7919 % 5003, SamplePurpose::Recall);
            words.into_iter().map(word).collect::<Vec<_>>().join(" ")
        }
    };
    (0..count).map(text).collect()
}

#[test]
fn the_result_is_that_of_a_run_over_a_file_bit_for_bit() {
    let texts = texts(12_000);
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("rows.txt");
    std::fs::write(&input, texts.join("\n")).unwrap();
    for goal in [Goal::Epsilon(Epsilon::new(0.1).unwrap()), Goal::KeepRows(5_000)] {
        let options = DeduplicateOptions { goal, recall_sample: 300, seed: 5, ..Default::default() };
        let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
        let found = deduplicate(&borrowed[..], &options).unwrap();

        let out = folder.path().join(format!("{goal:?}").replace(|c: char| !c.is_alphanumeric(), "-"));
        let mut run = RunOptions::new([input.display().to_string()], &out);
        run.cluster.seed = 5;
        (run.goal, run.recall_sample) = (goal, 300);
        let model = StaticModel::built_in(None).unwrap();
        let summary = crate::run(&run, Embedder::Text(&model), &Silent).unwrap();
        let finished = FinishedRun::open(&out).unwrap();
        let columns = finished.scores.columns().unwrap();
        assert!(summary.clusters > 1);
        assert_eq!(columns.score, found.score);
        let of: Vec<_> =
            columns.duplicate_of.iter().map(|&of| (of != NO_ROW).then_some(of as usize)).collect();
        assert_eq!(of, found.duplicate_of);
        let removed = finished.removed().unwrap().unwrap();
        let kept: Vec<usize> = (0..texts.len()).filter(|&row| !removed.contains(&(row as u64))).collect();
        assert_eq!(kept, found.kept);
        assert_eq!(summary.epsilon.to_bits(), found.epsilon.to_bits());
        let recall = found.recall.unwrap();
        assert!(summary.recall.contains(&recall), "{recall:?}");
    }
}

#[test]
fn nothing_and_rows_without_direction_are_kept() {
    let none = deduplicate(&[][..], &DeduplicateOptions::default()).unwrap();
    assert!(none.kept.is_empty() && none.recall.is_none());
    let values = [0.0, 0.0, f32::NAN, 1.0, 1.0, 1.0, 2.0, 2.0];
    let found = deduplicate(Data::Embeddings { values: &values, dim: 2 }, &Default::default()).unwrap();
    assert_eq!(found.kept, [0, 1, 2]);
    assert_eq!(found.duplicate_of, [None, None, None, Some(2)]);
}

#[test]
fn what_cannot_be_done_is_an_error_and_changes_nothing() {
    let wrong = |values: &[f32], dim| deduplicate(Data::Embeddings { values, dim }, &Default::default());
    assert!(wrong(&[1.0, 2.0, 3.0], 2).is_err());
    assert!(wrong(&[1.0], 0).is_err());
    let mut found = wrong(&[1.0, 0.0, 1.0, 0.0], 2).unwrap();
    let before = found.clone();
    assert!(found.rethreshold(Goal::KeepRows(3)).is_err());
    assert_eq!(found, before);
}

#[test]
fn more_probes_than_clusters_take_no_memory() {
    let values: Vec<f32> = (0..2_000u32).map(|i| (i * 7919 % 101) as f32 - 50.0).collect();
    let data = Data::Embeddings { values: &values, dim: 2 };
    let with = |probes| {
        let options =
            DeduplicateOptions { probes: Probes::Nearest(probes), clusters: Some(10), ..Default::default() };
        deduplicate(data, &options).unwrap().score
    };
    assert_eq!(with(usize::MAX), with(10));
}

/// A model that wants no texts in a call.
struct NoRoom;

impl TextModel for NoRoom {
    fn name(&self) -> &str {
        "no room"
    }
    fn dim(&self) -> usize {
        2
    }
    fn fingerprint(&self) -> String {
        "no room".to_owned()
    }
    fn rows_per_call(&self) -> Option<usize> {
        Some(0)
    }
    fn embed(&self, texts: &[&str], out: &mut [f32]) -> std::result::Result<EmbedStats, ModelError> {
        for (text, out) in texts.iter().zip(out.chunks_mut(2)) {
            out.copy_from_slice(&[1.0, text.len() as f32]);
        }
        Ok(EmbedStats::default())
    }
}

#[test]
fn a_model_that_wants_no_texts_gets_them_one_by_one() {
    let options = DeduplicateOptions { model: Some(&NoRoom), ..Default::default() };
    assert_eq!(deduplicate(&["a", "bbbbb", "b"][..], &options).unwrap().kept, [0, 1]);
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("rows.txt");
    std::fs::write(&input, "a\nbbbbb\nb\n").unwrap();
    let run = RunOptions::new([input.display().to_string()], folder.path().join("out"));
    assert_eq!(crate::run(&run, Embedder::Text(&NoRoom), &Silent).unwrap().rows_kept, 2);
}

/// Counts the texts that it embeds.
struct Counting(std::sync::atomic::AtomicUsize);

impl TextModel for Counting {
    fn name(&self) -> &str {
        "counting"
    }
    fn dim(&self) -> usize {
        2
    }
    fn fingerprint(&self) -> String {
        "counting".to_owned()
    }
    fn embed(&self, texts: &[&str], out: &mut [f32]) -> std::result::Result<EmbedStats, ModelError> {
        assert_eq!(out.len(), 2 * texts.len());
        self.0.fetch_add(texts.len(), std::sync::atomic::Ordering::Relaxed);
        NoRoom.embed(texts, out)
    }
}

#[test]
fn equal_texts_are_embedded_once_and_each_keeps_its_embedding() {
    let model = Counting(0.into());
    let options = DeduplicateOptions { model: Some(&model), ..Default::default() };
    let texts = ["bb", "a", "bb", "", "cccc", "a", "bb"];
    let (values, dim) = embed(&texts, &options).unwrap();
    let lengths: Vec<f32> = values.chunks(dim).map(|row| row[1]).collect();
    assert_eq!(lengths, [2.0, 1.0, 2.0, 0.0, 4.0, 1.0, 2.0]);
    assert_eq!(model.0.into_inner(), 4);
}

#[test]
fn texts_that_the_model_cannot_tell_apart_are_counted_and_spellings_and_copies_are_not() {
    // This model gives one embedding to texts of one length.
    let options = DeduplicateOptions { model: Some(&NoRoom), ..Default::default() };
    let texts = ["one cat", "ONE CAT", "ten dog", "ten dog", "six owl", "a longer text than all", ""];
    let found = deduplicate(&texts[..], &options).unwrap().indistinct_texts.unwrap();
    assert_eq!((found.close_rows, found.compared, found.different, found.rows), (3, 3, 2, 2));
    let example = found.example.unwrap();
    assert_eq!((example.row.as_str(), example.duplicate_of.as_str()), ("2", "0"));
    assert_eq!((example.text.as_str(), example.duplicate_of_text.as_str()), ("ten dog", "one cat"));
    let embeddings = Data::Embeddings { values: &[1.0, 1.0], dim: 1 };
    assert!(deduplicate(embeddings, &Default::default()).unwrap().indistinct_texts.is_none());
}

#[test]
fn of_equal_rows_the_one_of_the_lowest_rank_stays_and_ties_go_to_keep() {
    let texts = ["A cat sat.", "Prices rose.", "A cat sat.", "A cat sat.", "Prices rose."];
    let kept = |ranks: &[u32], keep| {
        let options = DeduplicateOptions { ranks: Some(ranks), keep, ..Default::default() };
        let mut found = deduplicate(&texts[..], &options).unwrap();
        let at_epsilon = found.kept.clone();
        found.rethreshold(Goal::KeepRows(3)).unwrap();
        assert_eq!(found.kept.len(), 3);
        // Of the copies, whose scores are equal, the first-ranking stay.
        assert!(at_epsilon.iter().all(|row| found.kept.contains(row)));
        at_epsilon
    };
    assert_eq!(kept(&[2, 0, 1, 0, 0], Keep::First), [1, 3]);
    assert_eq!(kept(&[2, 1, 0, 1, 0], Keep::First), [2, 4]);
    assert_eq!(kept(&[7; 5], Keep::First), [0, 1]);
    let wrong = DeduplicateOptions { ranks: Some(&[1, 2]), ..Default::default() };
    assert!(deduplicate(&texts[..], &wrong).unwrap_err().to_string().contains("2 ranks for 5 rows"));
}
