//! Reading a text word by word.
//!
//! No piece of the vocabulary has a space after another character (`scripts/make_wordllama.py`
//! checks this), so no merge crosses the start of a word, and words can be read one by one. If the
//! vocabulary spells a word in bytes, or in little more than single letters, the word gets features
//! of its letters instead, because bags of bytes or letters are similar whatever the words mean.
use std::ops::RangeInclusive;

use hashbrown::HashMap;

use super::bpe::{Bpe, Scratch};
use super::cache::WordCache;
use super::letters;
use super::normal::{Normalizer, words};
use super::reading::Reading;
use super::runs::{Classes, Kind, Run};

/// The size up to which buffers are kept. The next text will rarely need larger ones.
const KEPT_WORD: usize = 1 << 16;
/// The number of characters of the longest word. A longer run without a space is read as several
/// words.
const LONGEST_WORD: usize = 64;
/// The number of characters of a long word that are read for each unit of the limit…
const CHARACTERS_PER_UNIT: usize = 64;
/// …and the number of further characters, which may decide where the last token ends.
const SLACK: usize = 4096;

/// The number of runs whose judgment is kept. A hash table with 2^15 slots holds this many without
/// growing.
const MOST_JUDGED: usize = (1 << 15) / 8 * 7;

/// The number of letters from which a run is judged. Shorter runs say nothing: `px` is two letters
/// in any vocabulary.
const SHORTEST_JUDGED: usize = 3;
/// The number of tokens for each letter from which a word of ASCII letters counts as broken up:
/// `hwnd` does, `sundemine` does not.
const BROKEN_UP_ASCII: f32 = 0.7;
/// The limit for words with other Latin letters, chosen so that `naïve` is not broken up.
const BROKEN_UP_LATIN: f32 = 0.6;
/// The limit for Cyrillic words. The vocabulary has pieces of Russian words, which in other
/// languages are chance fragments.
const BROKEN_UP_CYRILLIC: f32 = 0.5;

/// The Unicode block of dashes and curly quotes.
const GENERAL_PUNCTUATION: RangeInclusive<char> = '\u{2000}'..='\u{206f}';

/// Reads texts.
pub(super) struct Reader {
    bpe: Bpe,
    normalizer: Normalizer,
    classes: Classes,
}

