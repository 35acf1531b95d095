//! Stores the ranks of the rows in the work directory.

use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{Array, ArrayRef, UInt32Array};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::rank::rank_columns::Ranks;
use crate::storage;
use crate::workdir::parts::in_work_dir;
use crate::workdir::sealed::{check_seal, write_sealed};
use crate::workdir::table_file::{BATCH_ROWS, check_table, open_columns, write_column};

/// The column of the ranks, here and in `scores.parquet`.
pub(crate) const KEEP_RANK: &str = "keep_rank";

const RANKS: &str = "ranks.parquet";

const MISSING: &str = "missing.json";

/// The contents of `missing.json`: for each key the number of rows without a value.
#[derive(Serialize, Deserialize)]
struct Missing {
    missing: Vec<u64>,
}

/// Writes the ranks into the folder of their stage.
pub(crate) fn write_ranks(folder: &Path, found: &Ranks) -> Result<()> {
    let array = |ranks: &[u32]| Arc::new(UInt32Array::from(ranks.to_vec())) as ArrayRef;
    let arrays: Vec<ArrayRef> = found.ranks.chunks(BATCH_ROWS).map(array).collect();
    write_column(&folder.join(RANKS), KEEP_RANK, &arrays)?;
    write_sealed(&folder.join(MISSING), &Missing { missing: found.missing.clone() })
}

/// Reads the ranks of `rows` rows from the folder of their stage.
///
/// # Errors
/// Files that are missing, damaged, or of other rows.
pub(crate) fn read_ranks(folder: &Path, rows: u64) -> Result<Ranks> {
    let path = folder.join(RANKS);
    let wrong =
        |problem: String| Error::work(&path, problem).hint("delete the file's folder: it is made again");
    check_table(&path).map_err(|error| in_work_dir(&path, error))?;
    let mut ranks = Vec::with_capacity(rows as usize);
    for batch in open_columns(&path, &[KEEP_RANK])? {
        let batch = batch?;
        let column = batch.column(0).as_primitive_opt::<UInt32Type>();
        let column = column.filter(|column| column.null_count() == 0);
        let column = column.ok_or_else(|| wrong(format!("column `{KEEP_RANK}` is not of ranks")))?;
        ranks.extend_from_slice(column.values());
    }
    if ranks.len() as u64 != rows {
        return Err(wrong(format!("has {} ranks for {rows} rows", ranks.len())));
    }
    let path = folder.join(MISSING);
    let bytes = storage::read(&path).map_err(Error::io)?;
    check_seal(&path, &bytes)?;
    let Missing { missing } = serde_json::from_slice(&bytes).map_err(|error| Error::work(&path, error))?;
    Ok(Ranks { ranks, missing })
}
