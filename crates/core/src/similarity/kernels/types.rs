//! The sizes, inputs and outputs that all kernels share.
//!
//! A *panel* holds the codes of [`LANES`] targets, interleaved so that one instruction multiplies
//! four values of a query with four values of many targets. A *lane* is one target of a panel.

/// The targets in a panel: two 512-bit or four 256-bit registers of 32-bit sums.
pub(crate) const LANES: usize = 32;

/// The values that one instruction multiplies and adds up. The length of a code is padded to a
/// multiple of it.
pub(crate) const STEP: usize = 4;

/// The largest size of a signed code that every instruction set can multiply. It is that of AVX2:
/// `vpmaddubsw` adds two products in a saturating 16-bit sum, and an unsigned code of up to 180
/// times a signed one of up to 90, twice, is 32,400 at most.
pub(crate) const LEVELS: u8 = 90;

const _: () = assert!(2 * (2 * LEVELS as i32) * LEVELS as i32 <= i16::MAX as i32);

/// The queries to pass to `Isa::products` at once. It is a multiple of every kernel's tile height.
/// It is also small enough that codes and products stay in the first-level cache while a panel is
/// read from the second.
pub(crate) const BLOCK: usize = 48;

/// The number of partial sums of a dot product.
pub(super) const PARTIAL_SUMS: usize = 64;

/// The integer products of a block of queries with a panel: one row per query, one column per lane.
pub(crate) type Products = [[i32; LANES]; BLOCK];

/// The factor and the summand of each lane's estimate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LaneTerms<'a> {
    pub(crate) scale: &'a [f32; LANES],
    pub(crate) bias: &'a [f32; LANES],
}

/// Decides which estimates of a query are worth returning.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EstimateFilter {
    /// The value of one step of the query's code.
    pub(crate) scale: f32,
    /// Lower estimates are ignored.
    pub(crate) threshold: f32,
    /// An estimate is also ignored if it is lower than the panel's highest by more than this.
    pub(crate) window: f32,
    /// The lanes that the query is compared with, one bit each.
    pub(crate) lanes: u32,
}

/// The estimates of a panel that pass the filters of a block of queries.
#[derive(Debug)]
pub(crate) struct PassedEstimates {
    /// For each query, one bit per lane: set where the estimate passes the query's filter.
    pub(crate) lanes: [u32; BLOCK],
    /// The estimates of the queries with at least one such bit. Other queries may hold old values.
    pub(crate) estimates: [[f32; LANES]; BLOCK],
}

impl PassedEstimates {
    pub(crate) const NONE: Self = Self { lanes: [0; BLOCK], estimates: [[0.0; LANES]; BLOCK] };
}

/// The two highest estimates of a query in each lane, over all panels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Highest {
    pub(super) first: [f32; LANES],
    pub(super) second: [f32; LANES],
}

impl Highest {
    pub(crate) const NONE: Self =
        Self { first: [f32::NEG_INFINITY; LANES], second: [f32::NEG_INFINITY; LANES] };

    /// Lists both estimates of every lane. No two are of one target; where there is none, it is
    /// negative infinity.
    pub(crate) fn all(&self) -> impl Iterator<Item = f32> {
        self.first.into_iter().chain(self.second)
    }
}

/// A row to encode.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowToEncode<'a> {
    pub(crate) row: &'a [f32],
    /// The code represents the difference between the row and this.
    pub(crate) reference: &'a [f32],
    /// The reference of the queries that the row will be compared with.
    pub(crate) origin: &'a [f32],
}

/// The numbers that belong to the code of a row. "Difference" is the row minus its reference.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct CodeSummary {
    /// The value of one step of the code.
    pub(crate) scale: f32,
    /// The dot product of the difference and the origin.
    pub(crate) bias: f32,
    /// Half the squared length of the difference.
    pub(crate) half_square: f32,
    /// The length of the difference as the code represents it.
    pub(crate) norm: f32,
    /// The length of the quantization error: the difference minus what the code represents.
    pub(crate) error: f32,
    /// The sum of the signed codes.
    pub(crate) sum: i32,
}
