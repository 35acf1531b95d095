//! Files that change while rows are scored are noticed.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::commands::cluster::cluster;
use crate::commands::stamped::case::{Meddler, Moment, assert_changed, write_embeddings};
use crate::options::{ClusterOptions, OutputOptions};
use crate::progress::Silent;

/// Writes embeddings and clusters them into a folder.
fn clustered(folder: &Path) -> ScoreInputs {
    let (embeddings, out) = (write_embeddings(folder), folder.join("c"));
    let options = ClusterOptions { clusters: Some(8), ..ClusterOptions::default() };
    cluster(&embeddings, &options, &OutputOptions::new(&out), &Silent).unwrap();
    let probes = Some(out.join("probes.npy"));
    assert!(probes.as_ref().unwrap().exists());
    ScoreInputs {
        probes,
        ..ScoreInputs::new(embeddings, out.join("centroids.npy"), out.join("assignments.npy"))
    }
}

#[test]
fn a_file_that_changes_while_rows_are_compared_is_an_error_and_no_score_is_written() {
    for file in ["e.npy", "second.npy", "c/centroids.npy", "c/assignments.npy", "c/probes.npy"] {
        let folder = tempfile::tempdir().unwrap();
        let (inputs, out) = (clustered(folder.path()), folder.path().join("s.parquet"));
        let file = folder.path().join(file);
        let meddler = Meddler { file: &file, moment: Moment::Begin(Stage::Score) };
        assert_changed(&score(&inputs, &ScoreOptions::default(), &out, &meddler).unwrap_err(), &file);
        assert!(!out.exists());
    }
}

#[test]
fn embeddings_that_change_while_the_recall_is_measured_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (inputs, out) = (clustered(folder.path()), folder.path().join("s.parquet"));
    let file = folder.path().join("e.npy");
    let meddler = Meddler { file: &file, moment: Moment::Begin(Stage::Recall) };
    assert_changed(&score(&inputs, &ScoreOptions::default(), &out, &meddler).unwrap_err(), &file);
}
