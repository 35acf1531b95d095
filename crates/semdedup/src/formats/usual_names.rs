//! The names that people give to columns of texts, and to the columns beside them.

use crate::formats::columns::DEFAULT_TEXT;
use crate::formats::turns::CHATS;

/// Usual names of columns of texts, apart from `text`.
const NAMES: [&str; 20] = [
    "content",
    "contents",
    "body",
    "caption",
    "document",
    "sentence",
    "passage",
    "paragraph",
    "article",
    "abstract",
    "raw_content",
    "raw_text",
    "full_text",
    "clean_text",
    "plain_text",
    "text_content",
    "page_content",
    "markdown",
    "transcript",
    "transcription",
];
/// Names of columns that say something of their own beside the text of a row, such as the answer to
/// a question. Beside one of these, a text column that only its values tell may be half of a row.
const PARTNERS: [&str; 28] = [
    "answer",
    "answers",
    "output",
    "outputs",
    "response",
    "responses",
    "completion",
    "chosen",
    "rejected",
    "solution",
    "reply",
    "query",
    "input",
    "instruction",
    "prompt",
    "question",
    "premise",
    "hypothesis",
    "choices",
    "options",
    "code",
    "target_text",
    "summary",
    "highlights",
    "context",
    "system",
    "tools",
    "documents",
];
/// Words in the names of columns that change what an example for fine-tuning means, such as
/// `system_prompt` or `option_a`.
const EXAMPLE_WORDS: [&str; 27] = [
    "system",
    "persona",
    "story",
    "schema",
    "context",
    "knowledge",
    "profile",
    "prefix",
    "suffix",
    "option",
    "options",
    "choice",
    "choices",
    "contents",
    "thinking",
    "reasoning",
    "rationale",
    "thought",
    "thoughts",
    "negative",
    "target",
    "history",
    "passage",
    "document",
    "documents",
    "evidence",
    "facts",
];
/// Words in the names of columns of pictures, films or sounds, or of paths to them…
const MEDIA: [&str; 15] = [
    "image",
    "images",
    "img",
    "imgs",
    "picture",
    "pictures",
    "photo",
    "photos",
    "video",
    "videos",
    "audio",
    "audios",
    "frames",
    "screenshot",
    "screenshots",
];
/// …unless the name also has one of these words: counts, flags, dates, and pictures around a text.
const NO_MEDIA: [&str; 24] = [
    "num",
    "n",
    "count",
    "has",
    "is",
    "height",
    "width",
    "size",
    "id",
    "ids",
    "date",
    "time",
    "profile",
    "user",
    "author",
    "host",
    "avatar",
    "thumbnail",
    "logo",
    "icon",
    "top",
    "og",
    "banner",
    "cover",
];

/// Whether this is a usual name of texts or chats.
pub(crate) fn is_usual_name(name: &str) -> bool {
    let is = |known: &&str| name.eq_ignore_ascii_case(known);
    is(&DEFAULT_TEXT) || NAMES.iter().any(is) || CHATS.iter().any(is)
}

/// Whether this is a usual name of texts apart from `text`. The name is in lower case.
pub(crate) fn is_text_name(name: &str) -> bool {
    NAMES.contains(&name)
}

/// Whether a column has a name of the other half of a text, such as an answer.
pub(crate) fn is_partner(name: &str) -> bool {
    PARTNERS.contains(&name.to_ascii_lowercase().as_str())
}

/// Whether a column, by its name, belongs to an example for fine-tuning.
pub(crate) fn is_example_part(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    is_partner(name) || lower.split(['_', '-', '.', ' ']).any(|word| EXAMPLE_WORDS.contains(&word))
}

/// Whether two columns are the halves of a pair by their names: `sentence` and `sentence2`, `text`
/// and `text_pair`.
pub(crate) fn is_other_half(name: &str, text: &str) -> bool {
    let base = |name: &str| {
        let name = name.to_ascii_lowercase();
        let name = name.strip_suffix("_pair").unwrap_or(&name);
        name.trim_end_matches(|end: char| end.is_ascii_digit() || end == '_').to_owned()
    };
    !name.eq_ignore_ascii_case(text) && base(name) == base(text)
}

/// Whether a column has a name of pictures, films or sounds.
pub(crate) fn is_media_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let has = |words: &[&str]| name.split(['_', '-', '.', ' ']).any(|word| words.contains(&word));
    has(&MEDIA) && !has(&NO_MEDIA)
}
