//! From a text to what is read of it, word by word.
//!
//! No piece of the vocabulary has a space after another character (`scripts/make_wordllama.py` checks it), so no merge reaches
//! over the start of a word, and words can be read one by one. A word in normal form that the vocabulary spells in bytes, or
//! hardly in more than single letters, gets features of its letters instead: bags of bytes and of letters look alike whatever
//! they say.
use std::ops::RangeInclusive;

use hashbrown::HashMap;

use super::bpe::{Bpe, Scratch};
use super::cache::WordCache;
use super::letters;
use super::normal::{Normalizer, words};
use super::reading::Reading;
use super::runs::{Classes, Kind};

/// Buffers for longer words are not kept: the next text will hardly need them.
const KEPT_WORD: usize = 1 << 16;
/// A longer run without a space is read as several words of this many characters.
const LONGEST_WORD: usize = 64;
/// The reader looks at this many characters of a long word for each unit that it may still read…
const CHARACTERS_PER_UNIT: usize = 64;
/// …and at this many more, because they may decide where the last token ends.
const SLACK: usize = 4096;

/// Runs whose judgement is remembered: what a hash table of 2^15 places holds without growing.
const MOST_JUDGED: usize = (1 << 15) / 8 * 7;

/// Shorter runs of letters are no sign of anything: `px` is two letters to everybody.
const SHORTEST_JUDGED: usize = 3;
/// A word of ASCII letters counts as broken up from this many tokens a letter on: `hwnd` does, `sundemine` does not.
const BROKEN_UP_ASCII: f32 = 0.7;
/// The limit for words with other Latin letters, chosen so that `naïve` is not broken up.
const BROKEN_UP_LATIN: f32 = 0.6;
/// The limit for Cyrillic words. The vocabulary has pieces of Russian words, which are chance fragments of other languages.
const BROKEN_UP_CYRILLIC: f32 = 0.5;

/// The Unicode block of dashes and curly quotes.
const GENERAL_PUNCTUATION: RangeInclusive<char> = '\u{2000}'..='\u{206f}';

/// Turns texts into what is read of them.
pub(super) struct Reader {
    bpe: Bpe,
    normalizer: Normalizer,
    classes: Classes,
}

/// What a thread needs while it reads, kept from one text to the next.
#[derive(Default)]
pub(super) struct Workspace {
    cache: WordCache,
    /// Whether the vocabulary knows the runs of longer words.
    judged: HashMap<Box<str>, bool>,
    scratch: Scratch,
    text: Reading,
    word: Reading,
    normal: String,
    spaced: String,
    tokens: Vec<u16>,
}

impl Workspace {
    /// Gives back what an unusual text left behind, so that the memory of an idle workspace is bounded.
    pub(super) fn trim(&mut self) {
        self.scratch.trim(KEPT_WORD);
        for buffer in [&mut self.normal, &mut self.spaced] {
            buffer.clear();
            buffer.shrink_to(KEPT_WORD);
        }
        for reading in [&mut self.text, &mut self.word] {
            reading.begin(0);
            reading.tokens.shrink_to(KEPT_WORD);
            reading.features.shrink_to(KEPT_WORD);
        }
        self.tokens.shrink_to(KEPT_WORD);
    }
}

impl Reader {
    /// Reads a tokenizer made by `scripts/make_wordllama.py`, for a table with this number of rows.
    pub(super) fn parse(data: &[u8], rows: usize) -> Result<Self, String> {
        Ok(Self { bpe: Bpe::parse(data, rows)?, normalizer: Normalizer::new(), classes: Classes::new() })
    }

