//! Which rows are compared in which cluster.

use rayon::prelude::*;

use crate::clustering::probes::NO_CLUSTER;
use crate::scoring::exact_copies::CopyKind;
use crate::scoring::part::{Member, Part};

/// The members of each cluster of a part, in rank order: its own rows, and the border rows of other
/// clusters that probe it. Copies and rows without direction are left out.
pub(super) struct ClusterMembers {
    own: MemberLists,
    border: MemberLists,
    /// The number of own rows of each cluster, including those that are left out.
    pub(super) own_rows: Vec<usize>,
}

impl ClusterMembers {
    /// Lists the members. `rank` and `kinds` have one value per row, `to_probes` has the similarity
    /// of each row to each centroid that it probes.
    pub(super) fn new(part: &Part, rank: &[u32], kinds: &[CopyKind], to_probes: &[f32]) -> Self {
        let is_compared = |place: usize| kinds[place] == CopyKind::Original;
        // A row that names its own cluster among its probes is compared there already.
        let is_border = |place: usize, c: u32| {
            is_compared(place) && c != part.cluster[place] && part.cluster[place] != NO_CLUSTER
        };
        let own = Named { clusters: part.cluster, similarities: &[] };
        let border = Named { clusters: part.probes, similarities: to_probes };
        let (own, border) = rayon::join(
            || MemberLists::new(part, rank, &own, |place, _| is_compared(place)),
            || MemberLists::new(part, rank, &border, is_border),
        );
        let mut own_rows = vec![0; part.clusters.len()];
        part.cluster.iter().filter_map(|&c| part.cluster_index(c)).for_each(|c| own_rows[c] += 1);
        Self { own, border, own_rows }
    }

    /// The number of clusters.
    pub(super) fn len(&self) -> usize {
        self.own_rows.len()
    }

    /// The own rows of a cluster.
    pub(super) fn own(&self, c: usize) -> &[Member] {
        self.own.members(c)
    }

    /// The border rows of other clusters that probe a cluster.
    pub(super) fn border(&self, c: usize) -> &[Member] {
        self.border.members(c)
    }
}

/// The clusters that rows name, with the same number of clusters for each row.
struct Named<'a> {
    clusters: &'a [u32],
    /// The similarity of the row to each of these clusters' centroids, or nothing.
    similarities: &'a [f32],
}

/// The members of all clusters, one cluster after the other.
struct MemberLists {
    members: Vec<Member>,
    starts: Vec<usize>,
}

impl MemberLists {
    /// Lists the rows that name each cluster of the part, if `is_member(place, cluster)`.
    fn new(part: &Part, rank: &[u32], named: &Named, is_member: impl Fn(usize, u32) -> bool) -> Self {
        let width = (named.clusters.len() / rank.len().max(1)).max(1);
        let taken = || {
            let rows = named.clusters.chunks_exact(width).enumerate();
            let named = rows.flat_map(|(place, row)| row.iter().map(move |&c| (place, c))).enumerate();
            let is_member = |&(_, (place, c)): &(usize, (usize, u32))| is_member(place, c);
            named.filter(is_member).filter_map(|(i, (place, c))| Some((i, place, part.cluster_index(c)?)))
        };
        let mut starts = vec![0; part.clusters.len() + 1];
        taken().for_each(|(.., c)| starts[c + 1] += 1);
        (0..part.clusters.len()).for_each(|c| starts[c + 1] += starts[c]);
        let none = Member { rank: 0, place: 0, similarity: 0.0 };
        let mut members = vec![none; starts[part.clusters.len()]];
        let mut next = starts.clone();
        for (i, place, c) in taken() {
            let similarity = named.similarities.get(i).copied().unwrap_or(0.0);
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
