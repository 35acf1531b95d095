//! Every row reaches each group in which it is compared, once and unchanged, and no division into
//! groups changes a score.
#![allow(clippy::unwrap_used)]

use semdedup_core::{EXACT, Keep, NO_ROW};

use super::case::{
    CLUSTERS, Case, DIM, FILES, Kind, PROBES, ROWS, assignments, is_zero, probes, row, write_matrix,
};
use super::*;

/// The most rows of a group: all rows, and fewer and fewer.
const DIVISIONS: [u64; 5] = [ROWS as u64, 560, 450, 330, 280];

#[test]
fn a_row_reaches_its_own_group_and_each_that_it_visits_once_and_unchanged() {
    for kinds in FILES {
        let case = Case::new(kinds);
        let (cluster, probes) = (assignments(), probes());
        let clustering = case.clustering(&cluster, &probes);
        let all = case.all();
        let probes_of = |row: usize| &probes[row * PROBES..(row + 1) * PROBES];
        for division in DIVISIONS {
            let groups = case.groups(&clustering, division).unwrap();
            let mut group = 0;
            case.each(&clustering, &groups, |pair, loaded| {
                let clusters = groups.clusters[pair.group].clone();
                let compared_here = |c: &i32| u32::try_from(*c).is_ok_and(|c| clusters.contains(&c));
                let expected = (0..ROWS)
                    .filter(|&row| cluster[row] >= 0)
                    .filter(|&row| std::iter::once(&cluster[row]).chain(probes_of(row)).any(compared_here))
                    .map(|row| row as u64);
                let Part { numbers, cluster: clusters, probes, .. } = loaded.part();
                assert!(expected.eq(numbers.iter().copied()), "{kinds:?}, {division} rows, group {group}");
                for (place, &number) in numbers.iter().enumerate() {
                    let row = number as usize;
                    assert_eq!(loaded.rows.bytes(place), all.bytes(row));
                    assert_eq!(clusters[place], cluster[row] as u32);
                    let stored = &probes[place * PROBES..(place + 1) * PROBES];
                    assert!(stored.iter().zip(probes_of(row)).all(|(&a, &b)| a == b as u32));
                }
                assert_eq!(pair, BlockPair { group, blocks: (0, 0) });
                group += 1;
            });
            assert_eq!(group, groups.len());
        }
    }
}

#[test]
fn every_division_gives_the_same_scores() {
    for kinds in FILES {
        let case = Case::new(kinds);
        let clustering = case.clustering(&assignments(), &probes());
        for keep in [Keep::Hard, Keep::Easy, Keep::Random] {
            let whole = case.scores(&clustering, &case.groups(&clustering, ROWS as u64).unwrap(), keep);
            let in_another_cluster = whole.duplicate_of.iter().enumerate().filter(|&(row, &of)| {
                of != NO_ROW && clustering.cluster[row] != clustering.cluster[of as usize]
            });
            assert!(in_another_cluster.count() > ROWS / 3);
            assert!(whole.score.iter().filter(|&&score| score == EXACT).count() > ROWS / 6);
            for division in DIVISIONS {
                let parts = case.scores(&clustering, &case.groups(&clustering, division).unwrap(), keep);
                assert_eq!(parts, whole, "{kinds:?}, {keep:?}, {division} rows");
            }
        }
    }
}

#[test]
fn less_memory_makes_more_groups_and_each_stays_within_it() {
    let case = Case::new(FILES[0]);
    let clustering = case.clustering(&assignments(), &probes());
    let divisions = DIVISIONS.map(|rows| case.groups(&clustering, rows).unwrap());
    for (groups, most) in divisions.iter().zip(DIVISIONS) {
        assert!(groups.rows.iter().all(|&rows| rows <= most), "{groups:?}");
        let first_to_last: Vec<u32> = groups.clusters.iter().flat_map(Clone::clone).collect();
        assert_eq!(first_to_last, (0..CLUSTERS as u32).collect::<Vec<_>>());
    }
    let counts = divisions.map(|groups| groups.len());
    assert!(counts[0] == 1 && counts.is_sorted() && counts[4] >= 4, "{counts:?}");
}

#[test]
fn a_row_without_direction_in_a_cluster_of_another_program_is_left_out_in_every_division() {
    let mut case = Case::new(FILES[1]);
    let mut values: Vec<f32> = (0..ROWS).flat_map(row).collect();
    values[41 * DIM + 3] = f32::NAN;
    write_matrix(&case.path("nan.npy"), Kind::Float, &values);
    case.store = EmbeddingStore::open(&[case.path("nan.npy")]).unwrap();
    let mut cluster = assignments();
    cluster[41] = 3;
    (0..ROWS).filter(|&row| is_zero(row)).for_each(|row| cluster[row] = row as i32 % 8);
    let clustering = case.clustering(&cluster, &probes());
    let whole = case.scores(&clustering, &case.groups(&clustering, ROWS as u64).unwrap(), Keep::Hard);
    for row in (0..ROWS).filter(|&row| is_zero(row) || row == 41) {
        assert_eq!((whole.score[row], whole.duplicate_of[row]), (0.0, NO_ROW), "row {row}");
        assert!(!whole.duplicate_of.contains(&(row as u64)), "row {row}");
    }
    let parts = case.scores(&clustering, &case.groups(&clustering, 330).unwrap(), Keep::Hard);
    assert_eq!(parts, whole);
}

#[test]
fn a_probe_after_none_counts_in_every_division() {
    let case = Case::new(FILES[0]);
    let mut probes = probes();
    for row in 0..ROWS {
        probes.swap(row * PROBES, row * PROBES + 1);
    }
    let clustering = case.clustering(&assignments(), &probes);
    let whole = case.scores(&clustering, &case.groups(&clustering, ROWS as u64).unwrap(), Keep::Hard);
    let parts = case.scores(&clustering, &case.groups(&clustering, 330).unwrap(), Keep::Hard);
    assert_eq!(parts, whole);
}
