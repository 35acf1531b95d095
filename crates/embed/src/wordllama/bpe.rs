//! Byte-pair encoding as Llama 2 has it: of all neighbours that can merge, the pair of lowest rank does, the leftmost
//! first; characters outside the vocabulary are their UTF-8 bytes.
//!
//! Own code instead of the `tokenizers` crate, which the tests compare it with: that one takes 75 ms to load this
//! vocabulary (this: 2 ms), and tokenises a text to its end before it cuts it.
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use hashbrown::{HashMap, HashSet};

use super::parts::Parts;

const FILE: &str = "tokenizer.bin";
const MAGIC: &[u8; 8] = b"SDBPE001";
/// The token of byte 0; those of the other 255 follow.
const FIRST_BYTE: u16 = 3;

/// The merge rules.
pub(super) struct Bpe {
    characters: HashMap<char, u16>,
    /// In order of rank.
    merges: Vec<Merge>,
    /// The rank of a pair, by its [`pair_key`].
    ranks: HashMap<u32, u16>,
    /// Keys of two characters that stand side by side in some piece. No merge reaches over any other two, so a word is
    /// cut between them, and a long one need not be tokenised to its end.
    joins: HashSet<u32>,
}

struct Merge {
    left: u16,
    right: u16,
    result: u16,
}

/// A token of the part under work, linked to its neighbours by their places; a place outside the part is none.
struct Symbol {
    /// None after it merged into the one before it.
    token: Option<u16>,
    previous: usize,
    next: usize,
}

/// The rank of a merge and the place of its left symbol in one number, whose order is that of merging: comparing one number
/// instead of two makes whole runs 8 % faster.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Candidate(u64);

impl Candidate {
    const PLACE_BITS: u32 = 48;

    fn new(rank: u16, left: usize) -> Self {
        Self(u64::from(rank) << Self::PLACE_BITS | left as u64)
    }

    fn rank(&self) -> usize {
        (self.0 >> Self::PLACE_BITS) as usize
    }

    fn left(&self) -> usize {
        (self.0 & ((1 << Self::PLACE_BITS) - 1)) as usize
    }
}

/// Two tokens as one number.
fn pair_key(left: u16, right: u16) -> u32 {
    u32::from(left) << 16 | u32::from(right)
}

/// No piece of the vocabulary has more characters.
const LONGEST_PIECE: usize = 64;
/// Characters behind the last token that is read, which may still decide where it ends.
const SLACK: usize = 4096;

/// Buffers kept from one word to the next.
#[derive(Default)]
pub(super) struct Scratch {
    symbols: Vec<Symbol>,
    /// Pairs of symbols that could merge when they were pushed, the next one to merge on top.
    candidates: BinaryHeap<Reverse<Candidate>>,
}

impl Bpe {
    /// Whether a token is a byte of a character that the vocabulary lacks.
    pub(super) fn is_byte(token: u16) -> bool {
        (FIRST_BYTE..FIRST_BYTE + 256).contains(&token)
    }

    /// Whether the vocabulary has a character.
    pub(super) fn has(&self, character: char) -> bool {
        self.characters.contains_key(&character)
    }

    /// Reads the rules; all their tokens are below `rows`.
    pub(super) fn parse(data: &[u8], rows: usize) -> Result<Self, String> {
        let mut parts = Parts::open(FILE, MAGIC, data)?;
        let (characters, merges, joins) = (parts.size()?, parts.size()?, parts.size()?);
        if rows < usize::from(FIRST_BYTE) + 256 || merges > 1 << 16 {
            return Err(format!("{FILE}: {merges} merges with {rows} tokens"));
        }
        let known = |[low, high]: [u8; 2]| match u16::from_le_bytes([low, high]) {
            token if usize::from(token) < rows => Ok(token),
            token => Err(format!("{FILE}: token {token}, there are {rows}")),
        };
        let characters = parts.items(characters)?.map(|[a, b, c, d, low, high]| {
            let code = u32::from_le_bytes([a, b, c, d]);
            let character = char::from_u32(code).ok_or_else(|| format!("{FILE}: {code} is no character"))?;
            Ok((character, known([low, high])?))
        });
        let characters = characters.collect::<Result<_, String>>()?;
        let merges = parts.items(merges)?.map(|[a, b, c, d, e, f]| {
            Ok(Merge { left: known([a, b])?, right: known([c, d])?, result: known([e, f])? })
        });
        let merges = merges.collect::<Result<Vec<_>, String>>()?;
        let ranks =
            merges.iter().zip(0..=u16::MAX).map(|(m, rank)| (pair_key(m.left, m.right), rank)).collect();
        let joins = parts.items(joins)?.map(|[a, b, c, d]| Ok(pair_key(known([a, b])?, known([c, d])?)));
        let joins = joins.collect::<Result<_, String>>()?;
        parts.end()?;
        Ok(Self { characters, merges, ranks, joins })
    }

