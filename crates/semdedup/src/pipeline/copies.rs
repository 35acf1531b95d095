//! Tells rows of one embedding apart: copies of a text or an image, and other rows.

use semdedup_core::EXACT;

use crate::embed::dataset::Dataset;
use crate::error::Result;
use crate::indistinct::CLOSE;
use crate::score::columns::ScoreColumns;
use crate::score::row_bits::RowBits;
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
    /// Counts the rows of equal embeddings. Calls `close` with each close row, in order.
    ///
    /// # Errors
    /// Fails if the files of what was embedded cannot be read.
    pub(crate) fn count(dataset: &Dataset, columns: &ScoreColumns, close: impl FnMut(usize)) -> Result<Self> {
        let contents = |part| dataset.contents(part);
        let scores = RowScores { score: &columns.score, duplicate_of: &columns.duplicate_of };
        EmbeddedRows { parts: dataset.embeddings.len(), contents, scores }.copies(close)
    }
}

/// The scores of all rows, and the rows that reach them.
#[derive(Clone, Copy)]
pub(crate) struct RowScores<'a> {
    pub(crate) score: &'a [f32],
    pub(crate) duplicate_of: &'a [u64],
}

impl RowScores<'_> {
    /// Whether a row has the embedding of a row that ranks before it.
    fn is_copy(self, row: usize) -> bool {
        self.score[row] == EXACT
    }

    /// Whether a row has a cosine of nearly 1, or 1, with a row that ranks before it.
    fn is_near(self, row: usize) -> bool {
        self.score[row] > CLOSE
    }
}

/// The rows of a run with what was embedded of them, part by part.
pub(crate) struct EmbeddedRows<'a, C> {
    pub(crate) parts: usize,
    /// Returns what was embedded in a part.
    pub(crate) contents: C,
    pub(crate) scores: RowScores<'a>,
}

impl<C: Fn(usize) -> Result<Option<Vec<Content>>>> EmbeddedRows<'_, C> {
    /// Counts the copies, and calls `close` with each close row, in order: a near row that is no
    /// exact copy, where the model read its text, and all texts of its embedding, to their ends. Where
    /// it is not known what was embedded, all near rows.
    ///
    /// One part is in memory at a time, beside a bit for each row, and 17 bytes for each different
    /// content of rows that have the embedding of a row before them, up to 33 while they are collected.
    pub(crate) fn copies(&self, mut close: impl FnMut(usize)) -> Result<Copies> {
        let scores = self.scores;
        let mut groups = Groups::of(scores);
        let is_known = self.for_each(|row, content| {
            if content.is_truncated() {
                groups.mark_cut(row);
            }
        })?;
        let near = (0..scores.score.len()).filter(|&row| scores.is_near(row));
        if !is_known {
            let other = near.clone().filter(|&row| scores.is_copy(row)).count() as u64;
            near.for_each(close);
            return Ok(Copies { other, ..Copies::default() });
        }
        let (mut found, mut seen) = (Copies::default(), self.seen_contents(&groups)?);
        self.for_each(|row, content| {
            if !scores.is_near(row) {
                return;
            }
            let (content, is_copy) = (groups.marked(row, content), scores.is_copy(row));
            if is_copy && seen.note(content) {
                found.exact += 1;
            } else if is_copy && content.is_truncated() {
                found.up_to_limit += 1;
            } else if !content.is_truncated() {
                found.other += u64::from(is_copy);
                close(row);
            }
        })?;
        Ok(found)
    }

    /// Collects the contents of the copies, and notes which of them another row has.
    fn seen_contents(&self, groups: &Groups) -> Result<SeenContents> {
        let mut copies = Vec::with_capacity(FEWEST_CONTENTS);
        self.for_each(|row, content| {
            if self.scores.is_copy(row) {
                // A text may occur many times, and is needed once.
                if copies.len() == copies.capacity() {
                    sort_different(&mut copies);
                    copies.reserve_exact(copies.len().max(FEWEST_CONTENTS));
                }
                copies.push(groups.marked(row, content));
            }
        })?;
        sort_different(&mut copies);
        copies.shrink_to_fit();
        let mut seen = SeenContents { is_seen: vec![false; copies.len()], contents: copies };
        self.for_each(|row, content| {
            if !self.scores.is_copy(row) {
                seen.note(groups.marked(row, content));
            }
        })?;
        Ok(seen)
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

/// The contents for which there is room from the start.
const FEWEST_CONTENTS: usize = if cfg!(test) { 1 } else { 1 << 16 };

/// Sorts contents, and leaves one of those that are equal.
fn sort_different(contents: &mut Vec<Content>) {
    contents.sort_unstable();
    contents.dedup();
}

/// The different contents of the rows that have the embedding of a row before them.
struct SeenContents {
    /// Sorted.
    contents: Vec<Content>,
    /// Whether a row was seen with each of them.
    is_seen: Vec<bool>,
}

impl SeenContents {
    /// Notes that a row has this content; returns whether another row had it before. The first row of
    /// a content is no copy of it, but it may be one of another content.
    fn note(&mut self, content: Content) -> bool {
        let place = self.contents.binary_search(&content);
        place.is_ok_and(|place| std::mem::replace(&mut self.is_seen[place], true))
    }
}

/// The groups of rows with one embedding, each known by the row that ranks first.
struct Groups<'a> {
    scores: RowScores<'a>,
    /// The first rows of the groups in which the model did not read the end of a text.
    cut: RowBits,
}

