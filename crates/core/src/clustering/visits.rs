//! Which rows of a block visit which groups of centroids.

use crate::similarity::thresholds::RELATIVE_ENCODING_MIN_COSINE;

/// A row of a block that is compared with the centroids of a group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Visit {
    /// The row's place in the block.
    pub(super) row: u32,
    /// Its similarity to the centre of the group.
    pub(super) to_centre: f32,
}

/// The visits of the rows of a block, in the order of the rows.
pub(super) struct Visits {
    visits: Vec<Visit>,
    /// The list of each visit: two for each group, see [`list`].
    lists: Vec<u32>,
    groups: usize,
}

/// The visits of the rows of a block, group by group.
pub(super) struct VisitsByGroup {
    visits: Vec<Visit>,
    /// Where each list begins, and where the last one ends.
    starts: Vec<usize>,
}

/// The visits of one group, in the order of the rows.
pub(super) struct VisitsOfGroup<'a> {
    /// The rows that are compared by their codes relative to zero.
    pub(super) far: &'a [Visit],
    /// The rows that are so near the centre that they are encoded relative to it.
    pub(super) near: &'a [Visit],
}

/// Returns the list that a visit is in. A group has two: of the rows far from its centre, and of
/// those near it.
fn list(group: u32, visit: &Visit) -> u32 {
    2 * group + u32::from(visit.to_centre >= RELATIVE_ENCODING_MIN_COSINE)
}

impl Visits {
    pub(super) fn new(groups: usize) -> Self {
        Self { visits: Vec::new(), lists: Vec::new(), groups }
    }

    pub(super) fn push(&mut self, group: u32, visit: Visit) {
        self.lists.push(list(group, &visit));
        self.visits.push(visit);
    }

    /// Sorts the visits by group, by counting.
    pub(super) fn by_group(self) -> VisitsByGroup {
        let mut starts = vec![0; 2 * self.groups + 1];
        self.lists.iter().for_each(|&list| starts[list as usize + 1] += 1);
        (1..starts.len()).for_each(|list| starts[list] += starts[list - 1]);
        let mut next = starts.clone();
        let mut visits = vec![Visit { row: 0, to_centre: 0.0 }; self.visits.len()];
        for (visit, list) in self.visits.into_iter().zip(self.lists) {
            visits[next[list as usize]] = visit;
            next[list as usize] += 1;
        }
        VisitsByGroup { visits, starts }
    }
}

impl VisitsByGroup {
    /// Returns the visits of a group.
    pub(super) fn of(&self, group: usize) -> VisitsOfGroup<'_> {
        let list = |list: usize| &self.visits[self.starts[list]..self.starts[list + 1]];
        VisitsOfGroup { far: list(2 * group), near: list(2 * group + 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_has_its_visits_in_the_order_of_the_rows_and_those_near_its_centre_apart() {
        let mut visits = Visits::new(4);
        let visit = |row, to_centre| Visit { row, to_centre };
        let some = [(2, 0, 0.5), (0, 0, 0.2), (2, 1, 0.995), (2, 2, 0.4), (3, 2, 0.99), (2, 3, 1.0)];
        some.iter().for_each(|&(group, row, to_centre)| visits.push(group, visit(row, to_centre)));
        let by_group = visits.by_group();
        let rows = |visits: &[Visit]| visits.iter().map(|visit| visit.row).collect::<Vec<_>>();
        let found: Vec<_> = (0..4).map(|g| (rows(by_group.of(g).far), rows(by_group.of(g).near))).collect();
        let expected = [(vec![0], vec![]), (vec![], vec![]), (vec![0, 2], vec![1, 3]), (vec![], vec![2])];
        assert_eq!(found, expected);
    }
}
