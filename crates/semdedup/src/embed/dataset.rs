//! The rows of a run after they were embedded: how many, from which files, under which ids.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use xxhash_rust::xxh3::xxh3_64;

use crate::arrays::store::EmbeddingStore;
use crate::error::{Error, ErrorKind, Result};
use crate::formats::{IdPart, IdSource, unify_ids};
use crate::input::find::Input;
use crate::progress::Warning;
use crate::workdir::counted_rows::{CountedRows, EXAMPLES};
use crate::workdir::fingerprint::Fingerprint;
use crate::workdir::parts::{SkippedRow, check_rows, embeddings_path, ids_path, whole_records};
use crate::workdir::row_index::{FileRows, Ids, RowIndex};
use crate::workdir::script::{self, Code, ScriptRun};
use crate::workdir::table_file::read_column;

/// The rows of a run.
#[derive(Debug)]
pub(crate) struct Dataset {
    pub(crate) row_index: RowIndex,
    /// The rows that could not be read, in order.
    pub(crate) skipped: Vec<SkippedRow>,
    pub(crate) empty: u64,
    /// The rows whose embedding is zeros although their text is not empty; none where a part does not say.
    pub(crate) zero: Option<CountedRows>,
    pub(crate) truncated: u64,
    /// Of each file, the rows of which most words are not in the model's vocabulary.
    pub(crate) unknown: Vec<u64>,
    /// The scripts of the rows, in order.
    pub(crate) scripts: Vec<ScriptRun>,
    pub(crate) embeddings: Vec<PathBuf>,
    /// The rows of each file of embeddings, by its record.
    part_rows: Vec<u64>,
    id_parts: Vec<(PathBuf, IdSource)>,
}

impl Dataset {
    /// Reads what the embedding stage, under this fingerprint, left in its folder.
    pub(crate) fn open(input: &Input, folder: &Path, stage: &Fingerprint) -> Result<Self> {
        let mut rows = vec![0; input.files.len()];
        let (mut skipped, mut embeddings, mut id_parts) = (Vec::new(), Vec::new(), Vec::new());
        let (mut empty, mut truncated, mut part_rows) = (0, 0, Vec::new());
        let (mut unknown, mut scripts) = (vec![0; input.files.len()], Vec::new());
        let mut zero = Some(CountedRows::default());
        for (number, record) in whole_records(folder, stage)?.into_iter().enumerate() {
            for span in &record.spans {
                rows[span.file] += span.rows;
                unknown[span.file] += span.unknown;
            }
            let told: u64 = record.scripts.iter().map(|ScriptRun(_, rows)| u64::from(*rows)).sum();
            // Parts of earlier versions do not tell the scripts of their rows.
            let untold = ScriptRun(Code::NONE, u32::try_from(record.rows()).unwrap_or(u32::MAX));
            let of_part = if told == record.rows() { &record.scripts } else { &vec![untold] };
            of_part.iter().for_each(|&ScriptRun(script, rows)| script::extend(&mut scripts, script, rows));
            embeddings.push(embeddings_path(folder, number));
            part_rows.push(record.rows());
            let runs = record.ids.iter().enumerate();
            id_parts.extend(runs.map(|(run, &source)| (ids_path(folder, number, run), source.into())));
            empty += record.empty;
            zero = zero.zip(record.zero).map(|(mut all, some)| {
                all.extend(&some);
                all
            });
            truncated += record.truncated;
            skipped.extend(record.skipped);
        }
        let files =
            input.files.iter().zip(rows).map(|(file, rows)| FileRows { name: file.name.clone(), rows });
        let row_index = RowIndex::new(files.collect());
        Ok(Self {
            row_index,
            skipped,
            empty,
            zero,
            truncated,
            unknown,
            scripts,
            embeddings,
            part_rows,
            id_parts,
        })
    }

    /// The embeddings, a row each.
    pub(crate) fn open_embeddings(&self) -> Result<EmbeddingStore> {
        let store = EmbeddingStore::open(&self.embeddings)?;
        for ((path, rows), &recorded) in store.files().zip(&self.part_rows) {
            check_rows(path, rows, recorded)?;
        }
        Ok(store)
    }

