//! Finds the rows of labelled pairs and their similarities.

use std::collections::{BTreeMap, HashMap};

use semdedup_core::{NO_ROW, similarity};
use serde::Serialize;

use crate::calibrate::label_rows::{Answer, LabelRow, LabelRows, LeftOutLabels};
use crate::calibrate::pair_curve::JudgedPair;
use crate::calibrate::population::Population;
use crate::calibrate::row_ids::{RowOfId, rows_of};
use crate::error::{Error, Result};
use crate::inspect::finished_run::FinishedRun;

/// The pairs whose rows are read from the embeddings at a time.
const PAIRS_AT_ONCE: usize = 1 << 15;

/// What became of the labels of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PairCounts {
    /// The labels of the file.
    pub labels: u64,
    /// The pairs that count.
    pub pairs: u64,
    /// Those of them that say the same.
    pub same: u64,
    /// Pairs that nobody was sure about.
    pub unsure: u64,
    /// Labels that repeat one before them, in either order of the ids.
    pub repeated: u64,
    /// Rows that are no label.
    pub bad_rows: LeftOutLabels,
    /// Labels with an id that no row has, or that several rows have.
    pub unknown_ids: LeftOutLabels,
    /// Pairs of which one label says "the same" and another one the opposite. Neither counts.
    pub contradicting: LeftOutLabels,
    /// Pairs with a row that could not be read, or whose embedding has no direction.
    pub not_comparable: LeftOutLabels,
    /// Labels by band whose pair is not one that this result found in the band.
    pub not_drawn: LeftOutLabels,
    /// Pairs that count whose band had another number of rows when it was drawn.
    pub from_other_rows: u64,
}

/// Labelled pairs that count.
#[derive(Debug, Default)]
pub(crate) struct JudgedPairs {
    pub(crate) pairs: Vec<JudgedPair>,
    pub(crate) counts: PairCounts,
}

/// A pair that a label decides, and a label of it.
struct Decided<'a> {
    label: &'a LabelRow,
    rows: [u64; 2],
    same: bool,
    is_contradicted: bool,
}

/// Finds the rows of labels, and leaves out those that do not count.
fn decided<'a>(
    run: &FinishedRun,
    labels: &'a LabelRows,
    counts: &mut PairCounts,
) -> Result<Vec<Decided<'a>>> {
    let ids = labels.rows.iter().flat_map(|label| label.ids.iter().map(String::as_str));
    let found = rows_of(run, ids)?;
    let row = |id: &String| match found.get(id.as_str()) {
        Some(RowOfId::One(row)) => Some(*row),
        _ => None,
    };
    let mut places: HashMap<[u64; 2], usize> = HashMap::new();
    let mut decided: Vec<Decided> = Vec::new();
    for label in &labels.rows {
        let [Some(a), Some(b)] = label.ids.each_ref().map(row) else {
            let unknown = label.ids.iter().find(|id| row(id).is_none());
            counts.unknown_ids.add(|| format!("{} (row {})", unknown.map_or("", String::as_str), label.row));
            continue;
        };
        let same = match label.answer {
            Answer::Unsure => {
                counts.unsure += 1;
                continue;
            }
            answer => answer == Answer::Same,
        };
        match places.get(&[a.min(b), a.max(b)]) {
            None => {
                places.insert([a.min(b), a.max(b)], decided.len());
                decided.push(Decided { label, rows: [a, b], same, is_contradicted: false });
            }
            Some(&place) if decided[place].same == same => counts.repeated += 1,
            Some(&place) => decided[place].is_contradicted = true,
        }
    }
    for pair in decided.iter().filter(|pair| pair.is_contradicted) {
        counts.contradicting.add(|| pair.label.name());
    }
    decided.retain(|pair| !pair.is_contradicted);
    Ok(decided)
}

