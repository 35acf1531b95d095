//! Every row reaches each group in which it is compared, once and unchanged, and no division changes a score.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use half::f16;
use semdedup_core::{EXACT, Keep, NO_ROW, Ranking, Scores, Scoring, UnitEmbeddings, centroid_similarity};
use tempfile::TempDir;

use super::*;
use crate::arrays::npy_writer::NpyWriter;
use crate::cluster::clustering::Clustering;

const ROWS: usize = 600;
const DIM: usize = 8;
const CLUSTERS: usize = 9;
const PROBES: usize = 3;
/// Rows of a block, not a divisor of the number of rows.
const BLOCK_ROWS: u64 = 77;

/// What the embeddings are in: two files, which may differ.
const FILES: [[Kind; 2]; 3] =
    [[Kind::Half, Kind::Half], [Kind::Float, Kind::Float], [Kind::Half, Kind::Float]];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Half,
    Float,
}

/// Embeddings, assignments and probes made by hand, in files.
struct Case {
    folder: TempDir,
    store: EmbeddingStore,
}

impl Case {
    fn new(kinds: [Kind; 2]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let paths = [folder.path().join("0.npy"), folder.path().join("1.npy")];
        let values: Vec<f32> = (0..ROWS).flat_map(row).collect();
        let (first, second) = values.split_at(ROWS / 3 * DIM);
        write_matrix(&paths[0], kinds[0], first);
        write_matrix(&paths[1], kinds[1], second);
        let store = EmbeddingStore::open(&paths).unwrap();
        Self { folder, store }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn clustering(&self, cluster: &[i32], probes: &[i32]) -> Clustering {
        let mut file = NpyWriter::integers(&self.path("assignments.npy")).unwrap();
        file.write(cluster).unwrap();
        file.finish().unwrap();
        let mut file = NpyWriter::integer_matrix(&self.path("probes.npy"), PROBES).unwrap();
        file.write(probes).unwrap();
        file.finish().unwrap();
        let (assignments, probes) = (self.path("assignments.npy"), self.path("probes.npy"));
        Clustering::open(&assignments, Some(&probes), ROWS as u64, CLUSTERS).unwrap()
    }

    /// Groups of which each holds so many rows at most.
    fn groups(&self, clustering: &Clustering, rows: u64) -> Groups {
        let row_bytes = Groups::plan(&self.store, clustering, u64::MAX).unwrap().row_bytes;
        Groups::plan(&self.store, clustering, rows * row_bytes.memory).unwrap()
    }

    fn centroids(&self) -> UnitEmbeddings {
        self.store.gather(&(0..CLUSTERS as u64).map(|c| 5 * c + 1).collect::<Vec<_>>()).unwrap()
    }

    /// Sends all rows on their way, and gives their similarities to their centroids.
    fn arrange(&self, clustering: &Clustering, spill: &mut Spill) -> Vec<f32> {
        let mut similarity = Vec::new();
        for first in (0..ROWS as u64).step_by(BLOCK_ROWS as usize) {
            let range = first..(first + BLOCK_ROWS).min(ROWS as u64);
            let rows = self.store.read_rows(range.clone()).unwrap();
            let mut cluster = clustering.cluster[range.start as usize..range.end as usize].to_vec();
            similarity.extend(centroid_similarity(&rows, &self.centroids(), &mut cluster));
            let probes = clustering.probes(range).unwrap();
            spill.add(&Block { first, rows, cluster, probes }).unwrap();
        }
        similarity
    }

    fn scores(&self, clustering: &Clustering, groups: &Groups, keep: Keep) -> Scores {
        let mut spill = Spill::new(&self.store, groups, groups.loads(), self.folder.path()).unwrap();
        let similarity = self.arrange(clustering, &mut spill);
        let centroids = self.centroids();
        let mut scoring = Scoring::new(Ranking { keep, seed: 5 }, &centroids, &similarity);
        let compare = |_: BlockPair, members: &LoadedRows| {
            scoring.add(&scoring.compare(&members.part(), &mut |_| ()));
            Ok(())
        };
        spill.each(compare).unwrap();
        scoring.finish()
    }

    fn files(&self) -> usize {
        std::fs::read_dir(self.folder.path()).unwrap().count()
    }
}

/// A mixer of its own (splitmix64): tests must not change with a library's.
fn mixed(x: usize) -> usize {
    let mut z = (x as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) as usize >> 1
}

/// Values that f16 and f32 hold alike. Of five rows the third is zeros (of every third five) or as random as the first
/// two, the fourth a copy of the second, the fifth nearly the second.
fn row(i: usize) -> Vec<f32> {
    let random = |row: usize| (0..DIM).map(move |d| (mixed(row * DIM + d) % 2001) as f32 / 64.0 - 15.0);
    match i % 5 {
        2 if is_zero(i) => vec![0.0; DIM],
        3 => random(i - 2).collect(),
        4 => random(i - 3).enumerate().map(|(d, x)| if d == i % DIM { x + 0.25 } else { x }).collect(),
        _ => random(i).collect(),
    }
}

fn is_zero(row: usize) -> bool {
    row % 15 == 2
}

/// What copies have in common.
fn original(row: usize) -> usize {
    match row {
        _ if row % 5 == 3 => row - 2,
        _ => row,
    }
}

/// Clusters of different sizes, the last one empty, and rows in none.
fn assignments() -> Vec<i32> {
    let cluster = |row: usize| match mixed(original(row)) % 20 {
        _ if is_zero(row) => -1,
        0 => -1,
        1..4 => 0,
        x => (x % (CLUSTERS - 1)) as i32,
    };
    (0..ROWS).map(cluster).collect()
}

/// Three rows of four probe one to three clusters, now and then their own or the empty one.
fn probes() -> Vec<i32> {
    let probes = |row: usize| {
        let count = mixed(original(row) + 7000) % 4;
        (0..PROBES).map(move |i| match i < count {
            true => (mixed(10 * original(row) + i) % CLUSTERS) as i32,
            false => -1,
        })
    };
    (0..ROWS).flat_map(probes).collect()
}

fn write_matrix(path: &Path, kind: Kind, values: &[f32]) {
    let (descr, bytes): (_, Vec<u8>) = match kind {
        Kind::Half => ("<f2", values.iter().flat_map(|&x| f16::from_f32(x).to_le_bytes()).collect()),
        Kind::Float => ("<f4", values.iter().flat_map(|x| x.to_le_bytes()).collect()),
    };
    let shape = (values.len() / DIM, DIM);
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape:?}, }}");
    let header = format!("{header:117}\n");
    let start = [b"\x93NUMPY\x01\x00".as_slice(), &(header.len() as u16).to_le_bytes()].concat();
    std::fs::write(path, [start, header.into_bytes(), bytes].concat()).unwrap();
}

