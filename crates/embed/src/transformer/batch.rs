//! How much is computed at once, and between saves.

use candle_core::Device;

use super::block::Block;

/// The number of tokens of a batch on a CPU: enough to fill the matrix products, few enough to stay
/// in the cache.
const TOKENS_PER_CPU_BATCH: usize = 512;
/// The number of tokens of a batch on another device, which has more to fill.
const TOKENS_PER_DEVICE_BATCH: usize = 16_384;

/// The number of multiplications between saves: about two minutes on two cores.
const WORK_PER_SAVE: usize = 1 << 45;

/// Returns the number of tokens to compute at once.
pub(super) fn tokens_per_batch(device: &Device) -> usize {
    if device.is_cpu() { TOKENS_PER_CPU_BATCH } else { TOKENS_PER_DEVICE_BATCH }
}

/// Returns the number of rows between saves, for rows of `tokens` tokens each.
pub(super) fn rows_per_save(blocks: &[Block], tokens: usize) -> usize {
    let weights: usize = blocks.iter().map(Block::weights).sum();
    (WORK_PER_SAVE / (weights * tokens).max(1)).clamp(1 << 6, 1 << 15)
}
