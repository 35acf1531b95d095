//! Chats: rows of turns, as in OpenAI's `messages` and ShareGPT's `conversations`, and their text.
//!
//! A turn becomes `role: content`, and line breaks separate the turns of a row. Both forms give the
//! same text. Everything else in a turn (calls of tools, pictures, reasoning) counts as its JSON,
//! so that two different turns never become equal texts.

use serde_json::{Map, Value};
use xxhash_rust::xxh3::xxh3_64;

use crate::formats::loose_json;

/// The names of columns that usually hold turns.
pub(crate) const CHATS: [&str; 3] = ["messages", "conversations", "conversation"];

/// The keys of the role of a turn, OpenAI's first.
pub(crate) const ROLE_KEYS: [&str; 2] = ["role", "from"];
/// The keys of the content of a turn, OpenAI's first.
pub(crate) const CONTENT_KEYS: [&str; 2] = ["content", "value"];

/// The roles whose turns are instructions. These are often the same in all rows…
const INSTRUCTING: [&str; 2] = ["system", "developer"];
/// …and if they have more than this many characters, a short stand-in counts: long instructions
/// would make chats about different things similar.
const LONG_INSTRUCTION: usize = 100;
/// The keys of names and times of a turn, which are not part of its text.
const NAMING_KEYS: [&str; 8] =
    ["id", "tool_call_id", "timestamp", "created_at", "index", "weight", "train", "loss"];

/// Returns the name that OpenAI gives to a role, also for the names of ShareGPT and others.
pub(crate) fn role_of(name: &str) -> String {
    let name = name.trim().to_lowercase();
    let known = match name.as_str() {
        "human" | "prompter" => "user",
        "gpt" | "chatgpt" | "bot" | "model" | "ai" => "assistant",
        "function" | "observation" => "tool",
        _ => return name,
    };
    known.to_owned()
}

/// Whether chats usually have a role, so that it may come only after the first rows.
pub(crate) fn is_usual_role(role: &str) -> bool {
    ["system", "developer", "user", "assistant", "tool"].contains(&role)
}

/// Whether a JSON token is a list of turns, judged by the first turn.
pub(crate) fn is_turns(token: &str) -> bool {
    let Ok(Value::Array(turns)) = loose_json::from_str(token) else { return false };
    let Some(Value::Object(turn)) = turns.first() else { return false };
    ROLE_KEYS.iter().any(|key| turn.get(*key).is_some_and(Value::is_string))
}

/// Returns the text of a list of turns in JSON. Only turns in `roles` count, or all if it is empty.
///
/// # Errors
/// A value of another shape, in words.
pub(crate) fn text_of_json(token: &str, roles: &[String]) -> Result<String, String> {
    let turns = loose_json::from_str(token).map_err(|error| format!("cannot be read: {error}"))?;
    text_of(&turns, roles)
}

/// Returns the text of a list of turns. Only turns in `roles` count, or all if it is empty.
///
/// # Errors
/// A value of another shape, in words.
pub(crate) fn text_of(turns: &Value, roles: &[String]) -> Result<String, String> {
    let turns = match turns {
        Value::Null => return Ok(String::new()),
        Value::Array(turns) => turns,
        other => return Err(format!("is {}, not a list of turns", kind_of(other))),
    };
    let mut text = String::new();
    for (number, turn) in turns.iter().enumerate() {
        let Turn { role, said } =
            turn_of(turn).map_err(|problem| format!("has a turn {number} that {problem}"))?;
        if said.is_empty() || !(roles.is_empty() || roles.contains(&role)) {
            continue;
        }
        let line = if text.is_empty() { "" } else { "\n" };
        let said = if roles.is_empty() { shortened(&role, said) } else { said };
        text.extend([line, role.as_str(), ": ", said.as_str()]);
    }
    Ok(text)
}

/// Replaces a long instruction by its length and a hash of two words: `[1234 characters, hjkbfglm
/// npqrstbc]`. Rows that differ only in the instruction still differ in two words.
fn shortened(role: &str, said: String) -> String {
    let length = said.chars().count();
    if !INSTRUCTING.contains(&role) || length <= LONG_INSTRUCTION {
        return said;
    }
    let hash = xxh3_64(said.as_bytes());
    format!("[{length} characters, {} {}]", word(hash as u32), word((hash >> 32) as u32))
}

/// Spells a number as a word of eight consonants. Models cut hexadecimal numbers into single
/// digits, and then different numbers are similar.
fn word(number: u32) -> String {
    const LETTERS: &[u8; 16] = b"bcdfghjklmnpqrst";
    (0..8).map(|place| char::from(LETTERS[(number >> (4 * place)) as usize % 16])).collect()
}

/// A turn of a chat.
struct Turn {
    role: String,
    /// The content, below it the calls of tools, and below these the other values of the turn.
    said: String,
}