    /// The numbers of the rows that could not be read, ascending.
    pub(crate) fn skipped_rows(&self) -> Vec<u64> {
        self.skipped.iter().map(|skipped| self.row_index.number(skipped.file, skipped.row)).collect()
    }

    /// The first row that could not be read: place and reason.
    pub(crate) fn first_skipped(&self) -> String {
        let first = self.skipped.first();
        first.map_or_else(String::new, |s| {
            format!("{} row {}: {}", self.row_index.files[s.file].name, s.row, s.reason)
        })
    }

    /// Fails where roles were asked for that no turn has: all texts would be empty.
    pub(crate) fn check_roles(&self, input: &Input) -> Result<()> {
        let limited = input
            .columns
            .iter()
            .enumerate()
            .find(|(file, _)| !input.columns_to_embed(*file).roles.is_empty());
        let read = self.row_index.rows() - self.skipped.len() as u64;
        let Some((_, columns)) = limited.filter(|_| read > 0 && self.empty == read) else { return Ok(()) };
        let problem = format!("--roles {}: no turn of {read} rows has such a role", columns.roles.join(","));
        Err(Error::new(ErrorKind::Input, problem)
            .hint("name roles that the turns have, such as user,assistant (human and gpt are the same), or leave out --roles"))
    }

    /// Ids of a column must name one row each.
    pub(crate) fn check_ids(&self, input: &Input) -> Result<()> {
        match self.ids(input)? {
            Ids::Column(ids) => self.check_unique(&ids),
            Ids::RowIndex(_) => Ok(()),
        }
    }

    /// What the rows are called.
    pub(crate) fn ids(&self, input: &Input) -> Result<Ids> {
        if !input.has_ids() {
            return Ok(Ids::RowIndex(self.row_index.clone()));
        }
        let parts = self
            .id_parts
            .iter()
            .map(|(path, source)| Ok(IdPart { source: *source, values: read_column(path, "id")? }));
        let ids = unify_ids(parts.collect::<Result<_>>()?)?;
        if ids.len() as u64 != self.row_index.rows() {
            let problem = format!("{} ids for {} rows", ids.len(), self.row_index.rows());
            return Err(Error::work("ids", problem).hint("delete the work directory to begin anew"));
        }
        Ok(Ids::Column(ids))
    }

    /// Who deletes by id must not hit another row of the same id: it may be the one that stays.
    fn check_unique(&self, ids: &ArrayRef) -> Result<()> {
        let options = FormatOptions::default();
        let format =
            ArrayFormatter::try_new(ids, &options).map_err(|error| Error::usage(error.to_string()))?;
        let skipped: HashSet<u64> = self.skipped_rows().into_iter().collect();
        let place = |row: usize| self.row_index.name(row as u64);
        let mut by_hash = Vec::with_capacity(ids.len());
        for row in (0..ids.len()).filter(|&row| !skipped.contains(&(row as u64))) {
            if ids.is_null(row) {
                return Err(Error::new(ErrorKind::Input, format!("row {} has no id", place(row))).hint(
                    "name another --id-column, or leave it out: rows are then named by file and row number",
                ));
            }
            by_hash.push((xxh3_64(format.value(row).to_string().as_bytes()), row));
        }
        by_hash.sort_unstable();
        for same_hash in by_hash.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() > 1) {
            let mut seen = BTreeMap::new();
            for &(_, row) in same_hash {
                let id = format.value(row).to_string();
                if let Some(first) = seen.insert(id.clone(), row) {
                    let problem = format!("id {id} names two rows: {} and {}", place(first), place(row));
                    return Err(Error::new(ErrorKind::Input, problem).hint(
                        "name a column that is unique, or leave out --id-column: rows are then named by file and row \
                         number",
                    ));
                }
            }
        }
        Ok(())
    }
}

pub(crate) fn skipped_rows(dataset: &Dataset) -> Option<Warning> {
    let skipped = &dataset.skipped;
    let name = |file: usize| &dataset.row_index.files[file].name;
    let examples =
        skipped.iter().take(EXAMPLES).map(|s| format!("{} row {}: {}", name(s.file), s.row, s.reason));
    (!skipped.is_empty())
        .then(|| Warning::SkippedRows { rows: skipped.len() as u64, examples: examples.collect() })
}
