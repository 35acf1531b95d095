//! The embeddings that earlier runs of the same model stored, found by the content of their rows.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::arrays::matrix::Matrix;
use crate::error::Result;
use crate::storage::exists;
use crate::workdir::contents::{Content, read_contents};
use crate::workdir::parts::{
    PartRecord, all_records, check_rows, contents_path, embeddings_path, in_work_dir,
};
use crate::workdir::sums::check_embeddings;

/// Embeddings on the disk. A row takes 32 bytes of memory.
#[derive(Debug, Default)]
pub(crate) struct StoredEmbeddings {
    /// Where the embedding of each content is, in the order of the contents.
    places: Vec<(Content, Place)>,
    matrices: Vec<Matrix>,
}

/// The place of an embedding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    matrix: u32,
    row: u32,
}

impl StoredEmbeddings {
    /// Finds the embeddings of a model in the folders of earlier embedding stages, whole or not.
    ///
    /// # Errors
    /// Fails if a file cannot be read, or is not as its record says.
    pub(crate) fn find(folders: &[PathBuf], model: &str) -> Result<Self> {
        let mut found = Self::default();
        for folder in folders {
            for (part, record) in records_of(folder, model)? {
                found.add(folder, part, &record)?;
            }
        }
        found.places.sort_unstable();
        found.places.dedup_by_key(|(content, _)| content.hash());
        Ok(found)
    }

    /// Adds a part. A part of which somebody has deleted a file is not there any more.
    fn add(&mut self, folder: &Path, part: usize, record: &PartRecord) -> Result<()> {
        let rows = record.rows();
        let path = embeddings_path(folder, part);
        let Some(contents) =
            read_contents(&contents_path(folder, part), rows, record.contents_sum.as_deref())?
        else {
            return Ok(());
        };
        if !exists(&path)? {
            return Ok(());
        }
        let matrix = Matrix::open(&path).map_err(|error| in_work_dir(&path, error))?;
        check_rows(&path, matrix.rows(), rows)?;
        check_embeddings(&path, record.sum.as_deref())?;
        let place = |row: usize| Place { matrix: self.matrices.len() as u32, row: row as u32 };
        let places = contents.into_iter().enumerate().map(|(row, content)| (content, place(row)));
        self.places.extend(places.filter(|(content, _)| *content != Content::NOTHING));
        self.matrices.push(matrix);
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Whether there is an embedding of a row with this content.
    pub(crate) fn contains(&self, content: Content) -> bool {
        self.place(content).is_some()
    }

    /// Finds the place of the embedding of a content.
    fn place(&self, content: Content) -> Option<(Content, Place)> {
        let at = self.places.binary_search_by_key(&content.hash(), |(content, _)| content.hash());
        at.ok().map(|at| self.places[at])
    }

    /// Writes the embedding of a row with this content to `values`. Returns the content with the
    /// mark of the run that made the embedding, or none if there is no embedding.
    pub(crate) fn read(&self, content: Content, values: &mut [f32]) -> Result<Option<Content>> {
        let Some((content, Place { matrix, row })) = self.place(content) else { return Ok(None) };
        let matrix = &self.matrices[matrix as usize];
        if matrix.dim() != values.len() {
            return Ok(None);
        }
        matrix.read(u64::from(row), values)?;
        let is_whole = values.iter().all(|value| value.is_finite());
        if !is_whole {
            values.fill(0.0);
        }
        Ok(is_whole.then_some(content))
    }
}

/// Returns the parts in a folder whose embeddings a model made.
fn records_of(folder: &Path, model: &str) -> Result<Vec<(usize, PartRecord)>> {
    if !exists(folder)? {
        return Ok(Vec::new());
    }
    let mut records = all_records(folder)?;
    records.retain(|(_, record)| record.model.as_deref() == Some(model));
    Ok(records)
}

/// Returns the folders that hold embeddings, each of which is in the folder `whole` as well.
pub(crate) fn contained_in(whole: &Path, folders: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut there: Option<HashSet<u128>> = None;
    let mut contained = Vec::new();
    for folder in folders {
        let Some(contents) = contents_in(folder)?.filter(|contents| !contents.is_empty()) else { continue };
        let there = match &mut there {
            Some(there) => there,
            none => {
                none.insert(contents_in(whole)?.unwrap_or_default().into_iter().map(Content::hash).collect())
            }
        };
        if contents.iter().all(|content| *content == Content::NOTHING || there.contains(&content.hash())) {
            contained.push(folder.clone());
        }
    }
    Ok(contained)
}

/// Returns the contents of all rows in a folder; none if those of a part are not known.
fn contents_in(folder: &Path) -> Result<Option<Vec<Content>>> {
    let mut all = Vec::new();
    if !exists(folder)? {
        return Ok(None);
    }
    for (part, record) in all_records(folder)? {
        match read_contents(&contents_path(folder, part), record.rows(), record.contents_sum.as_deref())? {
            Some(contents) => all.extend(contents),
            None => return Ok(None),
        }
    }
    Ok(Some(all))
}
