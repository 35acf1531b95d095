//! The rows of a cluster among themselves, and with the rows that probe it.

use rayon::prelude::*;

use crate::scoring::earlier_rows::{Asked, Hit, Hits};
use crate::scoring::members::Lists;
use crate::scoring::part::{Member, Part};
use crate::similarity::codes::Codes;
use crate::similarity::embeddings::UnitEmbeddings;
use crate::similarity::kernels::types::BLOCK;
use crate::similarity::panels::Panels;
use crate::similarity::search::{Query, Search};

/// In place of a rank: there is none.
pub(crate) const NO_RANK: u32 = u32::MAX;

/// A row that is so similar to a centroid that it probes is encoded relative to it too; one code for all its probes would
/// not tell it from the other rows there.
const NEAR: f32 = 0.99;

/// Rows that a thread searches for in one go.
const ASKED_TOGETHER: usize = 4 * BLOCK;

/// Visitors that are encoded or packed at a time, so that they stay in the second-level cache.
const PACKED_TOGETHER: usize = 2048;

/// Rows that a thread encodes in one go.
const TOGETHER: usize = 256;

/// How far ahead rows that lie here and there are asked for.
const PREFETCHED: usize = 8;

/// Of the rows that the row at a place is compared with, the one of rank `of` is the most similar.
pub(crate) struct Match {
    pub(crate) place: u32,
    pub(crate) of: u32,
    pub(crate) similarity: f32,
}

#[derive(Default)]
pub(crate) struct Found {
    pub(crate) matches: Vec<Match>,
    pub(crate) compared: u64,
}

impl Found {
    fn take(&mut self, members: &[Member], hits: &[Hit]) {
        self.matches.extend(hits.iter().map(|hit| Match {
            place: members[hit.asked as usize].place,
            of: hit.of,
            similarity: hit.similarity,
        }));
    }
}

/// For each place the highest similarity so far and the rank of the row that reaches it.
pub(crate) type Best = Vec<(f32, u32)>;

/// The comparison of the rows of a part, cluster by cluster.
pub(crate) struct Comparison<'a> {
    pub(crate) part: &'a Part<'a>,
    pub(crate) centroids: &'a UnitEmbeddings,
    pub(crate) lists: &'a Lists,
    /// See [`crate::encodings::Encodings`].
    pub(crate) whole: &'a Codes,
    /// See [`Hits`].
    pub(crate) settled: f32,
}