/// The most rows of a group: all at once, and fewer and fewer.
const DIVISIONS: [u64; 5] = [ROWS as u64, 560, 450, 330, 280];

#[test]
fn a_row_reaches_its_own_group_and_each_that_it_visits_once_and_unchanged() {
    for kinds in FILES {
        let case = Case::new(kinds);
        let (cluster, probes) = (assignments(), probes());
        let clustering = case.clustering(&cluster, &probes);
        let all = case.store.read_rows(0..ROWS as u64).unwrap();
        let probes_of = |row: usize| &probes[row * PROBES..(row + 1) * PROBES];
        for division in DIVISIONS {
            let groups = case.groups(&clustering, division);
            let mut spill = Spill::new(&case.store, &groups, groups.loads(), case.folder.path()).unwrap();
            case.arrange(&clustering, &mut spill);
            let mut group = 0;
            spill
                .each(|load, members| {
                    let clusters = groups.clusters[load.group].clone();
                    let compared_here = |c: &i32| u32::try_from(*c).is_ok_and(|c| clusters.contains(&c));
                    let expected: Vec<u64> = (0..ROWS)
                        .filter(|&row| cluster[row] >= 0)
                        .filter(|&row| {
                            std::iter::once(&cluster[row]).chain(probes_of(row)).any(compared_here)
                        })
                        .map(|row| row as u64)
                        .collect();
                    let mut numbers = members.numbers.clone();
                    numbers.sort_unstable();
                    assert_eq!(numbers, expected, "{kinds:?}, {division} rows, group {group}");
                    for (place, &number) in members.numbers.iter().enumerate() {
                        let row = number as usize;
                        assert_eq!(members.rows.bytes(place), all.bytes(row));
                        assert_eq!(members.cluster[place], cluster[row] as u32);
                        let stored = &members.probes[place * PROBES..(place + 1) * PROBES];
                        assert!(stored.iter().zip(probes_of(row)).all(|(&a, &b)| a == b as u32));
                    }
                    assert_eq!(load, BlockPair { group, blocks: (0, 0) });
                    group += 1;
                    Ok(())
                })
                .unwrap();
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
            let whole = case.scores(&clustering, &case.groups(&clustering, ROWS as u64), keep);
            let in_another_cluster = whole.duplicate_of.iter().enumerate().filter(|&(row, &of)| {
                of != NO_ROW && clustering.cluster[row] != clustering.cluster[of as usize]
            });
            assert!(in_another_cluster.count() > ROWS / 3);
            assert!(whole.score.iter().filter(|&&score| score == EXACT).count() > ROWS / 6);
            for division in DIVISIONS {
                let parts = case.scores(&clustering, &case.groups(&clustering, division), keep);
                assert_eq!(parts, whole, "{kinds:?}, {keep:?}, {division} rows");
            }
        }
    }
}

