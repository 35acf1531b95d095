//! Encoded rows packed into panels, the shape in which the kernels compare them with queries.

use crate::similarity::codes::Codes;
use crate::similarity::error_bound::{DistanceBound, ErrorBound, SLACK};
use crate::similarity::kernels::types::{CodeSummary, LANES, LaneTerms, STEP};

/// Targets: encoded rows in panels of [`LANES`].
#[derive(Debug, Default, Clone)]
pub(crate) struct Panels {
    /// Words of four codes of one lane. Word `s` of lane `l` is at `s * LANES + l` of its panel.
    codes: Vec<u32>,
    scale: Vec<[f32; LANES]>,
    /// Negative infinity in lanes that hold no row.
    bias: Vec<[f32; LANES]>,
    /// The start values of the sums. They cancel the number that is added to the codes of the
    /// queries.
    start: Vec<[i32; LANES]>,
    rows: usize,
    width: usize,
    /// The largest size of a signed code of the queries.
    levels: u8,
    /// The greatest lengths over all rows.
    longest: Lengths,
    /// The greatest lengths of each panel. They keep a few rows far from the reference from
    /// loosening the bounds of the others.
    longest_of_panel: Vec<Lengths>,
    /// Whether estimates are computed by distance; see [`Panels::pack_by_distance`].
    by_distance: bool,
}

/// The lengths that a quantization error bound is computed from.
#[derive(Debug, Default, Clone, Copy)]
struct Lengths {
    /// The difference between a row and its reference.
    difference: f32,
    /// The quantization error.
    error: f32,
}

impl Lengths {
    fn max(self, other: Self) -> Self {
        Self { difference: self.difference.max(other.difference), error: self.error.max(other.error) }
    }
}

/// A row to pack, and the summand of its estimates.
pub(crate) struct PackedRow {
    /// Its place in the codes.
    pub(crate) row: usize,
    /// The number to add to the product of the codes.
    pub(crate) bias: f32,
}

/// One panel, as the kernels read it.
pub(crate) struct Panel<'a> {
    pub(crate) codes: &'a [u32],
    pub(crate) start: &'a [i32; LANES],
    pub(crate) terms: LaneTerms<'a>,
}

impl Panels {
    /// Packs the chosen rows, in the order given.
    pub(crate) fn pack(codes: &Codes, chosen: impl ExactSizeIterator<Item = usize>) -> Self {
        Self::pack_with(codes, chosen.map(|row| PackedRow { row, bias: codes.summary(row).bias }))
    }

    /// Packs all rows for queries with the same reference, such that an estimate is minus half the
    /// squared distance, plus half the squared length of the query's difference. So an estimate of
    /// a close row has almost no rounding error.
    pub(crate) fn pack_by_distance(codes: &Codes) -> Self {
        let rows = (0..codes.len()).map(|row| PackedRow { row, bias: -codes.half_square(row) });
        Self { by_distance: true, ..Self::pack_with(codes, rows) }
    }

    /// Packs the chosen rows with the given biases, in the order given.
    pub(crate) fn pack_with(codes: &Codes, chosen: impl ExactSizeIterator<Item = PackedRow>) -> Self {
        let (rows, steps) = (chosen.len(), codes.width() / STEP);
        let panels = rows.div_ceil(LANES);
        let mut packed = Self {
            codes: vec![0; panels * steps * LANES],
            scale: vec![[0.0; LANES]; panels],
            bias: vec![[f32::NEG_INFINITY; LANES]; panels],
            start: vec![[0; LANES]; panels],
            rows,
            width: codes.width(),
            levels: codes.levels(),
            longest: Lengths::default(),
            longest_of_panel: vec![Lengths::default(); panels],
            by_distance: false,
        };
        let mut chosen = chosen.enumerate();
        let mut lanes: [&[[u8; STEP]]; LANES] = [&[]; LANES];
        for panel in 0..panels {
            let used = LANES.min(rows - panel * LANES);
            for (i, PackedRow { row, bias }) in chosen.by_ref().take(used) {
                let lane = i % LANES;
                lanes[lane] = codes.row(row).as_chunks().0;
                let CodeSummary { scale, norm, error, sum, .. } = *codes.summary(row);
                packed.scale[panel][lane] = scale;
                packed.bias[panel][lane] = bias;
                packed.start[panel][lane] = -i32::from(codes.levels()) * sum;
                let longest = &mut packed.longest_of_panel[panel];
                *longest = longest.max(Lengths { difference: norm + error, error });
            }
            packed.longest = packed.longest.max(packed.longest_of_panel[panel]);
            let words = &mut packed.codes[panel * steps * LANES..][..steps * LANES];
            interleave(codes.levels(), &lanes[..used], words.as_chunks_mut().0);
        }
        packed
    }

