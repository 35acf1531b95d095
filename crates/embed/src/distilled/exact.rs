//! The features of the numbers and operators of a text.
use hashbrown::HashSet;

use super::letters::{EDGE, Feature};

/// The length of a number with the word beside it, relative to that of the number.
const BESIDE: f32 = 0.7;

/// The features of the numbers and operators of a text: each by itself, each with the one before it,
/// so that 12 of 21 is not 21 of 12, and each number with the words beside it. A feature counts once,
/// however often it comes.
#[derive(Debug, Default)]
pub(crate) struct ExactFeatures {
    /// The features in their order.
    pub features: Vec<Feature>,
    /// The number of distinct numbers and operators.
    pub distinct: usize,
    seen: HashSet<u64>,
}

impl ExactFeatures {
    /// Collects the features of a text, of its numbers and operators and of the numbers with the
    /// words beside them.
    pub(super) fn collect(&mut self, exact: &[u64], beside: &[Feature]) {
        self.clear();
        for &hash in exact {
            self.add(Feature::of_exact(hash));
        }
        self.distinct = self.features.len();
        if exact.is_empty() {
            return;
        }
        let firsts = [EDGE].into_iter().chain(exact.iter().copied());
        let seconds = exact.iter().copied().chain([EDGE]);
        for (first, second) in firsts.zip(seconds) {
            self.add(Feature::of_order(first, second));
        }
        for beside in beside {
            self.add(beside.times(BESIDE));
        }
    }

    fn add(&mut self, feature: Feature) {
        if self.seen.insert(feature.hash) {
            self.features.push(feature);
        }
    }

    /// Forgets the features.
    pub(super) fn clear(&mut self) {
        self.features.clear();
        self.seen.clear();
        self.distinct = 0;
    }

    /// Frees buffers of more than `kept` items.
    pub(super) fn shrink_to(&mut self, kept: usize) {
        self.features.shrink_to(kept);
        self.seen.shrink_to(kept);
    }
}
