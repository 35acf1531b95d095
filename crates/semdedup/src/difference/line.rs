//! Reads the tokens of a line in normal form.

use std::borrow::Cow;

use super::characters::{APOSTROPHES, Characters, Class};
use super::contractions::{before_nt, joined};
use super::markup::{asterisks_are_marks, entity_at};
use super::negations::{is_negation, unspaced};
use super::numbers::{separator, ungrouped};
use super::token::{Token, TokenClass};

/// What the asterisks of a line are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asterisks {
    /// Marks of emphasis.
    Marks,
    /// They stand for something.
    Symbols,
}

/// Reads a line from the left to the right. What decides about a character is at most a few
/// characters beside it, so it takes time in proportion to the line.
pub(super) struct LineReader<'l> {
    pub(super) line: &'l str,
    pub(super) at: usize,
    pub(super) asterisks: Asterisks,
    pub(super) characters: &'l Characters,
    tokens: &'l mut Vec<Token>,
    /// Where the last token ended that can be an operand of a formula: a number or a single letter.
    operand: Option<usize>,
}

/// Appends the tokens of a line in normal form, from a place in it on.
pub(super) fn read_line(line: &str, from: usize, characters: &Characters, tokens: &mut Vec<Token>) {
    let mut reader = LineReader::new(line, characters, tokens);
    reader.at = from;
    reader.read();
}

impl<'l> LineReader<'l> {
    fn new(line: &'l str, characters: &'l Characters, tokens: &'l mut Vec<Token>) -> Self {
        let asterisks = match !line.contains('*') || asterisks_are_marks(line, characters) {
            true => Asterisks::Marks,
            false => Asterisks::Symbols,
        };
        Self { line, at: 0, asterisks, characters, tokens, operand: None }
    }

    fn read(mut self) {
        while let Some(character) = self.next() {
            match self.characters.class(character) {
                Class::Space | Class::Mark => self.at += character.len_utf8(),
                Class::Letter => self.word(),
                Class::Unspaced => self.unspaced(),
                Class::Digit => self.number(""),
                Class::Numeral => self.push_next(character, TokenClass::Number),
                Class::Punctuation | Class::Symbol => self.sign(character),
            }
        }
    }

    /// Reads another text, such as the value of an attribute, in this place.
    pub(super) fn read_inside(&mut self, text: &str) {
        LineReader::new(text, self.characters, self.tokens).read();
    }

