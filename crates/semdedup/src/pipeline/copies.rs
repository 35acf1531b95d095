//! Tells rows of one embedding apart: copies of a text or an image, and other rows.

use semdedup_core::EXACT;

use crate::embed::dataset::Dataset;
use crate::error::Result;
use crate::indistinct::CLOSE;
use crate::workdir::contents::Content;

/// The numbers of rows that have the embedding of a row that ranks before them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Copies {
    /// Rows whose text or image is that of a row before them too.
    pub(crate) exact: u64,
    /// Rows whose text or image is another one, which the model read to its end. Where it is not
    /// known what was embedded, all rows of one embedding.
    pub(crate) other: u64,
    /// Rows whose text is another one, of which the model did not read the end: it may differ only
    /// there.
    pub(crate) up_to_limit: u64,
}

impl Copies {
    /// Counts the rows of equal embeddings. `scores` are the scores of all rows. Calls `close` with
    /// each row, in order, that has a cosine of nearly 1 with a row of another content, which the model
    /// read to its end.
    ///
    /// # Errors
    /// Fails if the files of what was embedded cannot be read.
    pub(crate) fn count(dataset: &Dataset, scores: &[f32], close: &mut dyn FnMut(usize)) -> Result<Self> {
        Self::of_parts(dataset.embeddings.len(), |part| dataset.contents(part), scores, close)
    }

    /// Counts the rows of parts; `contents` returns what was embedded in one. One part is in memory
    /// at a time, beside 17 bytes for each row that has the embedding of a row before it.
    pub(crate) fn of_parts(
        parts: usize,
        contents: impl Fn(usize) -> Result<Option<Vec<Content>>>,
        scores: &[f32],
        close: &mut dyn FnMut(usize),
    ) -> Result<Self> {
        let Some(mut equal) = EqualRows::of_parts(parts, &contents, scores)? else {
            (0..scores.len()).filter(|&row| scores[row] > CLOSE).for_each(close);
            let other = scores.iter().filter(|&&score| score == EXACT).count() as u64;
            return Ok(Self { other, ..Self::default() });
        };
        let (mut found, mut row) = (Self::default(), 0);
        for part in 0..parts {
            for content in contents(part)?.unwrap_or_default() {
                let is_exact = scores[row] == EXACT;
                if is_exact && equal.note(&content) {
                    found.exact += 1;
                } else if is_exact && content.is_truncated() {
                    found.up_to_limit += 1;
                } else if scores[row] > CLOSE && !content.is_truncated() {
                    found.other += u64::from(is_exact);
                    close(row);
                }
                row += 1;
            }
        }
        Ok(found)
    }
}

/// The contents of the rows that have the embedding of a row before them.
struct EqualRows {
    /// Sorted.
    contents: Vec<Content>,
    /// Whether a row that is no copy has the content, at the first place of the content.
    has_first: Vec<bool>,
}

impl EqualRows {
    /// Collects them from all parts; returns none if the contents are not known.
    fn of_parts(
        parts: usize,
        contents: impl Fn(usize) -> Result<Option<Vec<Content>>>,
        scores: &[f32],
    ) -> Result<Option<Self>> {
        let (mut copies, mut rest) = (Vec::new(), scores);
        for part in 0..parts {
            let Some(contents) = contents(part)? else { return Ok(None) };
            let (scores, after) = rest.split_at(contents.len());
            copies.extend(contents.iter().zip(scores).filter(|(_, score)| **score == EXACT).map(|(c, _)| *c));
            rest = after;
        }
        copies.sort_unstable();
        let mut equal = Self { has_first: vec![false; copies.len()], contents: copies };
        rest = scores;
        for part in 0..parts {
            let contents = contents(part)?.unwrap_or_default();
            let (scores, after) = rest.split_at(contents.len());
            for (content, _) in contents.iter().zip(scores).filter(|(_, score)| **score != EXACT) {
                equal.note(content);
            }
            rest = after;
        }
        Ok(Some(equal))
    }

    /// Notes that a row has this content; returns whether another row had it before. The first row of
    /// a content is no copy of it, but it may be one of another content.
    fn note(&mut self, content: &Content) -> bool {
        let place = self.contents.partition_point(|copy| copy < content);
        let is_known = self.contents.get(place) == Some(content);
        is_known && std::mem::replace(&mut self.has_first[place], true)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn copies_of_a_text_are_told_from_texts_of_the_same_embedding() {
        let [a, b, c] = [Content::of(b"a"), Content::of(b"A"), Content::of(b"long").truncated()];
        let (first, near, copy) = (0.5, 0.99995, EXACT);
        for (contents, scores, found, close) in [
            (vec![a, a, a], vec![first, copy, copy], (2, 0, 0), vec![]),
            (vec![a, b, b, a], vec![copy, copy, copy, first], (2, 1, 0), vec![1]),
            (vec![a, c, c, b], vec![first, copy, copy, copy], (1, 1, 1), vec![3]),
            (vec![a, b, c], vec![first, first, f32::NAN], (0, 0, 0), vec![]),
            (vec![a, b, c, b], vec![first, near, near, copy], (1, 0, 0), vec![1]),
        ] {
            for part_rows in 1..=4 {
                let part = |part: usize| Ok(contents.chunks(part_rows).nth(part).map(<[Content]>::to_vec));
                let parts = contents.len().div_ceil(part_rows);
                let mut told = Vec::new();
                let Copies { exact, other, up_to_limit } =
                    Copies::of_parts(parts, part, &scores, &mut |row| told.push(row)).unwrap();
                assert_eq!(((exact, other, up_to_limit), told), (found, close.clone()), "{contents:?}");
            }
        }
        let mut close = Vec::new();
        let unknown =
            Copies::of_parts(1, |_| Ok(None), &[first, copy, near], &mut |row| close.push(row)).unwrap();
        assert_eq!((unknown.exact, unknown.other, close), (0, 1, vec![1, 2]));
    }
}
