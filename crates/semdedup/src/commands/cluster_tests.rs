//! Embeddings that change while they are clustered are noticed.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::commands::stamped::case::{Meddler, Moment, assert_changed, write_embeddings};

#[test]
fn embeddings_that_change_while_they_are_clustered_are_an_error_and_there_is_no_clustering() {
    for stage in [Stage::Train, Stage::Assign] {
        let folder = tempfile::tempdir().unwrap();
        let (embeddings, out) = (write_embeddings(folder.path()), folder.path().join("c"));
        let options = ClusterOptions { clusters: Some(8), ..ClusterOptions::default() };
        let output = OutputOptions::new(&out);
        let meddler = Meddler { file: &embeddings[1], moment: Moment::Begin(stage) };
        let error = cluster(&embeddings, &options, &output, &meddler).unwrap_err();
        assert_changed(&error, &embeddings[1]);
        assert!(![CENTROIDS, ASSIGNMENTS, CLUSTERED].iter().any(|name| out.join(name).exists()));
        cluster(&embeddings, &options, &output, &crate::progress::Silent).unwrap();
    }
}
