//! The rows of a part in rank order.

use rayon::prelude::*;

use crate::ranking::RankKey;
use crate::scoring::part::Part;

/// The rows of a part in rank order.
pub(super) struct RankOrder {
    /// The place of the row with each rank.
    pub(super) places: Vec<u32>,
    /// The rank of the row at each place. Rows of equal rank do not rank before each other.
    pub(super) rank: Vec<u32>,
}

impl RankOrder {
    /// Ranks the rows of a part by their keys.
    pub(super) fn new(part: &Part, key: impl Fn(u64) -> RankKey + Sync) -> Self {
        let mut order: Vec<(RankKey, u32)> =
            part.numbers.par_iter().enumerate().map(|(place, &number)| (key(number), place as u32)).collect();
        order.par_sort_unstable();
        let places: Vec<u32> = order.into_iter().map(|(_, place)| place).collect();
        let mut rank = vec![0; places.len()];
        places.iter().zip(0..).for_each(|(&place, r)| rank[place as usize] = r);
        Self { places, rank }
    }

    /// Ranks some rows before all others, which have the same rank.
    pub(super) fn only_before_others(
        part: &Part,
        is_before: impl Fn(u64) -> bool + Sync,
        key: impl Fn(u64) -> RankKey + Sync,
    ) -> Self {
        let before = |&place: &u32| is_before(part.numbers[place as usize]);
        let all = 0..part.numbers.len() as u32;
        let (mut places, others): (Vec<u32>, Vec<u32>) = all.into_par_iter().partition(before);
        places.par_sort_unstable_by_key(|&place| key(part.numbers[place as usize]));
        let mut rank = vec![places.len() as u32; part.numbers.len()];
        places.iter().zip(0..).for_each(|(&place, r)| rank[place as usize] = r);
        places.extend(others);
        Self { places, rank }
    }
}
