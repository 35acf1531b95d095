//! Finds which files of a crate import which.

use std::collections::{BTreeMap, BTreeSet};

/// An import: the file that a path leads into, and the name that is taken from it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    pub file: String,
    pub name: String,
}

/// The imports of each file that is no face and no test.
pub fn imports(files: &BTreeMap<String, String>) -> BTreeMap<&str, BTreeSet<Import>> {
    let modules: BTreeMap<Vec<&str>, &str> =
        files.keys().map(|file| (module_of(file), file.as_str())).collect();
    let code = files.iter().filter(|(file, _)| !is_face(file) && !file.ends_with("tests.rs"));
    code.map(|(file, text)| {
        let own = module_of(file);
        let found = paths(&code_of(text)).into_iter().filter_map(|path| resolve(&path, &own, &modules));
        (file.as_str(), found.filter(|import| import.file != *file).collect())
    })
    .collect()
}

/// Whether a file only lists modules and hands names on.
pub fn is_face(file: &str) -> bool {
    file.ends_with("mod.rs") || file == "lib.rs" || file == "main.rs"
}

/// The module that a file is.
fn module_of(file: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = file.trim_end_matches(".rs").split('/').collect();
    if ["mod", "lib", "main"].contains(parts.last().unwrap()) {
        parts.pop();
    }
    parts
}

/// Finds the file that a path leads into.
fn resolve(path: &str, own: &[&str], modules: &BTreeMap<Vec<&str>, &str>) -> Option<Import> {
    let mut parts = path.split("::").peekable();
    let mut at: Vec<&str> = match parts.next()? {
        "crate" => Vec::new(),
        "super" => own[..own.len().checked_sub(1)?].to_vec(),
        _ => return None,
    };
    while parts.peek() == Some(&"super") {
        parts.next();
        at.pop()?;
    }
    while let Some(part) = parts.peek() {
        at.push(part);
        if !modules.contains_key(&at) {
            at.pop();
            break;
        }
        parts.next();
    }
    let (file, name) = (modules.get(&at)?, parts.next().unwrap_or("self"));
    Some(Import { file: (*file).to_owned(), name: name.to_owned() })
}

/// The text without comments, strings and the tests at its end.
pub fn code_of(text: &str) -> String {
    let text = text.split("\nmod tests {").next().unwrap_or_default();
    let (mut code, mut rest) = (String::new(), text);
    while let Some(next) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if next == '"' {
            end_of_string(rest)
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\\"'") {
            rest[1..].find('\'').map_or(1, |end| end + 2)
        } else {
            code.push(next);
            next.len_utf8()
        };
        rest = &rest[skipped..];
    }
    code
}

/// How long the string literal at the beginning is, quotes included.
fn end_of_string(text: &str) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// All paths that begin in the crate, those in braces one by one.
fn paths(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let is_part = code[..at].ends_with(is_name);
            // What a macro puts in behind `crate::x::` is not known here.
            if !is_part && !code[at..].trim_start_matches(is_name).starts_with('$') {
                expand(&code[at..], "", &mut found);
            }
        }
    }
    found
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == ':'
}

/// Adds the paths of a tree such as `a::{b, c::d}` behind a prefix; returns how much of the text they take.
fn expand(text: &str, prefix: &str, found: &mut Vec<String>) -> usize {
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    let path = format!("{prefix}{}", &text[..end]);
    if !(path.ends_with("::") && text[end..].starts_with('{')) {
        found.push(path.trim_end_matches("::self").trim_end_matches("::").to_owned());
        return end;
    }
    let mut at = end + 1;
    loop {
        at += text[at..].len() - text[at..].trim_start_matches([' ', '\n', '\t', ',']).len();
        if at >= text.len() || text[at..].starts_with('}') {
            return at + 1;
        }
        let taken = expand(&text[at..], &path, found);
        // `x as y` and whatever else follows a name.
        let rest = text[at + taken..].find([',', '}']).unwrap_or(0);
        at += taken + rest.max(usize::from(taken == 0));
    }
}
