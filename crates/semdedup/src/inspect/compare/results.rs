//! Compares results: sizes, what they keep together, and what only one of them removes.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use semdedup_core::{SamplePurpose, sample_rows};

use crate::error::{Error, Result};
use crate::inspect::compare::matching::{MOST_RESULTS, Universe};
use crate::inspect::compare::report::{
    ComparedFile, ComparedResult, ComparedResults, OnlyRemoved, ResultPair, SampledRow,
};
use crate::inspect::compare::result::{Fate, ListedResult, Rows};
use crate::inspect::finished_run::FinishedRun;

/// How [`compare`] shows what only one result removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompareOptions {
    /// The most rows of each result that are shown.
    pub samples: usize,
    /// The seed of their choice.
    pub seed: u64,
}

impl Default for CompareOptions {
    /// Shows three rows of each result.
    fn default() -> Self {
        Self { samples: 3, seed: 0 }
    }
}

/// Compares 2 to 16 results of the same input: output folders of `run` and of `select`, and lists of the
/// rows that stay (`kept` or `ids` in the name) or that go (`removed` in the name), as tables or with an id
/// a line.
///
/// Rows are matched by their ids, and runs over the same files by file and row where no column names the
/// rows. Runs take a byte a row and result; others 24 bytes more while they are matched.
///
/// # Errors
/// Fewer than two results or more than 16, places that hold none, and results of different inputs.
pub fn compare(places: &[PathBuf], options: &CompareOptions) -> Result<ComparedResults> {
    if !(2..=MOST_RESULTS).contains(&places.len()) {
        return Err(Error::usage(format!("{} results cannot be compared", places.len()))
            .hint(format!("name 2 to {MOST_RESULTS} results")));
    }
    let results = places.iter().map(|place| ListedResult::open(place)).collect::<Result<Vec<_>>>()?;
    let universe = Universe::of(&results)?;
    let counted = Counted { results: &results, universe: &universe };
    let numbers = 0..results.len();
    let pairs =
        numbers.clone().flat_map(|first| (first + 1..results.len()).map(move |second| (first, second)));
    Ok(ComparedResults {
        rows: universe.whole().map(|_| universe.rows() as u64),
        results: numbers.clone().map(|number| counted.result(number)).collect(),
        pairs: pairs.map(|(first, second)| counted.pair(first, second)).collect(),
        kept_by_all: counted.kept_by_all(),
        only_removed: numbers.map(|number| counted.only_removed(number, options)).collect::<Result<_>>()?,
        files: counted.files()?,
    })
}

/// Results whose rows are matched.
struct Counted<'a> {
    results: &'a [ListedResult],
    universe: &'a Universe,
}

