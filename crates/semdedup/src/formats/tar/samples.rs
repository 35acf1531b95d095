//! WebDataset shards: tar archives in which consecutive files of one key are a sample, and a sample
//! is a row.

use std::collections::HashSet;

use xxhash_rust::xxh3::xxh3_128;

use crate::error::Result;
use crate::formats::columns::Columns;
use crate::formats::file::InputFile;
use crate::formats::rows::{Rows, RowsBuilder};
use crate::formats::tar::archive::TarReader;
use crate::formats::tar::part::{SamplePart, part_of_sample};
use crate::formats::tar::sample::{Sample, SampleMember, shown};

/// A batch has at most this many samples…
const MAX_ROWS: usize = 256;
/// …and about this many bytes.
const BATCH_BYTES: usize = 4 << 20;

/// Reads the samples of a shard, with the members that `columns` ask for.
pub(crate) struct Samples {
    tar: TarReader,
    columns: Columns,
    /// The largest member that is read, in bytes.
    limit: usize,
    first_row: u64,
    next_row: u64,
    /// The sample whose members are being read.
    open: Option<Sample>,
    /// Hashes of the keys so far.
    keys: HashSet<u128>,
}

impl Samples {
    /// Opens a shard to read from row `first_row` on.
    pub fn open(file: &InputFile, columns: &Columns, limit: usize, first_row: u64) -> Result<Self> {
        let (tar, columns) = (TarReader::open(file)?, columns.clone());
        Ok(Self { tar, columns, limit, first_row, next_row: 0, open: None, keys: HashSet::new() })
    }

    /// Returns how many of the file's own bytes have been read.
    pub fn bytes_read(&self) -> u64 {
        self.tar.bytes_read()
    }

    /// Returns the next rows; `None` at the end.
    pub fn next_batch(&mut self) -> Result<Option<Rows>> {
        let mut rows: Option<RowsBuilder> = None;
        while let Some(member) = self.tar.next_member()? {
            let Some(SamplePart { key, extension }) = part_of_sample(&self.tar, &member)? else { continue };
            let done = match &self.open {
                Some(open) if open.key == key => None,
                _ => self.begin(key),
            };
            self.take(&extension, member.size)?;
            if let Some(done) = done {
                self.push(done, &mut rows);
            }
            if rows.as_ref().is_some_and(|rows| rows.len() >= MAX_ROWS || rows.bytes() >= BATCH_BYTES) {
                return Ok(rows.map(RowsBuilder::finish));
            }
        }
        if let Some(last) = self.open.take() {
            self.push(last, &mut rows);
        }
        Ok(rows.map(RowsBuilder::finish))
    }

    /// Begins the sample of a key, and returns the sample before it.
    fn begin(&mut self, key: &[u8]) -> Option<Sample> {
        let mut begun = Sample::new(key, self.next_row, &self.columns);
        // Without the samples in between, both would become one sample, with the members of both.
        if !self.keys.insert(xxh3_128(key)) {
            let key = shown(key);
            begun.problem = Some(format!(
                "the key `{key}` comes again behind other samples; `tar --sort=name` packs files of a key together"
            ));
        }
        self.tar.at_row(self.next_row);
        self.next_row += 1;
        self.open.replace(begun)
    }

    fn push(&mut self, sample: Sample, rows: &mut Option<RowsBuilder>) {
        if sample.row < self.first_row {
            return;
        }
        let rows = rows.get_or_insert_with(|| RowsBuilder::new(sample.row, self.limit, &self.columns));
        sample.push_to(rows, &self.columns);
    }

    /// Takes a member of the open sample, unless that is before the first wanted row.
    fn take(&mut self, extension: &str, size: u64) -> Result<()> {
        let Some(sample) = self.open.as_mut() else { return Ok(()) };
        if sample.row < self.first_row {
            return Ok(());
        }
        let member = SampleMember { extension, size, limit: self.limit };
        sample.take(&mut self.tar, &member, &self.columns)
    }
}

/// Counts the samples of a shard.
pub(crate) fn count(file: &InputFile) -> Result<u64> {
    let mut tar = TarReader::open(file)?;
    let (mut rows, mut last) = (0, None);
    while let Some(member) = tar.next_member()? {
        if let Some(SamplePart { key, .. }) = part_of_sample(&tar, &member)?
            && last.as_deref() != Some(key)
        {
            last = Some(key.to_vec());
            tar.at_row(rows);
            rows += 1;
        }
    }
    Ok(rows)
}
