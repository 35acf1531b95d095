//! Rows as 8-bit codes: an eighth of the bytes of two f32 rows to multiply, and a bound on what that loses.
//!
//! A row is encoded relative to a reference (the centroid of its cluster), so that the codes resolve the differences
//! between the rows of a cluster however close they lie.

use std::cell::RefCell;

use rayon::prelude::*;

use crate::embeddings::prefetch;
use crate::kernels::{BLOCK, Bar, Encoded, Isa, LANES, Lanes, Products, Reached, STEP};

/// Rows that a thread encodes in one go.
const TOGETHER: usize = 1024;

/// Candidates of a query that a searcher is told of before it decides.
const SOON: usize = 4;

/// Encoded rows.
#[derive(Debug, Default)]
pub(crate) struct Codes {
    codes: Vec<u8>,
    width: usize,
    rows: Vec<Encoded>,
}

impl Codes {
    /// No rows yet.
    pub(crate) fn new(dim: usize) -> Self {
        Self { codes: Vec::new(), width: dim.next_multiple_of(STEP), rows: Vec::new() }
    }

    /// Encodes rows relative to `reference`. `origin` is the reference of the queries that they will be compared with.
    pub(crate) fn encode<'a>(
        rows: impl Iterator<Item = &'a [f32]>,
        reference: &[f32],
        origin: &[f32],
    ) -> Self {
        let mut codes = Self::new(reference.len());
        rows.for_each(|row| codes.push(row, reference, origin));
        codes
    }

    /// The same for rows that can be had in any order, on all threads.
    pub(crate) fn encode_all<'a>(
        rows: usize,
        row: impl Fn(usize) -> &'a [f32] + Sync,
        reference: &[f32],
        origin: &[f32],
    ) -> Self {
        let mut codes = Self::zeros(rows, reference.len());
        codes.chunks_mut(TOGETHER).enumerate().for_each(|(chunk, mut codes)| {
            (0..codes.rows.len()).for_each(|i| codes.set(i, row(chunk * TOGETHER + i), reference, origin));
        });
        codes
    }

    /// So many rows, to be set.
    pub(crate) fn zeros(rows: usize, dim: usize) -> Self {
        let width = dim.next_multiple_of(STEP);
        Self { codes: vec![0; rows * width], width, rows: vec![Encoded::default(); rows] }
    }

    /// All rows in chunks, to be set on all threads.
    pub(crate) fn chunks_mut(&mut self, rows: usize) -> impl IndexedParallelIterator<Item = CodesMut<'_>> {
        let width = self.width;
        let codes = self.codes.par_chunks_mut(rows * width).zip(self.rows.par_chunks_mut(rows));
        codes.map(move |(codes, rows)| CodesMut { codes, width, rows })
    }

    /// Appends a row.
    pub(crate) fn push(&mut self, row: &[f32], reference: &[f32], origin: &[f32]) {
        let start = self.codes.len();
        self.codes.resize(start + self.width, 0);
        self.rows.push(Isa::detect().encode(row, reference, origin, &mut self.codes[start..]));
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    fn row(&self, i: usize) -> &[u8] {
        &self.codes[i * self.width..(i + 1) * self.width]
    }

    /// The dot product of the origin with a row's difference from its reference.
    pub(crate) fn bias(&self, i: usize) -> f32 {
        self.rows[i].bias
    }

    /// Asks for a row's code before it is needed.
    pub(crate) fn prefetch(&self, i: usize) {
        prefetch(self.row(i));
    }
}

/// Some of the rows of [`Codes`].
pub(crate) struct CodesMut<'a> {
    codes: &'a mut [u8],
    width: usize,
    rows: &'a mut [Encoded],
}

impl CodesMut<'_> {
    /// Encodes a row; see [`Codes::encode`].
    pub(crate) fn set(&mut self, i: usize, row: &[f32], reference: &[f32], origin: &[f32]) {
        let codes = &mut self.codes[i * self.width..(i + 1) * self.width];
        self.rows[i] = Isa::detect().encode(row, reference, origin, codes);
    }
}

/// Encoded rows in panels of [`LANES`], to be compared with.
#[derive(Debug, Default, Clone)]
pub(crate) struct Panels {
    /// Four codes of a lane are a word; word `s` of the panel's lane `l` lies at `s * LANES + l`.
    codes: Vec<u32>,
    scale: Vec<[f32; LANES]>,
    bias: Vec<[f32; LANES]>,
    /// What the sums start at, so that the 128 in the codes of the queries cancels out.
    start: Vec<[i32; LANES]>,
    rows: usize,
    width: usize,
    /// The greatest length of a row's difference from its reference, and of what the codes lose of it.
    norm: f32,
    error: f32,
}