impl<'a> Groups<'a> {
    fn of(scores: RowScores<'a>) -> Self {
        Self { scores, cut: RowBits::with_room(scores.score.len()) }
    }

    /// Returns the first row of the group of a row.
    fn first(&self, row: usize) -> usize {
        if self.scores.is_copy(row) { self.scores.duplicate_of[row] as usize } else { row }
    }

    /// Notes that the model did not read the end of a row.
    fn mark_cut(&mut self, row: usize) {
        self.cut.insert(self.first(row));
    }

    /// Returns the content of a row, with the mark of a truncated text if one of its group is.
    fn marked(&self, row: usize, content: Content) -> Content {
        if self.cut.contains(self.first(row)) { content.truncated() } else { content }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use semdedup_core::NO_ROW;

    use super::*;

    const FIRST: f32 = 0.5;
    const NEAR: f32 = 0.99995;

    /// Counts the copies of rows in parts of `part_rows`, and lists the close rows.
    fn copies(contents: &[Content], scores: RowScores, part_rows: usize) -> ([u64; 3], Vec<usize>) {
        let part = |part: usize| Ok(contents.chunks(part_rows).nth(part).map(<[Content]>::to_vec));
        let rows = EmbeddedRows { parts: contents.len().div_ceil(part_rows), contents: part, scores };
        let mut close = Vec::new();
        let Copies { exact, other, up_to_limit } = rows.copies(|row| close.push(row)).unwrap();
        ([exact, other, up_to_limit], close)
    }

    #[test]
    fn copies_of_a_text_are_told_from_texts_of_the_same_embedding() {
        let [a, b, c] = [Content::of(b"a"), Content::of(b"A"), Content::of(b"long").truncated()];
        // Each with the row that ranks first among those of the embedding of each row.
        for (contents, firsts, found, close) in [
            ([a, a, a, b], [0, 0, 0, 3], [2, 0, 0], vec![]),
            ([a, b, b, a], [3, 3, 3, 3], [2, 1, 0], vec![1]),
            // Where one text is truncated, no row of its embedding is known to be of another text.
            ([a, c, c, b], [0, 0, 0, 0], [1, 0, 2], vec![]),
            ([c, a, a, b], [0, 0, 0, 3], [1, 0, 1], vec![]),
            ([a, c, a, b], [0, 0, 0, 3], [1, 0, 1], vec![]),
            ([a, b, c, c], [0, 0, 2, 2], [1, 1, 0], vec![1]),
            ([a, b, c, c], [0, 1, 2, 3], [0, 0, 0], vec![]),
        ] {
            let score: Vec<f32> =
                (0..).zip(&firsts).map(|(row, first)| if row == *first { FIRST } else { EXACT }).collect();
            let scores = RowScores { score: &score, duplicate_of: &firsts };
            for part_rows in 1..=4 {
                let expected = (found, close.clone());
                assert_eq!(copies(&contents, scores, part_rows), expected, "{contents:?} {firsts:?}");
            }
        }
    }

    #[test]
    fn near_rows_of_texts_that_the_model_read_to_their_ends_are_close() {
        let [a, b, c] = [Content::of(b"a"), Content::of(b"A"), Content::of(b"long").truncated()];
        for (contents, score, duplicate_of, found, close) in [
            ([a, b, c, b], [FIRST, NEAR, NEAR, EXACT], [NO_ROW, 0, 0, 1], [1, 0, 0], vec![1]),
            ([a, b, c, a], [FIRST, NEAR, FIRST, f32::NAN], [NO_ROW, 0, 0, NO_ROW], [0, 0, 0], vec![1]),
            // Row 1 has the embedding of a truncated text.
            ([a, b, c, b], [FIRST, NEAR, EXACT, NEAR], [NO_ROW, 0, 1, 0], [0, 0, 1], vec![3]),
        ] {
            let scores = RowScores { score: &score, duplicate_of: &duplicate_of };
            for part_rows in 1..=4 {
                let expected = (found, close.clone());
                assert_eq!(copies(&contents, scores, part_rows), expected, "{contents:?} {score:?}");
            }
        }
    }

    #[test]
    fn rows_of_unknown_contents_are_other_rows_of_one_embedding() {
        let scores = RowScores { score: &[FIRST, EXACT, NEAR], duplicate_of: &[1, 0, 0] };
        let rows = EmbeddedRows { parts: 1, contents: |_| Ok(None), scores };
        let mut close = Vec::new();
        let unknown = rows.copies(|row| close.push(row)).unwrap();
        assert_eq!((unknown.exact, unknown.other, close), (0, 1, vec![1, 2]));
    }
}
