use proptest::prelude::*;

use super::*;
use crate::random;
use crate::similarity::search::{Reranked, most_similar};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn up_to_2048_centroids_the_most_similar_one_is_found_bit_for_bit(
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
            prop_assert_eq!(Some(own), most_similar((0..centroids.len()).map(to)), "row {}", row);
        }
    }
}

#[test]
fn the_most_similar_one_of_2048_centroids_that_codes_cannot_tell_apart_is_found() {
    for (dim, spread) in [(2, 1e-4), (256, 1e-7)] {
        let noise = |stream: u64, p: usize| random::unit(9, stream, p as u64) as f32 - 0.5;
        let near = |numbers: Range<u64>, spread: f32| {
            let values = numbers.flat_map(|i| (0..dim).map(move |p| (i, p)));
            let values = values.map(|(i, p)| noise(0, p) + spread * noise(1 + i, p));
            UnitEmbeddings::new(values.collect(), dim).unwrap()
        };
        let (centroids, rows) = (near(0..2048, spread), near(3000..3100, 1.0f32.min(spread * 1e4)));
        let found = Assigner::new(&centroids).assign(&rows, Probes::Auto);
        for row in 0..rows.len() {
            let to = |c: usize| Reranked {
                similarity: Isa::detect().similarity(rows.row(row), centroids.row(c)),
                target: c as u32,
            };
            let own = Reranked { similarity: found.similarity[row], target: found.cluster[row] };
            assert_eq!(Some(own), most_similar((0..2048).map(to)), "dimension {dim}, row {row}");
        }
    }
}
