#![allow(clippy::unwrap_used)]

use semdedup_core::{Keep, NO_ROW, Probes, Ranking};

use super::*;
use crate::arrays::npy_writer::NpyWriter;
use crate::cluster::assign::{AssignOptions, assign};
use crate::cluster::clustering::write_assignments;
use crate::progress::{Silent, StopSignal};
use crate::score::stage::{PlacedRows, Scorer};

/// Returns 600 rows. Every third row is one of two vectors, zeros or NaN; the others differ.
fn values() -> Vec<f32> {
    let noise = |i: usize| ((i * 7919 + i * i * 31) % 2003) as f32 - 1001.0;
    (0..600 * 8)
        .map(|i| match (i / 8 % 3, i / 8 % 12) {
            (0, 0) => 0.0,
            (0, 3) => f32::NAN,
            (0, row) => noise(row % 2 * 100 + i % 8),
            _ => noise(1000 + i),
        })
        .collect()
}

#[test]
fn copies_that_are_left_out_have_the_scores_that_comparing_gives_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut file = NpyWriter::matrix(&path("e.npy"), 8).unwrap();
    file.write(&values()).unwrap();
    file.finish().unwrap();
    let store = EmbeddingStore::open(&[path("e.npy")]).unwrap();
    let centroids = store.gather(&[1, 2, 4, 5]).unwrap();
    for probes in [Probes::Nearest(1), Probes::Auto] {
        let memory = Memory::default();
        let options = AssignOptions { probes, memory, probes_path: &path("probes.npy") };
        let assigned = assign(&store, &centroids, &options, &Silent).unwrap();
        assert_eq!((assigned.uncompared.zero.rows, assigned.uncompared.non_finite.rows), (50, 50));
        // Assignments of other programs may give every row a cluster.
        let cluster: Vec<u32> =
            assigned.clusters.into_iter().map(|c| if c == NO_CLUSTER { 0 } else { c }).collect();
        write_assignments(&path("a.npy"), &cluster).unwrap();
        let probes_path = path("probes.npy");
        let probes = (probes.most() > 1).then_some(probes_path.as_path());
        let clustering = || Clustering::open(&path("a.npy"), probes, 600, 4).unwrap();
        let few_ranks: Vec<u32> = (0..600).map(|row| row * 7919 % 5).collect();
        let orders = Keep::ALL.into_iter().flat_map(|keep| [(keep, Vec::new()), (keep, few_ranks.clone())]);
        for (keep, ranks) in orders {
            let ranking = Ranking { keep, seed: 4 };
            let scorer = Scorer { ranking, memory, resumes: None, progress: &Silent };
            let place = || scorer.place(&store, &centroids, clustering()).unwrap();
            let placed = || PlacedRows { ranks: ranks.clone(), ..place() };
            let (placed_now, stop) = (placed(), StopSignal::new(&Silent));
            let clustering = &placed_now.clustering;
            let order = placed_now.order(ranking);
            let finder = CopyFinder { store: &store, clustering, order, memory, stop: &stop };
            let copies = finder.find_in_clusters_above(0).unwrap();
            assert_eq!(copies.rows().count(), 98);
            // From 2³² rows on, row numbers are longer.
            let long = finder.find_among::<u64>(0).unwrap();
            assert!(matches!(
                (&copies.originals, &long.originals),
                (RowNumbers::Short(_), RowNumbers::Long(_))
            ));
            assert!(copies.rows().eq(long.rows()));
            assert!((0..98).all(|place| copies.originals.get(place) == long.originals.get(place)));
            let with = scorer.score_without(&copies, placed()).unwrap();
            let without = scorer.score_without(&BulkCopies::default(), placed()).unwrap();
            assert_eq!(with.uncompared, without.uncompared);
            assert_eq!((with.uncompared.zero.rows, with.uncompared.unclustered.rows), (50, 0));
            let (with, without) = (with.columns, without.columns);
            assert_eq!(with.score, without.score);
            assert_eq!(with.duplicate_of, without.duplicate_of);
            assert_eq!(with.cluster, without.cluster);
            let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect::<Vec<u32>>();
            assert_eq!(bits(&with.similarity), bits(&without.similarity));
            let undirected = (0..600).filter(|row| row % 12 == 0 || row % 12 == 3);
            for row in undirected {
                assert_eq!((with.cluster[row], with.score[row]), (NO_CLUSTER, 0.0), "row {row}");
                assert_eq!(with.duplicate_of[row], NO_ROW, "row {row}");
                assert!(with.duplicate_of.iter().all(|&of| of != row as u64), "row {row}");
            }
        }
    }
}
