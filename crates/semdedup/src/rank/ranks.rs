//! Ranks of rows by several keys, one after the other.

use rayon::prelude::*;

/// Ranks rows that are equal so far by one more number each, of which the smallest is first. The ranks
/// become those of the distinct pairs of rank and number, from 0 on without gaps.
///
/// Besides both slices it takes 4 bytes for each row.
pub(super) fn refine(ranks: &mut [u32], numbers: &[u64]) {
    let mut rows: Vec<u32> = (0..ranks.len() as u32).collect();
    let key = |row: u32| (ranks[row as usize], numbers[row as usize]);
    rows.par_sort_unstable_by_key(|&row| key(row));
    let Some(&first) = rows.first() else { return };
    let (mut before, mut rank) = (key(first), 0);
    for row in rows {
        // The keys of the rows that follow do not depend on the ranks that are written here.
        let now = (ranks[row as usize], numbers[row as usize]);
        rank += u32::from(now != before);
        before = now;
        ranks[row as usize] = rank;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Counts the distinct keys before that of each row.
    fn twin(columns: &[Vec<u64>], rows: usize) -> Vec<u32> {
        let key = |row: usize| columns.iter().map(|numbers| numbers[row]).collect::<Vec<u64>>();
        let mut keys: Vec<Vec<u64>> = (0..rows).map(key).collect();
        let all = keys.clone();
        keys.sort_unstable();
        keys.dedup();
        all.iter().map(|key| keys.partition_point(|other| other < key) as u32).collect()
    }

    proptest! {
        #[test]
        fn each_number_decides_where_those_before_it_are_equal(
            rows in proptest::collection::vec(proptest::array::uniform3(prop_oneof![0u64..4, Just(u64::MAX)]), 0..60),
        ) {
            let columns: Vec<Vec<u64>> = (0..3).map(|at| rows.iter().map(|row| row[at]).collect()).collect();
            let mut ranks = vec![0; rows.len()];
            columns.iter().for_each(|numbers| refine(&mut ranks, numbers));
            prop_assert_eq!(ranks, twin(&columns, rows.len()));
        }
    }
}
