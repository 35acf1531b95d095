//! What the kernels take and give.

/// Columns of a panel of codes: two 512-bit or four 256-bit registers of 32-bit sums.
pub(crate) const LANES: usize = 32;

/// Values of the dimension that one instruction multiplies and adds up; codes are padded to a multiple.
pub(crate) const STEP: usize = 4;

/// Rows to hand to [`Isa::products`] at once: a multiple of every kernel's height, small enough that codes and
/// products stay in the first-level cache while a panel is read from the second.
pub(crate) const BLOCK: usize = 48;

/// The products of a block of rows with a panel.
pub(crate) type Products = [[i32; LANES]; BLOCK];

/// What each lane of a panel adds to an estimate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lanes<'a> {
    pub(crate) scale: &'a [f32; LANES],
    pub(crate) bias: &'a [f32; LANES],
}

/// What a row of products is wanted for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bar {
    /// What a step of the row's code is worth.
    pub(crate) scale: f32,
    /// Estimates below are of no use.
    pub(crate) threshold: f32,
    /// Nor are those that are lower by more than this than another estimate of the same panel.
    pub(crate) window: f32,
    /// The lanes that the row is compared with.
    pub(crate) lanes: u32,
}

/// Products scaled back to what they approximate.
#[derive(Debug)]
pub(crate) struct Reached {
    /// For each row a bit for every lane whose estimate is of use.
    pub(crate) lanes: [u32; BLOCK],
    /// The estimates of the rows that have such a bit; of others they may be old.
    pub(crate) estimates: [[f32; LANES]; BLOCK],
}

impl Reached {
    pub(crate) const NONE: Self = Self { lanes: [0; BLOCK], estimates: [[0.0; LANES]; BLOCK] };
}

/// Partial sums of a dot product.
pub(super) const PARTS: usize = 64;

/// What is known of a row that was encoded.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Encoded {
    /// What a step of the code is worth.
    pub(crate) scale: f32,
    /// The dot product of the origin with the row's difference from its reference.
    pub(crate) bias: f32,
    /// Half the squared length of the difference.
    pub(crate) half_square: f32,
    /// The length of the difference as the codes give it.
    pub(crate) norm: f32,
    /// The length of what the codes lose.
    pub(crate) error: f32,
    /// The sum of the signed codes.
    pub(crate) sum: i32,
}
