//! What kernels read and write.

use crate::mobilenet::layers::Quad;

/// The number of pixels that a dense kernel computes at once. It divides the width of every layer.
pub(in crate::mobilenet) const PIXELS: usize = 7;

/// The inputs of the pixels of a dense layer.
pub(in crate::mobilenet) type Pixels<'a> = [&'a [Quad]; PIXELS];

/// Where the results of pixels go.
pub(in crate::mobilenet) struct Target<'a> {
    /// The values, from the first one on.
    pub(in crate::mobilenet) values: &'a mut [u8],
    /// The distance from a pixel to the next.
    pub(in crate::mobilenet) stride: usize,
}

impl Target<'_> {
    /// Returns where `N` values of a pixel go.
    #[inline(always)]
    pub(super) fn pixel<const N: usize>(&mut self, pixel: usize) -> &mut [u8; N] {
        self.values[pixel * self.stride..].first_chunk_mut().expect("room for the values")
    }
}

/// Returns the first `steps` groups of `N` quads of each pixel. Not a closure in the kernels: the
/// compiler would not inline it there.
#[inline(always)]
pub(super) fn grouped<'a, const N: usize>(pixels: &Pixels<'a>, steps: usize) -> [&'a [[Quad; N]]; PIXELS] {
    pixels.map(|pixel| &pixel.as_chunks().0[..steps])
}

/// A computation in plain Rust that is compiled once for each instruction set.
pub(in crate::mobilenet) trait Job {
    /// Runs the computation. Must be `#[inline(always)]`, and so all that it calls.
    fn run(self);
}
