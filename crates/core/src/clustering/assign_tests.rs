use proptest::prelude::*;

use super::*;
use crate::random;
use crate::similarity::search::{Reranked, most_similar};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn up_to_2048_centroids_clusters_and_probes_are_those_of_exact_similarities(
        dim in prop_oneof![3usize..20, Just(64), Just(200)],
        spreads in proptest::collection::vec(-5.0f32..1.0, 1..4),
        (rows, centroids) in (1usize..100, 1usize..400),
        probes in proptest::sample::select(vec![Probes::Nearest(1), Probes::Nearest(3), Probes::Auto]),
        seed in any::<u64>(),
    ) {
        let noise = |stream: u64, p: usize| random::unit(seed, stream, p as u64) as f32 - 0.5;
        // The rows of a dense group lie around one direction, at ten to the power of the spread.
        let value = |i: usize, p: usize| {
            let group = i % spreads.len();
            noise(group as u64, p) + 10f32.powf(spreads[group]) * noise(1000 + i as u64, p)
        };
        let some = |numbers: Range<usize>| {
            let values = numbers.flat_map(|i| (0..dim).map(move |p| (i, p))).map(|(i, p)| value(i, p));
            UnitEmbeddings::new(values.collect(), dim).unwrap()
        };
        let (rows, centroids) = (some(0..rows), some(rows..rows + centroids));
        let found = Assigner::new(&centroids).assign(&rows, probes);
        for row in 0..rows.len() {
            let to = |c: usize| Reranked {
                similarity: Isa::detect().similarity(rows.row(row), centroids.row(c)),
                target: c as u32,
            };
            let own = Reranked { similarity: found.similarity[row], target: found.cluster[row] };
            let mut all: Vec<Reranked> = (0..centroids.len()).map(to).collect();
            prop_assert_eq!(Some(own), most_similar(all.iter().copied()), "row {}", row);
            all.sort_by(|a, b| b.similarity.total_cmp(&a.similarity).then(a.target.cmp(&b.target)));
            let reaches = |place: usize| probes.reaches(place, own.similarity, all[place].similarity);
            let reached = (1..all.len().min(probes.most())).take_while(|&place| reaches(place));
            let mut probed: Vec<u32> = reached.map(|place| all[place].target).collect();
            probed.resize(probes.most() - 1, NO_CLUSTER);
            prop_assert_eq!(&found.probes[row * probed.len()..(row + 1) * probed.len()], probed, "row {}", row);
        }
    }
}
