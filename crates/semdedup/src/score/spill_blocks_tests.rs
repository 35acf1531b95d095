//! Clusters with too many rows for memory are compared in pairs of blocks.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeSet, HashSet};

use semdedup_core::Keep;

use super::case::{Case, FILES, PROBES, ROWS, assignments, is_zero, probes};
use super::*;

/// Puts 400 rows into one cluster and the others into small ones. Rows of zeros are in no cluster.
fn crowded() -> Vec<i32> {
    let cluster = |row: usize| if row < 400 { 0 } else { row as i32 % 8 };
    (0..ROWS).map(|row| if is_zero(row) { -1 } else { cluster(row) }).collect()
}

#[test]
fn a_cluster_larger_than_memory_is_loaded_in_pairs_of_blocks() {
    for kinds in FILES {
        let case = Case::new(kinds);
        for probes in [vec![-1; ROWS * PROBES], probes()] {
            let clustering = case.clustering(&crowded(), &probes);
            let whole = case.scores(&clustering, &case.groups(&clustering, ROWS as u64), Keep::Hard);
            for most in [300, 101, 42] {
                let groups = case.groups(&clustering, most);
                let in_blocks =
                    groups.block_pairs().into_iter().filter(|pair| pair.blocks.0 != pair.blocks.1);
                assert!(in_blocks.count() as u64 >= (ROWS as u64 / most - 1).pow(2));
                let mut spill =
                    Spill::new(&case.store, &groups, groups.block_pairs(), case.folder.path()).unwrap();
                case.spill(&clustering, &mut spill);
                let mut largest = 0;
                let look = |_: BlockPair, loaded: &LoadedRows| {
                    largest = largest.max(loaded.numbers.len() as u64);
                    Ok(())
                };
                spill.each(look).unwrap();
                assert!(largest <= most && largest > most / 2);
                assert_eq!(case.scores(&clustering, &groups, Keep::Hard), whole, "{kinds:?}, {most} rows");
            }
        }
    }
}

#[test]
fn every_pair_of_rows_of_a_group_is_in_one_of_its_pairs_of_blocks() {
    let case = Case::new(FILES[0]);
    let clustering = case.clustering(&crowded(), &probes());
    let groups = case.groups(&clustering, 150);
    let mut spill = Spill::new(&case.store, &groups, groups.block_pairs(), case.folder.path()).unwrap();
    case.spill(&clustering, &mut spill);
    let mut met = vec![HashSet::new(); groups.len()];
    let look = |pair: BlockPair, loaded: &LoadedRows| {
        for a in &loaded.numbers {
            met[pair.group].extend(loaded.numbers.iter().map(|b| (*a, *b)));
        }
        Ok(())
    };
    spill.each(look).unwrap();
    for (met, rows) in met.iter().zip(&groups.rows) {
        assert_eq!(met.len() as u64, rows * rows);
    }
}

#[test]
fn memory_for_hardly_any_row_is_an_error() {
    let case = Case::new(FILES[0]);
    let clustering = case.clustering(&crowded(), &[-1; ROWS * PROBES]);
    let row_bytes = Groups::plan(&case.store, &clustering, u64::MAX).unwrap().row_bytes;
    for rows in [0, 1] {
        let error = Groups::plan(&case.store, &clustering, rows * row_bytes.memory).unwrap_err();
        assert!(error.to_string().contains("--memory"), "{error}");
    }
}

#[test]
fn rows_that_turn_out_to_have_no_cluster_are_left_out_when_rows_are_read_back() {
    let case = Case::new(FILES[0]);
    for (cluster, most) in [(assignments(), 280), (crowded(), 101)] {
        let clustering = case.clustering(&cluster, &[-1; ROWS * PROBES]);
        let groups = case.groups(&clustering, most);
        let mut spill = Spill::new(&case.store, &groups, groups.block_pairs(), case.folder.path()).unwrap();
        let mut placed: Vec<u32> = clustering.cluster.clone();
        placed[50] = NO_CLUSTER;
        let rows = case.store.read_rows(0..ROWS as u64).unwrap();
        let probes = vec![NO_CLUSTER; ROWS * PROBES];
        spill.add(&Block { first: 0, rows, cluster: placed.clone(), probes }).unwrap();
        let mut read = BTreeSet::new();
        let look = |_: BlockPair, loaded: &LoadedRows| {
            let placed = loaded.numbers.iter().zip(&loaded.cluster).filter(|(_, c)| **c != NO_CLUSTER);
            read.extend(placed.map(|(&number, _)| number));
            Ok(())
        };
        spill.each(look).unwrap();
        assert!(read.into_iter().eq((0..ROWS as u64).filter(|&row| placed[row as usize] != NO_CLUSTER)));
    }
}
