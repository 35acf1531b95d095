//! Tells rows of one embedding apart: copies of a text or an image, and other rows.

use semdedup_core::EXACT;

use crate::embed::dataset::Dataset;
use crate::error::Result;
use crate::score::columns::ScoreColumns;
use crate::workdir::contents::Content;

/// The numbers of rows that have the embedding of a row that ranks before them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Copies {
    /// Rows whose text or image is that of a row before them too.
    pub(crate) exact: u64,
    /// Rows whose text or image is another one, where the model read all texts of this embedding to
    /// their ends. Where it is not known what was embedded, all rows of one embedding.
    pub(crate) other: u64,
    /// Rows whose text is another one, where the model did not read the end of a text of this
    /// embedding, of whichever row: the texts may differ only there.
    pub(crate) up_to_limit: u64,
}

impl Copies {
    /// Counts the rows of equal embeddings.
    ///
    /// # Errors
    /// Fails if the files of what was embedded cannot be read.
    pub(crate) fn count(dataset: &Dataset, columns: &ScoreColumns) -> Result<Self> {
        let contents = |part| dataset.contents(part);
        EmbeddedRows { parts: dataset.embeddings.len(), contents, columns }.copies()
    }
}

/// The rows of a run with what was embedded of them, part by part.
struct EmbeddedRows<'a, C> {
    parts: usize,
    /// Returns what was embedded in a part.
    contents: C,
    columns: &'a ScoreColumns,
}

impl<C: Fn(usize) -> Result<Option<Vec<Content>>>> EmbeddedRows<'_, C> {
    /// Counts the copies. One part is in memory at a time, beside 26 bytes for each row that has the
    /// embedding of a row before it.
    fn copies(&self) -> Result<Copies> {
        let mut groups = Groups::of(self.columns);
        let is_known = self.for_each(|row, content| {
            if content.is_truncated() {
                groups.mark_cut(row);
            }
        })?;
        if !is_known {
            return Ok(Copies { other: self.columns.equal_embeddings(), ..Copies::default() });
        }
        let mut copies = Vec::new();
        self.for_each(|row, content| {
            if groups.is_copy(row) {
                copies.push(groups.marked(row, content));
            }
        })?;
        copies.sort_unstable();
        // Whether a row that is no copy has the content, at the first place of the content.
        let mut has_first = vec![false; copies.len()];
        self.for_each(|row, content| {
            if !groups.is_copy(row) {
                let content = groups.marked(row, content);
                let place = copies.partition_point(|copy| *copy < content);
                if copies.get(place) == Some(&content) {
                    has_first[place] = true;
                }
            }
        })?;
        Ok(counted(&copies, &has_first))
    }

    /// Calls `f` with each row and what was embedded of it. Returns false if that is not known of a
    /// part.
    fn for_each(&self, mut f: impl FnMut(usize, Content)) -> Result<bool> {
        let mut first = 0;
        for part in 0..self.parts {
            let Some(contents) = (self.contents)(part)? else { return Ok(false) };
            (first..).zip(&contents).for_each(|(row, content)| f(row, *content));
            first += contents.len();
        }
        Ok(true)
    }
}

/// Counts copies, which are sorted. `has_first` says at the first place of a content whether a row
/// that is no copy has it.
fn counted(copies: &[Content], has_first: &[bool]) -> Copies {
    let (mut found, mut place) = (Copies::default(), 0);
    for same in copies.chunk_by(|a, b| a == b) {
        // The first row of a content is no copy of it, but it may be one of another content.
        let other = u64::from(!has_first[place]);
        found.exact += same.len() as u64 - other;
        match same[0].is_truncated() {
            true => found.up_to_limit += other,
            false => found.other += other,
        }
        place += same.len();
    }
    found
}

/// The groups of rows with one embedding.
struct Groups<'a> {
    columns: &'a ScoreColumns,
    /// The row of each group that ranks first, ascending.
    firsts: Vec<u64>,
    /// Whether the model did not read the end of a text of the group.
    is_cut: Vec<bool>,
}

