//! Reading a word: its runs of letters, digits and marks.
use std::ops::RangeInclusive;

use super::letters::{self, Feature, Step};
use super::numbers;
use super::reading::Reading;
use super::runs::{Kind, Run};
use super::words::{Reader, Workspace};

/// The number of characters of the longest word. A longer run without a space is read as several
/// words.
pub(crate) const LONGEST_WORD: usize = 64;
/// The number of pieces for each letter from which a word counts as broken up: `hwnd` does,
/// `sundemine` does not.
const BROKEN_UP: f32 = 0.6;
/// The number of letters from which a word may have several pieces.
const SHORTEST_SPLIT: usize = 3;
/// The length of the letters of a word that has several pieces, relative to one that has none. It
/// tells apart words of the same pieces in another order.
const OF_PIECES: f32 = 0.3;
/// The length of the feature that tells `résumé` from `resume`, whose vector it has too.
const ACCENTS: f32 = 0.7;
/// The Unicode block of dashes and curly quotes.
const GENERAL_PUNCTUATION: RangeInclusive<char> = '\u{2000}'..='\u{206f}';

impl Reader {
    /// Reads a word in normal form.
    pub(crate) fn read_normal(&self, word: &str, reading: &mut Reading, workspace: &mut Workspace) {
        let (mut runs, mut tokens) =
            (std::mem::take(&mut workspace.runs), std::mem::take(&mut workspace.tokens));
        self.classes.split(word, &mut runs);
        let mut at = Place { word, runs: &runs, done: 0, reading, tokens: &mut tokens };
        for index in 0..runs.len() {
            self.read_run(index, &mut at);
            if at.reading.truncated {
                break;
            }
        }
        (workspace.runs, workspace.tokens) = (runs, tokens);
    }

    /// Reads a run of a word, or whatever of it has not been read with the run before.
    fn read_run(&self, index: usize, at: &mut Place) {
        let Run { kind, start, end } = at.runs[index];
        let start = start.max(at.done);
        if start >= end {
            return;
        }
        let run = &at.word[start..end];
        match kind {
            Kind::Digits => self.read_number(start, at),
            Kind::Mixed
                if run.chars().next().is_some_and(|first| self.classes.kind(first) == Kind::Digits) =>
            {
                let number = start + numbers::end_of_number(&at.word[start..], &self.classes);
                let is_unit = |rest: &str| rest.is_empty() || self.vocabulary.whole(rest).is_some();
                match is_unit(at.word.get(number..end).unwrap_or_default()) {
                    true => self.read_number(start, at),
                    false => self.read_unknown(run, at.reading),
                }
            }
            Kind::Mixed | Kind::Foreign => self.read_unknown(run, at.reading),
            Kind::Latin => self.read_negated(start, end, at),
            Kind::Unspaced => self.read_unspaced(run, at.reading),
            Kind::Symbol if !numbers::may_be_operator(run) => self.read_symbols(run, at.reading),
            Kind::Punctuation | Kind::Symbol => {
                let (before, behind) = (start > 0, end < at.word.len());
                if numbers::is_operator(run, !before && !behind, before && behind) {
                    at.reading.push_exact(letters::exact(run));
                }
                self.read_marks(run, at);
            }
        }
    }

    /// Reads a number, and the letters behind it as a word of their own: `5kg`.
    fn read_number(&self, start: usize, at: &mut Place) {
        let end = start + numbers::end_of_number(&at.word[start..], &self.classes);
        let written = numbers::written(&at.word[start..end], &at.word[..start], &self.classes);
        let hash = letters::exact(&written);
        at.reading.push_step(Step::number(hash));
        at.reading.push_exact(hash);
        at.done = end;
        let behind = at.runs.partition_point(|run| run.start < end);
        let Some(last) = behind.checked_sub(1).map(|index| at.runs[index].end).filter(|&last| end < last)
        else {
            return;
        };
        let unit = &at.word[end..last];
        at.done = last;
        match self.vocabulary.whole(unit) {
            Some(_) => self.read_latin(unit, at),
            None => self.read_unknown(unit, at.reading),
        }
    }

    /// Reads a word of Latin letters.
    fn read_negated(&self, start: usize, end: usize, at: &mut Place) {
        let Spoken { verb, is_negated, read } = self.spoken(&at.word[start..end], &at.word[end..]);
        self.read_latin(verb, at);
        if is_negated {
            self.read_latin("not", at);
        }
        at.done = end + read;
    }