impl Panels {
    /// Packs some of the rows, in the order given.
    pub(crate) fn pack(codes: &Codes, chosen: impl ExactSizeIterator<Item = usize>) -> Self {
        Self::pack_with(codes, chosen.map(|row| (row, codes.rows[row].bias)))
    }

    /// The same with what each row adds to an estimate beside the product of the codes.
    pub(crate) fn pack_with(codes: &Codes, chosen: impl ExactSizeIterator<Item = (usize, f32)>) -> Self {
        let (rows, steps) = (chosen.len(), codes.width / STEP);
        let panels = rows.div_ceil(LANES);
        let mut packed = Self {
            codes: vec![0; panels * steps * LANES],
            scale: vec![[0.0; LANES]; panels],
            bias: vec![[0.0; LANES]; panels],
            start: vec![[0; LANES]; panels],
            rows,
            width: codes.width,
            norm: 0.0,
            error: 0.0,
        };
        let mut chosen = chosen.enumerate();
        let mut together: [&[[u8; STEP]]; LANES] = [&[]; LANES];
        for panel in 0..panels {
            let used = LANES.min(rows - panel * LANES);
            for (i, (row, bias)) in chosen.by_ref().take(used) {
                let lane = i % LANES;
                together[lane] = codes.row(row).as_chunks().0;
                let Encoded { scale, norm, error, sum, .. } = codes.rows[row];
                packed.scale[panel][lane] = scale;
                packed.bias[panel][lane] = bias;
                packed.start[panel][lane] = -128 * sum;
                packed.norm = packed.norm.max(norm + error);
                packed.error = packed.error.max(error);
            }
            let words = &mut packed.codes[panel * steps * LANES..][..steps * LANES];
            transpose(&together[..used], words.as_chunks_mut().0);
        }
        packed
    }

    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    /// The same rows for queries that are encoded relative to zero: what is left to add is the same for all of them.
    pub(crate) fn for_whole_queries(mut self) -> Self {
        self.bias.fill([0.0; LANES]);
        self
    }

    /// The most that an estimate can be off for a query, with the rounding of the estimate and of the exact product.
    fn tolerance(&self, query: &Encoded) -> f32 {
        // Of two estimates and two exact products, what a searcher adds to an estimate, and similarities that are equal to
        // one up to rounding.
        let rounding = (self.width as f32 / 32.0 + 40.0) * f32::EPSILON;
        1.001 * (query.error * self.norm + query.norm * self.error) + rounding
    }
}

/// Word `s` of row `l` becomes word `l` of `s`. Codes of targets are signed.
fn transpose(rows: &[&[[u8; STEP]]], words: &mut [[u32; LANES]]) {
    for (step, words) in words.iter_mut().enumerate() {
        for (word, row) in words.iter_mut().zip(rows) {
            *word = u32::from_le_bytes(row[step]) ^ 0x8080_8080;
        }
    }
}

/// The targets that may be a query's most similar, and the next by their estimates.
#[derive(Debug)]
struct Candidates {
    wanted: usize,
    gap: f32,
    /// Twice the tolerance: estimates that differ by more are in the right order.
    window: f32,
    /// Estimates below are not looked at.
    threshold: f32,
    /// The highest estimate, and the next.
    best: f32,
    second: f32,
    /// Where more than two are wanted: so many candidates are ranked to find the lowest that is wanted, and where that is
    /// done.
    rank_at: usize,
    highest: Vec<f32>,
    /// (estimate, target)
    found: Vec<(f32, u32)>,
    prune_at: usize,
}

impl Candidates {
    const NONE: Self = Self {
        wanted: 1,
        gap: 0.0,
        window: 0.0,
        threshold: f32::NEG_INFINITY,
        best: f32::NEG_INFINITY,
        second: f32::NEG_INFINITY,
        rank_at: 0,
        highest: Vec::new(),
        found: Vec::new(),
        prune_at: 0,
    };

