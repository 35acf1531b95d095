//! Limits the memory of a run, and divides it among the stages.

use crate::error::{Error, Result};

/// The memory of the program itself, its model and the buffers of its threads, about.
const BASE: u64 = 128 << 20;

/// The bytes that are in memory for each row of the data: its cluster (4), similarity (4), score (4) and
/// `duplicate_of` (8). To these come, one after the other, the row that it is a copy of (4,
/// `BulkCopies`), and its outcome (1) with whether it goes (1, `removed` of the selection). While copies
/// are searched for in crowds, such a row takes 16 bytes beside its cluster and similarity. The texts
/// of ids come on top, and the ranks that the input gives the rows (4, while there is nothing else of a
/// row 16: `rank/ranks.rs`).
pub(crate) const BYTES_PER_ROW: u64 = 24;

/// The bytes for each row if row numbers do not fit into 32 bits.
const BYTES_PER_ROW_OF_MANY: u64 = 32;

/// Returns the bytes that are in memory for `rows` rows of the data.
fn bytes_of_rows(rows: u64) -> u64 {
    rows * if u32::try_from(rows).is_ok() { BYTES_PER_ROW } else { BYTES_PER_ROW_OF_MANY }
}

/// The bytes of a block of embeddings, if memory allows. Blocks are small enough that the allocator
/// keeps and reuses their memory: clearing new pages for each block took as long as reading it.
const BLOCK_BYTES: u64 = 16 << 20;

/// The copies of a block that are in memory at once: read, converted, and the next block.
const BLOCK_COPIES: u64 = 4;

/// The bytes of the rows that are compared at a time, if memory allows. A row that is compared in
/// several groups of clusters is loaded once for each, so larger groups load fewer rows. This size
/// keeps half a million rows of dimension 256 below 300 MB; scoring them takes a third longer than
/// in one group (`docs/performance.md`).
const GROUP_BYTES: u64 = 144 << 20;

/// The share of all rows that are compared at a time, one in this many, if that is more. Ten million
/// rows take as long as in one group.
const GROUP_SHARE: u64 = 10;

/// The default limit if the memory of the machine is not known.
const UNKNOWN: u64 = 4 << 30;

/// Returns the bytes of a row of the training sample: its values and its quantized code.
pub(crate) fn training_row_bytes(dim: usize) -> u64 {
    5 * dim as u64 + 64
}

/// The most memory that a run holds, about, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    bytes: u64,
}

impl Default for Memory {
    /// Returns half of the memory of the machine, or of the container.
    fn default() -> Self {
        let mut system = sysinfo::System::new();
        system.refresh_memory();
        let limit = system.cgroup_limits().map_or(u64::MAX, |limits| limits.total_memory);
        let total = system.total_memory().min(limit);
        Self { bytes: if total == 0 { UNKNOWN } else { total / 2 } }
    }
}

impl Memory {
    /// Creates a limit of this many bytes.
    pub fn new(bytes: u64) -> Self {
        Self { bytes }
    }

    /// Returns the limit in bytes.
    pub fn bytes(self) -> u64 {
        self.bytes
    }

    /// Returns the number of rows of a block of embeddings.
    pub(crate) fn block_rows(self, dim: usize) -> u64 {
        let bytes = BLOCK_BYTES.min(self.bytes.saturating_sub(BASE) / (4 * BLOCK_COPIES)).max(1 << 20);
        (bytes / (4 * dim as u64)).max(64)
    }

    /// Returns the largest number of clusters that can be trained.
    pub(crate) fn most_clusters(self, dim: usize) -> usize {
        let rows = self.bytes.saturating_sub(BASE) / 2 / training_row_bytes(dim);
        (rows as usize / LEAST_TRAINING_ROWS_PER_CLUSTER).max(1)
    }

    /// Returns the bytes for the rows that are compared at a time. The rows of the largest cluster
    /// are also encoded and packed; if that needs too much memory, fewer rows are in memory at a
    /// time.
    ///
    /// # Errors
    /// If the data has too many rows for this memory.
    pub(crate) fn for_comparing(self, data: &ComparedData) -> Result<ComparingBytes> {
        let ComparedData { rows, dim, largest_cluster, row_bytes, ranks } = *data;
        let block = self.block_rows(dim) * dim as u64 * 4 * BLOCK_COPIES;
        let taken = BASE + bytes_of_rows(rows) + ranks + block;
        // At least a quarter of the memory is for rows; with less, rows would be read again too
        // often.
        let enough = |taken: u64| taken + taken / 3;
        if self.bytes < enough(taken) {
            let mib = |bytes: u64| bytes.div_ceil(1 << 20);
            // Blocks grow with the memory, up to their largest size.
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
        let most =
            if largest <= left / 2 { left - largest } else { left / (row_bytes + encoded) * row_bytes };
        let all = rows * row_bytes;
        let wanted = GROUP_BYTES.max(all / GROUP_SHARE).min(most);
        Ok(ComparingBytes { most, wanted, fits: all <= most })
    }

    /// Estimates the bytes that comparing `rows` rows of dimension `dim` takes, each of which takes
    /// `row_bytes`.
    pub(crate) fn estimate(self, rows: u64, dim: usize, row_bytes: u64) -> u64 {
        let block = self.block_rows(dim).min(rows) * dim as u64 * 4 * BLOCK_COPIES;
        let all = rows * row_bytes;
        let compared = all.min(GROUP_BYTES.max(all / GROUP_SHARE));
        (BASE + block + bytes_of_rows(rows) + compared).min(self.bytes)
    }
}

/// The bytes for the rows that are compared at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ComparingBytes {
    /// The most bytes.
    pub(crate) most: u64,
    /// The bytes to use, at most `most`. See [`GROUP_BYTES`].
    pub(crate) wanted: u64,
    /// Whether all rows would fit into memory at once. Comparing those does not take so long that
    /// checkpoints would be worth it.
    pub(crate) fits: bool,
}