    /// Returns the rest of the line.
    pub(super) fn rest(&self) -> &'l str {
        &self.line[self.at..]
    }

    /// Returns the next character.
    pub(super) fn next(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Returns the character before the next one.
    pub(super) fn before(&self) -> Option<char> {
        self.line[..self.at].chars().next_back()
    }

    /// Whether a word or a number ends before the next character.
    pub(super) fn is_behind_word(&self) -> bool {
        self.before().is_some_and(|before| self.characters.is_alphanumeric(before))
    }

    /// Whether a text begins with a digit.
    pub(super) fn begins_with_digit(&self, text: &str) -> bool {
        text.starts_with(|first| self.characters.is_digit(first))
    }

    /// Whether a text begins with a letter.
    pub(super) fn begins_with_letter(&self, text: &str) -> bool {
        text.starts_with(|first| matches!(self.characters.class(first), Class::Letter | Class::Unspaced))
    }

    /// Whether a number or a single letter stands before the next character, perhaps with spaces
    /// between.
    pub(super) fn is_behind_operand(&self) -> bool {
        // In normal form there is one space at most.
        let between = |end: usize| &self.line[end..self.at];
        self.operand.is_some_and(|end| matches!(between(end), "" | " "))
    }

    /// Whether a text begins with a number or a single letter.
    pub(super) fn begins_with_operand(&self, text: &str) -> bool {
        let text = text.trim_start_matches(' ');
        let mut characters = text.chars();
        characters.next();
        self.begins_with_digit(text)
            || (self.begins_with_letter(text)
                && !characters.next().is_some_and(|second| self.characters.is_alphanumeric(second)))
    }

    pub(super) fn push(&mut self, says: &str, class: TokenClass) {
        self.tokens.push(Token::new(says, class));
    }

    /// Reads the next character and the marks that belong to it as a token.
    pub(super) fn push_next(&mut self, character: char, class: TokenClass) {
        let (start, first) = (self.at, self.at + character.len_utf8());
        self.at = first + self.end_of(&self.line[first..], |class| class == Class::Mark);
        self.push(&self.line[start..self.at], class);
    }

    /// Returns the number of bytes with which a text begins whose classes are all right.
    fn end_of(&self, text: &str, is_right: impl Fn(Class) -> bool) -> usize {
        text.find(|character| !is_right(self.characters.class(character))).unwrap_or(text.len())
    }

    /// Returns the rest behind an apostrophe with which a text begins.
    fn behind_apostrophe<'t>(&self, text: &'t str) -> Option<&'t str> {
        match entity_at(text).filter(|_| text.starts_with('&')) {
            Some((character, bytes)) => APOSTROPHES.contains(&character).then(|| &text[bytes..]),
            None => text.strip_prefix(APOSTROPHES),
        }
    }

    fn word(&mut self) {
        let is_behind_apostrophe = self.before().is_some_and(|before| APOSTROPHES.contains(&before));
        let all = self.rest();
        let (word, rest) =
            all.split_at(self.end_of(all, |class| matches!(class, Class::Letter | Class::Mark)));
        self.at += word.len();
        let behind = self.behind_apostrophe(rest);
        if let Some(word) = before_nt(word)
            && let Some(behind) = behind.and_then(|behind| behind.strip_prefix('t'))
            && self.ends_word(behind)
        {
            self.at = self.line.len() - behind.len();
            return self.push_negated(word);
        }
        if let Some(word) = joined(word) {
            return self.push_negated(word);
        }
        if let Some(behind) = rest.strip_prefix("/o").filter(|behind| word == "w" && self.ends_word(behind)) {
            self.at = self.line.len() - behind.len();
            return self.push("without", TokenClass::Negation);
        }
        // French: `n'est`.
        let is_elided = word == "n" && behind.is_some_and(|behind| self.begins_with_letter(behind));
        if is_elided && !is_behind_apostrophe {
            return self.push("ne", TokenClass::Negation);
        }
        // `No. 5` is a number.
        let number = rest.strip_prefix('.').filter(|_| word == "no").map(|rest| rest.trim_start_matches(' '));
        if number.is_some_and(|number| self.begins_with_digit(number)) {
            return self.push(word, TokenClass::Word);
        }
        self.push_word(word);
    }

    /// Whether no word goes on with a text.
    fn ends_word(&self, text: &str) -> bool {
        !text.starts_with(|next| self.characters.is_alphanumeric(next))
    }

    /// Adds a word and `not`.
    fn push_negated(&mut self, word: &str) {
        self.push_word(word);
        self.push("not", TokenClass::Negation);
    }

    fn push_word(&mut self, word: &str) {
        // Case folding leaves the dot of a Turkish capital İ.
        let word = match word.contains("i\u{307}") {
            true => Cow::Owned(word.replace("i\u{307}", "i")),
            false => Cow::Borrowed(word),
        };
        let mut token = Token::new(&word, TokenClass::Word);
        match &*word {
            "do" | "does" | "did" => token.class = TokenClass::Auxiliary,
            word if is_negation(word, token.hash) => token.class = TokenClass::Negation,
            _ => {}
        }
        self.tokens.push(token);
        if word.chars().nth(1).is_none() {
            self.operand = Some(self.at);
        }
    }

    /// Reads a character of a script without spaces, or a negation.
    fn unspaced(&mut self) {
        let Some(found) = unspaced(self.rest(), self.before()) else {
            return self.next().into_iter().for_each(|next| self.push_next(next, TokenClass::Word));
        };
        for character in found.instead.chars() {
            self.push(character.encode_utf8(&mut [0; 4]), TokenClass::Word);
        }
        self.push(found.negation, TokenClass::Negation);
        self.at += found.negation.len();
    }

    /// Reads a number; what its sign says was read before.
    pub(super) fn number(&mut self, sign: &str) {
        let (rest, mut digits, mut end) = (self.rest(), String::new(), 0);
        while let Some(character) = rest[end..].chars().next() {
            let behind = end + character.len_utf8();
            if self.characters.is_digit(character) {
                digits.push(self.characters.ascii_digit(character));
            } else if let Some(separator) = separator(character)
                && self.begins_with_digit(&rest[behind..])
            {
                digits.push(separator);
            } else {
                break;
            }
            end = behind;
        }
        let is_ordinal =
            |ending: &&str| rest[end..].strip_prefix(*ending).is_some_and(|behind| self.ends_word(behind));
        let ending = ["st", "nd", "rd", "th"].into_iter().find(is_ordinal).unwrap_or_default();
        self.at += end + ending.len();
        self.push(&[sign, &ungrouped(&digits), ending].concat(), TokenClass::Number);
        self.operand = Some(self.at);
    }
}