    fn begin(&mut self, (wanted, gap): (usize, f32), window: f32, threshold: f32) {
        self.found.clear();
        self.rank_at = wanted;
        (self.wanted, self.gap, self.window, self.threshold) = (wanted, gap, window, threshold);
        (self.best, self.second) = (f32::NEG_INFINITY, f32::NEG_INFINITY);
        self.prune_at = 32 + 2 * wanted;
    }

    fn offer(&mut self, lanes: u32, estimates: &[f32; LANES], first: usize) {
        for l in set(lanes) {
            self.second = self.second.max(self.best.min(estimates[l]));
            self.best = self.best.max(estimates[l]);
        }
        if self.wanted <= 2 {
            self.raise(if self.wanted == 1 { self.best } else { self.second });
        }
        let threshold = self.threshold;
        let reached = set(lanes).filter(|&l| estimates[l] >= threshold);
        self.found.extend(reached.map(|l| (estimates[l], (first + l) as u32)));
        if self.wanted > 2 && self.found.len() >= self.rank_at {
            self.highest.clear();
            self.highest.extend(self.found.iter().map(|&(estimate, _)| estimate));
            let (_, &mut last, _) =
                self.highest.select_nth_unstable_by(self.wanted - 1, |a, b| b.total_cmp(a));
            self.raise(last);
            self.prune();
            self.rank_at = self.found.len() + self.wanted;
        }
    }

    /// Raises the threshold to what is of use beside the lowest estimate that is wanted.
    fn raise(&mut self, last: f32) {
        self.threshold = self.threshold.max(last.min(self.best - self.window - self.gap));
    }

    /// Keeps the candidates few. Of a crowd of rows that are equal as far as can be told, all are candidates; there the
    /// first that is `settled` ends the search.
    fn thin(&mut self, most: usize, mut settled: impl FnMut(u32) -> bool) {
        self.prune();
        if self.found.len() / 2 > most {
            let mut estimates: Vec<f32> = self.found.iter().map(|&(estimate, _)| estimate).collect();
            let (_, &mut least, _) = estimates.select_nth_unstable_by(most, |a, b| b.total_cmp(a));
            self.threshold = self.threshold.max(least.next_up());
            self.prune();
        }
        self.prune_at = 2 * self.found.len() + 32;
        if let Some(&first) = self.found.iter().find(|&&(_, target)| settled(target)) {
            self.found.clear();
            self.found.push(first);
            self.threshold = f32::INFINITY;
        }
    }

    fn prune(&mut self) {
        if self.threshold < f32::INFINITY {
            self.found.retain(|&(estimate, _)| estimate >= self.threshold);
        }
    }
}

/// The bits that are set, lowest first.
fn set(mut bits: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = (bits != 0).then(|| bits.trailing_zeros() as usize);
        bits &= bits.wrapping_sub(1);
        lowest
    })
}

/// A row to find the most similar targets of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Query {
    /// Its place in the codes.
    pub(crate) row: usize,
    /// It is compared with the first so many targets.
    pub(crate) limit: usize,
}

/// How to search.
pub(crate) struct Search<'a> {
    /// The rows that are searched for.
    pub(crate) codes: &'a Codes,
    /// The rows that are searched.
    pub(crate) targets: &'a Panels,
    /// The candidates are the targets that may be the most similar one, so many by their estimates, and those that may be
    /// less similar than the most similar one by `gap` or less.
    pub(crate) wanted: usize,
    pub(crate) gap: f32,
    /// Of more candidates than about this, those with the highest estimates.
    pub(crate) most: usize,
}

thread_local! {
    /// Kept between searches, because filling new memory took longer than searching.
    static CANDIDATES: RefCell<Vec<Candidates>> = const { RefCell::new(Vec::new()) };
}

/// What a search found for one query.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Likely<'a> {
    /// (estimate, target), in no order.
    pub(crate) candidates: &'a [(f32, u32)],
    /// Estimates that differ by more than this are in the right order.
    pub(crate) window: f32,
}

/// What a search asks and tells; the first argument is always the place of the query.
pub(crate) trait Searcher {
    /// Targets with lower estimates are left out; given the window.
    fn least(&self, _query: usize, _window: f32) -> f32 {
        f32::NEG_INFINITY
    }

    /// Whether a target is so similar that none is more similar as far as can be told.
    fn settled(&mut self, _query: usize, _target: u32) -> bool {
        false
    }

    /// These will be the candidates of a query, soon.
    fn likely(&self, _query: usize, _candidates: &[(f32, u32)]) {}

    /// The candidates of a query.
    fn found(&mut self, query: usize, likely: Likely);
}

