//! Reads the characters that are no letters and no digits: which of them say something?
//!
//! Punctuation says nothing, and neither do the marks of Markdown and HTML. Where it is not certain
//! that a character is one of these, it is a word: rather too many differences than one too few.

use super::characters::Class;
use super::line::{Asterisks, LineReader};
use super::markup::{entity_at, side, tag_at};
use super::numbers::is_dash;
use super::token::TokenClass::{Negation, Number, Word};

impl LineReader<'_> {
    /// Reads the next character, which is punctuation or a symbol.
    pub(super) fn sign(&mut self, character: char) {
        let rest = &self.rest()[character.len_utf8()..];
        match character {
            '<' => self.tag(),
            '&' => self.entity(),
            '*' => self.asterisks(),
            '#' => self.hashes(),
            '!' => self.exclamation(rest),
            '¬' => self.push_next(character, Negation),
            '^' => self.caret(rest),
            '/' => self.slash(rest),
            '+' | '±' if !self.is_behind_word() && self.begins_with_digit(rest) => self.signed(character),
            // A column of a table.
            '|' if !rest.starts_with('|') && self.before() != Some('|') => self.at += 1,
            // Struck through.
            '~' if rest.starts_with('~') || self.before() == Some('~') => self.at += 1,
            '.' => self.point(rest),
            character if is_dash(character) => self.dash(character, rest),
            character => self.other(character),
        }
    }

    fn other(&mut self, character: char) {
        match self.characters.class(character) {
            Class::Symbol => self.push_next(character, Word),
            _ => self.at += character.len_utf8(),
        }
    }

    /// Reads a sign and its number.
    fn signed(&mut self, sign: char) {
        self.at += sign.len_utf8();
        let sign = if is_dash(sign) { '-' } else { sign };
        self.number(sign.encode_utf8(&mut [0; 4]));
    }

    fn tag(&mut self) {
        let Some(tag) = tag_at(self.rest(), self.is_behind_word()) else { return self.push_next('<', Word) };
        self.at += tag.bytes;
        for value in tag.values {
            self.read_inside(value);
        }
    }

    fn entity(&mut self) {
        let Some((character, bytes)) = entity_at(self.rest()) else { return self.push_next('&', Word) };
        match self.characters.class(character) {
            Class::Space | Class::Punctuation => {}
            Class::Symbol => self.push(character.encode_utf8(&mut [0; 4]), Word),
            _ => return self.push_next('&', Word),
        }
        self.at += bytes;
    }

    fn asterisks(&mut self) {
        let (start, run) = (self.at, self.run('*'));
        self.at += run;
        let side = side(self.line, start, self.at, self.characters);
        if side.is_none() || self.asterisks == Asterisks::Symbols {
            (0..run).for_each(|_| self.push("*", Word));
        }
    }

    /// Returns how often the next character stands there in a row.
    fn run(&self, character: char) -> usize {
        self.rest().len() - self.rest().trim_start_matches(character).len()
    }

    /// Reads `#`: those that close a heading are marks.
    fn hashes(&mut self) {
        let run = self.run('#');
        let closes = run == self.rest().len() && self.before() == Some(' ') && self.line.starts_with('#');
        self.at += run;
        if !closes {
            (0..run).for_each(|_| self.push("#", Word));
        }
    }

    /// Reads `!`, which negates in code: `!x`, `!(x)`, `a != b`. With the first word of a line it may
    /// be what is left of a Markdown image.
    fn exclamation(&mut self, rest: &str) {
        let is_free = !self.is_behind_word() && self.before() != Some('!');
        let is_prefix = is_free && (rest.starts_with(['(', '_']) || self.begins_with_letter(rest));
        if rest.starts_with('=') || is_prefix {
            self.push("!", if self.before().is_some() { Negation } else { Word });
        }
        self.at += 1;
    }

    /// Reads `^`, which stands before every superscript digit, too.
    fn caret(&mut self, rest: &str) {
        if self.begins_with_digit(rest) {
            self.signed('^');
        } else if rest.starts_with(['(', '{', '^'])
            || rest.starts_with(is_dash)
            || self.begins_with_letter(rest)
        {
            self.push_next('^', Word);
        } else {
            self.at += 1;
        }
    }

    /// Reads `/`, which divides between operands and between spaces.
    fn slash(&mut self, rest: &str) {
        let is_spaced = self.before() == Some(' ') && rest.starts_with(' ');
        if is_spaced || (self.is_behind_operand() && self.begins_with_operand(rest)) {
            self.push("/", Word);
        }
        self.at += 1;
    }

    /// Reads `.`, with which a decimal may begin.
    fn point(&mut self, rest: &str) {
        let is_free = !self.is_behind_word() && self.before() != Some('.');
        self.at += 1;
        if is_free && self.begins_with_digit(rest) {
            self.number("0.");
        }
    }

    fn dash(&mut self, dash: char, rest: &str) {
        // A long dash stands between clauses.
        let can_be_minus = !self.is_behind_word() && !matches!(dash, '\u{2014}' | '\u{2015}');
        if can_be_minus && self.begins_with_digit(rest) {
            return self.signed(dash);
        }
        if can_be_minus && rest.starts_with(|next| self.characters.is_currency(next)) {
            self.push("-", Number);
        } else if (can_be_minus && self.is_minus_of(rest))
            || rest.starts_with('^')
            || self.joins_operands(rest)
        {
            self.push("-", Word);
        }
        self.at += dash.len_utf8();
    }

    /// Whether a dash without a word before it is a minus, or part of an operator such as `->`.
    fn is_minus_of(&self, rest: &str) -> bool {
        let is_symbol = |next| {
            self.characters.class(next) == Class::Symbol && !matches!(next, '|' | '<' | '*' | '~' | '#' | '&')
        };
        matches!(self.before(), Some('<' | '=' | '+'))
            || rest.starts_with('(')
            || rest.starts_with(is_symbol)
            || rest.strip_prefix('.').is_some_and(|rest| self.begins_with_digit(rest))
            || (!rest.starts_with(' ') && self.begins_with_operand(rest))
    }

    /// Whether a sign stands between a number or a single letter and another.
    fn joins_operands(&self, rest: &str) -> bool {
        self.is_behind_operand() && self.begins_with_operand(rest)
    }
}
