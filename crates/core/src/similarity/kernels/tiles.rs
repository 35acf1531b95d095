//! Divides a block of rows into tiles, whose sums a product kernel holds in registers.

use crate::similarity::kernels::types::{LANES, Products};

/// Some rows and the place of their products.
type Tile<'a, const HEIGHT: usize> = (&'a [&'a [u8]; HEIGHT], &'a mut [[i32; LANES]; HEIGHT]);

/// Returns the tiles of `HEIGHT` rows, and the rows that are left as tiles of one row.
#[inline(always)]
pub(super) fn tiles<'a, const HEIGHT: usize>(
    rows: &'a [&'a [u8]],
    products: &'a mut Products,
) -> (impl Iterator<Item = Tile<'a, HEIGHT>>, impl Iterator<Item = Tile<'a, 1>>) {
    let (tall, rest) = rows.as_chunks::<HEIGHT>();
    let (out, out_rest) = products.split_at_mut(tall.len() * HEIGHT);
    let single = rest.as_chunks::<1>().0.iter().zip(out_rest.as_chunks_mut::<1>().0);
    (tall.iter().zip(out.as_chunks_mut::<HEIGHT>().0), single)
}
