//! How much memory a run may hold, and what of it each stage gets.

use crate::error::{Error, Result};

/// What the program itself, its model and the buffers of its threads take, about.
const BASE: u64 = 128 << 20;

/// Bytes that are in memory for each row of the data: its cluster, similarity, score and `duplicate_of`, and what
/// writing the results takes.
pub(crate) const BYTES_PER_ROW: u64 = 48;

/// The bytes of a block of embeddings, where memory allows: small enough that the allocator keeps and reuses its memory,
/// because clearing new pages for each block took as long as reading it.
const BLOCK_BYTES: u64 = 16 << 20;

/// Copies of a block that are in memory at once: read, converted, the next one.
const BLOCK_COPIES: u64 = 4;

/// Where the memory of the machine is not known.
const UNKNOWN: u64 = 4 << 30;

/// The bytes of a row that k-means is trained on: as it is and encoded.
pub(crate) fn training_row_bytes(dim: usize) -> u64 {
    5 * dim as u64 + 64
}

/// The most memory that a run holds, about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    bytes: u64,
}

impl Default for Memory {
    /// Half of what the machine, or the container, has.
    fn default() -> Self {
        let mut system = sysinfo::System::new();
        system.refresh_memory();
        let limit = system.cgroup_limits().map_or(u64::MAX, |limits| limits.total_memory);
        let total = system.total_memory().min(limit);
        Self { bytes: if total == 0 { UNKNOWN } else { total / 2 } }
    }
}

impl Memory {
    /// A limit in bytes.
    pub fn new(bytes: u64) -> Self {
        Self { bytes }
    }

    /// The limit in bytes.
    pub fn bytes(self) -> u64 {
        self.bytes
    }

    /// Rows of a block of embeddings.
    pub(crate) fn block_rows(self, dim: usize) -> u64 {
        let bytes = BLOCK_BYTES.min(self.bytes.saturating_sub(BASE) / (4 * BLOCK_COPIES)).max(1 << 20);
        (bytes / (4 * dim as u64)).max(64)
    }

    /// The clusters that can be trained.
    pub(crate) fn most_clusters(self, dim: usize) -> usize {
        let rows = self.bytes.saturating_sub(BASE) / 2 / training_row_bytes(dim);
        (rows as usize / LEAST_TRAINING_ROWS_PER_CLUSTER).max(1)
    }

    /// What is left for the rows that are compared at a time, of dimension `dim` and of `row_bytes` each. The rows of
    /// the largest cluster are also encoded and packed; where it is too large for that, fewer rows are in memory.
    ///
    /// # Errors
    /// If the data has too many rows for this memory.
    pub(crate) fn for_comparing(
        self,
        (rows, dim): (u64, usize),
        (largest_cluster, row_bytes): (u64, u64),
    ) -> Result<u64> {
        let block = self.block_rows(dim) * dim as u64 * 4 * BLOCK_COPIES;
        let taken = BASE + rows * BYTES_PER_ROW + block;
        // A quarter of it at least is for rows, or so much would be read so often that it takes forever.
        let enough = |taken: u64| taken + taken / 3;
        if self.bytes < enough(taken) {
            let mib = |bytes: u64| bytes.div_ceil(1 << 20);
            // With more memory blocks grow, up to their largest size.
            let needed = enough(taken - block + BLOCK_BYTES.max(block / BLOCK_COPIES) * BLOCK_COPIES);
            return Err(Error::usage(format!(
                "--memory {} MiB is too little for {rows} rows of dimension {dim}",
                mib(self.bytes)
            ))
            .hint(format!("allow {} MiB or more", mib(needed))));
        }
        let left = self.bytes - taken;
        let encoded = 2 * dim as u64 + 128;
        let largest = largest_cluster * encoded;
        Ok(if largest <= left / 2 { left - largest } else { left / (row_bytes + encoded) * row_bytes })
    }
}

/// The most memory that this process has held.
pub(crate) fn peak_rss_bytes() -> Option<u64> {
    // What getrusage tells on Linux begins with what the program that started this one held.
    #[cfg(target_os = "linux")]
    {
        let status = fs_err::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib * 1024)
    }
    #[cfg(all(unix, not(target_os = "linux")))]
    {
        use nix::sys::resource::{UsageWho, getrusage};
        let peak = u64::try_from(getrusage(UsageWho::RUSAGE_SELF).ok()?.max_rss()).ok()?;
        // Linux counts in KiB, macOS in bytes.
        Some(if cfg!(target_os = "macos") { peak } else { peak * 1024 })
    }
    #[cfg(not(unix))]
    None
}

pub(crate) const LEAST_TRAINING_ROWS_PER_CLUSTER: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_for_comparing_shrinks_with_the_rows_until_it_is_an_error() {
        let memory = Memory::new(2 << 30);
        let few = memory.for_comparing((1_000_000, 256), (5_000, 600)).expect("enough");
        let many = memory.for_comparing((10_000_000, 256), (5_000, 600)).expect("enough");
        assert!(many < few && many > 1 << 30);
        let error = memory.for_comparing((100_000_000, 256), (5_000, 600)).expect_err("too little");
        assert!(error.to_string().contains("--memory 2048 MiB is too little for 100000000 rows"), "{error}");
        // Of a cluster beyond memory as many rows are held as can be decoded, too.
        let crowd = memory.for_comparing((10_000_000, 256), (5_000_000, 600)).expect("in loads");
        assert!(crowd < many / 2 && crowd / 600 * (600 + 2 * 256 + 128) <= many + 5_000 * (2 * 256 + 128));
        // What the hint says is enough.
        let hint = Memory::new(256 << 20).for_comparing((1_000_000, 4), (0, 60)).expect_err("too little");
        let hint = hint.hint_text().expect("a hint");
        let mib: u64 = hint.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("a number");
        assert!(Memory::new(mib << 20).for_comparing((1_000_000, 4), (0, 60)).is_ok(), "{hint}");
    }

    #[test]
    fn blocks_shrink_with_the_memory_and_the_dimension() {
        assert_eq!(Memory::new(8 << 30).block_rows(256), 16_384);
        assert!(Memory::new(256 << 20).block_rows(256) < 16_384);
        assert!(Memory::new(8 << 30).block_rows(4096) < 16_384);
        assert!(Memory::new(0).block_rows(1 << 20) > 0);
    }
}
