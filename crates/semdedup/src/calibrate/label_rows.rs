//! Reads a file of labelled pairs.

use std::io::Read;
use std::path::Path;

use serde::Serialize;

use crate::calibrate::bands::band_named;
use crate::calibrate::table_values::read_table;
use crate::error::{Error, Result};
use crate::formats::{DialectChoice, Escape, Quote};
use crate::storage::Blob;

/// What somebody says of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The rows say the same: one of them may go.
    Same,
    /// They do not.
    Different,
    /// It was looked at without a decision; it is left out of all counts.
    Unsure,
}

impl Answer {
    /// Returns the word for it in a file of labels.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Same => "true",
            Self::Different => "false",
            Self::Unsure => "unsure",
        }
    }

    fn of(word: &str) -> Option<Self> {
        match word.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => Some(Self::Same),
            "false" | "0" | "no" => Some(Self::Different),
            "unsure" => Some(Self::Unsure),
            _ => None,
        }
    }
}

/// The names of the columns of a file that `semdedup label` writes. Of other files the first three
/// are needed, and a file with a `band` is taken as one whose pairs were drawn by band.
pub(crate) const COLUMNS: [&str; 6] = ["id_a", "id_b", "same", "similarity", "band", "rows_in_band"];

/// Something that is left out, and the first examples of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LeftOutLabels {
    /// The number of labels.
    pub count: u64,
    /// At most three of them.
    pub examples: Vec<String>,
}

impl LeftOutLabels {
    pub(crate) fn add(&mut self, example: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < 3 {
            self.examples.push(example());
        }
    }
}

/// A row of a file of labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LabelRow {
    /// The row in the file, from 0.
    pub(crate) row: usize,
    pub(crate) ids: [String; 2],
    pub(crate) answer: Answer,
    /// The band that the pair was drawn from; none if it was not drawn by band.
    pub(crate) band: Option<usize>,
    /// The rows of the band when it was drawn.
    pub(crate) rows_in_band: Option<u64>,
}

impl LabelRow {
    /// Names the pair in a message.
    pub(crate) fn name(&self) -> String {
        format!("{} and {} (row {})", self.ids[0], self.ids[1], self.row)
    }
}

/// The labels of a file.
#[derive(Debug, Default)]
pub(crate) struct LabelRows {
    pub(crate) rows: Vec<LabelRow>,
    /// Whether the file says from which band each pair was drawn.
    pub(crate) has_bands: bool,
    /// Rows that are no label.
    pub(crate) bad: LeftOutLabels,
}

/// Reads a file of labels.
///
/// # Errors
/// A file that is not there or holds no records, or without the columns `id_a`, `id_b` and `same`.
pub(crate) fn read_labels(path: &Path) -> Result<LabelRows> {
    let names = [COLUMNS[0], COLUMNS[1], COLUMNS[2], COLUMNS[4], COLUMNS[5]];
    let table = read_table(path, &names, 2, dialect(path)?)?;
    let mut columns = table.columns.into_iter();
    let mut next = || columns.next().flatten();
    let (a, b, same) = (next().unwrap_or_default(), next().unwrap_or_default(), next().unwrap_or_default());
    let (bands, rows_in_band) = (next(), next());
    let mut labels = LabelRows { has_bands: bands.is_some(), ..LabelRows::default() };
    let cell = |column: &Option<Vec<Option<String>>>, row: usize| column.as_ref()?.get(row)?.clone();
    for (row, ((a, b), same)) in a.into_iter().zip(b).zip(same).enumerate() {
        if let Ok(place) = table.bad.binary_search_by_key(&(row as u64), |bad| bad.row) {
            labels.bad.add(|| format!("row {row}: {}", table.bad[place].reason));
            continue;
        }
        match parse(row, [a, b], same, cell(&bands, row)) {
            Ok(label) => {
                let rows_in_band = cell(&rows_in_band, row).and_then(|rows| rows.trim().parse().ok());
                labels.rows.push(LabelRow { rows_in_band, ..label });
            }
            Err(problem) => labels.bad.add(|| format!("row {row}: {problem}")),
        }
    }
    Ok(labels)
}

/// Reads one label; the error says what is wrong with it.
fn parse(
    row: usize,
    ids: [Option<String>; 2],
    same: Option<String>,
    band: Option<String>,
) -> std::result::Result<LabelRow, String> {
    let [Some(a), Some(b)] = ids.map(|id| id.filter(|id| !id.is_empty())) else {
        return Err("an id is missing".to_owned());
    };
    if a == b {
        return Err(format!("both ids are {a}"));
    }
    let word = same.unwrap_or_default();
    let answer = Answer::of(&word).ok_or_else(|| format!("same is \"{}\"", shortened(&word)))?;
    let band = match band.as_deref().map(str::trim).filter(|band| !band.is_empty()) {
        None => None,
        Some(name) => Some(band_named(name).ok_or_else(|| format!("band is \"{}\"", shortened(name)))?),
    };
    Ok(LabelRow { row, ids: [a, b], answer, band, rows_in_band: None })
}