impl Search<'_> {
    /// Searches for every query, and counts the comparisons.
    pub(crate) fn run(&self, queries: &[Query], searcher: &mut impl Searcher) -> u64 {
        let mut pool = CANDIDATES.take();
        pool.resize_with(pool.len().max(BLOCK), || Candidates::NONE);
        let mut compared = 0;
        for (chunk, queries) in queries.chunks(BLOCK).enumerate() {
            let first = chunk * BLOCK;
            for (i, (found, query)) in pool.iter_mut().zip(queries).enumerate() {
                let window = 2.0 * self.targets.tolerance(&self.codes.rows[query.row]);
                found.begin((self.wanted, self.gap), window, searcher.least(first + i, window));
            }
            let end = self.compare(queries, &mut pool, &mut |i, target| searcher.settled(first + i, target));
            for (i, (found, _)) in pool.iter_mut().zip(queries).enumerate() {
                found.prune();
                searcher.likely(first + i, &found.found[..found.found.len().min(SOON)]);
            }
            for (i, (found, query)) in pool.iter_mut().zip(queries).enumerate() {
                searcher.found(first + i, Likely { candidates: &found.found, window: found.window });
                compared += query.limit.min(end) as u64;
            }
        }
        CANDIDATES.set(pool);
        compared
    }

    /// Compares at most [`BLOCK`] queries with the targets, and tells how many of these it took.
    fn compare(
        &self,
        queries: &[Query],
        found: &mut [Candidates],
        settled: &mut dyn FnMut(usize, u32) -> bool,
    ) -> usize {
        let Self { codes, targets, .. } = *self;
        debug_assert_eq!(codes.width, targets.width);
        let isa = Isa::detect();
        let words = targets.width / STEP * LANES;
        let mut rows: [&[u8]; BLOCK] = [&[]; BLOCK];
        let mut bars = [Bar { scale: 0.0, threshold: 0.0, window: 0.0, lanes: 0 }; BLOCK];
        for (i, query) in queries.iter().enumerate() {
            rows[i] = codes.row(query.row);
            // Only where one target is wanted does a better one make others useless at once.
            let window = if self.wanted == 1 { found[i].window } else { f32::INFINITY };
            let scale = codes.rows[query.row].scale;
            bars[i] = Bar { scale, threshold: found[i].threshold, window, lanes: 0 };
        }
        let (rows, bars) = (&rows[..queries.len()], &mut bars[..queries.len()]);
        let mut products: Products = [[0; LANES]; BLOCK];
        let mut out = Reached::NONE;
        let mut open = queries.len();
        let limits = || queries.iter().map(|query| query.limit);
        let end = limits().max().unwrap_or(0).min(targets.rows);
        let least = limits().min().unwrap_or(0);
        for panel in 0..end.div_ceil(LANES) {
            isa.products(
                rows,
                &targets.codes[panel * words..][..words],
                &targets.start[panel],
                &mut products,
            );
            // Up to the least limit every query is compared with all lanes.
            if panel == 0 || (panel + 1) * LANES > least {
                for (bar, query) in bars.iter_mut().zip(queries) {
                    let used = query.limit.min(end).saturating_sub(panel * LANES).min(LANES);
                    bar.lanes = ((1u64 << used) - 1) as u32;
                }
            }
            let lanes = Lanes { scale: &targets.scale[panel], bias: &targets.bias[panel] };
            isa.estimate(&products, bars, lanes, &mut out);
            for i in 0..queries.len() {
                if out.lanes[i] != 0 {
                    found[i].offer(out.lanes[i], &out.estimates[i], panel * LANES);
                    if found[i].found.len() >= found[i].prune_at {
                        found[i].thin(self.most, |target| settled(i, target));
                        open -= usize::from(found[i].threshold == f32::INFINITY);
                    }
                    bars[i].threshold = found[i].threshold;
                }
            }
            if open == 0 {
                return (panel + 1) * LANES;
            }
        }
        end
    }
}

/// The most similar of exact similarities, the first target on a tie.
pub(crate) fn most_similar<T: Ord + Copy>(exact: impl Iterator<Item = (f32, T)>) -> Option<(f32, T)> {
    exact.reduce(|a, b| if b.0 > a.0 || (b.0 == a.0 && b.1 < a.1) { b } else { a })
}

#[cfg(test)]
#[path = "codes_tests.rs"]
mod tests;