/// The data that is compared, as far as it decides how much memory comparing needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ComparedData {
    /// The rows of the data.
    pub(crate) rows: u64,
    /// The dimension of the embeddings.
    pub(crate) dim: usize,
    /// The rows of the largest cluster.
    pub(crate) largest_cluster: u64,
    /// The bytes of a row while it is compared.
    pub(crate) row_bytes: u64,
    /// The bytes of the ranks that the input gives all rows.
    pub(crate) ranks: u64,
}

/// Returns the most memory that this process has held, in bytes; none if the system does not tell.
pub(crate) fn peak_rss_bytes() -> Option<u64> {
    // On Linux, getrusage begins with the memory of the program that started this one.
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
        // Other systems count in KiB, macOS counts in bytes.
        Some(if cfg!(target_os = "macos") { peak } else { peak * 1024 })
    }
    #[cfg(not(unix))]
    None
}

/// The fewest rows that each centroid is trained on, if the data has that many.
pub(crate) const LEAST_TRAINING_ROWS_PER_CLUSTER: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn data(rows: u64, largest_cluster: u64) -> ComparedData {
        ComparedData { rows, dim: 256, largest_cluster, row_bytes: 600, ranks: 0 }
    }

    #[test]
    fn the_memory_for_comparing_shrinks_with_the_rows_until_it_is_an_error() {
        let memory = Memory::new(2 << 30);
        let most = |rows, largest| memory.for_comparing(&data(rows, largest)).expect("enough").most;
        let most_of = |rows| Memory::new(1 << 40).for_comparing(&data(rows, 5_000)).expect("enough").most;
        let (few, many) = (most(1_000_000, 5_000), most(10_000_000, 5_000));
        assert!(many < few && many > 1 << 30);
        let error = memory.for_comparing(&data(100_000_000, 5_000)).expect_err("too little");
        assert!(error.to_string().contains("--memory 2048 MiB is too little for 100000000 rows"), "{error}");
        assert!(Memory::new(4 << 30).for_comparing(&data(100_000_000, 5_000)).is_ok());
        // From 2³² rows on, the row that a row is a copy of takes twice as much.
        let (below, from) = (most_of(u64::from(u32::MAX)), most_of(1 << 32));
        assert!(below - from > (8 << 32) - (1 << 20));
        // If a cluster does not fit, memory also holds the codes of the rows that are compared at a
        // time.
        let crowd = most(10_000_000, 5_000_000);
        assert!(crowd < many / 2 && crowd / 600 * (600 + 2 * 256 + 128) <= many + 5_000 * (2 * 256 + 128));
        // The memory that the hint names is enough.
        let small = ComparedData { rows: 4_000_000, dim: 4, largest_cluster: 0, row_bytes: 60, ranks: 0 };
        let hint = Memory::new(256 << 20).for_comparing(&small).expect_err("too little");
        let hint = hint.hint_text().expect("a hint");
        let mib: u64 = hint.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("a number");
        assert!(Memory::new(mib << 20).for_comparing(&small).is_ok(), "{hint}");
    }

    #[test]
    fn no_more_rows_are_compared_at_a_time_than_it_takes_to_load_few_of_them_again() {
        let wanted = |rows| Memory::new(64 << 30).for_comparing(&data(rows, 5_000)).expect("enough").wanted;
        assert_eq!([10_000, 500_000, 10_000_000].map(wanted), [GROUP_BYTES, GROUP_BYTES, 600_000_000]);
        let little = Memory::new(700 << 20).for_comparing(&data(10_000_000, 5_000)).expect("enough");
        assert!(little.wanted == little.most && !little.fits);
    }

    #[test]
    fn blocks_shrink_with_the_memory_and_the_dimension() {
        assert_eq!(Memory::new(8 << 30).block_rows(256), 16_384);
        assert!(Memory::new(256 << 20).block_rows(256) < 16_384);
        assert!(Memory::new(8 << 30).block_rows(4096) < 16_384);
        assert!(Memory::new(0).block_rows(1 << 20) > 0);
    }
}
