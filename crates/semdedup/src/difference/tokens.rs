//! Reads the tokens of a text, a line after the other, in little memory.

use semdedup_embed::normal_form;

use super::characters::Characters;
use super::line::read_line;
use super::markup::marks_before;
use super::token::Token;

/// The number of bytes of the longest line that is read at once. A longer one is cut, so that a
/// text of any length takes little memory: behind white space if there is any, otherwise behind
/// punctuation.
const LONGEST: usize = 1 << 16;

/// The sign of numbers, which normal form makes a word that negates: `no`.
const NUMERO: char = '\u{2116}';

/// The tokens of a text, in order.
pub(super) struct Tokens<'t> {
    rest: &'t str,
    place: Place,
    characters: Characters,
    /// The tokens of a line, and how many of them have been returned.
    line: Vec<Token>,
    returned: usize,
}

/// Where the rest of a text begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    LineStart,
    InsideLine,
}

impl<'t> Tokens<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let characters = Characters::new();
        Self { rest: text, place: Place::LineStart, characters, line: Vec::new(), returned: 0 }
    }

    fn read_line(&mut self) {
        let (line, rest) = cut(self.rest);
        let form = match line.contains(NUMERO) {
            true => normal_form(&line.replace(NUMERO, " nr ")),
            false => normal_form(line),
        };
        let marks = if self.place == Place::LineStart { marks_before(&form) } else { 0 };
        self.line.clear();
        self.returned = 0;
        read_line(&form, marks, &self.characters, &mut self.line);
        self.rest = rest;
        self.place = if line.ends_with('\n') { Place::LineStart } else { Place::InsideLine };
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        while self.returned == self.line.len() {
            if self.rest.is_empty() {
                return None;
            }
            self.read_line();
        }
        self.returned += 1;
        Some(self.line[self.returned - 1])
    }
}

/// Cuts the first line, or the beginning of a long one, from a text.
fn cut(text: &str) -> (&str, &str) {
    let limit = text.floor_char_boundary(LONGEST);
    let window = &text[..limit];
    if let Some(end) = memchr::memchr(b'\n', window.as_bytes()) {
        return text.split_at(end + 1);
    }
    if limit == text.len() {
        return (text, "");
    }
    let behind = |is_right: fn(char) -> bool| {
        let (at, last) = window.char_indices().rfind(|&(_, character)| is_right(character))?;
        Some(at + last.len_utf8())
    };
    let is_punctuation = |c: char| c.is_ascii_punctuation() || matches!(c, '。' | '、' | '，' | '；');
    text.split_at(behind(char::is_whitespace).or_else(|| behind(is_punctuation)).unwrap_or(limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_lines_and_behind_spaces_and_is_whole() {
        for text in [
            "one\ntwo\n\nthree".to_owned(),
            "word ".repeat(50_000),
            "字，".repeat(50_000),
            "é".repeat(100_000),
            format!(" {}", "x".repeat(200_000)),
            String::new(),
        ] {
            let (mut pieces, mut rest) = (Vec::new(), text.as_str());
            while !rest.is_empty() {
                let (piece, behind) = cut(rest);
                assert!(!piece.is_empty() && piece.len() <= LONGEST);
                pieces.push(piece);
                rest = behind;
            }
            assert_eq!(pieces.concat(), text);
            assert!(pieces.len() <= 4 + 2 * text.len() / LONGEST, "{}", pieces.len());
        }
        assert_eq!(cut("one\ntwo"), ("one\n", "two"));
        assert!(
            cut(&"word ".repeat(50_000)).0.ends_with(' ') && cut(&"字，".repeat(50_000)).0.ends_with('，')
        );
    }

    #[test]
    fn the_tokens_of_a_long_line_are_those_of_its_words() {
        let line = "the quick brown fox ".repeat(20_000);
        let tokens: Vec<Token> = Tokens::new(&line).collect();
        assert_eq!(tokens.len(), 80_000);
        assert_eq!(tokens[..4], tokens[79_996..]);
        assert_eq!(tokens, Tokens::new(&line.replace(' ', "\n")).collect::<Vec<_>>());
    }
}
