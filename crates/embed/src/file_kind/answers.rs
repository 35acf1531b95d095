//! What servers answer instead of a file, in a few words: messages of errors that were saved under
//! the name of the data.

use serde_json::Value;

use super::kind::{FileKind, Group, never};

/// What to do with the answer of a server.
const AGAIN: &str =
    "look at what it says, check the address and the access to it, and download the data again";

/// A file with more bytes than this is not taken for an answer.
const MOST_BYTES: usize = 2048;
/// An answer in words has at most this many bytes.
const MOST_WORDS_BYTES: usize = 200;

/// Objects of JSON.
static OBJECT: FileKind = FileKind {
    what: "an error message in JSON, which a server answered instead of the data",
    remedy: AGAIN,
    group: Group::Page,
    extensions: &[],
    begins: never,
};

/// Plain words.
static WORDS: FileKind = FileKind {
    what: "an error message, which a server answered instead of the data",
    remedy: AGAIN,
    group: Group::Page,
    extensions: &[],
    begins: never,
};

/// All kinds of answers.
pub(super) static KINDS: [&FileKind; 2] = [&OBJECT, &WORDS];

/// The keys of objects that tell an error…
const ERRORS: [&str; 3] = ["error", "errors", "error_message"];
/// …the keys of its words, which tell it together with a status or with words of [`is_refusal`]…
const MESSAGES: [&str; 5] = ["message", "detail", "msg", "title", "description"];
/// …and other keys of such objects.
const OTHERS: [&str; 22] = [
    "status",
    "statuscode",
    "status_code",
    "code",
    "error_code",
    "error_description",
    "error_type",
    "documentation_url",
    "request_id",
    "requestid",
    "trace_id",
    "traceid",
    "timestamp",
    "path",
    "reason",
    "type",
    "instance",
    "success",
    "ok",
    "url",
    "details",
    "help",
];
/// The keys that say which status an error has.
const STATUSES: [&str; 5] = ["status", "statuscode", "status_code", "code", "documentation_url"];

/// The words of errors, without the status before them and the dot behind them.
const REFUSALS: [&str; 32] = [
    "not found",
    "entry not found",
    "file not found",
    "page not found",
    "object not found",
    "blob not found",
    "repository not found",
    "revision not found",
    "dataset not found",
    "no such key",
    "nosuchkey",
    "access denied",
    "accessdenied",
    "permission denied",
    "forbidden",
    "unauthorized",
    "authentication required",
    "bad credentials",
    "invalid username or password",
    "invalid credentials in authorization header",
    "invalid token",
    "bad request",
    "bad gateway",
    "gateway timeout",
    "gateway time-out",
    "service unavailable",
    "service temporarily unavailable",
    "internal server error",
    "internal error",
    "too many requests",
    "rate limit exceeded",
    "request timeout",
];

/// Returns what a file is that has no more than these bytes, if a server answered them.
pub(super) fn answer(bytes: &[u8]) -> Option<&'static FileKind> {
    let text = std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).ok()?.trim();
    if text.len() > MOST_BYTES {
        return None;
    }
    if text.starts_with('{') {
        return is_error_object(text).then_some(&OBJECT);
    }
    is_refusal(text).then_some(&WORDS)
}

/// Whether a text is one object of an error, and of nothing else: a row has other keys.
fn is_error_object(text: &str) -> bool {
    let Ok(Value::Object(fields)) = serde_json::from_str(text) else { return false };
    let fields: Vec<(String, Value)> =
        fields.into_iter().map(|(key, value)| (key.to_ascii_lowercase(), value)).collect();
    let has = |keys: &[&str]| fields.iter().any(|(key, _)| keys.contains(&key.as_str()));
    let is_known = |key: &str| [&ERRORS[..], &MESSAGES, &OTHERS].iter().any(|keys| keys.contains(&key));
    let says_refusal = || {
        let words = fields.iter().filter(|(key, _)| MESSAGES.contains(&key.as_str()));
        words.filter_map(|(_, value)| value.as_str()).any(is_refusal)
    };
    fields.iter().all(|(key, _)| is_known(key))
        && (has(&ERRORS) || has(&MESSAGES) && has(&STATUSES) || says_refusal())
}

/// Whether a text is an error and nothing else: `404: Not Found`.
fn is_refusal(text: &str) -> bool {
    if text.len() > MOST_WORDS_BYTES || text.lines().count() != 1 {
        return false;
    }
    let text = text.trim().trim_end_matches(['.', '!']).to_ascii_lowercase();
    let is_status = |status: &&str| status.len() == 3 && status.starts_with(['4', '5']);
    let digits = text.strip_prefix("error ").unwrap_or(&text).get(..3);
    let digits = digits.filter(is_status).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let words = match digits {
        Some(_) => text.strip_prefix("error ").unwrap_or(&text)[3..].trim_start_matches([':', ' ', '-']),
        None => text.as_str(),
    };
    // The hub says so of data whose owner has to be asked.
    let is_gated = ["access to dataset ", "access to model "].iter().any(|start| words.starts_with(start))
        && words.contains(" is restricted");
    REFUSALS.contains(&words) || is_gated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_answers_of_servers_are_known() {
        for text in [
            "Entry not found",
            "404: Not Found",
            "404 Not Found\n",
            "Not Found.",
            "error 403: Forbidden",
            "Access to dataset x/y is restricted. You must be authenticated to access it.",
            "Invalid username or password.",
            "502 Bad Gateway",
        ] {
            assert_eq!(answer(text.as_bytes()).map(|kind| kind.what), Some(WORDS.what), "{text}");
        }
        for text in [
            "{\"error\":\"Repository not found\"}",
            "{\"error\": {\"code\": 404, \"message\": \"x\"}}\n",
            "{\"message\":\"Not Found\",\"documentation_url\":\"https://docs.github.com\",\"status\":\"404\"}",
            "{\"message\": \"Not Found\"}",
            "{\n  \"detail\": \"Not found.\"\n}",
            "{\"errors\":[{\"code\":7003}],\"success\":false}",
            "\u{feff}{\"Message\": \"x\", \"StatusCode\": 500}",
        ] {
            assert_eq!(answer(text.as_bytes()).map(|kind| kind.what), Some(OBJECT.what), "{text}");
        }
    }

    #[test]
    fn rows_and_texts_are_no_answers() {
        for text in [
            "",
            "not found in the garden",
            "Not Found\nForbidden\n",
            "404",
            "404 houses were sold",
            "Access to water is a right, and it is restricted",
            "{\"message\": \"hello\"}",
            "{\"text\": \"a\", \"error\": null}",
            "{\"error\": \"a\"}\n{\"error\": \"b\"}",
            "{\"error\": \"cut",
            "{\"id\": 1, \"message\": \"Not Found\"}",
            "{\"title\": \"a\", \"description\": \"b\"}",
            "[{\"error\": \"a\"}]",
            "\u{e9}\u{e9}",
        ] {
            assert!(answer(text.as_bytes()).is_none(), "{text}");
        }
        assert!(answer(b"\xff\xfe").is_none());
    }
}
