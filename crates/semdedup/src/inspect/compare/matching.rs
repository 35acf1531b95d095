//! Finds the rows of one result in another: by their place in the input, or by their ids.

use rayon::prelude::*;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::error::{Error, ErrorKind, Result};
use crate::input::find::Input;
use crate::inspect::compare::listed::HINT;
use crate::inspect::compare::result::{Fate, ListedResult, Rows};
use crate::inspect::finished_run::FinishedRun;

/// The id of a row as a hash of 128 bits, and what is known of the row.
#[derive(Debug, Clone, Copy)]
struct Key {
    hash: [u64; 2],
    /// The number of the row in its list.
    number: u64,
}

/// The rows of all results, each of which has a number.
pub(crate) struct Universe {
    /// For each result, what it does with each row.
    pub(crate) fates: Vec<Vec<Fate>>,
    /// Where each row is listed.
    origins: Origins,
}

enum Origins {
    /// All rows are listed by this result, in this order.
    Result(usize),
    /// Each row is in one of several lists: the number of the list, and of the row in it.
    Lists(Vec<(u32, u64)>),
}

impl Universe {
    /// Matches the rows of several results.
    ///
    /// # Errors
    /// Results of different inputs.
    pub(crate) fn of(results: &[ListedResult]) -> Result<Self> {
        match results.iter().position(|result| !matches!(result.rows, Rows::List(..))) {
            Some(whole) => Self::of_result(results, whole),
            None => Self::of_lists(results),
        }
    }

    /// The number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.fates.first().map_or(0, Vec::len)
    }

    /// Returns the result that lists a row, and the number of the row in it.
    pub(crate) fn origin(&self, row: usize) -> (usize, usize) {
        match &self.origins {
            Origins::Result(result) => (*result, row),
            Origins::Lists(origins) => {
                let (list, number) = origins[row];
                (list as usize, number as usize)
            }
        }
    }

    /// Returns the result that lists all rows of the input, if there is one.
    pub(crate) fn whole(&self) -> Option<usize> {
        match self.origins {
            Origins::Result(result) => Some(result),
            Origins::Lists(_) => None,
        }
    }

    /// Finds the rows of all results in one that lists all rows of the input.
    fn of_result(results: &[ListedResult], whole: usize) -> Result<Self> {
        let of = &results[whole];
        let own = of.fates()?;
        let (mut keys, mut ids) = (None, None);
        let mut fates = Vec::with_capacity(results.len());
        for (number, result) in results.iter().enumerate() {
            if number == whole {
                fates.push(own.clone());
            } else if let Rows::Run { fates: others, .. } = &result.rows
                && lists_same_rows(of, &mut ids, result)?
            {
                fates.push(others.clone());
            } else {
                let keys = match &mut keys {
                    Some(keys) => keys,
                    None => keys.insert(sorted_keys(of)?.0),
                };
                fates.push(find(keys, of, &own, result)?);
            }
        }
        Ok(Self { fates, origins: Origins::Result(whole) })
    }

    /// Joins lists of kept rows, or lists of removed rows.
    fn of_lists(results: &[ListedResult]) -> Result<Self> {
        let listed = |result: &ListedResult| match result.rows {
            Rows::List(_, fate) => fate,
            Rows::Run { .. } | Rows::Selection(_) => Fate::Neither,
        };
        let fate = listed(&results[0]);
        if let Some(other) = results.iter().find(|other| listed(other) != fate) {
            return Err(other
                .problem("lists of rows that stay and of rows that go have no row in common")
                .hint("give it the --out folder of one of the runs too: it knows all rows"));
        }
        let mut all: Vec<(Key, u32)> = Vec::new();
        for (list, result) in results.iter().enumerate() {
            all.extend(sorted_keys(result)?.0.into_iter().map(|key| (key, list as u32)));
        }
        all.par_sort_unstable_by_key(|(key, list)| (key.hash, *list));
        // The first list that has a row says where it is.
        let mut rows: Vec<(u32, u64, u64)> = Vec::new();
        for same in all.chunk_by(|(a, _), (b, _)| a.hash == b.hash) {
            let lists = same.iter().fold(0, |lists, (_, list)| lists | 1 << list);
            rows.push((same[0].1, same[0].0.number, lists));
        }
        if results.len() > 1 && rows.iter().all(|(.., lists)| lists.is_power_of_two()) && !rows.is_empty() {
            return Err(results[1]
                .problem(format!("has no row in common with {}", results[0].place.display()))
                .hint("both must list rows of the same input, by the same column of ids"));
        }
        rows.par_sort_unstable();
        let unlisted = if fate == Fate::Kept { Fate::Removed } else { Fate::Kept };
        let fates = (0..results.len()).map(|list| {
            rows.iter().map(|(.., lists)| if lists >> list & 1 == 1 { fate } else { unlisted }).collect()
        });
        let fates = fates.collect();
        Ok(Self {
            fates,
            origins: Origins::Lists(rows.iter().map(|&(list, number, _)| (list, number)).collect()),
        })
    }
}

/// The most results that can be compared at once.
pub(crate) const MOST_RESULTS: usize = 16;

