//! Embeddings that come with the input: in a column, or in files beside it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::arrays::matrix::{MAX_DIM, Matrix};
use crate::error::{Error, Result};
use crate::formats::{Columns, InputFile, ReadLimits, Reader, Vectors, count_rows};
use crate::input::embedding_files::find_embeddings;
use crate::storage::{Stamp, is_file};

/// Where the embeddings are that come with the input, and how many numbers each has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ProvidedEmbeddings {
    /// In a column of the input.
    Column { name: String, dim: usize },
    /// In files of their own, one for each file of the input, in order.
    Files { files: Vec<(PathBuf, Stamp)>, dim: usize },
}

impl ProvidedEmbeddings {
    /// In a column; the commonest length in the first rows of each file is the dimension, and the same for all files.
    pub(crate) fn column(
        name: &str,
        (files, columns): (&[InputFile], &[Columns]),
        limits: &ReadLimits,
    ) -> Result<Self> {
        let (mut first, mut rows) = (None, false);
        for (file, columns) in files.iter().zip(columns) {
            let columns = Columns { embedding: columns.embedding.clone(), ..Columns::default() };
            let mut reader = Reader::open(file, &columns, limits, 0)?;
            let mut dim = None;
            while dim.is_none()
                && let Some(chunk) = reader.next_chunk()?
            {
                rows = true;
                dim = chunk.parse(&columns)?.vectors.as_ref().and_then(commonest_length);
            }
            let Some(dim) = dim else { continue };
            if dim > MAX_DIM as usize {
                let problem = format!(
                    "the embeddings in `{name}` have dimension {dim}, it must be from 1 to {MAX_DIM}"
                );
                return Err(Error::input(&file.path, problem));
            }
            let &mut (other, first) = first.get_or_insert((file, dim));
            if dim != first {
                let problem =
                    format!("the dimension of `{name}` is {dim}, but {} has {first}", other.path.display());
                return Err(Error::input(&file.path, problem).hint("give embeddings of one model"));
            }
        }
        match first {
            None if rows => {
                Err(Error::input(&files[0].path, format!("no row has an embedding in column `{name}`"))
                    .hint("name a column of lists of numbers with --embedding-column"))
            }
            // Files without rows: that will be said.
            first => Ok(Self::Column { name: name.to_owned(), dim: first.map_or(1, |(_, dim)| dim) }),
        }
    }

    /// In files beside those of the input, which `inputs` names.
    pub(crate) fn files(given: &[String], (inputs, files): (&[String], &[InputFile])) -> Result<Self> {
        let one_by_one = given.iter().chain(inputs).all(|name| is_file(Path::new(name)).unwrap_or(false));
        let paths = find_embeddings(given)?;
        if paths.len() != files.len() {
            let problem = format!("{} files of embeddings for {} files of rows", paths.len(), files.len());
            return Err(Error::usage(format!("--embeddings: {problem}")).hint(ONE_EACH));
        }
        let paths = match paired(&paths, files) {
            // An order that a shell made may differ between both sides.
            Some(by_name) if one_by_one && by_name != paths => {
                let (path, file) = (&paths[0], &files[0].path);
                let problem = format!("{} is named first and {} too", path.display(), file.display());
                return Err(Error::usage(format!(
                    "--embeddings: {problem}, but their names belong to others"
                ))
                .hint("name the files of embeddings in the order of the files of rows"));
            }
            Some(by_name) => by_name,
            None if one_by_one => paths,
            None => {
                let (path, file) = (paths[0].display(), files[0].path.display());
                let problem = format!("by their names, such as {path} and {file}");
                return Err(Error::usage(format!(
                    "--embeddings: which file belongs to which is not known {problem}"
                ))
                .hint(ONE_EACH));
            }
        };
        Self::of_one_dimension(paths, |number, matrix| match &files[number] {
            file if file.format.rows().has_schema() => {
                check_rows(matrix, file, count_rows(file, &ReadLimits::default())?)
            }
            _ => Ok(()),
        })
    }

