//! How similar is too similar: the threshold as a tolerance (ε) or as a similarity.

use std::fmt;

/// The threshold ε, in (0, 1]: a row is removed if its score is above `1 − ε`. A LARGER ε removes
/// MORE.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Epsilon(f64);

/// An ε outside (0, 1].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EpsilonError(pub f64);

impl fmt::Display for EpsilonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "epsilon {} is not above 0 and at most 1", self.0)
    }
}

impl std::error::Error for EpsilonError {}

impl Epsilon {
    /// The largest ε: every positive similarity is above 1 − ε.
    pub const MOST: Self = Self(1.0);

    /// Checks that ε is above 0 and at most 1. An ε of 0, or so small that 1 − ε rounds to 1, would
    /// remove nothing, because no cosine similarity is above 1.
    ///
    /// # Errors
    /// If ε is any other value, including NaN.
    pub fn new(epsilon: f64) -> Result<Self, EpsilonError> {
        if 1.0 - epsilon < 1.0 && epsilon <= 1.0 { Ok(Self(epsilon)) } else { Err(EpsilonError(epsilon)) }
    }

    /// Returns ε as a number.
    pub fn get(self) -> f64 {
        self.0
    }

    /// Returns 1 − ε, in [0, 1): the similarity above which rows are removed. It is the complement of
    /// the shortest decimal that means ε, so 0.1 gives 0.9.
    pub fn similarity(self) -> f64 {
        complement(self.0)
    }
}

/// The similarity in [0, 1) above which rows are removed: another way to say ε.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Similarity {
    similarity: f64,
    epsilon: Epsilon,
}

/// A similarity outside [0, 1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SimilarityError(pub f64);

impl fmt::Display for SimilarityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "similarity {} is not at least 0 and below 1", self.0)
    }
}

impl std::error::Error for SimilarityError {}

impl Similarity {
    /// Checks that the similarity is at least 0 and below 1. At 1 nothing would be removed, because no
    /// cosine similarity is above 1.
    ///
    /// # Errors
    /// If it is any other value, including NaN.
    pub fn new(similarity: f64) -> Result<Self, SimilarityError> {
        let wrong = SimilarityError(similarity);
        if !(0.0..1.0).contains(&similarity) {
            return Err(wrong);
        }
        let epsilon = Epsilon::new(complement(similarity)).map_err(|_| wrong)?;
        Ok(Self { similarity, epsilon })
    }

    /// Returns the similarity as a number.
    pub fn get(self) -> f64 {
        self.similarity
    }

    /// Returns the ε that says the same: the complement of the shortest decimal that means the
    /// similarity, so 0.9 gives exactly the ε 0.1.
    pub fn epsilon(self) -> Epsilon {
        self.epsilon
    }
}

/// Returns 1 − `share` by its decimals, for a share in [0, 1]. The difference of the binary numbers
/// would be another number: 1 − 0.9 is not the number nearest to 0.1.
fn complement(share: f64) -> f64 {
    // The shortest decimal that means the number, never with an exponent, so its last digit is not 0.
    let decimal = share.to_string();
    let Some((last, digits)) = decimal.strip_prefix("0.").and_then(|digits| digits.as_bytes().split_last())
    else {
        return 1.0 - share;
    };
    let mut text = String::from("0.");
    text.extend(digits.iter().map(|digit| char::from(b'9' - (digit - b'0'))));
    text.push(char::from(b'9' + 1 - (last - b'0')));
    text.parse().unwrap_or(1.0 - share)
}

#[cfg(test)]
#[path = "epsilon_tests.rs"]
mod tests;
