//! The rows of a run after embedding: their number, files and ids.

use std::path::{Path, PathBuf};

use arrow_array::{Array, ArrayRef};
use rayon::prelude::*;

use crate::arrays::store::EmbeddingStore;
use crate::embed::id_check::check_unique;
use crate::error::{Error, ErrorKind, Result};
use crate::formats::{IdPart, IdSource, unify_ids};
use crate::input::find::Input;
use crate::warning::UNKNOWN_TEXT_SHARE;
use crate::warning::Warning;
use crate::workdir::contents::{Content, read_contents};
use crate::workdir::counted_rows::{CountedRows, EXAMPLES};
use crate::workdir::fingerprint::Fingerprint;
use crate::workdir::parts::{
    IdRun, PartRecord, SkippedRow, check_rows, contents_path, embeddings_path, ids_path, in_work_dir,
    whole_records,
};
use crate::workdir::row_index::{FileRows, Ids, RowIndex};
use crate::workdir::script::{self, Code, ScriptRun};
use crate::workdir::sums::check_embeddings;
use crate::workdir::table_file::{check_table, read_column};

/// The rows of a run.
#[derive(Debug)]
pub(crate) struct Dataset {
    pub(crate) row_index: RowIndex,
    /// The rows that could not be read, in order.
    pub(crate) skipped: Vec<SkippedRow>,
    /// The number of texts without a visible character.
    pub(crate) empty: u64,
    /// The rows whose embedding is zeros although their text is not empty, or none if a part by an
    /// earlier version does not count them.
    pub(crate) zero: Option<CountedRows>,
    /// The number of texts of which only the first tokens were used.
    pub(crate) truncated: u64,
    /// The number of rows whose embeddings an earlier run with other rows had made.
    pub(crate) reused: u64,
    /// The number of rows that have the embedding of an equal row before them in this run.
    pub(crate) repeated: u64,
    /// The number of rows that a model embedded, or none if a part by an earlier version does not
    /// count them.
    pub(crate) embedded: Option<u64>,
    /// The number of rows in each file of which most words are not in the model's vocabulary.
    pub(crate) unknown: Vec<u64>,
    /// The scripts of the rows, in order.
    pub(crate) scripts: Vec<ScriptRun>,
    /// The files of embeddings, one for each part.
    pub(crate) embeddings: Vec<PathBuf>,
    /// The files of what was embedded, one for each part.
    contents: Vec<PathBuf>,
    /// The sum of each of them, if its record has one.
    contents_sums: Vec<Option<String>>,
    /// The number of rows of each part, according to its record.
    part_rows: Vec<u64>,
    /// The sum of the embeddings of each part, if its record has one.
    sums: Vec<Option<String>>,
    /// The number of parts that an earlier run stored: the first ones.
    pub(crate) earlier_parts: usize,
    /// The files of ids, in order.
    id_parts: Vec<IdFile>,
}

/// A file of ids.
#[derive(Debug)]
struct IdFile {
    path: PathBuf,
    source: IdSource,
}

impl Dataset {
    /// Reads the records of the embedding stage from its folder. `stage` is its fingerprint.
    ///
    /// # Errors
    /// Fails if a part is missing.
    pub(crate) fn open(input: &Input, folder: &Path, stage: &Fingerprint) -> Result<Self> {
        let records = whole_records(folder, stage)?;
        let mut dataset = Self {
            row_index: row_index(input, &records),
            skipped: Vec::new(),
            empty: 0,
            zero: Some(CountedRows::default()),
            truncated: 0,
            reused: 0,
            repeated: 0,
            embedded: Some(0),
            unknown: vec![0; input.files.len()],
            scripts: Vec::new(),
            embeddings: Vec::new(),
            contents: Vec::new(),
            contents_sums: Vec::new(),
            part_rows: Vec::new(),
            sums: Vec::new(),
            earlier_parts: usize::MAX,
            id_parts: Vec::new(),
        };
        for (number, record) in records.into_iter().enumerate() {
            dataset.add_part(folder, number, record);
        }
        Ok(dataset)
    }

