//! The result of a small run is the same on every instruction set. `scripts/emulate.sh` runs this
//! on CPUs that the machine at hand does not have.

use semdedup_core::{Keep, Probes, Ranking, UnitEmbeddings, instruction_set};

use crate::common::{ScoredRows, assign, bits, npy, scored, stored};

/// Hashes numbers in order (FNV-1a of 64 bits).
fn hash(numbers: impl IntoIterator<Item = u64>) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    numbers.into_iter().flat_map(u64::to_le_bytes).fold(0xCBF2_9CE4_8422_2325, step)
}

fn wide(numbers: &[u32]) -> impl Iterator<Item = u64> {
    numbers.iter().map(|&number| u64::from(number))
}

/// The expected values change only if the rule changes: which clusters a row probes, how similar
/// two rows are, or which row of a pair stays.
#[test]
fn the_result_is_the_same_on_every_instruction_set() {
    let rows = stored();
    let centroids = UnitEmbeddings::new(npy("centroids", f32::from_le_bytes), 256).unwrap();
    let assignment = assign(&rows, &centroids, Probes::Auto);
    let ranking = Ranking { keep: Keep::Hard, seed: 0 };
    let ScoredRows { scores, .. } = scored(&rows, &centroids, &assignment, ranking);
    let places = wide(&assignment.cluster).chain(wide(&assignment.probes));
    let decisions = hash(places.chain(scores.duplicate_of.iter().copied()));
    assert_eq!(
        decisions,
        8_495_375_384_817_576_290,
        "{}: other clusters, probes or duplicates",
        instruction_set()
    );
    // Without fused multiply-add, similarities differ by rounding.
    if !["sse2", "portable"].contains(&instruction_set()) {
        let similarities = [bits(&assignment.similarity), bits(&scores.score)].concat();
        let similarities = hash(wide(&similarities));
        assert_eq!(similarities, 4_074_065_898_257_186_893, "{}: other similarities", instruction_set());
    }
}

#[test]
fn an_emulated_cpu_has_the_instruction_set_that_it_is_meant_to_test() {
    if let Ok(expected) = std::env::var("SEMDEDUP_EXPECTED_ISA") {
        assert_eq!(instruction_set(), expected);
    }
}
