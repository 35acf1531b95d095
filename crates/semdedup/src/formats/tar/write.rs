//! Copies the kept samples of a shard.

use std::path::Path;

use crate::error::{Error, Result};
use crate::formats::file::InputFile;
use crate::formats::stream::Sink;
use crate::formats::tar::archive::TarReader;
use crate::formats::tar::part::part_of_sample;

/// Writes the samples that `keep` picks, with every byte of their members; see
/// [`crate::formats::write::write_kept`].
pub(crate) fn write_kept(
    file: &InputFile,
    destination: &Path,
    keep: &mut dyn FnMut(u64) -> Result<bool>,
) -> Result<u64> {
    let unwritable = |error| Error::output(destination, error);
    let mut tar = TarReader::open(file)?;
    let mut sink = Sink::create(destination, file.compression).map_err(unwritable)?;
    let (mut rows, mut written, mut last, mut keeps) = (0, 0, None, true);
    while let Some(member) = tar.next_member()? {
        let part = part_of_sample(&tar, &member)?;
        if let Some(part) = &part
            && last.as_deref() != Some(part.key)
        {
            last = Some(part.key.to_vec());
            tar.at_row(rows);
            keeps = keep(rows)?;
            rows += 1;
            written += u64::from(keeps);
        }
        if part.is_none() || keeps {
            tar.copy(&mut sink)?.map_err(unwritable)?;
        }
    }
    tar.copy_end(&mut sink).map_err(unwritable)?;
    sink.finish().map_err(unwritable)?;
    Ok(written)
}
