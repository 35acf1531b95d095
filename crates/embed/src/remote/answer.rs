//! Parsing and checking the answer of a server.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

/// Why an answer cannot be used.
#[derive(Debug)]
pub(super) enum BadAnswer {
    /// The answer breaks off: another attempt may help.
    CutOff,
    /// The answer is an error, with these words and perhaps a status.
    Error { words: String, status: Option<u64> },
    /// An embedding cannot be used, or there is none: perhaps because of its text.
    Unusable(String),
    /// Nobody can tell which embedding is that of which text.
    Unclear(String),
    /// The numbers of the embeddings do not begin at 0, whatever the number of texts.
    Misnumbered(String),
}

fn unusable<T>(problem: impl Into<String>) -> Result<T, BadAnswer> {
    Err(BadAnswer::Unusable(problem.into()))
}

fn unclear<T>(problem: impl Into<String>) -> Result<T, BadAnswer> {
    Err(BadAnswer::Unclear(problem.into()))
}

/// The embeddings of the texts of one request.
#[derive(Debug)]
pub(super) struct Answer {
    /// The embeddings `[texts, dim]` in row-major order, in the order of the texts.
    pub(super) values: Vec<f32>,
    pub(super) dim: usize,
    /// The texts of which the server says that it did not read the end.
    pub(super) truncated: Vec<usize>,
    pub(super) tokens: u64,
}

#[derive(serde::Deserialize)]
struct Message {
    data: Vec<Item>,
    /// Counts of tokens. They are only reported, so a wrong one does not spoil an answer that was
    /// paid for.
    #[serde(default)]
    usage: serde_json::Value,
}

#[derive(serde::Deserialize)]
struct Item {
    #[serde(default)]
    index: Option<usize>,
    embedding: Values,
    /// Whether the server did not read the end of the text, if it says so. A value of another type
    /// does not spoil an answer that was paid for.
    #[serde(default)]
    truncated: serde_json::Value,
}

impl Answer {
    /// Parses an answer for a number of texts. All embeddings must have the same length, `dim` if
    /// that is known.
    pub(super) fn parse(body: &[u8], texts: usize, dim: Option<usize>) -> Result<Self, BadAnswer> {
        let message: Message = serde_json::from_slice(body).map_err(|error| no_message(body, &error))?;
        let count = message.data.len();
        if count != texts {
            return unclear(format!("{count} embeddings for {texts} texts"));
        }
        check_numbering(&message.data)?;
        let dim = dim.or(message.data.first().map(|item| item.embedding.0.len())).unwrap_or(0);
        let mut values = vec![0.0; texts * dim];
        let (mut seen, mut truncated) = (vec![false; texts], Vec::new());
        for (place, item) in message.data.into_iter().enumerate() {
            let Item { index, embedding: Values(embedding), truncated: is_truncated } = item;
            let index = index.unwrap_or(place);
            match seen.get_mut(index) {
                None => {
                    let problem = format!("an embedding with the index {index} for {texts} texts");
                    return Err(BadAnswer::Misnumbered(problem));
                }
                Some(true) => return unclear(format!("two embeddings with the index {index}")),
                Some(seen) => *seen = true,
            }
            if embedding.len() != dim {
                return unusable(format!("an embedding of {} numbers instead of {dim}", embedding.len()));
            }
            if !embedding.iter().all(|value| value.is_finite()) {
                return unusable("an embedding with a number that is not finite");
            }
            values[index * dim..(index + 1) * dim].copy_from_slice(&embedding);
            truncated.extend((is_truncated == true).then_some(index));
        }
        let tokens = message.usage["prompt_tokens"].as_u64().unwrap_or(0);
        Ok(Self { values, dim, truncated, tokens })
    }
}

/// Fails if some embeddings have an index and others not. None may have one, and then they are in
/// the order of the texts. The first alone may lack it: some services leave out zeros.
fn check_numbering(data: &[Item]) -> Result<(), BadAnswer> {
    let numbered = data.iter().filter(|item| item.index.is_some()).count();
    let Some(without) = data.iter().rposition(|item| item.index.is_none()).filter(|_| numbered > 0) else {
        return Ok(());
    };
    match without {
        0 => Ok(()),
        _ => unclear(format!(
            "an index for {numbered} of {} embeddings, but none for number {}",
            data.len(),
            without + 1
        )),
    }
}

