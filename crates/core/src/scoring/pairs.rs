//! Every row's most similar earlier-ranking rows above a floor.

use crate::ranking::RankedRows;
use crate::scoring::compare::{Comparison, RowMatch};
use crate::scoring::earlier_rows::{RankedSimilarity, WantedMatches};
use crate::scoring::encode::PartEncodings;
use crate::scoring::exact_copies::CopyKind;
use crate::scoring::members::ClusterMembers;
use crate::scoring::part::{Part, PartMatches};
use crate::scoring::passes::{Matches, compare_all};
use crate::scoring::rank_order::RankOrder;
use crate::similarity::embeddings::{Direction, UnitEmbeddings};
use crate::similarity::thresholds::SATURATED;
use crate::stop::Stop;

/// The search for pairs of similar rows, in the clusters in which the rows are scored.
///
/// Rows with the same vector should be left out but for the first-ranking one: a crowd of copies has
/// as many pairs as the square of its size, and all of them follow from those of one row.
pub struct Pairing<'a> {
    /// The rank order of the rows.
    pub order: RankedRows<'a>,
    /// The centroids of the clusters.
    pub centroids: &'a UnitEmbeddings,
    /// The rows to find similar rows of, by row number. A row whose score is not above the floor has
    /// none.
    pub is_searched: RowFilter<'a>,
    /// The rows that can be found.
    pub found: Found<'a>,
    /// The cosine similarity that a pair must be above.
    pub floor: f32,
    /// The most pairs of a row with earlier-ranking ones, at least 1: the most similar, on a tie
    /// those with the earliest-ranking rows.
    pub most: usize,
}

/// Returns whether a row, by its number, is one of some rows.
pub type RowFilter<'a> = &'a (dyn Fn(u64) -> bool + Sync);

/// The rows that a search for pairs can find.
#[derive(Clone, Copy)]
pub enum Found<'a> {
    /// All rows that rank before the searched one.
    Earlier,
    /// These rows, wherever they rank. None of them may be searched.
    Only(RowFilter<'a>),
}

/// The bytes that the pairs of a part take for each row, besides
/// [`part_row_bytes`](crate::part_row_bytes).
pub fn pairs_row_bytes(most: usize) -> u64 {
    // The list can have twice as many pairs before it is shortened.
    (2 * (most + 1) * size_of::<PlacedPair>()) as u64
}

impl Pairing<'_> {
    /// Finds the pairs of the rows in the clusters of a part, or `None` soon after `stop` has returned
    /// true. A row's pairs lie together, the most similar first. `done` is called after each batch of
    /// clusters with the number of own rows completed.
    ///
    /// The most similar pairs of a row in the whole data are among those of the parts; the same pair
    /// may be in several.
    pub fn compare_until(
        &self,
        part: &Part,
        done: &mut dyn FnMut(usize),
        stop: &Stop,
    ) -> Option<PartMatches> {
        let RankOrder { places, rank } = match self.found {
            Found::Earlier => RankOrder::new(part, |row| self.order.key(row)),
            Found::Only(can_be) => RankOrder::only_before_others(part, can_be, |row| self.order.key(row)),
        };
        let PartEncodings { whole, to_probes, .. } = PartEncodings::new(part, self.centroids);
        let is_directed = |place: usize| part.rows.direction(place) == Direction::Unit;
        let kind = |place: usize| if is_directed(place) { CopyKind::Original } else { CopyKind::Undirected };
        let kinds: Vec<CopyKind> = (0..part.numbers.len()).map(kind).collect();
        let members = ClusterMembers::new(part, &rank, &kinds, &to_probes);
        drop((to_probes, kinds));
        let wanted = WantedMatches { settled: SATURATED, most: self.most };
        let (centroids, whole) = (self.centroids, &whole);
        let comparison = Comparison { part, centroids, members: &members, whole, wanted, stop };
        let mut pairs = PartPairs::new(self, part);
        let compared = compare_all(&comparison, &mut pairs, done);
        (!stop()).then(|| pairs.finish(part, &places, compared))
    }
}

/// A pair of the row at a place with the row of a rank.
#[derive(Debug, Clone, Copy)]
struct PlacedPair {
    place: u32,
    earlier: RankedSimilarity,
}

/// The pairs of a part so far.
struct PartPairs {
    /// What a pair of each row must be better than.
    floors: Vec<RankedSimilarity>,
    floor: f32,
    most: usize,
    pairs: Vec<PlacedPair>,
    /// The number of pairs at which they are shortened.
    shorten_at: usize,
}

impl PartPairs {
    fn new(pairing: &Pairing, part: &Part) -> Self {
        let &Pairing { floor, most, is_searched, .. } = pairing;
        let wanted = RankedSimilarity { similarity: floor, ..RankedSimilarity::NONE };
        let floors =
            part.numbers.iter().map(|&row| if is_searched(row) { wanted } else { RankedSimilarity::BEST });
        let (floors, shorten_at) = (floors.collect(), part.numbers.len().max(1 << 16));
        Self { floors, floor, most, pairs: Vec::new(), shorten_at }
    }

    /// Sorts the pairs by row, the most similar first, and leaves out those beyond the most and those
    /// that were found in several clusters.
    fn shorten(&mut self) {
        self.pairs.sort_unstable_by(|a, b| {
            let by_similarity = b.earlier.similarity.total_cmp(&a.earlier.similarity);
            a.place.cmp(&b.place).then(by_similarity).then_with(|| a.earlier.rank.cmp(&b.earlier.rank))
        });
        self.pairs.dedup_by_key(|pair| (pair.place, pair.earlier.rank));
        let (mut place, mut count) = (u32::MAX, 0);
        self.pairs.retain(|pair| {
            count = if pair.place == place { count + 1 } else { 1 };
            place = pair.place;
            count <= self.most
        });
        self.shorten_at = self.shorten_at.max(2 * self.pairs.len());
    }

    fn finish(mut self, part: &Part, places: &[u32], compared: u64) -> PartMatches {
        self.shorten();
        let number = |place: u32| part.numbers[place as usize];
        PartMatches {
            rows: self.pairs.iter().map(|pair| number(pair.place)).collect(),
            similarity: self.pairs.iter().map(|pair| pair.earlier.similarity.min(1.0)).collect(),
            duplicate_of: self.pairs.iter().map(|pair| number(places[pair.earlier.rank as usize])).collect(),
            compared,
        }
    }
}

impl Matches for PartPairs {
    fn known(&self) -> &[RankedSimilarity] {
        &self.floors
    }

    fn take(&mut self, found: &RowMatch) {
        if found.best.similarity > self.floor {
            self.pairs.push(PlacedPair { place: found.place, earlier: found.best });
            if self.pairs.len() >= self.shorten_at {
                self.shorten();
            }
        }
    }
}
