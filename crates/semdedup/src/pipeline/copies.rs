//! Tells rows of one embedding apart: copies of a text or an image, and other rows.

use semdedup_core::EXACT;

use crate::embed::dataset::Dataset;
use crate::error::Result;
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
    /// Counts the rows of equal embeddings. `scores` are the scores of all rows.
    ///
    /// # Errors
    /// Fails if the files of what was embedded cannot be read.
    pub(crate) fn count(dataset: &Dataset, scores: &[f32]) -> Result<Self> {
        Self::of_parts(dataset.embeddings.len(), |part| dataset.contents(part), scores)
    }

    /// Counts the rows of parts; `contents` returns what was embedded in one. One part is in memory
    /// at a time, beside 17 bytes for each row that has the embedding of a row before it.
    fn of_parts(
        parts: usize,
        contents: impl Fn(usize) -> Result<Option<Vec<Content>>>,
        scores: &[f32],
    ) -> Result<Self> {
        let (mut copies, mut rest) = (Vec::new(), scores);
        for part in 0..parts {
            let Some(contents) = contents(part)? else {
                let other = scores.iter().filter(|&&score| score == EXACT).count() as u64;
                return Ok(Self { other, ..Self::default() });
            };
            let (scores, after) = rest.split_at(contents.len());
            copies.extend(contents.iter().zip(scores).filter(|(_, score)| **score == EXACT).map(|(c, _)| *c));
            rest = after;
        }
        copies.sort_unstable();
        // Whether a row that is no copy has the content, at the first place of the content.
        let mut has_first = vec![false; copies.len()];
        rest = scores;
        for part in 0..parts {
            let contents = contents(part)?.unwrap_or_default();
            let (scores, after) = rest.split_at(contents.len());
            for (content, _) in contents.iter().zip(scores).filter(|(_, score)| **score != EXACT) {
                let place = copies.partition_point(|copy| copy < content);
                if copies.get(place) == Some(content) {
                    has_first[place] = true;
                }
            }
            rest = after;
        }
        let (mut found, mut place) = (Self::default(), 0);
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
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn copies_of_a_text_are_told_from_texts_of_the_same_embedding() {
        let [a, b, c] = [Content::of(b"a"), Content::of(b"A"), Content::of(b"long").truncated()];
        let (first, copy) = (0.5, EXACT);
        for (contents, scores, found) in [
            (vec![a, a, a], vec![first, copy, copy], (2, 0, 0)),
            (vec![a, b, b, a], vec![copy, copy, copy, first], (2, 1, 0)),
            (vec![a, c, c, b], vec![first, copy, copy, copy], (1, 1, 1)),
            (vec![a, b, c], vec![first, first, f32::NAN], (0, 0, 0)),
        ] {
            for part_rows in 1..=4 {
                let part = |part: usize| Ok(contents.chunks(part_rows).nth(part).map(<[Content]>::to_vec));
                let parts = contents.len().div_ceil(part_rows);
                let Copies { exact, other, up_to_limit } = Copies::of_parts(parts, part, &scores).unwrap();
                assert_eq!((exact, other, up_to_limit), found, "{contents:?}");
            }
        }
        let unknown = Copies::of_parts(1, |_| Ok(None), &[first, copy]).unwrap();
        assert_eq!((unknown.exact, unknown.other), (0, 1));
    }
}
