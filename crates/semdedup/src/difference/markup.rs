//! Marks of Markdown and HTML, in a line in normal form.

use memchr::memchr2;

use super::characters::Characters;

/// The elements of HTML that say how or where something is shown. `sub`, `sup`, `del`, `ins` and
/// `s` are not among them, because they change what is said.
#[rustfmt::skip]
const ELEMENTS: &[&str] = &[
    "a", "abbr", "address", "article", "aside", "b", "big", "blockquote", "body", "br", "caption",
    "center", "cite", "code", "col", "dd", "dfn", "div", "dl", "dt", "em", "figcaption", "figure",
    "font", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hr", "html", "i",
    "img", "kbd", "label", "legend", "li", "main", "mark", "nav", "ol", "p", "pre", "q", "samp",
    "section", "small", "span", "strong", "table", "tbody", "td", "tfoot", "th", "thead", "title",
    "tr", "tt", "u", "ul", "var",
];

/// The attributes of HTML that say how something is shown.
#[rustfmt::skip]
const ATTRIBUTES: &[&str] = &[
    "align", "bgcolor", "border", "cellpadding", "cellspacing", "class", "color", "colspan", "dir",
    "face", "height", "id", "lang", "rel", "role", "rowspan", "size", "style", "target", "valign",
    "width",
];

/// A tag of HTML.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tag<'l> {
    /// The number of its bytes.
    pub(super) bytes: usize,
    /// The values of the attributes that say more than how something is shown, such as addresses.
    pub(super) values: Vec<&'l str>,
}

/// Returns the tag with which a text begins. `is_behind_word` says whether a word ends there: then
/// `<b>` may be the parameter of a type, and only an end tag or a break is certain.
pub(super) fn tag_at(text: &str, is_behind_word: bool) -> Option<Tag<'_>> {
    let inner = text.strip_prefix('<')?;
    // No tag has `<` in it. So a text is searched once, however many of them it has.
    let end = memchr2(b'<', b'>', inner.as_bytes()).filter(|&end| inner.as_bytes()[end] == b'>')?;
    let inner = &inner[..end];
    let (is_end, inner) = inner.strip_prefix('/').map_or((false, inner), |inner| (true, inner));
    let inner = inner.strip_suffix('/').filter(|_| !is_end).unwrap_or(inner);
    let name = &inner[..inner.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(inner.len())];
    if ELEMENTS.binary_search(&name).is_err() || (is_behind_word && !is_end && !matches!(name, "br" | "hr")) {
        return None;
    }
    let values = values(&inner[name.len()..])?;
    Some(Tag { bytes: end + 2, values })
}

/// Reads the attributes of a tag; `None` if they are none.
fn values(mut text: &str) -> Option<Vec<&str>> {
    let mut values = Vec::new();
    loop {
        let trimmed = text.trim_start();
        if trimmed.is_empty() {
            return Some(values);
        }
        if trimmed.len() == text.len() {
            return None;
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':');
        let (name, rest) = trimmed.split_at(trimmed.find(|c| !is_name(c)).unwrap_or(trimmed.len()));
        let rest = rest.trim_start().strip_prefix('=').filter(|_| !name.is_empty())?.trim_start();
        let (value, rest) = match rest.chars().next()? {
            quote @ ('"' | '\'') => rest[1..].split_once(quote)?,
            _ => rest.split_at(rest.find(' ').unwrap_or(rest.len())),
        };
        let is_shown = ATTRIBUTES.binary_search(&name).is_ok();
        if !is_shown && !name.starts_with("data-") && !name.starts_with("aria-") {
            values.push(value);
        }
        text = rest;
    }
}

/// The most bytes of an entity.
const LONGEST_ENTITY: usize = 10;

/// Returns the character that an entity of HTML stands for, with which a text begins, and the
/// number of the entity's bytes.
pub(super) fn entity_at(text: &str) -> Option<(char, usize)> {
    let end = text.bytes().take(LONGEST_ENTITY).position(|byte| byte == b';')?;
    let name = text[..end].strip_prefix('&')?;
    let character = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "lsquo" => '‘',
        "rsquo" => '’',
        "ldquo" => '“',
        "rdquo" => '”',
        "laquo" => '«',
        "raquo" => '»',
        "ndash" => '–',
        "mdash" => '—',
        "hellip" => '…',
        "bull" => '•',
        "copy" => '©',
        "euro" => '€',
        _ => char::from_u32(number(name.strip_prefix('#')?)?)?,
    };
    Some((character, end + 1))
}

/// Reads the number of a character, in decimal digits or, behind `x`, in hexadecimal ones.
fn number(digits: &str) -> Option<u32> {
    match digits.strip_prefix('x') {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => digits.parse().ok(),
    }
}

/// Returns the number of bytes of the marks with which a line of Markdown begins: quotes, a bullet,
/// a heading. Of a line that is only a rule, all are marks.
pub(super) fn marks_before(line: &str) -> usize {
    if is_rule(line) {
        return line.len();
    }
    let mut rest = line;
    while let Some(quoted) = rest.strip_prefix("> ") {
        rest = quoted;
    }
    for bullet in ["- ", "* ", "+ "] {
        if let Some(item) = rest.strip_prefix(bullet) {
            rest = item;
            break;
        }
    }
    let heading = rest.trim_start_matches('#');
    if (1..=6).contains(&(rest.len() - heading.len())) && heading.starts_with(' ') {
        rest = heading;
    }
    line.len() - rest.len()
}

/// Whether a line is drawn of marks: a rule, the line below a heading, or a line of a table.
fn is_rule(line: &str) -> bool {
    let is_mark = |byte: u8| b"-=*_~`+|:".contains(&byte);
    let marks = line.bytes().take_while(|&byte| is_mark(byte) || byte == b' ').filter(|&byte| is_mark(byte));
    marks.take(3).count() == 3 && line.bytes().all(|byte| is_mark(byte) || byte == b' ')
}

/// Whether the asterisks of a line are marks of emphasis: as many begin one as end one. Asterisks
/// between letters or digits, or between spaces, do neither.
pub(super) fn asterisks_are_marks(line: &str, characters: &Characters) -> bool {
    let (mut begun, mut ended, mut at) = (0, 0, 0);
    while let Some(start) = line[at..].find('*').map(|place| at + place) {
        let run = line[start..].len() - line[start..].trim_start_matches('*').len();
        at = start + run;
        match side(line, start, at, characters) {
            Some(Side::Begins) => begun += 1,
            Some(Side::Ends) => ended += 1,
            None => {}
        }
    }
    begun == ended
}

/// What a run of asterisks does to the words beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Begins,
    Ends,
}

/// Returns what the asterisks of a range do; `None` if they stand for something, as in `2 * 3`.
pub(super) fn side(line: &str, start: usize, end: usize, characters: &Characters) -> Option<Side> {
    let beside = [line[..start].chars().next_back(), line[end..].chars().next()];
    let [is_space_before, is_space_behind] = beside.map(|beside| beside.is_none_or(|c| c == ' '));
    let [is_word_before, is_word_behind] =
        beside.map(|beside| beside.is_some_and(|c| characters.is_alphanumeric(c)));
    if (is_space_before && is_space_behind) || (is_word_before && is_word_behind) {
        None
    } else if is_space_behind || (is_word_before && !is_space_before) {
        Some(Side::Ends)
    } else {
        Some(Side::Begins)
    }
}

#[cfg(test)]
#[path = "markup_tests.rs"]
mod tests;