#[test]
fn less_memory_makes_more_groups_and_each_stays_within_it() {
    let case = Case::new(FILES[0]);
    let clustering = case.clustering(&assignments(), &probes());
    let divisions = DIVISIONS.map(|rows| case.groups(&clustering, rows));
    for (groups, most) in divisions.iter().zip(DIVISIONS) {
        assert!(groups.rows.iter().all(|&rows| rows <= most), "{groups:?}");
        let first_to_last: Vec<u32> = groups.clusters.iter().flat_map(Clone::clone).collect();
        assert_eq!(first_to_last, (0..CLUSTERS as u32).collect::<Vec<_>>());
    }
    let counts = divisions.map(|groups| groups.len());
    assert!(counts[0] == 1 && counts.is_sorted() && counts[4] >= 4, "{counts:?}");
}

#[test]
fn what_is_on_disk_has_no_name_that_a_kill_could_leave() {
    let case = Case::new(FILES[1]);
    let clustering = case.clustering(&assignments(), &probes());
    let files = case.files();
    for (division, spills) in [(ROWS as u64, false), (280, true)] {
        let groups = case.groups(&clustering, division);
        assert_eq!(groups.spilled_bytes() > 0, spills);
        let mut spill = Spill::new(&case.store, &groups, groups.loads(), case.folder.path()).unwrap();
        case.arrange(&clustering, &mut spill);
        let open = spill.files.iter().flatten().count();
        assert_eq!((open, case.files()), (if spills { groups.len() } else { 0 }, files));
        spill
            .each(|_, _| {
                assert_eq!(case.files(), files);
                Ok(())
            })
            .unwrap();
    }
}

#[test]
fn a_file_that_lost_its_end_is_an_error_that_names_its_folder() {
    let case = Case::new(FILES[0]);
    let clustering = case.clustering(&assignments(), &probes());
    let groups = case.groups(&clustering, 280);
    let mut spill = Spill::new(&case.store, &groups, groups.loads(), case.folder.path()).unwrap();
    case.arrange(&clustering, &mut spill);
    let file = spill.files[1].as_mut().unwrap();
    file.out.flush().unwrap();
    file.out.get_ref().set_len(100).unwrap();
    let error = spill.each(|_, _| Ok(())).unwrap_err();
    assert!(error.to_string().contains(&case.folder.path().display().to_string()), "{error}");
}

/// 400 rows in one cluster, the others in small ones, but for rows of zeros.
fn crowded() -> Vec<i32> {
    let cluster = |row: usize| if row < 400 { 0 } else { row as i32 % 8 };
    (0..ROWS).map(|row| if is_zero(row) { -1 } else { cluster(row) }).collect()
}

