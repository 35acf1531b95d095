//! Which rows are compared in which cluster.

use rayon::prelude::*;

use crate::assign::NO_CLUSTER;
use crate::copies::Kind;
use crate::score::Part;

/// A row of a cluster, or one that probes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    pub(crate) rank: u32,
    pub(crate) place: u32,
    /// Which of its probes the cluster is; of no meaning for its own.
    pub(crate) probe: u32,
}

/// For each cluster of a part its own rows and the rows that probe it, without copies, in rank order.
pub(crate) struct Lists {
    own: ByCluster,
    visitors: ByCluster,
    /// All own rows of each cluster, also copies.
    pub(crate) rows: Vec<usize>,
}

impl Lists {
    /// `rank` is each row's place in the rank order.
    pub(crate) fn of(part: &Part, rank: &[u32], kinds: &[Kind]) -> Self {
        let width = part.probes_per_row();
        let takes = |place: usize| kinds[place] == Kind::Original;
        // A row that names its own cluster among its probes is compared there as it is.
        let visits = |place: usize, c: u32| {
            takes(place) && c != part.cluster[place] && part.cluster[place] != NO_CLUSTER
        };
        let (own, visitors) = rayon::join(
            || ByCluster::of(part, rank, (part.cluster, 1), |place, _| takes(place)),
            || ByCluster::of(part, rank, (part.probes, width), visits),
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

    /// The rank of the earliest-ranking row that is compared in a cluster.
    pub(crate) fn first(&self, c: usize) -> Option<u32> {
        self.own(c).first().into_iter().chain(self.visitors(c).first()).map(|member| member.rank).min()
    }
}

/// Lists of the clusters, one after the other.
struct ByCluster {
    members: Vec<Member>,
    starts: Vec<usize>,
}

impl ByCluster {
    /// The rows that name each cluster of a part, `width` clusters a row.
    fn of(
        part: &Part,
        rank: &[u32],
        (clusters, width): (&[u32], usize),
        takes: impl Fn(usize, u32) -> bool,
    ) -> Self {
        let named = || {
            let rows = clusters.chunks_exact(width.max(1)).enumerate();
            let clusters = rows.flat_map(|(place, row)| row.iter().zip(0..).map(move |(&c, p)| (place, c, p)));
            clusters.filter_map(|(place, c, probe)| Some((place, place_in(part, c)?, probe, c)))
        };
        let mut starts = vec![0; part.clusters.len() + 1];
        let taken = || named().filter(|&(place, _, _, number)| takes(place, number));
        taken().for_each(|(_, c, ..)| starts[c + 1] += 1);
        (0..part.clusters.len()).for_each(|c| starts[c + 1] += starts[c]);
        let mut members = vec![Member { rank: 0, place: 0, probe: 0 }; starts[part.clusters.len()]];
        let mut next = starts.clone();
        for (place, c, probe, _) in taken() {
            members[next[c]] = Member { rank: rank[place], place: place as u32, probe };
            next[c] += 1;
        }
        let mut lists = Vec::with_capacity(part.clusters.len());
        let mut rest = &mut members[..];
        for c in 0..part.clusters.len() {
            let (list, others) = rest.split_at_mut(starts[c + 1] - starts[c]);
            lists.push(list);
            rest = others;
        }
        lists.into_par_iter().for_each(|list| list.sort_unstable_by_key(|member| (member.rank, member.probe)));
        Self { members, starts }
    }

    fn members(&self, c: usize) -> &[Member] {
        &self.members[self.starts[c]..self.starts[c + 1]]
    }
}

/// The place of a cluster among those of a part.
pub(crate) fn place_in(part: &Part, cluster: u32) -> Option<usize> {
    (cluster != NO_CLUSTER && part.clusters.contains(&cluster))
        .then(|| (cluster - part.clusters.start) as usize)
}