    /// Files of embeddings in their order, each looked at by its number.
    fn of_one_dimension(paths: Vec<PathBuf>, look: impl Fn(usize, &Matrix) -> Result<()>) -> Result<Self> {
        let mut first = None;
        let mut stamped = Vec::with_capacity(paths.len());
        for (number, path) in paths.into_iter().enumerate() {
            let stamp = Stamp::of(&path)?;
            let matrix = Matrix::open(&path)?;
            let &mut (ref other, dim) = first.get_or_insert_with(|| (path.clone(), matrix.dim()));
            if matrix.dim() != dim {
                let problem = format!("the dimension is {}, but {} has {dim}", matrix.dim(), other.display());
                return Err(Error::input(&path, problem).hint("give embeddings of one model"));
            }
            look(number, &matrix)?;
            stamped.push((path, stamp));
        }
        Ok(Self::Files { files: stamped, dim: first.map_or(1, |(_, dim)| dim) })
    }

    /// The files of rows themselves are the embeddings.
    pub(crate) fn alone(files: &[InputFile]) -> Result<Self> {
        let paths = files.iter().map(|file| file.path.clone()).collect();
        Self::of_one_dimension(paths, |_, _| Ok(()))
    }

    pub(crate) fn dim(&self) -> usize {
        match self {
            Self::Column { dim, .. } | Self::Files { dim, .. } => *dim,
        }
    }

    /// The file of embeddings of a file of the input.
    pub(crate) fn file(&self, file: usize) -> Option<&Path> {
        match self {
            Self::Column { .. } => None,
            Self::Files { files, .. } => files.get(file).map(|(path, _)| path.as_path()),
        }
    }

    /// The files of embeddings.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        let files = match self {
            Self::Column { .. } => &[][..],
            Self::Files { files, .. } => files,
        };
        files.iter().map(|(path, _)| path)
    }

    /// Fails where a file of embeddings is not the one that was found.
    pub(crate) fn check_unchanged(&self) -> Result<()> {
        match self {
            Self::Column { .. } => Ok(()),
            Self::Files { files, .. } => Stamp::check_all(files),
        }
    }
}

const ONE_EACH: &str = "give each file of rows its own file of embeddings, of the same name or with the same number in it; \
                        or name both sides file by file, in the same order: a.jsonl b.jsonl --embeddings a.npy --embeddings b.npy";

/// Fails where there are not as many embeddings as rows.
pub(crate) fn check_rows(matrix: &Matrix, file: &InputFile, rows: u64) -> Result<()> {
    if matrix.rows() == rows {
        return Ok(());
    }
    let problem = format!("{} embeddings for the {rows} rows of {}", matrix.rows(), file.path.display());
    Err(Error::input(matrix.path(), problem).hint(ONE_EACH))
}

/// The commonest length of some embeddings, the greater of two that are as common; those without a number do not count.
fn commonest_length(vectors: &Vectors) -> Option<usize> {
    let mut lengths = BTreeMap::new();
    vectors.rows().filter(|row| !row.is_empty()).for_each(|row| *lengths.entry(row.len()).or_insert(0) += 1);
    lengths.into_iter().max_by_key(|&(length, rows)| (rows, length)).map(|(length, _)| length)
}

/// The files of embeddings in the order of the files of rows that they belong to: those of the same name, extensions aside,
/// if need be with that of the folder, or else with the same numbers in their names; none where names do not tell. Orders of
/// names are not to be relied on: they differ with extensions and zeros.
fn paired(paths: &[PathBuf], files: &[InputFile]) -> Option<Vec<PathBuf>> {
    if paths.len() == 1 {
        return Some(paths.to_vec());
    }
    let stem = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = [".gz", ".zst"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
        name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
    };
    let with_folder = |path: &Path| {
        let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
        format!("{}/{}", folder.to_string_lossy(), stem(path))
    };
    let numbers = |path: &Path| {
        let stem = stem(path);
        let runs = stem.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty());
        let plain = runs.map(|run| match run.trim_start_matches('0') {
            "" => "0",
            run => run,
        });
        plain.collect::<Vec<&str>>().join(" ")
    };
    let keys: [&dyn Fn(&Path) -> String; 3] = [&stem, &with_folder, &numbers];
    keys.into_iter().find_map(|key| {
        let mut by_key: BTreeMap<String, &PathBuf> = paths.iter().map(|path| (key(path), path)).collect();
        files.iter().map(|file| by_key.remove(&key(&file.path)).cloned()).collect()
    })
}