#[test]
fn a_cluster_larger_than_the_memory_is_loaded_in_pairs_of_blocks() {
    for kinds in FILES {
        let case = Case::new(kinds);
        for probes in [vec![-1; ROWS * PROBES], probes()] {
            let clustering = case.clustering(&crowded(), &probes);
            let whole = case.scores(&clustering, &case.groups(&clustering, ROWS as u64), Keep::Hard);
            for most in [300, 101, 42] {
                let groups = case.groups(&clustering, most);
                let in_blocks = groups.loads().into_iter().filter(|load| load.blocks.0 != load.blocks.1);
                assert!(in_blocks.count() as u64 >= (ROWS as u64 / most - 1).pow(2));
                let mut spill = Spill::new(&case.store, &groups, groups.loads(), case.folder.path()).unwrap();
                case.arrange(&clustering, &mut spill);
                let mut largest = 0;
                let look = |_: BlockPair, members: &LoadedRows| {
                    largest = largest.max(members.numbers.len() as u64);
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
fn every_pair_of_rows_of_a_group_is_in_one_of_its_loads() {
    let case = Case::new(FILES[0]);
    let clustering = case.clustering(&crowded(), &probes());
    let groups = case.groups(&clustering, 150);
    let mut spill = Spill::new(&case.store, &groups, groups.loads(), case.folder.path()).unwrap();
    case.arrange(&clustering, &mut spill);
    let mut met = vec![std::collections::HashSet::new(); groups.len()];
    let look = |load: BlockPair, members: &LoadedRows| {
        for a in &members.numbers {
            met[load.group].extend(members.numbers.iter().map(|b| (*a, *b)));
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
fn a_row_without_direction_in_a_cluster_made_elsewhere_is_left_out_in_every_division() {
    let mut case = Case::new(FILES[1]);
    let mut values: Vec<f32> = (0..ROWS).flat_map(row).collect();
    values[41 * DIM + 3] = f32::NAN;
    write_matrix(&case.path("nan.npy"), Kind::Float, &values);
    case.store = EmbeddingStore::open(&[case.path("nan.npy")]).unwrap();
    let mut cluster = assignments();
    cluster[41] = 3;
    (0..ROWS).filter(|&row| is_zero(row)).for_each(|row| cluster[row] = row as i32 % 8);
    let clustering = case.clustering(&cluster, &probes());
    let whole = case.scores(&clustering, &case.groups(&clustering, ROWS as u64), Keep::Hard);
    for row in (0..ROWS).filter(|&row| is_zero(row) || row == 41) {
        assert_eq!((whole.score[row], whole.duplicate_of[row]), (0.0, NO_ROW), "row {row}");
        assert!(!whole.duplicate_of.contains(&(row as u64)), "row {row}");
    }
    let parts = case.scores(&clustering, &case.groups(&clustering, 330), Keep::Hard);
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
    let whole = case.scores(&clustering, &case.groups(&clustering, ROWS as u64), Keep::Hard);
    let parts = case.scores(&clustering, &case.groups(&clustering, 330), Keep::Hard);
    assert_eq!(parts, whole);
}

#[test]
fn rows_that_turn_out_to_have_no_place_are_not_missed_when_rows_are_read_back() {
    let case = Case::new(FILES[0]);
    for (cluster, most) in [(assignments(), 280), (crowded(), 101)] {
        let clustering = case.clustering(&cluster, &[-1; ROWS * PROBES]);
        let groups = case.groups(&clustering, most);
        let mut spill = Spill::new(&case.store, &groups, groups.loads(), case.folder.path()).unwrap();
        let mut placed: Vec<u32> = clustering.cluster.clone();
        placed[50] = NO_CLUSTER;
        let rows = case.store.read_rows(0..ROWS as u64).unwrap();
        let probes = vec![NO_CLUSTER; ROWS * PROBES];
        spill.add(&Block { first: 0, rows, cluster: placed.clone(), probes }).unwrap();
        let mut read = std::collections::BTreeSet::new();
        let look = |_: BlockPair, members: &LoadedRows| {
            let placed = members.numbers.iter().zip(&members.cluster).filter(|(_, c)| **c != NO_CLUSTER);
            read.extend(placed.map(|(&number, _)| number));
            Ok(())
        };
        spill.each(look).unwrap();
        assert!(read.into_iter().eq((0..ROWS as u64).filter(|&row| placed[row as usize] != NO_CLUSTER)));
    }
}