/// Returns the beginning of a value that a message quotes.
fn shortened(value: &str) -> String {
    value.chars().take(40).collect()
}

/// Returns the dialect of a file that `semdedup label` wrote, which need not be found. Any other file may
/// have any dialect.
fn dialect(path: &Path) -> Result<DialectChoice> {
    let is_ours = |bytes: &[u8]| bytes.starts_with(COLUMNS.join(",").as_bytes());
    let beginning = beginning_of(path)?;
    Ok(match is_ours(&beginning) {
        true => DialectChoice {
            delimiter: Some(b','),
            quote: Some(Quote::default()),
            escape: Some(Escape::default()),
            no_header: false,
        },
        false => DialectChoice::default(),
    })
}

/// Reads the beginning of a file, as far as a header of ours is long.
fn beginning_of(path: &Path) -> Result<Vec<u8>> {
    let mut beginning = Vec::new();
    let file = Blob::open(path)?;
    file.reader(0).take(64).read_to_end(&mut beginning).map_err(|error| Error::input(path, error))?;
    Ok(beginning)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn labels_of(name: &str, text: &str) -> Result<LabelRows> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        read_labels(&path)
    }

    #[test]
    fn labels_are_read_from_csv_tsv_and_json_lines_and_other_columns_are_ignored() {
        let csv = "note,id_b,same,id_a\n1,b,true,a\n2,d,No,c\n3,f,0,e\n";
        let json = "{\"id_a\": \"a\", \"id_b\": \"b\", \"same\": true, \"x\": 1}\n{\"id_a\": \"c\", \"id_b\": \"d\", \
                    \"same\": \"no\"}\n{\"id_a\": \"e\", \"id_b\": \"f\", \"same\": 0}\n";
        for (name, text) in
            [("l.csv", csv.to_owned()), ("l.tsv", csv.replace(',', "\t")), ("l.jsonl", json.to_owned())]
        {
            let labels = labels_of(name, &text).unwrap();
            let rows: Vec<_> = labels.rows.iter().map(|l| (l.ids.join(" "), l.answer)).collect();
            let expected = [("a b", Answer::Same), ("c d", Answer::Different), ("e f", Answer::Different)];
            assert_eq!(rows, expected.map(|(ids, answer)| (ids.to_owned(), answer)), "{name}");
            assert!(!labels.has_bands && labels.bad.count == 0, "{name}");
        }
    }

    #[test]
    fn rows_that_are_no_label_are_counted_and_named() {
        let csv = "id_a,id_b,same\na,b,maybe\na,,true\nx,x,true\na,b\nc,d,UNSURE\ne,f,yes\n";
        let labels = labels_of("labels.csv", csv).unwrap();
        assert_eq!(labels.bad.count, 4);
        let expected = ["row 0: same is \"maybe\"", "row 1: an id is missing", "row 2: both ids are x"];
        assert_eq!(labels.bad.examples, expected);
        let answers: Vec<Answer> = labels.rows.iter().map(|label| label.answer).collect();
        assert_eq!(answers, [Answer::Unsure, Answer::Same]);
    }

    #[test]
    fn a_file_of_ours_is_read_whatever_its_ids_look_like() {
        let header = COLUMNS.join(",");
        let csv =
            format!("{header}\n\"a;b,\"\"c\"\"\",it's|\\,true,0.94,0.93-0.95,12\n;;|,d,false,0.94,x,12\n");
        let labels = labels_of("labels.csv", &csv).unwrap();
        assert_eq!(labels.rows[0].ids, ["a;b,\"c\"", "it's|\\"]);
        assert_eq!((labels.rows[0].band, labels.rows[0].rows_in_band), (Some(5), Some(12)));
        assert_eq!((labels.has_bands, labels.bad.count), (true, 1));
    }

    #[test]
    fn a_file_without_the_columns_is_refused_with_those_that_it_has() {
        let error = labels_of("labels.csv", "a,b,same\n1,2,true\n").unwrap_err();
        assert!(error.to_string().contains("no column `id_a`; columns are a, b, same"), "{error}");
        assert!(error.hint_text().unwrap().contains("id_a, id_b, same"));
        assert!(labels_of("labels.txt", "id_a,id_b,same\n").unwrap_err().to_string().contains("no columns"));
    }
}
