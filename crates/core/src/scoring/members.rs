//! Which rows are compared in which cluster.

use rayon::prelude::*;

use crate::clustering::probes::NO_CLUSTER;
use crate::scoring::exact_copies::Kind;
use crate::scoring::part::{Member, Part, place_in};

/// For each cluster of a part its own rows and the rows that probe it, in rank order, without copies and without rows that
/// have no direction.
pub(crate) struct Lists {
    own: ByCluster,
    visitors: ByCluster,
    /// All own rows of each cluster, also those that are left out.
    pub(crate) rows: Vec<usize>,
}

impl Lists {
    /// `rank` is each row's place in the rank order, `to_probes` its similarity to the centroids that it probes.
    pub(crate) fn of(part: &Part, rank: &[u32], kinds: &[Kind], to_probes: &[f32]) -> Self {
        let takes = |place: usize| kinds[place] == Kind::Original;
        // A row that names its own cluster among its probes is compared there as it is.
        let visits = |place: usize, c: u32| {
            takes(place) && c != part.cluster[place] && part.cluster[place] != NO_CLUSTER
        };
        let (own, visitors) = rayon::join(
            || ByCluster::of(part, rank, (part.cluster, &[]), |place, _| takes(place)),
            || ByCluster::of(part, rank, (part.probes, to_probes), visits),
        );
        let mut rows = vec![0; part.clusters.len()];
        part.cluster.iter().filter_map(|&c| place_in(part, c)).for_each(|c| rows[c] += 1);
        Self { own, visitors, rows }
    }

    /// A cluster's rows.
    pub(crate) fn own(&self, c: usize) -> &[Member] {
        self.own.members(c)
    }

    /// The rows of other clusters that probe it.
    pub(crate) fn visitors(&self, c: usize) -> &[Member] {
        self.visitors.members(c)
    }
}

/// Lists of the clusters, one after the other.
struct ByCluster {
    members: Vec<Member>,
    starts: Vec<usize>,
}

impl ByCluster {
    /// The rows that name each cluster of a part, as many clusters for each row, with similarities if there are any.
    fn of(
        part: &Part,
        rank: &[u32],
        (clusters, similarities): (&[u32], &[f32]),
        takes: impl Fn(usize, u32) -> bool,
    ) -> Self {
        let width = (clusters.len() / rank.len().max(1)).max(1);
        let taken = || {
            let rows = clusters.chunks_exact(width).enumerate();
            let named = rows.flat_map(|(place, row)| row.iter().map(move |&c| (place, c))).enumerate();
            let takes = |&(_, (place, c)): &(usize, (usize, u32))| takes(place, c);
            named.filter(takes).filter_map(|(i, (place, c))| Some((i, place, place_in(part, c)?)))
        };
        let mut starts = vec![0; part.clusters.len() + 1];
        taken().for_each(|(.., c)| starts[c + 1] += 1);
        (0..part.clusters.len()).for_each(|c| starts[c + 1] += starts[c]);
        let none = Member { rank: 0, place: 0, similarity: 0.0 };
        let mut members = vec![none; starts[part.clusters.len()]];
        let mut next = starts.clone();
        for (i, place, c) in taken() {
            let similarity = similarities.get(i).copied().unwrap_or(0.0);
            members[next[c]] = Member { rank: rank[place], place: place as u32, similarity };
            next[c] += 1;
        }
        let mut lists = Vec::with_capacity(part.clusters.len());
        let mut rest = &mut members[..];
        for c in 0..part.clusters.len() {
            let (list, others) = rest.split_at_mut(starts[c + 1] - starts[c]);
            lists.push(list);
            rest = others;
        }
        lists.into_par_iter().for_each(|list| list.sort_unstable_by_key(|member| member.rank));
        Self { members, starts }
    }

    fn members(&self, c: usize) -> &[Member] {
        &self.members[self.starts[c]..self.starts[c + 1]]
    }
}
