//! Which rows are compared in which cluster.

use crate::assign::NO_CLUSTER;
use crate::compare::Member;
use crate::copies::Kind;
use crate::score::Part;

/// For each cluster of a part its own rows and the rows that probe it, without copies, by their ranks in the part.
pub(crate) struct Lists<'a> {
    /// The place of each row, by rank.
    order: &'a [u32],
    /// The rank of each row, by place.
    pub(crate) rank: Vec<u32>,
    own: Vec<u32>,
    own_starts: Vec<usize>,
    visitors: Vec<u32>,
    visitor_starts: Vec<usize>,
    /// All own rows of each cluster, also copies.
    pub(crate) rows: Vec<usize>,
}

impl<'a> Lists<'a> {
    pub(crate) fn of(part: &Part, order: &'a [u32], kinds: &[Kind]) -> Self {
        let mut rank = vec![0; order.len()];
        order.iter().zip(0..).for_each(|(&place, r)| rank[place as usize] = r);
        let width = part.probes.len() / part.numbers.len().max(1);
        let own = |place: usize, c: u32| kinds[place] == Kind::Original && place_in(part, c).is_some();
        // A row that names its own cluster among its probes is compared there as it is.
        let visits = |place: usize, c: u32| own(place, c) && c != part.cluster[place];
        let (own, visits) = rayon::join(
            || by_cluster(part, (part.cluster, 1), &rank, own),
            || by_cluster(part, (part.probes, width), &rank, visits),
        );
        let mut rows = vec![0; part.clusters.len()];
        part.cluster.iter().filter_map(|&c| place_in(part, c)).for_each(|c| rows[c] += 1);
        let ((own, own_starts), (visitors, visitor_starts)) = (own, visits);
        Self { order, rank, own, own_starts, visitors, visitor_starts, rows }
    }

    pub(crate) fn own(&self, c: usize) -> &[u32] {
        &self.own[self.own_starts[c]..self.own_starts[c + 1]]
    }

    pub(crate) fn visitors(&self, c: usize) -> &[u32] {
        &self.visitors[self.visitor_starts[c]..self.visitor_starts[c + 1]]
    }

    /// Own rows and visitors of a cluster in rank order.
    pub(crate) fn members(&self, c: usize) -> Vec<Member> {
        let own = self.own(c).iter().map(|&rank| (rank, true));
        let mut ranked: Vec<(u32, bool)> =
            own.chain(self.visitors(c).iter().map(|&rank| (rank, false))).collect();
        ranked.sort_unstable();
        ranked.into_iter().map(|(rank, own)| Member { place: self.order[rank as usize], rank, own }).collect()
    }
}

/// The place of a cluster among those of a part.
pub(crate) fn place_in(part: &Part, cluster: u32) -> Option<usize> {
    (cluster != NO_CLUSTER && part.clusters.contains(&cluster))
        .then(|| (cluster - part.clusters.start) as usize)
}

/// The ranks of the rows that name each cluster of a part, and where each list begins.
fn by_cluster(
    part: &Part,
    (clusters, width): (&[u32], usize),
    rank: &[u32],
    takes: impl Fn(usize, u32) -> bool,
) -> (Vec<u32>, Vec<usize>) {
    let named = || {
        let taken = clusters.iter().enumerate().filter(|&(i, &c)| takes(i / width, c));
        taken.filter_map(|(i, &c)| Some((i / width, place_in(part, c)?)))
    };
    let mut starts = vec![0; part.clusters.len() + 1];
    named().for_each(|(_, c)| starts[c + 1] += 1);
    (0..part.clusters.len()).for_each(|c| starts[c + 1] += starts[c]);
    let mut lists = vec![0; starts[part.clusters.len()]];
    let mut next = starts.clone();
    for (place, c) in named() {
        lists[next[c]] = rank[place];
        next[c] += 1;
    }
    (lists, starts)
}
