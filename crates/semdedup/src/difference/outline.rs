//! What is known of a text without it: enough to tell most kinds of differences.

use xxhash_rust::xxh3::xxh3_128;

use super::kind::{Difference, DifferenceKind};
use super::token::{Token, TokenClass};
use super::tokens::Tokens;

/// An odd number without a pattern, the first 128 bits of π − 3.
const FACTOR: u128 = 0x243f_6a88_85a3_08d3_1319_8a2e_0370_7345;

/// A hash of tokens and of their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sequence(u128);

impl Sequence {
    const EMPTY: Self = Self(FACTOR);

    /// Each step can be undone, so two sequences that differ in one token differ ever after.
    fn push(&mut self, token: Token) {
        let mixed = (self.0 ^ u128::from(token.hash)).wrapping_mul(FACTOR);
        self.0 = mixed ^ (mixed >> 67);
    }
}

/// The tokens of a text that are not negations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Affirmed {
    all: Sequence,
    without_numbers: Sequence,
}

impl Affirmed {
    const EMPTY: Self = Self { all: Sequence::EMPTY, without_numbers: Sequence::EMPTY };

    fn push(&mut self, token: Token) {
        self.all.push(token);
        if token.class != TokenClass::Number {
            self.without_numbers.push(token);
        }
    }
}

/// How often tokens of each of 64 groups occur, up to 255 times.
const GROUPS: usize = 64;

/// A text as hashes, of a fixed size. Two texts are taken for equal, or for equal but for
/// something, if hashes of 64 bits for each word, and of 128 bits for all words, are equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outline {
    /// The XXH3 hash of the bytes.
    content: u128,
    bytes: u64,
    count: u64,
    all: Sequence,
    without_numbers: Sequence,
    affirmed: Affirmed,
    /// As `affirmed`, without `do`, `does` and `did` where they stand before a negation.
    without_auxiliaries: Affirmed,
    /// The sums of the hashes of the tokens, numbers and negations, whatever their order.
    sum: u64,
    number_sum: u64,
    negation_sum: u64,
    groups: [u8; GROUPS],
}

impl Outline {
    /// Reads a text, in time in proportion to its length.
    pub(crate) fn of(text: &str) -> Self {
        let mut outline = Self {
            content: xxh3_128(text.as_bytes()),
            bytes: text.len() as u64,
            count: 0,
            all: Sequence::EMPTY,
            without_numbers: Sequence::EMPTY,
            affirmed: Affirmed::EMPTY,
            without_auxiliaries: Affirmed::EMPTY,
            sum: 0,
            number_sum: 0,
            negation_sum: 0,
            groups: [0; GROUPS],
        };
        let mut held = None;
        for token in Tokens::new(text) {
            outline.push(token);
            outline.push_without_auxiliaries(token, &mut held);
        }
        held.into_iter().for_each(|token| outline.without_auxiliaries.push(token));
        outline
    }

    /// The bytes of the text.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    fn push(&mut self, token: Token) {
        self.count += 1;
        self.all.push(token);
        self.sum = self.sum.wrapping_add(token.hash);
        let group = &mut self.groups[(token.hash % GROUPS as u64) as usize];
        *group = group.saturating_add(1);
        match token.class {
            TokenClass::Number => self.number_sum = self.number_sum.wrapping_add(token.hash),
            TokenClass::Negation => self.negation_sum = self.negation_sum.wrapping_add(token.hash),
            TokenClass::Word | TokenClass::Auxiliary => {}
        }
        if token.class != TokenClass::Number {
            self.without_numbers.push(token);
        }
        if token.class != TokenClass::Negation {
            self.affirmed.push(token);
        }
    }

    /// Adds a token to `without_auxiliaries`. An auxiliary is `held` until the next token is known.
    fn push_without_auxiliaries(&mut self, token: Token, held: &mut Option<Token>) {
        let before = held.take();
        if token.class == TokenClass::Negation {
            return;
        }
        before.into_iter().for_each(|token| self.without_auxiliaries.push(token));
        match token.class {
            TokenClass::Auxiliary => *held = Some(token),
            _ => self.without_auxiliaries.push(token),
        }
    }

    /// Returns what differs between two texts; `None` if it is `Containment` or `Wording`, and the
    /// texts are needed to tell which.
    pub(crate) fn difference(&self, other: &Self) -> Option<Difference> {
        use DifferenceKind::{Formatting, Negation, Numbers, Order, Wording};
        let found = |kind| Some(Difference { kind, numbers: false, negation: false });
        if (self.content, self.bytes) == (other.content, other.bytes) {
            return Some(Difference::NOTHING);
        }
        if self.all == other.all {
            return found(Formatting);
        }
        let same_words_but_numbers = self.without_numbers == other.without_numbers;
        let same_but_negation = self.is_same_but_negation(other, |affirmed| affirmed.all);
        match (same_words_but_numbers, same_but_negation) {
            (true, false) => Some(Difference { kind: Numbers, numbers: true, negation: false }),
            (false, true) => Some(Difference { kind: Negation, numbers: false, negation: true }),
            // Only their order to each other differs.
            (true, true) => found(Order),
            _ if self.is_same_but_negation(other, |affirmed| affirmed.without_numbers) => {
                Some(Difference { kind: Negation, numbers: true, negation: true })
            }
            _ if (self.count, self.sum) == (other.count, other.sum) => found(Order),
            _ => (!self.may_contain(other) && !other.may_contain(self)).then(|| self.with(other, Wording)),
        }
    }

    /// Whether texts are the same without negations, perhaps also without their auxiliaries.
    fn is_same_but_negation(&self, other: &Self, part: fn(&Affirmed) -> Sequence) -> bool {
        part(&self.affirmed) == part(&other.affirmed)
            || part(&self.without_auxiliaries) == part(&other.without_auxiliaries)
    }

    /// Whether another text may be this one with words left out.
    fn may_contain(&self, other: &Self) -> bool {
        let has = |(mine, theirs): (&u8, &u8)| mine >= theirs;
        other.count < self.count && self.groups.iter().zip(&other.groups).all(has)
    }

    /// Returns a difference of a kind, and whether the texts have other numbers and negations, too.
    fn with(&self, other: &Self, kind: DifferenceKind) -> Difference {
        Difference {
            kind,
            numbers: self.number_sum != other.number_sum,
            negation: self.negation_sum != other.negation_sum,
        }
    }

    /// Returns what differs between this text and another, of which [`Self::difference`] does not
    /// know it.
    pub(crate) fn difference_of_texts(&self, other: &Self, text: &str, other_text: &str) -> Difference {
        let is_contained = match self.count < other.count {
            true => is_contained(text, other_text, other.count - self.count),
            false => is_contained(other_text, text, self.count - other.count),
        };
        self.with(other, if is_contained { DifferenceKind::Containment } else { DifferenceKind::Wording })
    }
}

/// Whether the tokens of the shorter text are those of the longer one but for `left_out` of them.
fn is_contained(shorter: &str, longer: &str, mut left_out: u64) -> bool {
    let mut wanted = Tokens::new(shorter).peekable();
    for token in Tokens::new(longer) {
        if wanted.next_if(|wanted| wanted.hash == token.hash).is_none() {
            if left_out == 0 {
                return false;
            }
            left_out -= 1;
        }
    }
    wanted.peek().is_none()
}