/// Says why a body is no list of embeddings.
fn no_message(body: &[u8], error: &serde_json::Error) -> BadAnswer {
    if error.is_eof() {
        return BadAnswer::CutOff;
    }
    let json = serde_json::from_slice::<serde_json::Value>(body).unwrap_or_default();
    if !json["error"].is_null() {
        let status = [&json["error"]["code"], &json["error"]["status"], &json["code"]]
            .into_iter()
            .find_map(|value| value.as_u64().or_else(|| value.as_str()?.parse().ok()));
        return BadAnswer::Error { words: words(body), status };
    }
    if error.is_syntax() && body.windows(3).any(|part| part == b"NaN") {
        return BadAnswer::Unusable("an embedding with NaN, which is no number of JSON".to_owned());
    }
    BadAnswer::Unusable(format!("no answer of an embedding server: {error}"))
}

/// Parses any bytes as an answer, for the fuzz targets.
pub(crate) fn read_any(body: &[u8], texts: usize, dim: Option<usize>) {
    if let Ok(answer) = Answer::parse(body, texts, dim) {
        assert_eq!(answer.values.len(), texts * answer.dim);
        assert!(answer.values.iter().all(|value| value.is_finite()));
    }
    assert!(said(body).chars().count() <= MOST_SHOWN + 1);
}

/// An embedding: a list of numbers, or little-endian f32 in base64, which some services send
/// unasked.
struct Values(Vec<f32>);

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValuesVisitor)
    }
}

struct ValuesVisitor;

impl<'de> Visitor<'de> for ValuesVisitor {
    type Value = Values;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("an embedding as a list of numbers or in base64")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Values, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Values(values))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Values, E> {
        let bytes = BASE64_STANDARD.decode(text).map_err(|error| E::custom(format!("base64: {error}")))?;
        let (values, []) = bytes.as_chunks() else {
            return Err(E::custom(format!("base64 of {} bytes, which are no f32 numbers", bytes.len())));
        };
        Ok(Values(values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()))
    }
}

/// The number of characters of a server's message that are shown.
const MOST_SHOWN: usize = 300;

/// Returns what a server says about a failure, in one short line.
pub(super) fn said(body: &[u8]) -> String {
    one_line(&words(body), MOST_SHOWN)
}

/// Returns what a server says about a failure. It reads the JSON of OpenAI and of others, and plain
/// text.
fn words(body: &[u8]) -> String {
    let json = serde_json::from_slice::<serde_json::Value>(body).unwrap_or_default();
    [&json["error"]["message"], &json["error"], &json["message"], &json["detail"]]
        .into_iter()
        .find_map(|value| value.as_str())
        .map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned)
}

/// Returns a text in one line, cut off after `most` characters.
pub(super) fn one_line(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = r#"{"data": [{"index": 1, "embedding": [1.5, -2e-3]}, {"index": 0, "embedding": "AACAPwAAAEA="}], "usage": {"prompt_tokens": 3}}"#;

    #[test]
    fn numbers_and_base64_stand_side_by_side() {
        let answer = Answer::parse(GOOD.as_bytes(), 2, None).expect("it is good");
        assert_eq!((answer.values, answer.dim, answer.tokens), (vec![1.0, 2.0, 1.5, -2e-3], 2, 3));
    }

    proptest! {
        #[test]
        fn whatever_is_changed_in_an_answer_it_is_refused_or_has_all_numbers(
            changes in prop::collection::vec((0..GOOD.len(), any::<u8>()), 0..6),
            end in 0..=GOOD.len(),
            dim in prop::option::of(0usize..4),
        ) {
            let mut body = GOOD.as_bytes().to_vec();
            for (place, byte) in changes {
                body[place] = byte;
            }
            body.truncate(end);
            if let Ok(answer) = Answer::parse(&body, 2, dim) {
                prop_assert_eq!(answer.values.len(), 2 * answer.dim);
                prop_assert!(answer.values.iter().all(|value| value.is_finite()));
                prop_assert!(dim.is_none_or(|dim| dim == answer.dim));
            }
        }

        #[test]
        fn a_numbers_bits_survive_json(bits in any::<u32>()) {
            let value = f32::from_bits(bits);
            prop_assume!(value.is_finite());
            let body = format!(r#"{{"data": [{{"index": 0, "embedding": {}}}]}}"#, serde_json::to_string(&[value]).expect("finite"));
            let answer = Answer::parse(body.as_bytes(), 1, Some(1)).expect("it is good");
            prop_assert_eq!(answer.values[0].to_bits(), bits);
        }

        #[test]
        fn what_a_server_says_is_one_short_line(body in prop::collection::vec(any::<u8>(), 0..2000)) {
            let said = said(&body);
            prop_assert!(said.chars().count() <= MOST_SHOWN + 1 && !said.contains('\n'));
        }
    }
}
