//! Makes the rows, clusters and probes that the tests of the loader use.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use half::f16;
use semdedup_core::{Keep, RankedRows, Ranking, Scores, Scoring, UnitEmbeddings, centroid_similarity};
use tempfile::TempDir;

use super::*;
use crate::arrays::npy_writer::NpyWriter;
use crate::cluster::clustering::Clustering;
use crate::memory::ComparingBytes;
use crate::score::bulk_copies::BulkCopies;
use crate::score::groups::loaded_row_bytes;

pub(super) const ROWS: usize = 600;
pub(super) const DIM: usize = 8;
pub(super) const CLUSTERS: usize = 9;
pub(super) const PROBES: usize = 3;

/// The types of the values in the two files of embeddings, which may differ.
pub(super) const FILES: [[Kind; 2]; 3] =
    [[Kind::Half, Kind::Half], [Kind::Float, Kind::Float], [Kind::Half, Kind::Float]];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Half,
    Float,
}

/// Embeddings, assignments and probes in files.
pub(super) struct Case {
    pub(super) folder: TempDir,
    pub(super) store: EmbeddingStore,
}

impl Case {
    pub(super) fn new(kinds: [Kind; 2]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let paths = [folder.path().join("0.npy"), folder.path().join("1.npy")];
        let values: Vec<f32> = (0..ROWS).flat_map(row).collect();
        let (first, second) = values.split_at(ROWS / 3 * DIM);
        write_matrix(&paths[0], kinds[0], first);
        write_matrix(&paths[1], kinds[1], second);
        let store = EmbeddingStore::open(&paths).unwrap();
        Self { folder, store }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn clustering(&self, cluster: &[i32], probes: &[i32]) -> Clustering {
        let mut file = NpyWriter::integers(&self.path("assignments.npy")).unwrap();
        file.write(cluster).unwrap();
        file.finish().unwrap();
        let mut file = NpyWriter::integer_matrix(&self.path("probes.npy"), PROBES).unwrap();
        file.write(probes).unwrap();
        file.finish().unwrap();
        let (assignments, probes) = (self.path("assignments.npy"), self.path("probes.npy"));
        Clustering::open(&assignments, Some(&probes), ROWS as u64, CLUSTERS).unwrap()
    }

    /// Makes groups of at most `rows` rows each.
    pub(super) fn groups(&self, clustering: &Clustering, rows: u64) -> Result<Groups> {
        let row_bytes = loaded_row_bytes(self.store.row_bytes(), DIM, clustering.probes_per_row());
        let most = rows * row_bytes;
        let bytes = ComparingBytes { most, wanted: most, fits: false };
        Groups::plan(row_bytes, ComparedRows { clustering, copies: &BulkCopies::default() }, bytes)
    }

    /// Calls `work` with the rows of each pair of blocks.
    pub(super) fn each(
        &self,
        clustering: &Clustering,
        groups: &Groups,
        mut work: impl FnMut(BlockPair, &LoadedRows),
    ) {
        let compared = ComparedRows { clustering, copies: &BulkCopies::default() };
        let mut loader = Loader::new(&self.store, compared, groups);
        for pair in groups.block_pairs() {
            work(pair, loader.load(pair).unwrap());
        }
    }

    /// Reads all rows.
    pub(super) fn all(&self) -> StoredRows {
        let mut all = self.store.no_rows(0);
        self.store.load(&(0..ROWS as u64).collect::<Vec<_>>(), &mut all).unwrap();
        all
    }

    fn centroids(&self) -> UnitEmbeddings {
        self.store.gather(&(0..CLUSTERS as u64).map(|c| 5 * c + 1).collect::<Vec<_>>()).unwrap()
    }

    /// Returns the scores of all rows, compared in these groups.
    pub(super) fn scores(&self, clustering: &Clustering, groups: &Groups, keep: Keep) -> Scores {
        let (centroids, mut cluster) = (self.centroids(), clustering.cluster.clone());
        let similarity = centroid_similarity(&self.all(), &centroids, &mut cluster);
        let mut scoring =
            Scoring::new(RankedRows::new(Ranking { keep, seed: 5 }, &similarity, &[]), &centroids);
        self.each(clustering, groups, |_, loaded| {
            let found = scoring.compare(&loaded.part(), &mut |_| ());
            scoring.add(&found);
        });
        scoring.finish()
    }
}

/// Mixes the bits of a number (splitmix64). The tests must not change with the mixer of a library.
fn mixed(x: usize) -> usize {
    let mut z = (x as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) as usize >> 1
}

/// Returns the values of a row, which f16 and f32 hold alike. Of every five rows, the first two are
/// random, the third is zeros (in every third five) or random, the fourth is a copy of the second,
/// and the fifth is nearly equal to the second.
pub(super) fn row(i: usize) -> Vec<f32> {
    let random = |row: usize| (0..DIM).map(move |d| (mixed(row * DIM + d) % 2001) as f32 / 64.0 - 15.0);
    match i % 5 {
        2 if is_zero(i) => vec![0.0; DIM],
        3 => random(i - 2).collect(),
        4 => random(i - 3).enumerate().map(|(d, x)| if d == i % DIM { x + 0.25 } else { x }).collect(),
        _ => random(i).collect(),
    }
}

/// Returns whether a row is zeros.
pub(super) fn is_zero(row: usize) -> bool {
    row % 15 == 2
}

/// Returns the row that a row copies, or the row itself.
fn original(row: usize) -> usize {
    match row {
        _ if row % 5 == 3 => row - 2,
        _ => row,
    }
}

/// Assigns the rows to clusters of different sizes. The last cluster is empty, and some rows are in
/// no cluster.
pub(super) fn assignments() -> Vec<i32> {
    let cluster = |row: usize| match mixed(original(row)) % 20 {
        _ if is_zero(row) => -1,
        0 => -1,
        1..4 => 0,
        x => (x % (CLUSTERS - 1)) as i32,
    };
    (0..ROWS).map(cluster).collect()
}

/// Lets three rows of four probe one to three clusters, sometimes their own or the empty one.
pub(super) fn probes() -> Vec<i32> {
    let probes = |row: usize| {
        let count = mixed(original(row) + 7000) % 4;
        (0..PROBES).map(move |i| match i < count {
            true => (mixed(10 * original(row) + i) % CLUSTERS) as i32,
            false => -1,
        })
    };
    (0..ROWS).flat_map(probes).collect()
}

/// Writes a `.npy` file.
pub(super) fn write_matrix(path: &Path, kind: Kind, values: &[f32]) {
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
