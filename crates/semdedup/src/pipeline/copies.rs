//! Tells rows of one embedding apart: copies of a text or an image, and other rows.

use std::collections::HashMap;

use semdedup_core::EXACT;

use crate::embed::dataset::Dataset;
use crate::error::Result;
use crate::workdir::contents::Content;

/// The numbers of rows that have the embedding of a row that ranks before them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Copies {
    /// Rows whose text or image is that of a row before them too. Where it is not known what was
    /// embedded, all rows of one embedding.
    pub(crate) exact: u64,
    /// Rows whose text or image is another one.
    pub(crate) other: u64,
    /// Those of them whose text was truncated: it may differ only where the model did not read it.
    pub(crate) truncated: u64,
}

impl Copies {
    /// Counts the rows of equal embeddings. `scores` are the scores of all rows.
    pub(crate) fn count(dataset: &Dataset, scores: &[f32]) -> Result<Self> {
        let copies = scores.iter().filter(|&&score| score == EXACT).count() as u64;
        Ok(match dataset.contents()? {
            Some(contents) => Self::among(&contents, scores),
            None => Self { exact: copies, ..Self::default() },
        })
    }

    fn among(contents: &[Content], scores: &[f32]) -> Self {
        // How many copies have a content, and whether a row that is no copy has it.
        let mut groups: HashMap<Content, (u64, bool)> = HashMap::new();
        let rows = || contents.iter().zip(scores);
        for (content, _) in rows().filter(|(_, score)| **score == EXACT) {
            groups.entry(*content).or_default().0 += 1;
        }
        for (content, _) in rows().filter(|(_, score)| **score != EXACT) {
            groups.entry(*content).and_modify(|(_, has_first)| *has_first = true);
        }
        let mut found = Self::default();
        for (content, (copies, has_first)) in groups {
            // The first row of a content is no copy of it, but it may be one of another content.
            let other = u64::from(!has_first);
            found.exact += copies - other;
            found.other += other;
            found.truncated += if content.is_truncated() { other } else { 0 };
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_a_text_are_told_from_texts_of_the_same_embedding() {
        let [a, b, c] = [Content::of(b"a"), Content::of(b"A"), Content::of(b"long").truncated()];
        let (first, copy) = (0.5, EXACT);
        for (contents, scores, found) in [
            (vec![a, a, a], vec![first, copy, copy], (2, 0, 0)),
            (vec![a, b, b, a], vec![copy, copy, copy, first], (2, 1, 0)),
            (vec![a, c, c, b], vec![first, copy, copy, copy], (1, 2, 1)),
            (vec![a, b, c], vec![first, first, f32::NAN], (0, 0, 0)),
        ] {
            let Copies { exact, other, truncated } = Copies::among(&contents, &scores);
            assert_eq!((exact, other, truncated), found, "{contents:?}");
        }
    }
}
