//! The classes of characters, by Unicode's tables.

use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};
use icu_properties::{CodePointMapData, CodePointMapDataBorrowed};
use semdedup_embed::is_unspaced;

/// What a character can be part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Space,
    /// A letter of a script with spaces between words.
    Letter,
    /// A letter of a script without spaces: a token by itself.
    Unspaced,
    /// It belongs to the character before it.
    Mark,
    /// A decimal digit.
    Digit,
    /// Another number: a token by itself.
    Numeral,
    Punctuation,
    /// It says something, such as `€`, `≤` or an emoji.
    Symbol,
}

/// The symbols of ASCII. `signs.rs` decides where they are marks only.
const SYMBOLS: &[u8] = b"#$%&*+<=>@^|~";

/// The classes of ASCII.
const ASCII: [Class; 128] = {
    let mut classes = [Class::Punctuation; 128];
    let mut byte = 0;
    while byte < 128 {
        if (byte as u8).is_ascii_digit() {
            classes[byte] = Class::Digit;
        } else if (byte as u8).is_ascii_alphabetic() {
            classes[byte] = Class::Letter;
        } else if byte <= 32 || byte == 127 {
            classes[byte] = Class::Space;
        }
        byte += 1;
    }
    let mut place = 0;
    while place < SYMBOLS.len() {
        classes[SYMBOLS[place] as usize] = Class::Symbol;
        place += 1;
    }
    classes
};

/// The numerals of Chinese and Japanese, which Unicode has as letters.
const HAN_NUMERALS: &str = "〇零一二三四五六七八九十百千万萬亿億兆两兩";

/// The colours of skins: modifiers, but nobody takes them for punctuation.
const SKINS: std::ops::RangeInclusive<char> = '\u{1f3fb}'..='\u{1f3ff}';

/// The characters that are written as apostrophes.
pub(super) const APOSTROPHES: [char; 5] = ['\'', '\u{2019}', '\u{2018}', '\u{2bc}', '`'];

/// Unicode's tables, compiled into the program.
#[derive(Clone, Copy)]
pub(super) struct Characters {
    categories: CodePointMapDataBorrowed<'static, GeneralCategory>,
}

impl Characters {
    pub(super) fn new() -> Self {
        Self { categories: CodePointMapData::new() }
    }

    /// Returns the class of a character of a text in normal form.
    pub(super) fn class(&self, character: char) -> Class {
        if let Some(&class) = ASCII.get(character as usize) {
            return class;
        }
        match character {
            '\u{2bc}' => return Class::Punctuation,
            // It makes the vowel before it long.
            '\u{30fc}' => return Class::Mark,
            '‰' | '‱' | '٪' => return Class::Symbol,
            _ => {}
        }
        let category = self.categories.get(character);
        match category {
            GeneralCategory::DecimalNumber => Class::Digit,
            GeneralCategory::LetterNumber | GeneralCategory::OtherNumber => Class::Numeral,
            GeneralCategory::ModifierSymbol if !SKINS.contains(&character) => Class::Punctuation,
            category if GeneralCategoryGroup::Mark.contains(category) => Class::Mark,
            category if GeneralCategoryGroup::Letter.contains(category) => class_of_letter(character),
            category if GeneralCategoryGroup::Punctuation.contains(category) => Class::Punctuation,
            category if GeneralCategoryGroup::Separator.contains(category) => Class::Space,
            GeneralCategory::Control => Class::Space,
            _ => Class::Symbol,
        }
    }

    /// Whether a word, or a number, goes up to this character.
    pub(super) fn is_alphanumeric(&self, character: char) -> bool {
        !matches!(self.class(character), Class::Space | Class::Punctuation | Class::Symbol)
    }

    pub(super) fn is_digit(&self, character: char) -> bool {
        self.class(character) == Class::Digit
    }

    pub(super) fn is_currency(&self, character: char) -> bool {
        self.categories.get(character) == GeneralCategory::CurrencySymbol
    }

    /// Returns a digit of any script as one of ASCII.
    pub(super) fn ascii_digit(&self, digit: char) -> char {
        if digit.is_ascii() {
            return digit;
        }
        // Unicode guarantees that the digits of a script stand in a row, from 0 to 9.
        let mut zero = digit as u32;
        while char::from_u32(zero - 1).is_some_and(|before| self.is_digit(before)) {
            zero -= 1;
        }
        char::from_digit((digit as u32 - zero) % 10, 10).unwrap_or(digit)
    }
}

fn class_of_letter(letter: char) -> Class {
    if !is_unspaced(letter) {
        Class::Letter
    } else if HAN_NUMERALS.contains(letter) {
        Class::Numeral
    } else {
        Class::Unspaced
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_what_people_take_them_for() {
        let characters = Characters::new();
        for (text, class) in [
            ("aßяאअ한", Class::Letter),
            ("水かカไກកမ々", Class::Unspaced),
            ("\u{301}\u{93e}\u{e48}ー", Class::Mark),
            ("1٣७๕", Class::Digit),
            ("三〇十", Class::Numeral),
            (".,;:!?\"'()[]{}-_/\\¿«»„。、・—ʼ`†§", Class::Punctuation),
            ("$€%@&#<>=+~^|*≤→😀🏽", Class::Symbol),
            (" \t\u{7f}", Class::Space),
        ] {
            for character in text.chars() {
                assert_eq!(characters.class(character), class, "{character}");
            }
        }
    }

    #[test]
    fn digits_of_every_script_have_their_values() {
        let characters = Characters::new();
        for digits in ["0123456789", "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "๐๑๒๓๔๕๖๗๘๙", "០១២៣៤៥៦៧៨៩"]
        {
            let read: String = digits.chars().map(|digit| characters.ascii_digit(digit)).collect();
            assert_eq!(read, "0123456789", "{digits}");
        }
        let all = (0..=0x10_ffff).filter_map(char::from_u32).filter(|&c| characters.is_digit(c));
        let (mut count, mut expected) = (0, 0);
        for digit in all.inspect(|_| count += 1) {
            assert_eq!(characters.ascii_digit(digit).to_digit(10), Some(expected), "{digit:?}");
            expected = (expected + 1) % 10;
        }
        assert!(count > 600 && count % 10 == 0, "{count}");
    }
}
