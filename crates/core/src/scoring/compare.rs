//! The comparison of one cluster: its own rows with each other, and with the border rows that probe
//! it.

use rayon::prelude::*;

use crate::scoring::earlier_rows::{BestMatch, EarlierSearch, RankedSimilarity, SearchRow, WantedMatches};
use crate::scoring::members::ClusterMembers;
use crate::scoring::part::{Member, Part};
use crate::scoring::relative_rows::{OwnRows, Queries, RelativeRows, Targets, earlier};
use crate::similarity::codes::Codes;
use crate::similarity::embeddings::UnitEmbeddings;
use crate::similarity::kernels::types::BLOCK;
use crate::similarity::panels::{PackedRow, Panels};
use crate::similarity::search::{Query, Search};
use crate::similarity::thresholds::RELATIVE_ENCODING_MIN_COSINE;
use crate::stop::Stop;

/// The rows that a thread searches for per task.
const SEARCHES_PER_TASK: usize = 4 * BLOCK;

/// The border rows that are encoded or packed at a time, so that they stay in the second-level
/// cache.
const ROWS_PER_CACHE_BLOCK: usize = 2048;

/// The rows that a thread encodes per task.
const ROWS_PER_TASK: usize = 256;

/// How many rows ahead to load rows that are scattered in memory.
const PREFETCHED: usize = 8;

/// A match of the row at a place: its best one, or one of the best.
pub(super) struct RowMatch {
    pub(super) place: u32,
    pub(super) best: RankedSimilarity,
}

/// The result of comparing one cluster.
#[derive(Default)]
pub(super) struct ClusterMatches {
    pub(super) matches: Vec<RowMatch>,
    /// The number of comparisons of two rows.
    pub(super) compared: u64,
}

impl ClusterMatches {
    fn extend(&mut self, members: &[Member], matches: &[BestMatch]) {
        self.matches.extend(
            matches
                .iter()
                .map(|found| RowMatch { place: members[found.searched as usize].place, best: found.best }),
        );
    }
}

/// The comparison of the rows of a part, cluster by cluster.
pub(super) struct Comparison<'a> {
    pub(super) part: &'a Part<'a>,
    pub(super) centroids: &'a UnitEmbeddings,
    pub(super) members: &'a ClusterMembers,
    /// All rows relative to zero, see [`PartEncodings`](crate::scoring::encode::PartEncodings).
    pub(super) whole: &'a Codes,
    pub(super) wanted: WantedMatches,
    pub(super) stop: &'a Stop<'a>,
}