impl<'a> Groups<'a> {
    fn of(columns: &'a ScoreColumns) -> Self {
        let rows = columns.score.iter().zip(&columns.duplicate_of);
        let mut firsts: Vec<u64> =
            rows.filter(|(score, _)| **score == EXACT).map(|(_, first)| *first).collect();
        firsts.sort_unstable();
        firsts.dedup();
        let is_cut = vec![false; firsts.len()];
        Self { columns, firsts, is_cut }
    }

    /// Whether a row has the embedding of a row that ranks before it.
    fn is_copy(&self, row: usize) -> bool {
        self.columns.score[row] == EXACT
    }

    /// Finds the group of a row; none if no other row has its embedding.
    fn group(&self, row: usize) -> Option<usize> {
        let first = if self.is_copy(row) { self.columns.duplicate_of[row] } else { row as u64 };
        self.firsts.binary_search(&first).ok()
    }

    /// Notes that the model did not read the end of a row.
    fn mark_cut(&mut self, row: usize) {
        if let Some(group) = self.group(row) {
            self.is_cut[group] = true;
        }
    }

    /// Returns the content of a row, with the mark of a truncated text if one of its group is.
    fn marked(&self, row: usize, content: Content) -> Content {
        let is_cut = self.group(row).is_some_and(|group| self.is_cut[group]);
        if is_cut { content.truncated() } else { content }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Counts the copies of rows in parts of `part_rows`. `firsts` has the row that ranks first among
    /// those of the embedding of each row.
    fn copies(contents: &[Content], firsts: &[u64], part_rows: usize) -> [u64; 3] {
        let score = (0..).zip(firsts).map(|(row, first)| if row == *first { 0.5 } else { EXACT }).collect();
        let columns = ScoreColumns { score, duplicate_of: firsts.to_vec(), ..ScoreColumns::default() };
        let part = |part: usize| Ok(contents.chunks(part_rows).nth(part).map(<[Content]>::to_vec));
        let parts = contents.len().div_ceil(part_rows);
        let rows = EmbeddedRows { parts, contents: part, columns: &columns };
        let Copies { exact, other, up_to_limit } = rows.copies().unwrap();
        [exact, other, up_to_limit]
    }

    #[test]
    fn copies_of_a_text_are_told_from_texts_of_the_same_embedding() {
        let [a, b, c] = [Content::of(b"a"), Content::of(b"A"), Content::of(b"long").truncated()];
        for (contents, firsts, found) in [
            ([a, a, a, b], [0, 0, 0, 3], [2, 0, 0]),
            ([a, b, b, a], [3, 3, 3, 3], [2, 1, 0]),
            // Where one text is truncated, no row of its embedding is known to be of another text.
            ([a, c, c, b], [0, 0, 0, 0], [1, 0, 2]),
            ([c, a, a, b], [0, 0, 0, 3], [1, 0, 1]),
            ([a, c, a, b], [0, 0, 0, 3], [1, 0, 1]),
            ([a, b, c, c], [0, 0, 2, 2], [1, 1, 0]),
            ([a, b, c, c], [0, 1, 2, 3], [0, 0, 0]),
        ] {
            for part_rows in 1..=4 {
                assert_eq!(copies(&contents, &firsts, part_rows), found, "{contents:?} {firsts:?}");
            }
        }
    }

    #[test]
    fn rows_of_unknown_contents_are_other_rows_of_one_embedding() {
        let (score, duplicate_of) = (vec![0.5, EXACT], vec![1, 0]);
        let columns = ScoreColumns { score, duplicate_of, ..ScoreColumns::default() };
        let unknown = EmbeddedRows { parts: 1, contents: |_| Ok(None), columns: &columns }.copies().unwrap();
        assert_eq!((unknown.exact, unknown.other), (0, 1));
    }
}