    /// Appends the tokens of a word, spaces standing for `▁`; may stop when `tokens` has more than `limit`.
    ///
    /// Of a word far longer than `limit` tokens could be, only the beginning is looked at: megabytes without a place to
    /// cut would otherwise be held and merged for tokens that nobody reads.
    pub(super) fn encode(&self, word: &str, limit: usize, scratch: &mut Scratch, tokens: &mut Vec<u16>) {
        for character in word.chars().take(limit.saturating_mul(LONGEST_PIECE).saturating_add(SLACK)) {
            if tokens.len() > limit {
                return scratch.symbols.clear();
            }
            let character = if character == ' ' { '\u{2581}' } else { character };
            let Some(&token) = self.characters.get(&character) else {
                self.merge(scratch, tokens);
                let mut bytes = [0; 4];
                let bytes = character.encode_utf8(&mut bytes).bytes();
                tokens.extend(bytes.map(|byte| FIRST_BYTE + u16::from(byte)));
                continue;
            };
            if let Some(last) = scratch.symbols.last()
                && last.token.is_some_and(|last| !self.joins.contains(&pair_key(last, token)))
            {
                self.merge(scratch, tokens);
            }
            scratch.push(token);
        }
        self.merge(scratch, tokens);
    }

    /// Merges what can be merged of the symbols and moves them to `tokens`.
    fn merge(&self, scratch: &mut Scratch, tokens: &mut Vec<u16>) {
        for left in 1..scratch.symbols.len() {
            self.consider(scratch, left - 1);
        }
        while let Some(Reverse(candidate)) = scratch.candidates.pop() {
            let (merge, left) = (&self.merges[candidate.rank()], candidate.left());
            // A candidate is out of date when one of its symbols has merged with another since.
            let Some((first, second)) = scratch.pair(left) else { continue };
            if (first, second) != (merge.left, merge.right) {
                continue;
            }
            scratch.join(left, merge.result);
            let previous = scratch.symbols[left].previous;
            self.consider(scratch, previous);
            self.consider(scratch, left);
        }
        tokens.extend(scratch.symbols.drain(..).filter_map(|symbol| symbol.token));
    }

    /// Pushes the symbol at `left` and its next one as a candidate if they can merge.
    fn consider(&self, scratch: &mut Scratch, left: usize) {
        let Some((first, second)) = scratch.pair(left) else { return };
        if let Some(&rank) = self.ranks.get(&pair_key(first, second)) {
            scratch.candidates.push(Reverse(Candidate::new(rank, left)));
        }
    }
}

impl Scratch {
    /// Gives back what a long word left behind.
    pub(super) fn trim(&mut self, symbols: usize) {
        self.symbols.shrink_to(symbols);
        self.candidates.shrink_to(symbols);
    }

    /// Adds a symbol after the last one.
    fn push(&mut self, token: u16) {
        let place = self.symbols.len();
        self.symbols.push(Symbol { token: Some(token), previous: place.wrapping_sub(1), next: place + 1 });
    }

    /// The tokens of the symbol at `left` and of its next one.
    fn pair(&self, left: usize) -> Option<(u16, u16)> {
        let left = self.symbols.get(left)?;
        Some((left.token?, self.symbols.get(left.next)?.token?))
    }

    /// Makes one symbol of the one at `left` and its next one.
    fn join(&mut self, left: usize, token: u16) {
        let right = self.symbols[left].next;
        let next = self.symbols[right].next;
        self.symbols[right].token = None;
        self.symbols[left].token = Some(token);
        self.symbols[left].next = next;
        if let Some(symbol) = self.symbols.get_mut(next) {
            symbol.previous = left;
        }
    }
}