/// Reads a turn.
fn turn_of(turn: &Value) -> Result<Turn, String> {
    let Value::Object(turn) = turn else { return Err(format!("is {}, not an object", kind_of(turn))) };
    let role = match first(turn, &ROLE_KEYS) {
        Some(Value::String(role)) => role_of(role),
        Some(other) => return Err(format!("has a role that is {}, not a string", kind_of(other))),
        None => return Err("has no `role` or `from`".to_owned()),
    };
    let mut parts = Vec::new();
    match first(turn, &CONTENT_KEYS) {
        None => {}
        Some(Value::String(content)) => parts.push(content.clone()),
        Some(Value::Array(content)) => {
            for part in content {
                parts.extend(text_of_part(part)?);
            }
        }
        Some(other) => return Err(format!("has content that is {}, not a string", kind_of(other))),
    }
    calls(turn, &mut parts)?;
    others(turn, &mut parts);
    let is_known = |key: &&str| turn.contains_key(*key);
    if parts.is_empty() && !CONTENT_KEYS.iter().chain(&["tool_calls", "function_call"]).any(is_known) {
        return Err("has no `content` or `value`".to_owned());
    }
    parts.retain(|part| !part.is_empty());
    Ok(Turn { role, said: parts.join("\n") })
}

/// Adds the values that a turn has besides its role, content and calls, such as its reasoning, but
/// not its names and times.
fn others(turn: &Map<String, Value>, parts: &mut Vec<String>) {
    let known = |key: &str| {
        let known = ROLE_KEYS.iter().chain(&["tool_calls", "function_call"]).chain(&NAMING_KEYS);
        known.clone().any(|known| *known == key)
    };
    let content = CONTENT_KEYS.iter().find(|key| turn.get(**key).is_some_and(|value| !value.is_null()));
    for (_, value) in turn.iter().filter(|(key, _)| !known(key) && content != Some(&key.as_str())) {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
            Value::String(text) => parts.push(text.clone()),
            value => parts.extend(json_of(value)),
        }
    }
}

/// Returns a value as JSON, without nulls; `None` if nothing is left.
fn json_of(value: &Value) -> Option<String> {
    let json = without_nulls(value);
    let is_empty = json.as_object().is_some_and(Map::is_empty) || json.as_array().is_some_and(Vec::is_empty);
    (!is_empty).then(|| json.to_string())
}

/// Returns the text of a part of a content. The text of a part without one, such as a picture, is
/// its JSON.
fn text_of_part(part: &Value) -> Result<Option<String>, String> {
    match part {
        Value::String(text) => Ok(Some(text.clone())),
        Value::Object(fields) => match fields.get("text") {
            Some(Value::String(text)) => Ok(Some(text.clone())),
            None | Some(Value::Null) => Ok(json_of(part)),
            Some(other) => Err(format!("has a part whose text is {}", kind_of(other))),
        },
        Value::Null => Ok(None),
        other => Err(format!("has a part that is {}, not an object", kind_of(other))),
    }
}

/// Adds the calls of tools as `name(arguments)`, so that different calls are different texts.
fn calls(turn: &Map<String, Value>, parts: &mut Vec<String>) -> Result<(), String> {
    let listed = match turn.get("tool_calls") {
        None | Some(Value::Null) => &[][..],
        Some(Value::Array(calls)) => calls,
        Some(other) => return Err(format!("has tool calls that are {}, not a list", kind_of(other))),
    };
    let single = turn.get("function_call").filter(|call| !call.is_null());
    for call in listed.iter().chain(single) {
        let function = call.get("function").unwrap_or(call);
        let written = |value: &Value| match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            value => without_nulls(value).to_string(),
        };
        parts.push(match function.get("name") {
            Some(name) => {
                let keys = ["arguments", "parameters", "input", "args"];
                let arguments = first(function.as_object().unwrap_or(turn), &keys);
                let arguments = arguments.map(written).unwrap_or_default();
                format!("{}({arguments})", written(name))
            }
            // A call of an unknown form counts with all its values.
            None => written(call),
        });
    }
    Ok(())
}

/// Returns a value without the nulls that tables add where other rows have a field.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(fields.map(|(key, value)| (key.clone(), without_nulls(value))).collect())
        }
        value => value.clone(),
    }
}

/// Returns the value of the first of some keys that is not null.
fn first<'a>(turn: &'a Map<String, Value>, keys: &[&str]) -> Option<&'a Value> {
    keys.iter().filter_map(|key| turn.get(*key)).find(|value| !value.is_null())
}

/// The only key of the object that stands for bytes which are no text; its value is their
/// hexadecimal digits, so that different bytes stay different.
pub(crate) const NOT_UTF8: &str = "bytes that are not UTF-8";

