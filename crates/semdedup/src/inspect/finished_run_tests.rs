//! Changed bits in the tables of finished runs.

#![allow(clippy::unwrap_used)]

use tempfile::tempdir;

use crate::error::Result;
use crate::inspect::finished_run::FinishedRun;
use crate::progress::Silent;
use crate::run_builder::Run;

/// The columns of `scores.parquet`.
const COLUMNS: [&str; 7] =
    ["id", "row", "cluster", "centroid_similarity", "score", "duplicate_of", "duplicate_of_row"];

/// Reads all that a run recorded.
fn read_all(out: &std::path::Path) -> Result<usize> {
    let finished = FinishedRun::open(out)?;
    finished.scores.columns()?;
    finished.removed()?;
    finished.scores(&COLUMNS)?.map(|batch| Ok(batch?.num_rows())).sum()
}

#[test]
fn a_changed_bit_in_the_footer_of_a_table_does_not_make_its_reader_panic() {
    let folder = tempdir().unwrap();
    let (input, out) = (folder.path().join("rows.txt"), folder.path().join("out"));
    std::fs::write(&input, "A cat sat.\na  cat sat.\nPrices rose.\n").unwrap();
    Run::builder([input.display().to_string()], &out).build().unwrap().run(&Silent).unwrap();
    assert_eq!(read_all(&out).unwrap(), 3);
    let path = out.join("scores.parquet");
    let bytes = std::fs::read(&path).unwrap();
    let end = bytes.len() - 8;
    let length = u32::from_le_bytes(bytes[end..end + 4].try_into().unwrap()) as usize;
    let mut failed = 0;
    // A bit of every second byte: each write may wait for the disk.
    for place in (end - length..bytes.len()).step_by(2) {
        let mut changed = bytes.clone();
        changed[place] ^= 1 << (place / 2 % 8);
        std::fs::write(&path, changed).unwrap();
        failed += usize::from(read_all(&out).is_err());
    }
    assert!(failed > 0);
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(read_all(&out).unwrap(), 3);
}
