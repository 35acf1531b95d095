//! Ties the assignments of a clustering to the embeddings that were clustered: the cluster of a row
//! is found by its number alone, so other embeddings, or the same in another order, would give
//! wrong duplicates without a sign.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::arrays::sampled_hash::sampled_hash;
use crate::arrays::store::EmbeddingStore;
use crate::error::{Error, Result};
use crate::storage::atomic::write_atomically;
use crate::storage::{is_url, read};
use crate::workdir::sums::{damaged, sum_of_embeddings};

/// The name of the record, which lies beside the assignments.
pub(super) const CLUSTERED: &str = "clustered.json";

/// The name of the assignments that the record is about.
pub(super) const ASSIGNMENTS: &str = "assignments.npy";

/// The record of the embeddings of a clustering, file by file, in order.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Clustered {
    files: Vec<ClusteredFile>,
    /// The sums of the files of the clustering, by name; none by earlier versions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    sums: BTreeMap<String, String>,
}

/// A file of embeddings.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct ClusteredFile {
    rows: u64,
    /// The hash of some of its rows.
    hash: String,
    name: String,
}

impl Clustered {
    /// Describes open embeddings.
    pub(super) fn of(store: &EmbeddingStore) -> Result<Self> {
        let describe = |matrix: &crate::arrays::matrix::Matrix| {
            let name = matrix.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
            Ok(ClusteredFile { rows: matrix.rows(), hash: sampled_hash(matrix)?, name })
        };
        let files = store.matrices().iter().map(describe).collect::<Result<_>>()?;
        Ok(Self { files, sums: BTreeMap::new() })
    }

    /// Records the sum of a file of the clustering.
    pub(super) fn add_sum(&mut self, name: &str, sum: String) {
        self.sums.insert(name.to_owned(), sum);
    }

    /// Fails if one of these files, which may lie elsewhere, is beside the record and no more as it
    /// was written. In a bucket the store checks the bytes itself.
    fn check_sums(&self, folder: &Path, files: &[&Path]) -> Result<()> {
        for &file in files.iter().filter(|file| !is_url(file) && file.parent() == Some(folder)) {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let Some(recorded) = self.sums.get(&*name) else { continue };
            if sum_of_embeddings(file).map_err(Error::io)? != *recorded {
                return Err(
                    damaged(file).hint("put the file back as it was, or run `semdedup cluster` again")
                );
            }
        }
        Ok(())
    }

    pub(super) fn write(&self, path: &Path) -> Result<()> {
        write_atomically(path, &serde_json::to_vec_pretty(self).map_err(|error| Error::work(path, error))?)
    }

    /// Reads the record beside assignments; `None` if there is none, such as beside assignments of
    /// another program.
    fn beside(assignments: &Path) -> Result<Option<Self>> {
        if assignments.file_name().is_none_or(|name| name != ASSIGNMENTS) {
            return Ok(None);
        }
        Self::inside(assignments.parent().unwrap_or(Path::new("")))
    }

    /// Reads the record in a folder; `None` if there is none.
    pub(super) fn inside(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(CLUSTERED);
        let bytes = match read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io(error)),
        };
        let parsed = serde_json::from_slice(&bytes);
        Ok(Some(parsed.map_err(|error| {
            Error::input(&path, format!("not the record of a clustering: {error}"))
                .hint("it says of which embeddings the assignments beside it are; cluster again")
        })?))
    }

    /// Lists the names of the files and their rows.
    fn names(&self) -> String {
        let name = |file: &ClusteredFile| format!("{} ({} rows)", file.name, file.rows);
        self.files.iter().map(name).collect::<Vec<_>>().join(", ")
    }

    /// Returns what identifies each file, whatever its name is now.
    fn contents(&self) -> Vec<(u64, &str)> {
        self.files.iter().map(|file| (file.rows, file.hash.as_str())).collect()
    }
}

/// Fails if the assignments were made from other embeddings than these, or from these in another
/// order, or if they or `others`, files of the same clustering, are damaged.
pub(super) fn check_clustered(assignments: &Path, others: &[&Path], store: &EmbeddingStore) -> Result<()> {
    let Some(clustered) = Clustered::beside(assignments)? else { return Ok(()) };
    let folder = assignments.parent().unwrap_or(Path::new(""));
    clustered.check_sums(folder, &[&[assignments], others].concat())?;
    let given = Clustered::of(store)?;
    if clustered.contents() == given.contents() {
        return Ok(());
    }
    let sorted = |of: &Clustered| {
        let mut contents: Vec<_> =
            of.contents().into_iter().map(|(rows, hash)| (rows, hash.to_owned())).collect();
        contents.sort();
        contents
    };
    let (there, here) = (clustered.names(), given.names());
    Err(match sorted(&clustered) == sorted(&given) {
        true => Error::input(assignments, format!("is of these embeddings in another order: {there}; given: {here}"))
            .hint("name the embeddings in the order in which they were clustered"),
        false => Error::input(assignments, format!("is of other embeddings: {there}; given: {here}")).hint(format!(
            "use the assignments of these embeddings; if the same rows only lie in other files now, remove {CLUSTERED} beside it"
        )),
    })
}