/// Returns the kind of a value, in words.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(fields) if fields.contains_key(NOT_UTF8) => NOT_UTF8,
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn text(turns: &str) -> Result<String, String> {
        text_of_json(turns, &[])
    }

    #[test]
    fn both_forms_of_a_chat_make_the_same_text() {
        let openai = r#"[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello\nthere"}]"#;
        let sharegpt = r#"[{"from":"system","value":"Be brief."},{"from":"human","value":"Hi"},{"from":"gpt","value":"Hello\nthere"}]"#;
        assert_eq!(text(openai).unwrap(), "system: Be brief.\nuser: Hi\nassistant: Hello\nthere");
        assert_eq!(text(openai), text(sharegpt));
        let user = ["user".to_owned()];
        assert_eq!(text_of_json(sharegpt, &user).unwrap(), "user: Hi");
    }

    #[test]
    fn parts_calls_and_missing_content_are_read() {
        let turns = r#"[{"role":"user","content":[{"type":"text","text":"What is this?"},{"type":"image_url","image_url":{"url":"u"}},{"type":"text","text":"Answer."}]},
            {"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"look","arguments":"{\"at\": 1}"}}]},
            {"role":"assistant","content":null,"function_call":{"name":"see","arguments":{"at":2}}},
            {"role":"tool","content":""}]"#;
        let expected = "user: What is this?\n{\"image_url\":{\"url\":\"u\"},\"type\":\"image_url\"}\nAnswer.\nassistant: look({\"at\": 1})\nassistant: see({\"at\":2})";
        assert_eq!(text(turns).unwrap(), expected);
        assert_eq!(text("[]").unwrap(), "");
        assert_eq!(text("null").unwrap(), "");
    }

    #[test]
    fn nothing_that_a_turn_says_is_dropped() {
        let differing = [
            (r#"{"role":"a","content":"x","reasoning_content":"R"}"#, "a: x\nR"),
            (r#"{"role":"a","content":[{"type":"tool_use","id":"1","name":"f","input":{"k":"R"}}]}"#, "R"),
            (r#"{"role":"a","content":null,"text":"R"}"#, "a: R"),
            (r#"{"role":"a","content":"same","value":"R"}"#, "a: same\nR"),
            (
                r#"{"role":"a","content":null,"tool_calls":[{"name":"f","parameters":{"k":"R"}}]}"#,
                "a: f({\"k\":\"R\"})",
            ),
        ];
        for (turn, expected) in differing {
            let found = text(&format!("[{turn}]")).unwrap();
            assert!(found.contains(expected), "{turn}: {found}");
        }
        // The name of a turn is not part of its text.
        assert_eq!(text(r#"[{"role":"a","content":"x","id":"7","weight":1}]"#).unwrap(), "a: x");
    }

    #[test]
    fn a_long_instruction_counts_as_a_stand_in_unless_it_is_asked_for() {
        let chat = |instruction: &str| {
            format!(r#"[{{"role":"system","content":"{instruction}"}},{{"role":"user","content":"Hi"}}]"#)
        };
        let (long, other) = ("a".repeat(101), "b".repeat(101));
        let short = text(&chat(&long)).unwrap();
        assert!(short.starts_with("system: [101 characters, ") && short.ends_with("]\nuser: Hi"), "{short}");
        let words = |text: &str| -> Vec<String> {
            let (_, hash) = text.split_once("characters, ").unwrap();
            hash.split_once(']').unwrap().0.split(' ').map(str::to_owned).collect()
        };
        let (of_long, of_other) = (words(&short), words(&text(&chat(&other)).unwrap()));
        assert!(
            of_long
                .iter()
                .chain(&of_other)
                .all(|word| word.len() == 8 && !word.contains(['a', 'e', 'i', 'o', 'u']))
        );
        assert!(
            of_long.len() == 2 && of_long.iter().all(|word| !of_other.contains(word)),
            "{of_long:?} {of_other:?}"
        );
        let roles = ["system".to_owned(), "user".to_owned()];
        assert_eq!(text_of_json(&chat(&long), &roles).unwrap(), format!("system: {long}\nuser: Hi"));
        assert_eq!(text(&chat("Be brief.")).unwrap(), "system: Be brief.\nuser: Hi");
    }

    #[test]
    fn a_value_of_another_shape_is_an_error_in_words() {
        let cases = [
            ("\"hi\"", "is a string, not a list of turns"),
            ("{\"role\":\"user\"}", "is an object, not a list of turns"),
            ("[\"hi\"]", "has a turn 0 that is a string, not an object"),
            (r#"[{"content":"x"}]"#, "has a turn 0 that has no `role` or `from`"),
            (
                r#"[{"role":"user","content":"x"},{"role":"user"}]"#,
                "has a turn 1 that has no `content` or `value`",
            ),
            (r#"[{"role":1,"content":"x"}]"#, "has a turn 0 that has a role that is a number, not a string"),
            (
                r#"[{"role":"user","content":7}]"#,
                "has a turn 0 that has content that is a number, not a string",
            ),
            (
                r#"[{"role":"user","content":[7]}]"#,
                "has a turn 0 that has a part that is a number, not an object",
            ),
        ];
        for (turns, expected) in cases {
            assert_eq!(text(turns).unwrap_err(), expected, "{turns}");
        }
    }

    #[test]
    fn turns_are_known_by_the_first_of_them() {
        assert!(
            is_turns(r#"[{"role":"user","content":"x"}]"#) && is_turns(r#"[{"from":"gpt","value":null}]"#)
        );
        assert!(
            !is_turns("[]") && !is_turns(r#"["role"]"#) && !is_turns(r#"[{"role":1}]"#) && !is_turns("\"x\"")
        );
    }
}