/// Finds the rows of `result` among those of `of`, which has these sorted keys and these fates. Returns
/// what `result` does with each of them.
fn find(keys: &[Key], of: &ListedResult, own: &[Fate], result: &ListedResult) -> Result<Vec<Fate>> {
    let (wanted, theirs) = sorted_keys(result)?;
    // A list names the rows of one fate; all others that could be read have the other one.
    let unlisted = match result.rows {
        Rows::List(_, Fate::Kept) => Fate::Removed,
        Rows::List(..) => Fate::Kept,
        Rows::Run { .. } | Rows::Selection(_) => Fate::Neither,
    };
    let unlisted = |&fate: &Fate| if fate == Fate::Neither { fate } else { unlisted };
    let mut fates: Vec<Fate> = own.iter().map(unlisted).collect();
    let mut is_found = vec![false; own.len()];
    let (mut place, mut missing) = (0, Vec::new());
    for key in &wanted {
        while keys.get(place).is_some_and(|other| other.hash < key.hash) {
            place += 1;
        }
        let fate = theirs[key.number as usize];
        match keys.get(place).filter(|other| other.hash == key.hash) {
            Some(same) => {
                (fates[same.number as usize], is_found[same.number as usize]) = (fate, true);
            }
            // A row that could not be read need not be in a selection.
            None => missing.extend((fate != Fate::Neither).then_some(key.number)),
        }
    }
    let lost = keys.iter().map(|key| key.number as usize);
    let lost = lost.filter(|&row| own[row] != Fate::Neither && !is_found[row]).count();
    if let Some(&number) = missing.iter().min() {
        let id = id_of(result, number as usize)?;
        Err(other_input(result, missing.len(), of, &format!(", such as {id}")))
    } else if lost > 0 && !matches!(result.rows, Rows::List(..)) {
        Err(other_input(of, lost, result, ""))
    } else {
        Ok(fates)
    }
}

/// Makes the error of `rows` rows of one result that are not in the other.
fn other_input(of: &ListedResult, rows: usize, other: &ListedResult, example: &str) -> Error {
    let problem = format!("{rows} of its rows are not in {}{example}", other.place.display());
    of.problem(problem).hint("compare results of the same input, with the same --id-column")
}

/// Hashes the ids of a result, and sorts them. Rows without an id are left out. Returns the fates of all
/// rows of the list, too.
///
/// # Errors
/// An id that names two rows.
fn sorted_keys(result: &ListedResult) -> Result<(Vec<Key>, Vec<Fate>)> {
    let (mut keys, mut fates) = (Vec::new(), Vec::new());
    result.each(&mut |row, fate| {
        fates.push(fate);
        keys.extend(row.id.map(|id| {
            let hash = xxh3_128(id.as_bytes());
            Key { hash: [(hash >> 64) as u64, hash as u64], number: row.number as u64 }
        }));
        Ok(())
    })?;
    keys.par_sort_unstable_by_key(|key| (key.hash, key.number));
    if let Some(same) = keys.windows(2).find(|two| two[0].hash == two[1].hash) {
        let id = id_of(result, same[0].number as usize)?;
        return Err(result.problem(format!("the id {id} names two rows")).hint(HINT));
    }
    Ok((keys, fates))
}

/// Returns the id of a row.
fn id_of(result: &ListedResult, number: usize) -> Result<String> {
    let mut found = String::new();
    result.each(&mut |row, _| {
        if row.number == number {
            found = row.id.unwrap_or_default().to_owned();
        }
        Ok(())
    })?;
    Ok(found)
}

/// Whether two results list the same rows in the same order. `known` holds the ids of the first one.
///
/// # Errors
/// Files of the same names and numbers of rows that are other files.
fn lists_same_rows(of: &ListedResult, known: &mut Option<IdsOf>, other: &ListedResult) -> Result<bool> {
    let (Some(one), Some(two)) = (of.run(), other.run()) else { return Ok(false) };
    let same_files = one.scores.row_index == two.scores.row_index;
    if one.rows() != two.rows() {
        return Ok(false);
    }
    let first = match known {
        Some(known) => known,
        None => known.insert(ids(of)?),
    };
    let second = ids(other)?;
    let unnamed = first.are_places || second.are_places;
    if same_files && unnamed {
        check_same_bytes(one, two, other)?;
    }
    Ok(first.digest == second.digest || same_files && unnamed)
}

/// The ids of a result.
struct IdsOf {
    /// The hash of all of them, in order.
    digest: u128,
    /// Whether they are files and row numbers, because no column named the rows.
    are_places: bool,
}

fn ids(result: &ListedResult) -> Result<IdsOf> {
    let (mut digest, mut are_places) = (Xxh3::new(), true);
    result.each(&mut |row, _| {
        let (id, place) = (row.id.unwrap_or_default(), row.place);
        digest.update(&(id.len() as u64).to_le_bytes());
        digest.update(id.as_bytes());
        are_places =
            are_places && (row.id.is_none() || place.is_some_and(|(file, row)| is_place(id, file, row)));
        Ok(())
    })?;
    Ok(IdsOf { digest: digest.digest128(), are_places })
}

/// Whether an id is `file:row`.
fn is_place(id: &str, file: &str, row: u64) -> bool {
    let number = id.strip_prefix(file).and_then(|rest| rest.strip_prefix(':'));
    number.is_some_and(|number| number.parse() == Ok(row))
}

/// Fails if two runs read files of other sizes under the same names. Without a column of ids nothing
/// else tells their rows apart.
fn check_same_bytes(one: &FinishedRun, two: &FinishedRun, named: &ListedResult) -> Result<()> {
    let (Some(one), Some(two)) = (one.find_embedded()?, two.find_embedded()?) else { return Ok(()) };
    let (one, two) = (Input::recorded(&one.folder)?, Input::recorded(&two.folder)?);
    let Some((a, b)) = one.files.iter().zip(&two.files).find(|(a, b)| a.bytes != b.bytes) else {
        return Ok(());
    };
    let problem = format!(
        "its {} had {} bytes, that of the other result {}: they are of different inputs",
        b.path.display(),
        b.bytes,
        a.bytes
    );
    Err(Error::new(ErrorKind::Input, format!("{}: {problem}", named.place.display()))
        .hint("compare results of the same input, or of rows that --id-column names"))
}
