//! Clusters with too many rows for memory are compared in pairs of blocks.
#![allow(clippy::unwrap_used)]

use std::collections::HashSet;

use semdedup_core::Keep;

use super::case::{Case, FILES, PROBES, ROWS, is_zero, probes};

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
            let whole = case.scores(&clustering, &case.groups(&clustering, ROWS as u64).unwrap(), Keep::Hard);
            for most in [300, 101, 42] {
                let groups = case.groups(&clustering, most).unwrap();
                let in_blocks =
                    groups.block_pairs().into_iter().filter(|pair| pair.blocks.0 != pair.blocks.1);
                assert!(in_blocks.count() as u64 >= (ROWS as u64 / most - 1).pow(2));
                let mut largest = 0;
                case.each(&clustering, &groups, |_, loaded| {
                    largest = largest.max(loaded.part().numbers.len() as u64);
                });
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
    let groups = case.groups(&clustering, 150).unwrap();
    let mut met = vec![HashSet::new(); groups.len()];
    case.each(&clustering, &groups, |pair, loaded| {
        let numbers = loaded.part().numbers;
        numbers.iter().for_each(|a| met[pair.group].extend(numbers.iter().map(|b| (*a, *b))));
    });
    for (met, rows) in met.iter().zip(&groups.rows) {
        assert_eq!(met.len() as u64, rows * rows);
    }
}

#[test]
fn memory_for_hardly_any_row_is_an_error() {
    let case = Case::new(FILES[0]);
    let clustering = case.clustering(&crowded(), &[-1; ROWS * PROBES]);
    for rows in [0, 1] {
        let error = case.groups(&clustering, rows).unwrap_err();
        assert!(error.to_string().contains("--memory"), "{error}");
    }
}
