//! The tokenizer: from a text to as many tokens as the model reads.

use std::borrow::Cow;
use std::path::Path;

use tokenizers::normalizers::BertNormalizer;
use tokenizers::{NormalizerWrapper, Tokenizer, TruncationDirection};

use super::config::{Config, unreadable};
use super::failure::Result;
use crate::error::ModelError;

/// The number of bytes of a text that are tokenized at first, for each token of the limit. Few
/// texts need more.
const BYTES_A_TOKEN: usize = 16;

/// A tokenizer with a limit.
#[derive(Debug)]
pub(crate) struct Tokens {
    tokenizer: Tokenizer,
    /// The number of tokens to read, special tokens (`[CLS]`, `</s>`) included.
    limit: usize,
    /// The number of special tokens.
    added: usize,
    prefix: String,
    lowercase: bool,
    keep: TruncationDirection,
    padding: Option<u32>,
}

/// A text's tokens.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Encoded {
    pub(crate) tokens: Vec<u32>,
    /// The number of tokens that were read, padding aside.
    pub(crate) read: usize,
    /// Whether the text has more tokens.
    pub(crate) truncated: bool,
}

/// How texts are prepared.
#[derive(Debug, Default)]
pub(crate) struct Preparation {
    pub(crate) prefix: String,
    pub(crate) lowercase: bool,
    /// Texts are padded to the limit with this token, which the model reads as any other (SigLIP).
    pub(crate) padding: Option<u32>,
}

impl Tokens {
    /// Opens the tokenizer of a folder, to read at most `limit` tokens of a text.
    pub(crate) fn open(folder: &Path, limit: usize, preparation: Preparation) -> Result<Self> {
        let path = folder.join("tokenizer.json");
        let mut tokenizer = read(&path)?;
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|error| damaged(&path, &error))?;
        normalize_as_bert(&mut tokenizer, folder)?;
        let added = tokenizer.encode_fast("", true).map_err(|error| damaged(&path, &error))?.len();
        if limit <= added {
            return Err(ModelError::with_hint(
                format!("the limit on tokens is {limit}, at least {} are needed", added + 1),
                format!("the model's tokenizer adds {added} tokens to each text"),
            ));
        }
        let keep = match folder.join("tokenizer_config.json") {
            path if path.is_file() && Config::read(&path)?.text_or("truncation_side", "right")? == "left" => {
                TruncationDirection::Left
            }
            _ => TruncationDirection::Right,
        };
        let Preparation { prefix, lowercase, padding } = preparation;
        let before =
            tokenizer.encode_fast(prefix.as_str(), true).map_err(|error| damaged(&path, &error))?.len();
        if !prefix.is_empty() && limit <= before {
            return Err(ModelError::with_hint(
                format!("the limit on tokens is {limit}, and the prefix alone has {}", before - added),
                "nothing of a text would be read; a shorter --text-prefix, or a larger --max-tokens where the model allows it",
            ));
        }
        Ok(Self { tokenizer, limit, added, prefix, lowercase, keep, padding })
    }

    /// Returns the string that is put before every text.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Returns the number of a token of a folder's tokenizer, if it has it.
    pub(crate) fn number(folder: &Path, token: &str) -> Result<Option<u32>> {
        Ok(read(&folder.join("tokenizer.json"))?.token_to_id(token))
    }

    /// Returns the number of tokens at the start of each text that come from the prefix and the
    /// tokenizer.
    pub(crate) fn prefix_tokens(&self) -> Result<usize> {
        let tokens = self.tokenizer.encode_fast(self.prefix.as_str(), true).map_err(failed)?;
        let ends = tokens.get_special_tokens_mask().last().is_some_and(|&special| special == 1);
        Ok(tokens.len() - usize::from(ends))
    }

    /// Tokenizes a text.
    pub(crate) fn encode(&self, text: &str) -> Result<Encoded> {
        let room = self.limit - self.added;
        let mut size = self.limit.saturating_mul(BYTES_A_TOKEN);
        let mut tokens = loop {
            let begin = match self.keep {
                TruncationDirection::Right => beginning(text, size),
                TruncationDirection::Left => text,
            };
            let tokens = self.tokenizer.encode_fast(self.prepare(begin), false).map_err(failed)?;
            if begin.len() == text.len() || tokens.len() > room {
                break tokens;
            }
            size = size.saturating_mul(4);
        };
        let truncated = tokens.len() > room;
        tokens.truncate(room, 0, self.keep);
        let tokens = self.tokenizer.post_process(tokens, None, true).map_err(failed)?;
        let mut tokens = tokens.get_ids().to_vec();
        let read = tokens.len();
        if let Some(padding) = self.padding {
            tokens.resize(self.limit, padding);
        }
        Ok(Encoded { tokens, read, truncated })
    }

    fn prepare<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match (self.prefix.as_str(), self.lowercase) {
            ("", false) => Cow::Borrowed(text),
            (prefix, false) => Cow::Owned(format!("{prefix}{text}")),
            (prefix, true) => Cow::Owned(format!("{prefix}{text}").to_lowercase()),
        }
    }
}

