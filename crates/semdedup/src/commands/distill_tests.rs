//! Texts that change after they have been embedded are not learned from.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::commands::stamped::case::{Meddler, Moment, assert_changed};

#[test]
fn texts_that_change_between_embedding_and_learning_are_an_error_and_there_is_no_model() {
    let folder = tempfile::tempdir().unwrap();
    let (corpus, out) = (folder.path().join("corpus.txt"), folder.path().join("model"));
    let text = |row: usize| format!("row {row} has the words {} and {}\n", row * 7919, row * 104_729);
    std::fs::write(&corpus, (0..FEWEST_TEXTS + 100).map(text).collect::<String>()).unwrap();
    let options = DistillOptions {
        corpus: InputOptions::new([corpus.display().to_string()]),
        pieces: None,
        dim: 32,
        steps: 1,
        seed: 0,
    };
    let teacher = StaticModel::built_in(None).unwrap();
    let meddler = Meddler { file: &corpus, moment: Moment::End(Stage::Embed) };
    let error = distill(&options, &teacher, &OutputOptions::new(&out), &meddler).unwrap_err();
    assert_changed(&error, &corpus);
    assert!(!FILES.iter().any(|file| out.join(file).exists()));
}
