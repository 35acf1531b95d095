//! Members of tar archives, and the blocks that they are stored in.

use tar::EntryType;

/// Archives consist of blocks of this many bytes.
pub(crate) const BLOCK: usize = 512;

/// A larger member is an error: no disk holds one, and sums of sizes cannot overflow below it.
pub(crate) const MAX_DATA_BYTES: u64 = 1 << 60;

/// A member of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    /// The path in the archive.
    pub name: Vec<u8>,
    /// The size of its data in bytes.
    pub size: u64,
    pub kind: MemberKind,
}

/// The kind of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MemberKind {
    /// A file with data of its own.
    File,
    /// Another name of a file, whose data is elsewhere: a hard link or a symbolic one.
    Link,
    /// A folder, a device, or a header that describes all members behind it.
    Other,
}

impl MemberKind {
    /// Returns the kind of an entry.
    pub fn of(entry: EntryType) -> Self {
        match entry {
            EntryType::Regular | EntryType::Continuous => Self::File,
            EntryType::Link | EntryType::Symlink => Self::Link,
            _ => Self::Other,
        }
    }
}

/// Whether entries of this kind have data.
pub(crate) fn has_data(kind: EntryType) -> bool {
    use EntryType::{Block, Char, Directory, Fifo, Link, Symlink};
    !matches!(kind, Block | Char | Directory | Fifo | Link | Symlink)
}

/// Returns how many bytes fill the last block of data of this size.
pub(crate) fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK as u64
}

/// Sums the bytes of a header, with the bytes of the sum itself as spaces.
pub(crate) fn checksum(block: &[u8; BLOCK]) -> Option<u32> {
    let sum = |bytes: &[u8]| bytes.iter().map(|&byte| u32::from(byte)).sum::<u32>();
    Some(sum(&block[..148]) + 8 * u32::from(b' ') + sum(&block[156..]))
}