    fn add_part(&mut self, folder: &Path, number: usize, record: PartRecord) {
        let rows = record.rows();
        self.embeddings.push(embeddings_path(folder, number));
        self.contents.push(contents_path(folder, number));
        self.part_rows.push(rows);
        self.sums.push(record.sum.clone());
        self.contents_sums.push(record.contents_sum.clone());
        let runs = record.ids.iter().enumerate();
        let id_part = |(run, &source): (usize, &IdRun)| IdFile {
            path: ids_path(folder, number, run),
            source: source.into(),
        };
        self.id_parts.extend(runs.map(id_part));
        record.spans.iter().for_each(|span| self.unknown[span.file] += span.unknown);
        self.empty += record.empty;
        self.zero = self.zero.take().zip(record.zero).map(|(mut all, added)| {
            all.extend(&added);
            all
        });
        self.truncated += record.truncated;
        self.reused += record.reused;
        self.repeated += record.repeated;
        self.embedded = self.embedded.zip(record.embedded).map(|(all, added)| all + added);
        self.skipped.extend(record.skipped);
        self.add_scripts(record.scripts, rows);
    }

    /// Adds the scripts of a part with this many rows.
    fn add_scripts(&mut self, scripts: Vec<ScriptRun>, rows: u64) {
        let counted: u64 = scripts.iter().map(|ScriptRun(_, rows)| u64::from(*rows)).sum();
        // A part by an earlier version does not have the scripts of its rows.
        let scripts = match counted == rows {
            true => scripts,
            false => vec![ScriptRun(Code::NONE, u32::try_from(rows).unwrap_or(u32::MAX))],
        };
        for ScriptRun(script, rows) in scripts {
            script::extend(&mut self.scripts, script, rows);
        }
    }

    /// Fails if embeddings that an earlier run stored are no more those that it wrote.
    pub(crate) fn check_embeddings(&self) -> Result<()> {
        let parts = self.embeddings.par_iter().zip(&self.sums).take(self.earlier_parts);
        parts.try_for_each(|(path, sum)| {
            check_embeddings(path, sum.as_deref()).map_err(|error| in_work_dir(path, error))
        })
    }

    /// Opens the embeddings, one for each row.
    pub(crate) fn open_embeddings(&self) -> Result<EmbeddingStore> {
        let store = EmbeddingStore::open(&self.embeddings).map_err(|error| {
            let (message, mut paths) = (error.to_string(), self.embeddings.iter());
            match paths.find(|path| message.contains(&*path.to_string_lossy())) {
                Some(path) => in_work_dir(path, error),
                None => error,
            }
        })?;
        for ((path, rows), &recorded) in store.files().zip(&self.part_rows) {
            check_rows(path, rows, recorded)?;
        }
        Ok(store)
    }

    /// Returns what was embedded in a part, row by row; none if it is not known.
    pub(crate) fn contents(&self, part: usize) -> Result<Option<Vec<Content>>> {
        read_contents(&self.contents[part], self.part_rows[part], self.contents_sums[part].as_deref())
    }

    /// Returns the numbers of the rows that could not be read, ascending.
    pub(crate) fn skipped_rows(&self) -> Vec<u64> {
        self.skipped.iter().map(|skipped| self.row_index.number(skipped.file, skipped.row)).collect()
    }

    /// Describes the first row that could not be read: its file, its row number and the reason.
    pub(crate) fn first_skipped(&self) -> String {
        let first = self.skipped.first();
        first.map_or_else(String::new, |s| {
            format!("{} row {}: {}", self.row_index.files[s.file].name, s.row, s.reason)
        })
    }