/// Classes of `transformers` that rebuild BERT's normalizer from `tokenizer_config.json` and ignore
/// that of `tokenizer.json`.
const LIKE_BERT: [&str; 6] = [
    "BertTokenizer",
    "DistilBertTokenizer",
    "MPNetTokenizer",
    "ElectraTokenizer",
    "MobileBertTokenizer",
    "ConvBertTokenizer",
];

/// Sets BERT's normalizer as those classes do, if the model has such a class, by name or as the
/// default of its architecture.
fn normalize_as_bert(tokenizer: &mut Tokenizer, folder: &Path) -> Result<()> {
    let Some(&NormalizerWrapper::BertNormalizer(found)) = tokenizer.get_normalizer() else { return Ok(()) };
    let read = |name: &str| Config::read_optional(&folder.join(name));
    let (own, model) = (read("tokenizer_config.json")?, read("config.json")?);
    let text = |config: &Option<Config>, name: &str| match config {
        Some(config) => config.text_or(name, "").map(str::to_owned),
        None => Ok(String::new()),
    };
    let model_type = text(&model, "model_type")?;
    let named = [text(&own, "tokenizer_class")?, text(&model, "tokenizer_class")?];
    let alike = match named.iter().find(|class| !class.is_empty()) {
        // The files of ModernBERT name classes that do not apply.
        Some(class) if model_type != "modernbert" => {
            LIKE_BERT.contains(&class.strip_suffix("Fast").unwrap_or(class))
        }
        Some(_) => false,
        None => ["bert", "distilbert", "mpnet"].contains(&model_type.as_str()),
    };
    let usual = found.lowercase && found.handle_chinese_chars && found.strip_accents.is_none();
    let config = match own {
        Some(config) if alike => config,
        None if alike && !usual => {
            return Err(ModelError::with_hint(
                format!("{}: not there", folder.join("tokenizer_config.json").display()),
                "without it transformers ignores what tokenizer.json says of case and accents; it must say the same",
            ));
        }
        _ => return Ok(()),
    };
    let strip =
        if config.has("strip_accents") { Some(config.flag_or("strip_accents", false)?) } else { None };
    let normalizer = BertNormalizer::new(
        true,
        config.flag_or("tokenize_chinese_chars", true)?,
        strip,
        config.flag_or("do_lower_case", true)?,
    );
    tokenizer.with_normalizer(Some(normalizer)).map_err(failed)?;
    Ok(())
}

/// Reads a `tokenizer.json`.
pub(super) fn read(path: &Path) -> Result<Tokenizer> {
    let bytes = std::fs::read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => ModelError::with_hint(
            format!("{}: not there", path.display()),
            "transformers' AutoTokenizer.from_pretrained(…).save_pretrained(…) writes it",
        ),
        _ => unreadable(path, &error),
    })?;
    // Not `from_bytes`, which compiles the parser of all tokenizers into this crate, a second time.
    let text = std::str::from_utf8(&bytes).map_err(|error| damaged(path, &error))?;
    text.parse().map_err(|error: tokenizers::Error| damaged(path, &error))
}

/// Returns the beginning of a text, up to a space before byte `size`. No known tokenizer has a
/// token that begins before a space and includes it, so the tokens of the beginning are the first
/// tokens of the text.
fn beginning(text: &str, size: usize) -> &str {
    if text.len() <= size {
        return text;
    }
    let spaces = memchr::memrchr_iter(b' ', &text.as_bytes()[..size]);
    let mut ends = spaces.filter(|&at| text[..at].chars().next_back().is_some_and(|c| !c.is_whitespace()));
    ends.next().map_or(text, |at| &text[..at])
}

pub(super) fn damaged(path: &Path, error: &dyn std::fmt::Display) -> ModelError {
    ModelError::with_hint(format!("{}: {error}", path.display()), "the file is damaged or of a newer kind")
}

pub(super) fn failed(error: tokenizers::Error) -> ModelError {
    ModelError::with_hint(format!("the tokenizer failed: {error}"), "please report the text that it fails on")
}