/// The buffers of a thread that reads, which are kept from one text to the next.
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
    /// Frees the memory that an unusual text needed, so that the memory of an idle workspace is
    /// bounded.
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
    /// Parses a tokenizer made by `scripts/make_wordllama.py`, for a table with this number of
    /// rows.
    pub(super) fn parse(data: &[u8], rows: usize) -> Result<Self, String> {
        Ok(Self { bpe: Bpe::parse(data, rows)?, normalizer: Normalizer::new(), classes: Classes::new() })
    }

    /// Reads at most `limit` units of a text.
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

    /// Reads a word as the text spells it.
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

    /// Reads a word without the cache.
    fn read_raw(&self, word: &str, reading: &mut Reading, workspace: &mut Workspace) {
        // Otherwise megabytes without a space would be normalized for a few hundred units.
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
        // `Window` and `WINDOW` have the same normal form as `window`.
        if WordCache::takes(word) && workspace.cache.read(word, reading) == Some(true) {
            return;
        }
        let familiar = Run { kind: Kind::Familiar, text: word };
        if word.len() <= LONGEST_WORD && self.classes.runs(word).next() == Some(familiar) {
            // Nearly all words of an English text are such runs, and the tokens that judge them are
            // theirs.
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
        for run in self.classes.runs(word) {
            match run.kind {
                Kind::Unspaced => read_unspaced(run.text, reading),
                Kind::Punctuation | Kind::Symbol => self.read_marks(run, begins, reading, workspace),
                Kind::Familiar if self.is_known(run, workspace) => {
                    self.tokenize(begins, run.text, reading.room(), workspace);
                    reading.push_tokens(&workspace.tokens);
                    reading.counts.known += 1;
                }
                Kind::Familiar | Kind::Foreign => read_unknown(run.text, reading),
            }
            begins = false;
            if reading.truncated {
                return;
            }
        }
    }

    /// Whether the vocabulary has more for a run than bytes and single letters.
    fn is_known(&self, Run { kind, text }: Run, workspace: &mut Workspace) -> bool {
        match kind {
            Kind::Punctuation | Kind::Symbol => text.chars().all(|mark| self.is_known_mark(kind, mark)),
            Kind::Foreign | Kind::Unspaced => false,
            // The vocabulary has every character of ASCII.
            Kind::Familiar if text.len() < SHORTEST_JUDGED && text.is_ascii() => true,
            Kind::Familiar => {
                if let Some(&known) = workspace.judged.get(text) {
                    return known;
                }
                let known = self.is_known_word(text, workspace);
                if workspace.judged.len() == MOST_JUDGED {
                    workspace.judged.clear();
                }
                if WordCache::takes(text) {
                    workspace.judged.insert(text.into(), known);
                }
                known
            }
        }
    }

    /// Whether the vocabulary has more than bytes and single letters for the beginning of a run of
    /// familiar letters. The tokens of the run, as those of a separate word, are left in the
    /// workspace.
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

    /// Whether a mark is read as the vocabulary has it. The vocabulary's vectors of punctuation
    /// outside English texts are as long as those of rare words, so texts full of `«»` or `।` would
    /// be similar because of them.
    fn is_known_mark(&self, kind: Kind, mark: char) -> bool {
        let is_english = mark.is_ascii() || GENERAL_PUNCTUATION.contains(&mark);
        self.bpe.has(mark) && (is_english || kind == Kind::Symbol)
    }

    /// Reads punctuation or symbols, as tokens where the vocabulary has them.
    fn read_marks(&self, run: Run, begins: bool, reading: &mut Reading, workspace: &mut Workspace) {
        let Run { kind, text } = run;
        if self.is_known(run, workspace) {
            self.tokenize(begins, text, reading.room(), workspace);
            return reading.push_tokens(&workspace.tokens);
        }
        for (at, character) in text.char_indices() {
            let mark = &text[at..at + character.len_utf8()];
            if self.is_known_mark(kind, character) {
                self.tokenize(false, mark, usize::MAX, workspace);
                reading.push_tokens(&workspace.tokens);
            } else if kind == Kind::Punctuation {
                reading.push_unit(|features| letters::punctuation(mark, features));
            } else {
                // With the next symbol, because the two letters of a flag in the other order are
                // another flag.
                let next = text[at + mark.len()..].chars().next().map_or(0, char::len_utf8);
                let pair = (next > 0).then(|| &text[at..at + mark.len() + next]);
                reading.push_unit(|features| letters::symbol(mark, pair, features));
            }
            if reading.truncated {
                return;
            }
        }
    }

    /// Writes the tokens of a piece of a word to the workspace. A piece that begins a word gets the
    /// vocabulary's mark for a space. If there are more than `limit` tokens, some may be missing at
    /// the end.
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

/// Reads a run of letters as words that the vocabulary lacks: as one word, unless it is very long.
fn read_unknown(run: &str, reading: &mut Reading) {
    let mut rest = run;
    while !rest.is_empty() && !reading.truncated {
        let end = rest.char_indices().nth(LONGEST_WORD).map_or(rest.len(), |(end, _)| end);
        let (word, after) = rest.split_at(end);
        reading.push_unit(|features| letters::word(word, features));
        reading.counts.unknown += 1;
        rest = after;
    }
}

/// Reads a run of a script without spaces between words.
fn read_unspaced(run: &str, reading: &mut Reading) {
    let mut characters = run.char_indices().peekable();
    let mut count = 0;
    while let Some((at, character)) = characters.next()
        && !reading.truncated
    {
        let end = at + character.len_utf8();
        let next = characters.peek().map(|(at, next)| at + next.len_utf8());
        reading.push_unit(|features| match next {
            Some(next) => letters::unspaced(Some(&run[at..next]), &run[at..end], features),
            None => letters::unspaced((count == 0).then_some(run), &run[at..end], features),
        });
        count += 1;
    }
    reading.counts.unknown += usize::div_ceil(count, 2);
}