impl Comparison<'_> {
    /// Compares the rows of a cluster among themselves.
    pub(crate) fn alone(&self, c: usize) -> Found {
        let own = self.relative(c, self.lists.own(c));
        let asked = own.members.iter().enumerate().map(|(i, member)| Asked {
            place: member.place,
            query: Query { row: i, limit: i },
            apart: -own.codes.half_square(i),
            best: (f32::NEG_INFINITY, NO_RANK),
        });
        let (hits, compared) = self.search((&own.codes, asked.collect()), (&own.panels, own.members));
        let mut found = Found { matches: Vec::with_capacity(hits.len()), compared };
        found.take(own.members, &hits);
        found
    }

    /// Compares the rows of a cluster with those that probe it. Of what is found only what is better than the best so far
    /// matters.
    pub(crate) fn with_visitors(&self, c: usize, best: &Best) -> Found {
        let (near, far): (Vec<Member>, Vec<Member>) =
            self.lists.visitors(c).iter().partition(|member| member.similarity >= NEAR);
        let codes = self.relative(c, self.lists.own(c));
        let before: Vec<(f32, u32)> =
            codes.members.iter().map(|member| best[member.place as usize]).collect();
        let mut own = Own { codes, best: before.clone() };
        let mut found = Found::default();
        for members in near.chunks(PACKED_TOGETHER) {
            self.meet_near(&mut own, &self.relative(c, members), best, &mut found);
        }
        own.codes.panels = own.codes.panels.for_whole_queries();
        for members in far.chunks(PACKED_TOGETHER) {
            self.meet_far(&mut own, members, best, &mut found);
        }
        for ((member, before), now) in own.codes.members.iter().zip(before).zip(own.best) {
            if before != now {
                found.matches.push(Match { place: member.place, of: now.1, similarity: now.0 });
            }
        }
        found
    }

    /// Own rows of a cluster with the visitors that rank before them, and the other way round, where all are encoded
    /// relative to the centroid.
    fn meet_near(&self, own: &mut Own, visitors: &Relative, best: &Best, found: &mut Found) {
        let asked = |rows: &Relative, others: &[Member], best: &dyn Fn(usize) -> (f32, u32)| {
            let asked = rows.members.iter().zip(earlier(rows.members, others)).enumerate();
            let asked = asked.map(|(i, (member, limit))| Asked {
                place: member.place,
                query: Query { row: i, limit },
                apart: -rows.codes.half_square(i),
                best: best(i),
            });
            asked.collect::<Vec<Asked>>()
        };
        let (codes, members) = (&own.codes, visitors.members);
        let of_own = asked(codes, members, &|i| own.best[i]);
        let (hits, compared) = self.search((&codes.codes, of_own), (&visitors.panels, members));
        found.compared += compared;
        let of_visitors = asked(visitors, codes.members, &|i| best[members[i].place as usize]);
        let (back, compared) = self.search((&visitors.codes, of_visitors), (&codes.panels, codes.members));
        found.compared += compared;
        found.take(members, &back);
        own.take(&hits);
    }

    /// The same where the visitors are encoded relative to zero.
    fn meet_far(&self, own: &mut Own, visitors: &[Member], best: &Best, found: &mut Found) {
        let whole = self.whole;
        let packed = visitors.iter().enumerate().map(|(i, member)| {
            visitors.get(i + PREFETCHED).inspect(|later| whole.prefetch(later.place as usize));
            (member.place as usize, member.similarity)
        });
        let panels = Panels::pack_with(whole, packed);
        let codes = &own.codes;
        let asked = codes.members.iter().zip(earlier(codes.members, visitors)).enumerate();
        let asked = asked.map(|(i, (member, limit))| Asked {
            place: member.place,
            query: Query { row: i, limit },
            apart: -1.0,
            best: own.best[i],
        });
        let (hits, compared) = self.search((&codes.codes, asked.collect()), (&panels, visitors));
        found.compared += compared;
        let asked = visitors.iter().zip(earlier(visitors, codes.members)).map(|(member, limit)| Asked {
            place: member.place,
            query: Query { row: member.place as usize, limit },
            apart: member.similarity - 1.0,
            best: best[member.place as usize],
        });
        let (back, compared) = self.search((whole, asked.collect()), (&codes.panels, codes.members));
        found.compared += compared;
        found.take(visitors, &back);
        own.take(&hits);
    }

    /// For each row that is asked for the most similar of the targets that rank before it, and the comparisons it took.
    fn search(
        &self,
        (codes, mut asked): (&Codes, Vec<Asked>),
        (panels, targets): (&Panels, &[Member]),
    ) -> (Vec<Hit>, u64) {
        for asked in asked.iter_mut().filter(|asked| asked.best.0 >= self.settled) {
            // Nothing is more similar, but what ranks before is to be named.
            let earlier = targets.partition_point(|target| target.rank < asked.best.1);
            asked.query.limit = asked.query.limit.min(earlier);
        }
        let search = Search { codes, targets: panels, wanted: 1, gap: 0.0, most: usize::MAX };
        let found = asked.par_chunks(ASKED_TOGETHER).enumerate().map(|(chunk, asked)| {
            let queries: Vec<Query> = asked.iter().map(|asked| asked.query).collect();
            let mut hits =
                Hits::new((self.part.rows, self.settled), (asked, chunk * ASKED_TOGETHER), targets);
            let compared = search.run(&queries, &mut hits);
            (hits.found, compared)
        });
        found.reduce(Default::default, |(mut all, compared), (some, more)| {
            all.extend(some);
            (all, compared + more)
        })
    }

    /// Encodes rows relative to the centroid of a cluster.
    fn relative<'m>(&self, c: usize, members: &'m [Member]) -> Relative<'m> {
        let rows = self.part.rows;
        let centroid = self.centroids.row(self.part.clusters.start as usize + c);
        let mut codes = Codes::zeros(members.len(), rows.dim());
        codes.chunks_mut(TOGETHER).zip(members.par_chunks(TOGETHER)).for_each(|(mut codes, members)| {
            let mut buffer = vec![0.0; rows.dim()];
            for (i, member) in members.iter().enumerate() {
                members.get(i + PREFETCHED).inspect(|later| rows.prefetch(later.place as usize));
                codes.set(i, rows.row(member.place as usize, &mut buffer), centroid, centroid);
            }
        });
        let panels = Panels::pack_by_distance(&codes);
        Relative { members, codes, panels }
    }
}

/// Rows encoded relative to the centroid of a cluster.
struct Relative<'a> {
    members: &'a [Member],
    codes: Codes,
    panels: Panels,
}

/// The rows of a cluster and the best of each so far.
struct Own<'a> {
    codes: Relative<'a>,
    best: Vec<(f32, u32)>,
}

impl Own<'_> {
    fn take(&mut self, hits: &[Hit]) {
        for hit in hits {
            let best = &mut self.best[hit.asked as usize];
            if is_better((hit.similarity, hit.of), *best) {
                *best = (hit.similarity, hit.of);
            }
        }
    }
}

/// Whether a row of this similarity and rank is a better match: more similar, or as similar and ranking before.
pub(crate) fn is_better(a: (f32, u32), b: (f32, u32)) -> bool {
    a.0 > b.0 || (a.0 == b.0 && a.1 < b.1)
}

/// How many of `others` rank before each of some rows; both are in rank order.
fn earlier<'a>(rows: &'a [Member], others: &'a [Member]) -> impl Iterator<Item = usize> + use<'a> {
    let mut passed = 0;
    rows.iter().map(move |row| {
        while others.get(passed).is_some_and(|other| other.rank < row.rank) {
            passed += 1;
        }
        passed
    })
}