    /// The number of rows.
    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    /// The number of panels.
    pub(crate) fn panels(&self) -> usize {
        self.bias.len()
    }

    /// The lanes of a panel that hold a row, one bit each.
    pub(crate) fn used(&self, panel: usize) -> u32 {
        let used = LANES.min(self.rows - panel * LANES);
        ((1u64 << used) - 1) as u32
    }

    /// Changes the panels for queries that are encoded relative to zero. Their estimates need no
    /// bias: the rest of the similarity is the same for all targets.
    pub(crate) fn for_whole_queries(mut self) -> Self {
        let used = self.bias.as_flattened_mut().iter_mut().take(self.rows);
        used.for_each(|bias| *bias = 0.0);
        self.by_distance = false;
        self
    }

    /// The panel with [`LANES`] of the rows, from `index * LANES` on.
    pub(crate) fn panel(&self, index: usize) -> Panel<'_> {
        let words = self.width / STEP * LANES;
        Panel {
            codes: &self.codes[index * words..][..words],
            start: &self.start[index],
            terms: LaneTerms { scale: &self.scale[index], bias: &self.bias[index] },
        }
    }

    /// Bounds the error of every estimate for a query.
    pub(crate) fn error_bound(&self, queries: &Codes, query: usize) -> ErrorBound {
        debug_assert_eq!(queries.width(), self.width, "codes of one dimension");
        debug_assert_eq!(queries.levels(), self.levels, "codes of as many levels");
        let query = queries.summary(query);
        let codes = SLACK * (query.error * self.longest.difference + query.norm * self.longest.error);
        let width = self.width as f32;
        // Includes the rounding of two estimates and two exact products, the rounding of what a
        // searcher adds to an estimate, and the distance to one of similarities that round to one.
        let any = codes + (width / 28.0 + 40.0) * f32::EPSILON;
        let by_distance = self.by_distance.then_some(DistanceBound {
            codes,
            sums: (width / 32.0 + 24.0) * f32::EPSILON,
            query_length: query.norm + query.error,
        });
        ErrorBound { any, by_distance }
    }

    /// Returns by how much the error bound of one panel is lower than the bound of all.
    pub(crate) fn slack(&self, queries: &Codes, query: usize, panel: usize) -> f32 {
        let (query, longest, own) = (queries.summary(query), self.longest, self.longest_of_panel[panel]);
        SLACK
            * (query.error * (longest.difference - own.difference) + query.norm * (longest.error - own.error))
    }
}

/// Interleaves the codes of some rows: word `s` of row `l` becomes word `l` of step `s`. It also
/// makes the codes signed.
fn interleave(levels: u8, rows: &[&[[u8; STEP]]], words: &mut [[u32; LANES]]) {
    for (step, words) in words.iter_mut().enumerate() {
        for (word, row) in words.iter_mut().zip(rows) {
            *word = signed(levels, u32::from_le_bytes(row[step]));
        }
    }
}

/// Subtracts `levels`, which is below 128, from each byte of a word.
fn signed(levels: u8, word: u32) -> u32 {
    const HIGH: u32 = 0x8080_8080;
    // With its high bit set, no byte borrows from the next.
    ((word | HIGH) - u32::from_le_bytes([levels; STEP])) ^ (!word & HIGH)
}