impl Counted<'_> {
    /// Whether all rows of one fate are known: not if all results are lists of the rows of the other one.
    fn knows(&self, fate: Fate) -> bool {
        self.universe.whole().is_some()
            || self
                .results
                .iter()
                .all(|result| matches!(result.rows, Rows::List(_, listed) if listed == fate))
    }

    /// Returns what all results do with a row.
    fn of_row(&self, row: usize) -> impl Iterator<Item = Fate> {
        self.universe.fates.iter().map(move |fates| fates[row])
    }

    /// Whether all results keep a row.
    fn all_keep(&self, row: usize) -> bool {
        self.of_row(row).all(|fate| fate == Fate::Kept)
    }

    /// Counts the rows that all results keep, if that is known.
    fn kept_by_all(&self) -> Option<u64> {
        let count = || (0..self.universe.rows()).filter(|&row| self.all_keep(row)).count() as u64;
        self.knows(Fate::Kept).then(count)
    }

    fn result(&self, number: usize) -> ComparedResult {
        let fates = &self.universe.fates[number];
        let count = |wanted: Fate| fates.iter().filter(|&&fate| fate == wanted).count() as u64;
        let known = |fate: Fate| self.knows(fate).then(|| count(fate));
        let summary = self.results[number].run().and_then(FinishedRun::summary);
        ComparedResult {
            place: self.results[number].place.display().to_string(),
            rows_kept: known(Fate::Kept),
            rows_removed: known(Fate::Removed),
            rows_skipped: count(Fate::Neither),
            epsilon: summary.map(|summary| summary.epsilon),
            keep: summary.map(|summary| summary.keep.clone()),
            model: summary.map(|summary| summary.model.clone()),
        }
    }

    fn pair(&self, first: usize, second: usize) -> ResultPair {
        let fates = &self.universe.fates;
        let mut counts = [[0u64; 3]; 3];
        for (&one, &other) in fates[first].iter().zip(&fates[second]) {
            counts[one as usize][other as usize] += 1;
        }
        let [kept, removed] = [Fate::Kept, Fate::Removed].map(|fate| fate as usize);
        let kept_by_both = self.knows(Fate::Kept).then_some(counts[kept][kept]);
        let share = |of: u64| kept_by_both.filter(|_| of > 0).map(|both| both as f64 / of as f64);
        ResultPair {
            first,
            second,
            kept_by_both,
            share_of_first: share(counts[kept].iter().sum()),
            share_of_second: share(counts.iter().map(|row| row[kept]).sum()),
            removed_by_both: self.knows(Fate::Removed).then_some(counts[removed][removed]),
            only_first_removed: counts[removed][kept],
            only_second_removed: counts[kept][removed],
        }
    }

    /// Finds the rows that one result removes and all others keep.
    fn only_removed(&self, number: usize, options: &CompareOptions) -> Result<OnlyRemoved> {
        let is_only = |row: &usize| {
            let wanted = |other: usize| if other == number { Fate::Removed } else { Fate::Kept };
            self.of_row(*row).enumerate().all(|(other, fate)| fate == wanted(other))
        };
        let rows = (0..self.universe.rows()).filter(is_only).count() as u64;
        let chosen = sample_rows(rows, options.samples, options.seed, SamplePurpose::Recall);
        let mut chosen = chosen.into_iter().peekable();
        let only = (0..self.universe.rows()).filter(is_only).zip(0..);
        let chosen: Vec<usize> =
            only.filter(|(_, place)| chosen.next_if_eq(place).is_some()).map(|(row, _)| row).collect();
        Ok(OnlyRemoved { result: number, rows, samples: self.sample(&chosen)? })
    }

    /// Reads the ids, places and texts of some rows, which are ascending.
    fn sample(&self, rows: &[usize]) -> Result<Vec<SampledRow>> {
        let mut samples = BTreeMap::new();
        for (number, result) in self.results.iter().enumerate() {
            let wanted: HashMap<usize, usize> = rows
                .iter()
                .map(|&row| (row, self.universe.origin(row)))
                .filter(|(_, (origin, _))| *origin == number)
                .map(|(row, (_, listed))| (listed, row))
                .collect();
            if wanted.is_empty() {
                continue;
            }
            result.each(&mut |listed, _| {
                if let Some(&row) = wanted.get(&listed.number) {
                    let (file, in_file) = listed.place.map(|(file, row)| (file.to_owned(), row)).unzip();
                    let id = listed.id.unwrap_or_default().to_owned();
                    samples.insert(row, SampledRow { id, file, row: in_file, text: None });
                }
                Ok(())
            })?;
        }
        let mut samples: Vec<SampledRow> = samples.into_values().collect();
        for (sample, text) in samples.iter_mut().zip(self.texts(rows)) {
            sample.text = text;
        }
        Ok(samples)
    }

    /// Reads the texts of some rows, if a run lists them and its input is still there.
    fn texts(&self, rows: &[usize]) -> Vec<Option<String>> {
        let Some(run) = self.universe.whole().and_then(|whole| self.results[whole].run()) else {
            return Vec::new();
        };
        let rows: Vec<u64> = rows.iter().map(|&row| row as u64).collect();
        let is_image = run.summary().is_some_and(|summary| summary.compared.by == "image");
        let texts = if is_image { run.image_links(&rows) } else { run.texts(&rows) };
        // The ids alone say which rows these are.
        texts.unwrap_or_default()
    }

    /// Counts the rows of each file, in the order of the input.
    fn files(&self) -> Result<Vec<ComparedFile>> {
        let Some(whole) = self.universe.whole() else { return Ok(Vec::new()) };
        let (mut files, mut numbers) = (Vec::<ComparedFile>::new(), HashMap::new());
        let mut last = None;
        self.results[whole].each(&mut |listed, _| {
            let Some((name, _)) = listed.place else { return Ok(()) };
            let number = match last.filter(|&last: &usize| files[last].file == name) {
                Some(last) => last,
                None => *numbers.entry(name.to_owned()).or_insert_with(|| {
                    let rows_kept = vec![0; self.results.len()];
                    files.push(ComparedFile { file: name.to_owned(), rows: 0, rows_kept, kept_by_all: 0 });
                    files.len() - 1
                }),
            };
            last = Some(number);
            let file = &mut files[number];
            file.rows += 1;
            for (kept, fate) in file.rows_kept.iter_mut().zip(self.of_row(listed.number)) {
                *kept += u64::from(fate == Fate::Kept);
            }
            file.kept_by_all += u64::from(self.all_keep(listed.number));
            Ok(())
        })?;
        Ok(files)
    }
}