impl Comparison<'_> {
    /// Compares the own rows of a cluster with each other. `best` has the match of each row, by
    /// place, that another one must be better than.
    pub(super) fn own_rows(&self, c: usize, best: &[RankedSimilarity]) -> ClusterMatches {
        if !self.members.own(c).iter().any(|member| can_improve(member, best)) {
            return ClusterMatches::default();
        }
        let own = self.encode(c, self.members.own(c));
        let searched = own.members.iter().zip(earlier(own.members, own.members)).enumerate();
        let searched = searched.map(|(i, (member, limit))| SearchRow {
            index: i as u32,
            place: member.place,
            query: Query { row: i, limit },
            offset: -own.codes.half_square(i),
            best: best[member.place as usize],
        });
        let queries = Queries { codes: &own.codes, rows: searched.collect() };
        let SearchMatches { matches, compared } = self.search(queries, &own.targets());
        let mut found = ClusterMatches { matches: Vec::with_capacity(matches.len()), compared };
        found.extend(own.members, &matches);
        found
    }

    /// Compares the own rows of a cluster with the border rows that probe it. `best` is as in
    /// [`own_rows`](Self::own_rows).
    pub(super) fn border_rows(&self, c: usize, best: &[RankedSimilarity]) -> ClusterMatches {
        // If nothing is searched for the own rows, the border rows are no targets.
        let is_target = self.members.own(c).iter().any(|member| can_improve(member, best));
        let border = self.members.border(c).iter().filter(|member| is_target || can_improve(member, best));
        let (near, far): (Vec<Member>, Vec<Member>) =
            border.partition(|member| member.similarity >= RELATIVE_ENCODING_MIN_COSINE);
        if near.is_empty() && far.is_empty() {
            return ClusterMatches::default();
        }
        let encoded = self.encode(c, self.members.own(c));
        let before: Vec<RankedSimilarity> =
            encoded.members.iter().map(|member| best[member.place as usize]).collect();
        let mut own = OwnRows { encoded, best: before.clone() };
        let mut found = ClusterMatches::default();
        for members in near.chunks(ROWS_PER_CACHE_BLOCK) {
            self.compare_near(&mut own, &self.encode(c, members), best, &mut found);
        }
        own.encoded.panels = own.encoded.panels.for_whole_queries();
        for members in far.chunks(ROWS_PER_CACHE_BLOCK) {
            self.compare_far(&mut own, members, best, &mut found);
        }
        for ((member, before), now) in own.encoded.members.iter().zip(before).zip(own.best) {
            if before != now {
                found.matches.push(RowMatch { place: member.place, best: now });
            }
        }
        found
    }

    /// Compares own rows with the border rows that rank before them, and border rows with the own
    /// rows that rank before them. All are encoded relative to the centroid.
    fn compare_near(
        &self,
        own: &mut OwnRows,
        border: &RelativeRows,
        best: &[RankedSimilarity],
        found: &mut ClusterMatches,
    ) {
        let (encoded, members) = (&own.encoded, border.members);
        let queries = encoded.queries(members, &|i| own.best[i]);
        let of_own = self.search(queries, &border.targets());
        found.compared += of_own.compared;
        let queries = border.queries(encoded.members, &|i| best[members[i].place as usize]);
        let of_border = self.search(queries, &encoded.targets());
        found.compared += of_border.compared;
        found.extend(members, &of_border.matches);
        self.take(own, &of_own.matches, found);
    }

    /// Takes the matches of own rows. Where only the best one is wanted, it bounds the next search.
    fn take(&self, own: &mut OwnRows, matches: &[BestMatch], found: &mut ClusterMatches) {
        match self.wanted.most {
            1 => own.take(matches),
            _ => found.extend(own.encoded.members, matches),
        }
    }

    /// Compares own rows with border rows that are encoded relative to zero.
    fn compare_far(
        &self,
        own: &mut OwnRows,
        border: &[Member],
        best: &[RankedSimilarity],
        found: &mut ClusterMatches,
    ) {
        let whole = self.whole;
        let packed = border.iter().enumerate().map(|(i, member)| {
            border.get(i + PREFETCHED).inspect(|later| whole.prefetch(later.place as usize));
            PackedRow { row: member.place as usize, bias: member.similarity }
        });
        let panels = Panels::pack_with(whole, packed);
        let encoded = &own.encoded;
        let searched = encoded.members.iter().zip(earlier(encoded.members, border)).enumerate();
        let searched = searched.map(|(i, (member, limit))| SearchRow {
            index: i as u32,
            place: member.place,
            query: Query { row: i, limit },
            offset: -1.0,
            best: own.best[i],
        });
        let queries = Queries { codes: &encoded.codes, rows: searched.collect() };
        let of_own = self.search(queries, &Targets { panels: &panels, members: border });
        found.compared += of_own.compared;
        let searched = border.iter().zip(earlier(border, encoded.members)).enumerate();
        let searched = searched.map(|(i, (member, limit))| SearchRow {
            index: i as u32,
            place: member.place,
            query: Query { row: member.place as usize, limit },
            offset: member.similarity - 1.0,
            best: best[member.place as usize],
        });
        let queries = Queries { codes: whole, rows: searched.collect() };
        let of_border = self.search(queries, &encoded.targets());
        found.compared += of_border.compared;
        found.extend(border, &of_border.matches);
        self.take(own, &of_own.matches, found);
    }

    /// Finds the wanted matches of each query among the targets that rank before it.
    fn search(&self, queries: Queries, targets: &Targets) -> SearchMatches {
        let Queries { codes, mut rows } = queries;
        for row in rows.iter_mut().filter(|row| row.best.similarity >= self.wanted.settled) {
            // Nothing can be more similar, but an earlier-ranking row that is as similar must be
            // found.
            let earlier = targets.members.partition_point(|target| target.rank < row.best.rank);
            row.query.limit = row.query.limit.min(earlier);
        }
        rows.retain(|row| row.query.limit > 0);
        let search = Search { codes, targets: targets.panels };
        let found = rows.par_chunks(SEARCHES_PER_TASK).map(|rows| {
            if (self.stop)() {
                return SearchMatches::default();
            }
            let queries: Vec<Query> = rows.iter().map(|row| row.query).collect();
            let mut earlier = EarlierSearch::new(self.part.rows, self.wanted, rows, targets.members);
            let compared = search.run(&queries, &mut earlier);
            SearchMatches { matches: earlier.found, compared }
        });
        found.reduce(SearchMatches::default, |mut all, some| {
            all.matches.extend(some.matches);
            SearchMatches { matches: all.matches, compared: all.compared + some.compared }
        })
    }

    /// Encodes rows relative to the centroid of a cluster.
    fn encode<'m>(&self, c: usize, members: &'m [Member]) -> RelativeRows<'m> {
        let rows = self.part.rows;
        let centroid = self.centroids.row(self.part.clusters.start as usize + c);
        let mut codes = Codes::zeros(members.len(), rows.dim());
        let chunks = codes.chunks_mut(ROWS_PER_TASK).zip(members.par_chunks(ROWS_PER_TASK));
        chunks.for_each(|(mut codes, members)| {
            let mut buffer = vec![0.0; rows.dim()];
            for (i, member) in members.iter().enumerate() {
                members.get(i + PREFETCHED).inspect(|later| rows.prefetch(later.place as usize));
                codes.set(i, rows.row(member.place as usize, &mut buffer), centroid, centroid);
            }
        });
        let panels = Panels::pack_by_distance(&codes);
        RelativeRows { members, codes, panels }
    }
}

/// The result of a search.
#[derive(Default)]
struct SearchMatches {
    matches: Vec<BestMatch>,
    compared: u64,
}

/// Returns whether a row can have a better match than it has: no row ranks before the first.
fn can_improve(member: &Member, best: &[RankedSimilarity]) -> bool {
    best[member.place as usize] != RankedSimilarity::BEST
}