    /// Returns a word as it is read: `don't` and `cannot` as `do not` and `can not`. `behind` is what
    /// follows it.
    pub(crate) fn spoken<'w>(&self, run: &'w str, behind: &str) -> Spoken<'w> {
        if run == "cannot" {
            return Spoken { verb: "can", is_negated: true, read: 0 };
        }
        let is_end =
            |rest: &str| rest.chars().next().is_none_or(|next| self.classes.kind(next) == Kind::Punctuation);
        let read = ["'t", "’t"].iter().find(|short| behind.strip_prefix(**short).is_some_and(is_end));
        match (run.strip_suffix('n').filter(|verb| !verb.is_empty()), read) {
            (Some(verb), Some(short)) => {
                let verb = match verb {
                    "ca" => "can",
                    "wo" => "will",
                    "sha" => "shall",
                    verb => verb,
                };
                Spoken { verb, is_negated: true, read: short.len() }
            }
            _ => Spoken { verb: run, is_negated: false, read: 0 },
        }
    }

    fn read_latin(&self, run: &str, at: &mut Place) {
        for word in parts(run) {
            at.reading.push_step(Step::word(word));
            if !self.tokenize(word, at) {
                self.push_word(word, at.reading);
            }
        }
    }

    /// Reads a word as pieces of the vocabulary, if it has them.
    fn tokenize(&self, word: &str, at: &mut Place) -> bool {
        if word.is_ascii() {
            let letters = word.len();
            if !self.vocabulary.split(word, at.tokens) {
                return false;
            }
            let pieces = at.tokens.len();
            if pieces > 1 && (letters < SHORTEST_SPLIT || pieces as f32 > BROKEN_UP * letters as f32) {
                return false;
            }
            at.reading.push_known(at.tokens);
            if pieces > 1 && !at.reading.truncated {
                letters::word(word, &mut |feature| {
                    at.reading.features.push(feature.times(self.unit * OF_PIECES))
                });
            }
            return true;
        }
        let plain: String =
            self.decomposed.normalize(word).chars().filter(|&c| !self.classes.is_mark(c)).collect();
        if plain.len() < SHORTEST_SPLIT || !plain.is_ascii() {
            return false;
        }
        let Some(row) = self.vocabulary.whole(&plain) else { return false };
        at.reading.push_known(&[row]);
        if !at.reading.truncated {
            at.reading.features.push(letters::spelled(word).times(self.unit * ACCENTS));
        }
        true
    }

    /// Reads letters as words that the vocabulary lacks: as one word, unless it is very long.
    fn read_unknown(&self, run: &str, reading: &mut Reading) {
        parts(run).take(1).for_each(|word| reading.push_step(Step::word(word)));
        parts(run).for_each(|word| self.push_word(word, reading));
    }

    fn push_word(&self, word: &str, reading: &mut Reading) {
        let fits = reading.push_unit(|features| {
            letters::word(word, &mut |feature| features.push(feature.times(self.unit)))
        });
        reading.counts.unknown += usize::from(fits);
    }

    /// Reads a run of a script without spaces between words.
    fn read_unspaced(&self, run: &str, reading: &mut Reading) {
        let step = |character: char| Step::word(character.encode_utf8(&mut [0; 4]));
        run.chars().next().map(step).into_iter().for_each(|step| reading.push_step(step));
        let mut count = 0;
        for (at, character) in run.char_indices() {
            let end = at + character.len_utf8();
            let next = run[end..].chars().next().map(|next| end + next.len_utf8());
            if next.is_none() {
                reading.push_step(step(character));
            }
            let fits = reading.push_unit(|features| {
                let bigram = match next {
                    Some(next) => Some(&run[at..next]),
                    None => (count == 0).then_some(run),
                };
                features.extend(bigram.map(|bigram| self.scaled(letters::bigram(bigram))));
                features.push(self.scaled(letters::character(&run[at..end])));
            });
            count += usize::from(fits);
            if reading.truncated {
                break;
            }
        }
        reading.counts.unknown += usize::div_ceil(count, 2);
    }

    /// Reads symbols, each with the next one, because the two letters of a flag in the other order are
    /// another flag.
    fn read_symbols(&self, run: &str, reading: &mut Reading) {
        for (at, character) in run.char_indices() {
            let end = at + character.len_utf8();
            let next = run[end..].chars().next().map(|next| end + next.len_utf8());
            let fits = reading.push_unit(|features| {
                features.push(self.scaled(letters::symbol(&run[at..end])));
                features.extend(next.map(|next| self.scaled(letters::bigram(&run[at..next]))));
            });
            reading.counts.known += usize::from(fits);
            if reading.truncated {
                return;
            }
        }
    }

    /// Reads punctuation.
    fn read_marks(&self, run: &str, at: &mut Place) {
        for (start, character) in run.char_indices() {
            let mark = &run[start..start + character.len_utf8()];
            if numbers::UNIT_SIGNS.contains(character) || self.classes.is_currency(character) {
                at.reading.push_step(Step::word(mark));
            }
            let is_english = character.is_ascii() || GENERAL_PUNCTUATION.contains(&character);
            match self.vocabulary.whole(mark).filter(|_| is_english) {
                Some(row) => at.reading.push_tokens(&[row]),
                None if self.classes.kind(character) == Kind::Punctuation => {
                    at.reading.push_unit(|features| features.push(self.scaled(letters::punctuation(mark))));
                }
                None => {
                    at.reading.push_unit(|features| features.push(self.scaled(letters::symbol(mark))));
                }
            }
            if at.reading.truncated {
                return;
            }
        }
    }

    fn scaled(&self, feature: Feature) -> Feature {
        feature.times(self.unit)
    }
}

/// A word as it is read.
pub(crate) struct Spoken<'w> {
    pub verb: &'w str,
    /// Whether a `not` follows.
    pub is_negated: bool,
    /// How many bytes behind the word belong to it.
    pub read: usize,
}

/// A word that is being read.
struct Place<'a> {
    word: &'a str,
    runs: &'a [Run],
    /// What has been read already, of the run at hand or of later ones.
    done: usize,
    reading: &'a mut Reading,
    tokens: &'a mut Vec<u32>,
}

/// Cuts a long run into words.
fn parts(run: &str) -> impl Iterator<Item = &str> {
    let mut rest = run;
    std::iter::from_fn(move || {
        let end = rest.char_indices().nth(LONGEST_WORD).map_or(rest.len(), |(end, _)| end);
        let (word, after) = rest.split_at(end);
        rest = after;
        (!word.is_empty()).then_some(word)
    })
}
