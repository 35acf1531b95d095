#![allow(clippy::unwrap_used)]

use std::path::Path;

use semdedup_core::{Keep, NO_CLUSTER, NO_ROW};

use super::*;
use crate::arrays::npy_writer::NpyWriter;
use crate::progress::Silent;

/// Stores four vectors, each twice, then a row of zeros and a row that is not finite.
fn store(folder: &Path) -> EmbeddingStore {
    let path = folder.join("e.npy");
    let unit = |p: usize| (0..4).map(move |i| f32::from(u8::from(i == p)));
    let rows = (0..8).flat_map(|row| unit(row / 2)).chain([0.0; 4]).chain([f32::NAN; 4]);
    let mut file = NpyWriter::matrix(&path, 4).unwrap();
    file.write(&rows.collect::<Vec<f32>>()).unwrap();
    file.finish().unwrap();
    EmbeddingStore::open(&[path]).unwrap()
}

/// Returns the result of a run whose assignments give some rows no cluster.
fn columns(clustered: impl Fn(usize) -> bool) -> ScoreColumns {
    let mut columns = ScoreColumns {
        cluster: vec![NO_CLUSTER; 10],
        similarity: vec![f32::NAN; 10],
        score: vec![0.0; 10],
        duplicate_of: vec![NO_ROW; 10],
        ranks: Vec::new(),
    };
    columns.similarity[8] = 0.0;
    for row in (0..8).filter(|&row| clustered(row)) {
        columns.cluster[row] = 0;
        columns.similarity[row] = 0.5;
        if row % 2 == 1 && clustered(row - 1) {
            columns.score[row] = EXACT;
            columns.duplicate_of[row] = row as u64 - 1;
        }
    }
    columns
}

fn measured(clustered: impl Fn(usize) -> bool, keep: Keep) -> Vec<RecallSample> {
    let folder = tempfile::tempdir().unwrap();
    let ranking = Ranking { keep, seed: 1 };
    let sampling = Sampling { rows: 10, seed: 0, ranking, memory: Memory::default(), groups: None };
    measure(&store(folder.path()), &columns(clustered), &sampling, &Silent).unwrap()
}

#[test]
fn every_row_that_has_a_direction_counts_and_no_other() {
    for keep in [Keep::Hard, Keep::Easy, Keep::Random] {
        assert_eq!(measured(|_| true, keep).len(), 8);
        assert_eq!(measured(|_| false, keep).len(), 8);
    }
}

#[test]
fn a_row_without_a_cluster_is_missed_as_the_copy_of_a_row_with_one_and_of_another_without() {
    for keep in [Keep::Hard, Keep::Easy] {
        // Rows 0 and 3 have no cluster, so rows 1 and 2 stay. Neither row 4 nor row 5 has a
        // cluster.
        let samples = measured(|row| ![0, 3, 4, 5].contains(&row), keep);
        let copies = samples.iter().filter(|sample| sample.exhaustive == EXACT);
        assert_eq!(copies.clone().count(), 4);
        assert_eq!(copies.filter(|sample| sample.score == EXACT).count(), 1);
        assert_eq!(samples.iter().filter(|sample| sample.exhaustive == 0.0).count(), 4);
    }
}

#[test]
fn the_cut_in_use_is_listed_among_those_of_the_sweep_and_a_tie_beside_its_epsilon() {
    let samples = [(EXACT, EXACT), (0.0, EXACT), (0.5, 0.5)]
        .map(|(score, exhaustive)| RecallSample { score, exhaustive });
    let epsilons = |in_use| {
        let listed = report(&samples, in_use).into_iter().map(|at| (at.epsilon, at.with_ties));
        listed.collect::<Vec<(f64, bool)>>()
    };
    let listed: Vec<(f64, bool)> = SWEEP_EPSILONS.iter().map(|&epsilon| (epsilon, false)).collect();
    assert_eq!(epsilons(None), listed);
    let same = Cut::Above(Epsilon::new(SWEEP_EPSILONS[0]).unwrap());
    assert_eq!(epsilons(Some(same)), listed);
    assert_eq!(epsilons(Some(Cut::Through(1.0))), [&[(0.0, true)], &listed[..]].concat());
    let at = &report(&samples, Some(Cut::Through(1.0)))[0];
    assert_eq!((at.recall, at.rows, at.recall_distinct), (Some(0.5), 2, None));
}
