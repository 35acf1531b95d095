//! The comparison of one cluster: its own rows with each other, and with the border rows that probe
//! it.

use rayon::prelude::*;

use crate::scoring::earlier_rows::{BestMatch, EarlierSearch, RankedSimilarity, SearchRow};
use crate::scoring::members::ClusterMembers;
use crate::scoring::part::{Member, Part};
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

/// The best match of the row at a place.
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
    /// The similarity from which on no row counts as more similar, see [`EarlierSearch`].
    pub(super) settled: f32,
    pub(super) stop: &'a Stop<'a>,
}

impl Comparison<'_> {
    /// Compares the own rows of a cluster with each other.
    pub(super) fn own_rows(&self, c: usize) -> ClusterMatches {
        let own = self.encode(c, self.members.own(c));
        let searched = own.members.iter().enumerate().map(|(i, member)| SearchRow {
            place: member.place,
            query: Query { row: i, limit: i },
            offset: -own.codes.half_square(i),
            best: RankedSimilarity::NONE,
        });
        let queries = Queries { codes: &own.codes, rows: searched.collect() };
        let SearchMatches { matches, compared } = self.search(queries, &own.targets());
        let mut found = ClusterMatches { matches: Vec::with_capacity(matches.len()), compared };
        found.extend(own.members, &matches);
        found
    }

    /// Compares the own rows of a cluster with the border rows that probe it. `best` has the best
    /// match of each row so far, by place; only better matches are returned.
    pub(super) fn border_rows(&self, c: usize, best: &[RankedSimilarity]) -> ClusterMatches {
        let (near, far): (Vec<Member>, Vec<Member>) = self
            .members
            .border(c)
            .iter()
            .partition(|member| member.similarity >= RELATIVE_ENCODING_MIN_COSINE);
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
        own.take(&of_own.matches);
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
            place: member.place,
            query: Query { row: i, limit },
            offset: -1.0,
            best: own.best[i],
        });
        let queries = Queries { codes: &encoded.codes, rows: searched.collect() };
        let of_own = self.search(queries, &Targets { panels: &panels, members: border });
        found.compared += of_own.compared;
        let searched = border.iter().zip(earlier(border, encoded.members));
        let searched = searched.map(|(member, limit)| SearchRow {
            place: member.place,
            query: Query { row: member.place as usize, limit },
            offset: member.similarity - 1.0,
            best: best[member.place as usize],
        });
        let queries = Queries { codes: whole, rows: searched.collect() };
        let of_border = self.search(queries, &encoded.targets());
        found.compared += of_border.compared;
        found.extend(border, &of_border.matches);
        own.take(&of_own.matches);
    }

    /// Finds the best match of each query among the targets that rank before it.
    fn search(&self, queries: Queries, targets: &Targets) -> SearchMatches {
        let Queries { codes, mut rows } = queries;
        for row in rows.iter_mut().filter(|row| row.best.similarity >= self.settled) {
            // Nothing can be more similar, but an earlier-ranking row that is as similar must be
            // found.
            let earlier = targets.members.partition_point(|target| target.rank < row.best.rank);
            row.query.limit = row.query.limit.min(earlier);
        }
        let search = Search { codes, targets: targets.panels };
        let found = rows.par_chunks(SEARCHES_PER_TASK).enumerate().map(|(chunk, rows)| {
            if (self.stop)() {
                return SearchMatches::default();
            }
            let queries: Vec<Query> = rows.iter().map(|row| row.query).collect();
            let mut earlier = EarlierSearch::new(self.part.rows, self.settled, rows, targets.members);
            let compared = search.run(&queries, &mut earlier);
            let mut matches = earlier.found;
            matches.iter_mut().for_each(|found| found.searched += (chunk * SEARCHES_PER_TASK) as u32);
            SearchMatches { matches, compared }
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

/// The rows to search for.
struct Queries<'a> {
    codes: &'a Codes,
    rows: Vec<SearchRow>,
}

/// The rows to search, in rank order.
struct Targets<'a> {
    panels: &'a Panels,
    members: &'a [Member],
}

/// The result of a search.
#[derive(Default)]
struct SearchMatches {
    matches: Vec<BestMatch>,
    compared: u64,
}

/// Rows encoded relative to the centroid of a cluster, in rank order.
struct RelativeRows<'a> {
    members: &'a [Member],
    codes: Codes,
    panels: Panels,
}

impl RelativeRows<'_> {
    fn targets(&self) -> Targets<'_> {
        Targets { panels: &self.panels, members: self.members }
    }

    /// Returns these rows as queries for the others that rank before them. `best(i)` is the best
    /// match of row `i` so far.
    fn queries(&self, others: &[Member], best: &dyn Fn(usize) -> RankedSimilarity) -> Queries<'_> {
        let rows = self.members.iter().zip(earlier(self.members, others)).enumerate();
        let rows = rows.map(|(i, (member, limit))| SearchRow {
            place: member.place,
            query: Query { row: i, limit },
            offset: -self.codes.half_square(i),
            best: best(i),
        });
        Queries { codes: &self.codes, rows: rows.collect() }
    }
}

/// The own rows of a cluster and the best match of each so far.
struct OwnRows<'a> {
    encoded: RelativeRows<'a>,
    best: Vec<RankedSimilarity>,
}

impl OwnRows<'_> {
    fn take(&mut self, matches: &[BestMatch]) {
        for found in matches {
            let best = &mut self.best[found.searched as usize];
            if found.best.is_better_than(*best) {
                *best = found.best;
            }
        }
    }
}

/// Returns, for each row, how many of `others` rank before it. Both are in rank order.
fn earlier<'a>(rows: &'a [Member], others: &'a [Member]) -> impl Iterator<Item = usize> + use<'a> {
    let mut passed = 0;
    rows.iter().map(move |row| {
        while others.get(passed).is_some_and(|other| other.rank < row.rank) {
            passed += 1;
        }
        passed
    })
}
