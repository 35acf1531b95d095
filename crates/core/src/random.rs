//! Seeded randomness without state: a value is a hash of (seed, stream, index), so it does not
//! depend on the order of work. The hash function is SplitMix64 (Steele, Lea and Flood 2014).

/// What a random value is for. Values of different streams are independent, even with the same
/// index.
#[derive(Debug, Clone, Copy)]
#[repr(u64)]
pub(crate) enum Stream {
    Rank = 1,
    RecallSample = 2,
    TrainingSample = 3,
    /// The first round of k-means seeding. The later rounds use the numbers that follow.
    Seeding = 16,
}

fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// Returns 64 random bits.
pub(crate) fn bits(seed: u64, stream: u64, index: u64) -> u64 {
    mix(mix(mix(seed) ^ stream) ^ index)
}

/// Returns a random number in the open interval (0, 1).
pub(crate) fn unit(seed: u64, stream: u64, index: u64) -> f64 {
    ((bits(seed, stream, index) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
}

/// A sequence of random numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RandomSequence {
    pub(crate) seed: u64,
    pub(crate) stream: u64,
}

impl RandomSequence {
    /// Returns a random number in the open interval (0, 1).
    pub(crate) fn unit(self, index: u64) -> f64 {
        unit(self.seed, self.stream, index)
    }
}

/// Draws `count` of the rows `0..rows` without replacement. Returns their numbers in ascending
/// order, all of them if there are fewer than `count`.
///
/// Samples for different purposes are independent, so that recall is not measured on the rows that
/// k-means was trained on, which would bias it upwards.
pub fn sample_rows(rows: u64, count: usize, seed: u64, purpose: SamplePurpose) -> Vec<u64> {
    if rows <= count as u64 {
        return (0..rows).collect();
    }
    let stream = match purpose {
        SamplePurpose::Training => Stream::TrainingSample,
        SamplePurpose::Recall => Stream::RecallSample,
    } as u64;
    // Floyd's algorithm takes `count` draws and no list of all rows.
    let mut chosen = std::collections::BTreeSet::new();
    for last in rows - count as u64..rows {
        let draw = bits(seed, stream, last) % (last + 1);
        if !chosen.insert(draw) {
            chosen.insert(last);
        }
    }
    chosen.into_iter().collect()
}

/// The purpose of a sample of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SamplePurpose {
    /// Train k-means on it.
    Training,
    /// Compare it with all rows to measure recall.
    Recall,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_the_given_size_is_ascending_and_depends_on_seed_and_purpose() {
        let sample = |seed, purpose| sample_rows(10_000, 500, seed, purpose);
        let rows = sample(7, SamplePurpose::Training);
        assert_eq!(rows.len(), 500);
        assert!(rows.is_sorted_by(|a, b| a < b) && rows[499] < 10_000);
        assert_eq!(rows, sample(7, SamplePurpose::Training));
        assert_ne!(rows, sample(8, SamplePurpose::Training));
        assert_ne!(rows, sample(7, SamplePurpose::Recall));
        assert_eq!(sample_rows(3, 5, 0, SamplePurpose::Training), [0, 1, 2]);
    }

    #[test]
    fn a_sample_is_spread_evenly() {
        let low = (0..200)
            .flat_map(|seed| sample_rows(1000, 100, seed, SamplePurpose::Recall))
            .filter(|&row| row < 500)
            .count();
        assert!((9_700..10_300).contains(&low), "{low} of 20000 draws are in the lower half");
    }
}