impl JudgedPairs {
    /// Finds the similarity of each pair from the embeddings of a run.
    ///
    /// # Errors
    /// A work directory that is gone or damaged.
    pub(crate) fn by_embeddings(run: &FinishedRun, labels: LabelRows) -> Result<Self> {
        let mut counts = PairCounts::of(&labels);
        let decided = decided(run, &labels, &mut counts)?;
        let store = run.dataset()?.open_embeddings()?;
        let mut pairs = Vec::with_capacity(decided.len());
        for some in decided.chunks(PAIRS_AT_ONCE) {
            let rows = some.iter().flat_map(|pair| pair.rows).map(|row| (row, 0));
            let mut places: BTreeMap<u64, usize> = rows.collect();
            places.values_mut().enumerate().for_each(|(place, of)| *of = place);
            let rows: Vec<u64> = places.keys().copied().collect();
            let units = store.gather(&rows)?;
            for Decided { label, rows, same, .. } in some {
                match similarity(&units, places[&rows[0]], places[&rows[1]]) {
                    Some(similarity) => pairs.push(JudgedPair { rows: *rows, similarity, same: *same }),
                    None => counts.not_comparable.add(|| label.name()),
                }
            }
        }
        Ok(Self::counted(pairs, counts))
    }

    /// Takes the pairs that this result found, each in the band that it was drawn from.
    ///
    /// # Errors
    /// Ids that cannot be read.
    pub(crate) fn by_band(run: &FinishedRun, labels: &LabelRows, population: &Population) -> Result<Self> {
        let mut counts = PairCounts::of(labels);
        let mut pairs = Vec::new();
        let columns = &population.columns;
        for Decided { label, rows: [a, b], same, .. } in decided(run, labels, &mut counts)? {
            let matched = |row: u64, of: u64| columns.duplicate_of[row as usize] == of && of != NO_ROW;
            let row = [(a, b), (b, a)].into_iter().find(|&(row, of)| matched(row, of));
            let row = row
                .map(|(row, _)| row as usize)
                .filter(|&row| label.band.is_some() && population.band(row) == label.band);
            let Some(row) = row else {
                counts.not_drawn.add(|| label.name());
                continue;
            };
            let now = label.band.map(|band| population.rows.rows(band));
            let is_other = label.rows_in_band.is_some() && label.rows_in_band != now;
            counts.from_other_rows += u64::from(is_other);
            pairs.push(JudgedPair { rows: [a, b], similarity: columns.score[row], same });
        }
        Ok(Self::counted(pairs, counts))
    }

    fn counted(pairs: Vec<JudgedPair>, mut counts: PairCounts) -> Self {
        counts.pairs = pairs.len() as u64;
        counts.same = pairs.iter().filter(|pair| pair.same).count() as u64;
        Self { pairs, counts }
    }

    /// Fails if there are fewer pairs than say anything.
    pub(crate) fn check_enough(&self, least: u64) -> Result<()> {
        let counts = &self.counts;
        if counts.pairs >= least {
            return Ok(());
        }
        let problem = format!(
            "{} labelled pairs count of {} labels{}; at least {least} are needed",
            counts.pairs,
            counts.labels,
            counts.reasons()
        );
        Err(Error::usage(problem).hint("`semdedup label RESULT` asks for labels of pairs of this result"))
    }
}

impl PairCounts {
    fn of(labels: &LabelRows) -> Self {
        let count = labels.rows.len() as u64 + labels.bad.count;
        Self { labels: count, bad_rows: labels.bad.clone(), ..Self::default() }
    }

    /// Lists what is left out, with a name for each kind and the first example.
    pub fn left_out(&self) -> Vec<(&'static str, &LeftOutLabels)> {
        let all = [
            ("no labels", &self.bad_rows),
            ("unknown ids", &self.unknown_ids),
            ("contradicting", &self.contradicting),
            ("not comparable", &self.not_comparable),
            ("not drawn here", &self.not_drawn),
        ];
        all.into_iter().filter(|(_, left_out)| left_out.count > 0).collect()
    }

    /// Says in an error why labels do not count.
    fn reasons(&self) -> String {
        let named = self.left_out().into_iter().map(|(name, LeftOutLabels { count, examples })| {
            format!("{name}: {count}, such as {}", examples.first().map_or("", String::as_str))
        });
        let unsure = (self.unsure > 0).then(|| format!("unsure: {}", self.unsure));
        let reasons: Vec<String> = named.chain(unsure).collect();
        if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join("; ")) }
    }
}
