//! Encoded rows in panels.

use crate::similarity::codes::Codes;
use crate::similarity::error_bound::{SLACK, Tolerance};
use crate::similarity::kernels::types::{Encoded, LANES, Lanes, STEP};

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
    /// The same of each panel: a few rows far from the reference do not make the others vague.
    bounds: Vec<(f32, f32)>,
    /// Whether estimates go by distance; see [`Panels::pack_by_distance`].
    by_distance: bool,
}

impl Panels {
    /// Packs some of the rows, in the order given.
    pub(crate) fn pack(codes: &Codes, chosen: impl ExactSizeIterator<Item = usize>) -> Self {
        Self::pack_with(codes, chosen.map(|row| (row, codes.rows[row].bias)))
    }

    /// The same for queries with the same reference, so that an estimate is the similarity, less one, and half the squared
    /// length of the query's difference: minus half their squared distance. Of close rows it has next to no rounding.
    pub(crate) fn pack_by_distance(codes: &Codes) -> Self {
        let rows = (0..codes.len()).map(|row| (row, -codes.rows[row].half_square));
        Self { by_distance: true, ..Self::pack_with(codes, rows) }
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
            bounds: vec![(0.0, 0.0); panels],
            by_distance: false,
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
                let bounds = &mut packed.bounds[panel];
                *bounds = (bounds.0.max(norm + error), bounds.1.max(error));
            }
            packed.norm = packed.norm.max(packed.bounds[panel].0);
            packed.error = packed.error.max(packed.bounds[panel].1);
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
        self.by_distance = false;
        self
    }

    /// [`LANES`] of the rows: their codes, what the sums start at, and what each adds to an estimate.
    pub(crate) fn panel(&self, panel: usize) -> (&[u32], &[i32; LANES], Lanes<'_>) {
        let words = self.width / STEP * LANES;
        let lanes = Lanes { scale: &self.scale[panel], bias: &self.bias[panel] };
        (&self.codes[panel * words..][..words], &self.start[panel], lanes)
    }

    /// The most that an estimate can be off for a query.
    pub(crate) fn tolerance(&self, queries: &Codes, query: usize) -> Tolerance {
        debug_assert_eq!(queries.width, self.width, "codes of one dimension");
        let query = &queries.rows[query];
        let of_codes = SLACK * (query.error * self.norm + query.norm * self.error);
        let width = self.width as f32;
        // Of two estimates and two exact products, what a searcher adds to an estimate, and similarities that are equal to
        // one up to rounding.
        let any = of_codes + (width / 28.0 + 40.0) * f32::EPSILON;
        let of_sums = (width / 32.0 + 24.0) * f32::EPSILON;
        let by_distance = self.by_distance.then_some((of_codes, of_sums, query.norm + query.error));
        Tolerance { any, by_distance }
    }

    /// By how much less an estimate can be off for a query in one panel than in all.
    pub(crate) fn sharper(&self, queries: &Codes, query: usize, panel: usize) -> f32 {
        let (query, (norm, error)) = (&queries.rows[query], self.bounds[panel]);
        SLACK * (query.error * (self.norm - norm) + query.norm * (self.error - error))
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