    /// Fails if no turn has any of the roles that the user asked for: all texts would be empty.
    pub(crate) fn check_roles(&self, input: &Input) -> Result<()> {
        let limited = input
            .columns
            .iter()
            .enumerate()
            .find(|(file, _)| !input.columns_to_embed(*file).roles.is_empty());
        let read = self.row_index.rows() - self.skipped.len() as u64;
        let Some((_, columns)) = limited.filter(|_| read > 0 && self.empty == read) else { return Ok(()) };
        let problem = format!("--roles {}: no turn of {read} rows has such a role", columns.roles.join(","));
        Err(Error::new(ErrorKind::Input, problem).hint(ROLES_HINT))
    }

    /// Fails if an id of a column names several rows, or if a row has none.
    pub(crate) fn check_ids(&self, input: &Input) -> Result<()> {
        match self.ids(input)? {
            Ids::Column(ids) => {
                check_unique(&ids, &self.skipped_rows().into_iter().collect(), &self.row_index)
            }
            Ids::RowIndex(_) | Ids::Numbers => Ok(()),
        }
    }

    /// Returns the ids of all rows.
    pub(crate) fn ids(&self, input: &Input) -> Result<Ids> {
        if !input.has_ids() {
            return Ok(Ids::RowIndex(self.row_index.clone()));
        }
        let parts = self
            .id_parts
            .iter()
            .map(|file| Ok(IdPart { source: file.source, values: checked_column(&file.path)? }));
        let ids = unify_ids(parts.collect::<Result<_>>()?)?;
        if ids.len() as u64 != self.row_index.rows() {
            let problem = format!("{} ids for {} rows", ids.len(), self.row_index.rows());
            return Err(Error::work("ids", problem).hint("delete the work directory to begin anew"));
        }
        Ok(Ids::Column(ids))
    }
}

/// Reads the ids of a part, if they are those that were written.
fn checked_column(path: &Path) -> Result<ArrayRef> {
    check_table(path).and_then(|()| read_column(path, "id")).map_err(|error| in_work_dir(path, error))
}

const ROLES_HINT: &str = "name roles that the turns have, such as user,assistant (human and gpt are the same), \
     or leave out --roles";

/// Returns the files of an input with the numbers of their rows in all parts.
fn row_index(input: &Input, records: &[PartRecord]) -> RowIndex {
    let mut rows = vec![0; input.files.len()];
    for span in records.iter().flat_map(|record| &record.spans) {
        rows[span.file] += span.rows;
    }
    let files = input.files.iter().zip(rows).map(|(file, rows)| FileRows { name: file.name.clone(), rows });
    RowIndex::new(files.collect())
}

/// Returns a warning about the rows that could not be read, if there are any.
pub(crate) fn skipped_rows(dataset: &Dataset) -> Option<Warning> {
    let skipped = &dataset.skipped;
    let name = |file: usize| &dataset.row_index.files[file].name;
    let examples =
        skipped.iter().take(EXAMPLES).map(|s| format!("{} row {}: {}", name(s.file), s.row, s.reason));
    (!skipped.is_empty())
        .then(|| Warning::SkippedRows { rows: skipped.len() as u64, examples: examples.collect() })
}

/// Returns a warning if many texts, or most texts of a file, are mostly words that the model does
/// not know.
pub(crate) fn unknown_words(dataset: &Dataset) -> Option<Warning> {
    let (rows, of) = (dataset.unknown.iter().sum::<u64>(), dataset.row_index.rows());
    let files = dataset.row_index.files.iter().zip(&dataset.unknown);
    let files: Vec<String> = files
        .filter(|(file, unknown)| 2 * **unknown > file.rows)
        .map(|(file, _)| file.name.clone())
        .collect();
    let is_told = rows > 0 && (rows as f64 >= UNKNOWN_TEXT_SHARE * of as f64 || !files.is_empty());
    is_told.then_some(Warning::UnknownWords { rows, of, files })
}

/// Returns the rows of zeros whose text is not empty, as the embedding stage counted them. Earlier
/// versions did not count them: then these are all rows of zeros except the empty texts.
pub(crate) fn zero_rows(dataset: &Dataset, all: CountedRows) -> CountedRows {
    dataset.zero.clone().unwrap_or_else(|| all.without(dataset.empty))
}