    /// What is read of a text: at most `limit` units.
    pub(super) fn read<'w>(&self, text: &str, limit: usize, workspace: &'w mut Workspace) -> &'w Reading {
        let mut reading = std::mem::take(&mut workspace.text);
        reading.begin(limit);
        for word in words(text) {
            self.read_word(word, &mut reading, workspace);
            if reading.truncated {
                break;
            }
        }
        workspace.text = reading;
        &workspace.text
    }

    /// Reads a word as it stands in the text.
    fn read_word(&self, word: &str, reading: &mut Reading, workspace: &mut Workspace) {
        if WordCache::takes(word) {
            match workspace.cache.read(word, reading) {
                Some(true) => return,
                Some(false) => return self.read_raw(word, reading, workspace),
                None => {}
            }
            let mut whole = std::mem::take(&mut workspace.word);
            whole.begin(usize::MAX);
            self.read_raw(word, &mut whole, workspace);
            workspace.cache.insert(word, &whole);
            let fits = reading.take(&whole.tokens, &whole.features, whole.counts);
            workspace.word = whole;
            if fits {
                return;
            }
        }
        self.read_raw(word, reading, workspace);
    }

    fn read_raw(&self, word: &str, reading: &mut Reading, workspace: &mut Workspace) {
        // Megabytes without a space would otherwise be normalised for a few hundred units.
        let most = reading.room().saturating_mul(CHARACTERS_PER_UNIT).saturating_add(SLACK);
        let looked_at = word.char_indices().nth(most).map_or(word.len(), |(end, _)| end);
        let mut normal = std::mem::take(&mut workspace.normal);
        self.normalizer.word(&word[..looked_at], &mut normal);
        for word in normal.split(' ').filter(|word| !word.is_empty()) {
            self.read_normal(word, reading, workspace);
        }
        reading.truncated |= looked_at < word.len();
        workspace.normal = normal;
    }

    /// Reads a word in normal form.
    fn read_normal(&self, word: &str, reading: &mut Reading, workspace: &mut Workspace) {
        // `Window` and `WINDOW` come to what `window` came to.
        if WordCache::takes(word) && workspace.cache.read(word, reading) == Some(true) {
            return;
        }
        if word.len() <= LONGEST_WORD && self.classes.runs(word).next() == Some((Kind::Familiar, word)) {
            // Nearly all words of an English text: the tokens that they are judged by are theirs.
            if !self.is_known_word(word, workspace) {
                return read_unknown(word, reading);
            }
            reading.push_tokens(&workspace.tokens);
            reading.counts.known += 1;
            return;
        }
        if self.classes.runs(word).all(|run| self.is_known(run, workspace)) {
            self.tokenize(true, word, reading.room(), workspace);
            reading.push_tokens(&workspace.tokens);
            reading.counts.known += 1;
            return;
        }
        let mut begins = true;
        for (kind, run) in self.classes.runs(word) {
            match kind {
                Kind::Unspaced => read_unspaced(run, reading),
                Kind::Punctuation | Kind::Symbol => self.read_marks((kind, run), begins, reading, workspace),
                Kind::Familiar if self.is_known((kind, run), workspace) => {
                    self.tokenize(begins, run, reading.room(), workspace);
                    reading.push_tokens(&workspace.tokens);
                    reading.counts.known += 1;
                }
                Kind::Familiar | Kind::Foreign => read_unknown(run, reading),
            }
            begins = false;
            if reading.truncated {
                return;
            }
        }
    }

    /// Whether the vocabulary has more for a run than bytes and single letters.
    fn is_known(&self, (kind, run): (Kind, &str), workspace: &mut Workspace) -> bool {
        match kind {
            Kind::Punctuation | Kind::Symbol => run.chars().all(|mark| self.is_known_mark((kind, mark))),
            Kind::Foreign | Kind::Unspaced => false,
            // The vocabulary has every character of ASCII.
            Kind::Familiar if run.len() < SHORTEST_JUDGED && run.is_ascii() => true,
            Kind::Familiar => {
                if let Some(&known) = workspace.judged.get(run) {
                    return known;
                }
                let known = self.is_known_word(run, workspace);
                if workspace.judged.len() == MOST_JUDGED {
                    workspace.judged.clear();
                }
                if WordCache::takes(run) {
                    workspace.judged.insert(run.into(), known);
                }
                known
            }
        }
    }

    /// Whether a run of familiar letters comes out as more than bytes and single letters, going by its beginning. Its tokens are left in
    /// the workspace, as those of a word by itself.
    fn is_known_word(&self, run: &str, workspace: &mut Workspace) -> bool {
        let judged = run.char_indices().nth(LONGEST_WORD).map_or(run, |(end, _)| &run[..end]);
        self.tokenize(true, judged, usize::MAX, workspace);
        let tokens = &workspace.tokens;
        if tokens.iter().any(|&token| Bpe::is_byte(token)) {
            return false;
        }
        let most = match () {
            () if judged.is_ascii() => BROKEN_UP_ASCII,
            () if self.classes.has_cyrillic(judged) => BROKEN_UP_CYRILLIC,
            () => BROKEN_UP_LATIN,
        };
        let characters = judged.chars().count();
        let is_word = characters >= SHORTEST_JUDGED && judged.chars().all(char::is_alphabetic);
        !is_word || tokens.len() as f32 <= most * characters as f32
    }

    /// Whether a mark counts as the vocabulary has it. Its vectors of punctuation outside English texts are as long as those of
    /// rare words, and texts full of `«»` or `।` would be alike for them.
    fn is_known_mark(&self, (kind, mark): (Kind, char)) -> bool {
        let is_english = mark.is_ascii() || GENERAL_PUNCTUATION.contains(&mark);
        self.bpe.has(mark) && (is_english || kind == Kind::Symbol)
    }

    /// Reads punctuation or symbols: the vocabulary's tokens where it has them.
    fn read_marks(
        &self,
        (kind, run): (Kind, &str),
        begins: bool,
        reading: &mut Reading,
        workspace: &mut Workspace,
    ) {
        if self.is_known((kind, run), workspace) {
            self.tokenize(begins, run, reading.room(), workspace);
            return reading.push_tokens(&workspace.tokens);
        }
        for (at, character) in run.char_indices() {
            let mark = &run[at..at + character.len_utf8()];
            if self.is_known_mark((kind, character)) {
                self.tokenize(false, mark, usize::MAX, workspace);
                reading.push_tokens(&workspace.tokens);
            } else if kind == Kind::Punctuation {
                reading.push_unit(|features| letters::punctuation(mark, features));
            } else {
                // With the one behind it: two letters of a flag are another flag the other way round.
                let behind = run[at + mark.len()..].chars().next().map_or(0, char::len_utf8);
                let pair = (behind > 0).then(|| &run[at..at + mark.len() + behind]);
                reading.push_unit(|features| letters::symbol(mark, pair, features));
            }
            if reading.truncated {
                return;
            }
        }
    }

    /// The tokens of a piece of a word, in the workspace's buffer; a word begins with the vocabulary's mark for a space. There may be
    /// more than `limit`, and where there are, not all.
    fn tokenize(&self, begins: bool, piece: &str, limit: usize, workspace: &mut Workspace) {
        let Workspace { spaced, scratch, tokens, .. } = workspace;
        spaced.clear();
        if begins {
            spaced.push(' ');
        }
        spaced.push_str(piece);
        tokens.clear();
        self.bpe.encode(spaced, limit, scratch, tokens);
    }
}

/// Reads a run of letters as words that the vocabulary lacks: one, if it is not very long.
fn read_unknown(run: &str, reading: &mut Reading) {
    let mut rest = run;
    while !rest.is_empty() && !reading.truncated {
        let end = rest.char_indices().nth(LONGEST_WORD).map_or(rest.len(), |(end, _)| end);
        let (word, behind) = rest.split_at(end);
        reading.push_unit(|features| letters::word(word, features));
        reading.counts.unknown += 1;
        rest = behind;
    }
}

/// Reads a run of characters that are not told apart by spaces.
fn read_unspaced(run: &str, reading: &mut Reading) {
    let mut characters = run.char_indices().peekable();
    let mut count = 0;
    while let Some((at, character)) = characters.next()
        && !reading.truncated
    {
        let end = at + character.len_utf8();
        let behind = characters.peek().map(|(at, next)| at + next.len_utf8());
        reading.push_unit(|features| match behind {
            Some(behind) => letters::unspaced(Some(&run[at..behind]), &run[at..end], features),
            None => letters::unspaced((count == 0).then_some(run), &run[at..end], features),
        });
        count += 1;
    }
    reading.counts.unknown += usize::div_ceil(count, 2);
}
