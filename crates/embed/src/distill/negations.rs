//! Changed copies of texts that are no duplicates, although nearly all of their words are the same: a
//! negation is taken out, or put in.

use super::random::Random;

/// Words that negate a text.
const NEGATIONS: [&str; 9] = ["not", "never", "no", "without", "nothing", "none", "nobody", "neither", "nor"];
/// What is put into a text that has no negation: `not` mostly.
const PUT_IN: [&str; 20] = [
    "not", "not", "not", "not", "not", "not", "not", "not", "not", "not", "not", "not", "not", "not",
    "never", "never", "never", "no", "no", "no",
];

/// The rows of the words that negate.
pub(super) struct Negations {
    rows: Vec<u32>,
    put_in: Vec<u32>,
}

impl Negations {
    /// Finds the words in a vocabulary; a language of which it has none gets no changed copies.
    pub fn new(row_of: &dyn Fn(&str) -> Option<u32>) -> Self {
        let rows = |words: &[&str]| words.iter().filter_map(|word| row_of(word)).collect();
        Self { rows: rows(&NEGATIONS), put_in: rows(&PUT_IN) }
    }

    /// Whether a text is negated.
    pub fn are_in(&self, words: &[u32]) -> bool {
        words.iter().any(|word| self.rows.contains(word))
    }

    /// Returns the words of a text without its negations, or with one more if it has none; `None` if
    /// there is none to put in.
    pub fn changed(&self, words: &[u32], random: &mut Random) -> Option<Vec<u32>> {
        let mut rest: Vec<u32> = words.iter().copied().filter(|word| !self.rows.contains(word)).collect();
        if rest.len() == words.len() {
            rest.push(*self.put_in.get(random.below(self.put_in.len().max(1)))?);
        }
        Some(rest)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_negation_is_taken_out_or_put_in() {
        let row_of =
            |word: &str| ["swim", "not", "no"].iter().position(|known| *known == word).map(|row| row as u32);
        let (negations, mut random) = (Negations::new(&row_of), Random::new(1));
        assert_eq!(negations.changed(&[0, 1, 0], &mut random).unwrap(), [0, 0]);
        let changed = negations.changed(&[0], &mut random).unwrap();
        assert!(changed == [0, 1] || changed == [0, 2], "{changed:?}");
        assert!(negations.are_in(&[0, 2]) && !negations.are_in(&[0]));
        assert!(Negations::new(&|_| None).changed(&[0], &mut random).is_none());
    }
}
