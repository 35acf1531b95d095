//! Cutting a text into words that can be tokenised one by one.
//!
//! The original puts a space before the text and turns all spaces into `▁`; it then merges over the whole text. No piece
//! of its vocabulary has a `▁` after another character (`scripts/make_wordllama.py` checks it), so no merge reaches over
//! the start of a run of spaces, and a text's tokens are those of its words, a word being a run of spaces and what
//! follows up to the next.
use super::bpe::{Bpe, Scratch};
use super::cache::WordCache;

/// Matched in the text as it is; what lies between is tokenised as if it were a text of its own.
const SPECIAL: [(&str, u16); 3] = [("<unk>", 0), ("<s>", 1), ("</s>", 2)];
/// Buffers for longer words are not kept: the next text will hardly need them.
const KEPT_WORD: usize = 1 << 16;
const SPACE: &[u8] = "\u{2581}".as_bytes();

/// Turns texts into tokens.
pub(super) struct Tokenizer {
    bpe: Bpe,
}

/// What a thread needs while it tokenises, kept from one text to the next.
#[derive(Default)]
pub(super) struct Workspace {
    cache: WordCache,
    scratch: Scratch,
    first_word: String,
    tokens: Vec<u16>,
}

impl Workspace {
    /// Gives back what an unusual text left behind, so that the memory of an idle workspace is bounded.
    pub(super) fn trim(&mut self) {
        self.scratch.trim(KEPT_WORD);
        self.first_word.shrink_to(KEPT_WORD);
        self.tokens.clear();
        self.tokens.shrink_to(KEPT_WORD);
    }
}

impl Tokenizer {
    /// Reads a tokenizer made by `scripts/make_wordllama.py` for a table of so many rows.
    pub(super) fn parse(data: &[u8], rows: usize) -> Result<Self, String> {
        Ok(Self { bpe: Bpe::parse(data, rows)? })
    }

    /// The tokens of a text. Where there are more than `limit`, the first `limit` and at least one more.
    pub(super) fn encode<'w>(&self, text: &str, limit: usize, workspace: &'w mut Workspace) -> &'w [u16] {
        workspace.tokens.clear();
        let mut rest = text;
        while let Some((start, end, special)) = find_special(rest) {
            self.encode_plain(&rest[..start], limit, workspace);
            workspace.tokens.push(special);
            rest = &rest[end..];
            if workspace.tokens.len() > limit {
                return &workspace.tokens;
            }
        }
        self.encode_plain(rest, limit, workspace);
        &workspace.tokens
    }

    /// Appends the tokens of a text without special tokens; may stop when there are more than `limit`.
    fn encode_plain(&self, text: &str, limit: usize, workspace: &mut Workspace) {
        if text.is_empty() {
            return;
        }
        let mut first_word = std::mem::take(&mut workspace.first_word);
        let mut start = word_end(text, 0);
        first_word.clear();
        first_word.push(' ');
        first_word.push_str(&text[..start]);
        self.encode_word(&first_word, limit, workspace);
        workspace.first_word = first_word;
        while start < text.len() && workspace.tokens.len() <= limit {
            let end = word_end(text, start);
            self.encode_word(&text[start..end], limit, workspace);
            start = end;
        }
    }

    fn encode_word(&self, word: &str, limit: usize, workspace: &mut Workspace) {
        let Workspace { cache, scratch, tokens, .. } = workspace;
        if !WordCache::takes(word) {
            return self.bpe.encode(word, limit, scratch, tokens);
        }
        if let Some(known) = cache.get(word) {
            return tokens.extend_from_slice(known);
        }
        let start = tokens.len();
        self.bpe.encode(word, usize::MAX, scratch, tokens);
        cache.insert(word, &tokens[start..]);
    }
}

/// The first special token of a text: its start, its end, the token.
fn find_special(text: &str) -> Option<(usize, usize, u16)> {
    memchr::memchr_iter(b'<', text.as_bytes()).find_map(|at| {
        let &(name, token) = SPECIAL.iter().find(|(name, _)| text[at..].starts_with(name))?;
        Some((at, at + name.len(), token))
    })
}

/// Where the word that starts at `start` ends: after its spaces and everything up to the next space.
fn word_end(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = start;
    while let Some(len) = space_len(&bytes[at..]) {
        at += len;
    }
    while at < bytes.len() && space_len(&bytes[at..]).is_none() {
        at += 1;
    }
    at
}

/// The length of the space that the bytes start with. A `▁` in the text is a space to the model.
fn space_len(bytes: &[u8]) -> Option<usize> {
    match bytes.first() {
        Some(b' ') => Some(1),
        Some(&first) if first == SPACE[0] && bytes.starts_with(SPACE) => Some(SPACE.len()),
        _ => None,
    }
}
