//! Static models: a table with a vector for each token, whose mean is the embedding of a text
//! (model2vec, and `StaticEmbedding` of sentence-transformers).

use std::borrow::Cow;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use rayon::prelude::*;
use tokenizers::{Tokenizer, TruncationDirection};

use super::config::Config;
use super::failure::{Result, failed};
use super::pooling::Head;
use super::tokens;
use super::weights::Weights;
use crate::error::ModelError;
use crate::model::{DEFAULT_MAX_TOKENS, EmbedStats, EmbeddedTexts, TextModel};

/// The program that a table was written by. It decides which tokens of a text count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Model2Vec,
    SentenceTransformers,
}

/// The vectors of all tokens.
#[derive(Debug)]
pub(super) struct Table {
    /// `[tokens, dim]`, row-major.
    vectors: Vec<f32>,
    pub(super) dim: usize,
    pub(super) origin: Origin,
}

/// Whether a `config.json` is that of a model2vec model.
pub(super) fn is_model2vec(config: &Config) -> bool {
    config.value().get("model_type").is_some_and(|kind| kind == "model2vec")
        || config.value().get("architectures").is_some_and(|all| all[0] == "StaticModel")
}

impl Table {
    /// Reads the table of a folder's weights.
    pub(super) fn read(weights: &Weights) -> Result<Self> {
        let (name, origin) = match weights.below(&[""], "embedding.weight") {
            Ok(_) => ("embedding.weight", Origin::SentenceTransformers),
            Err(_) => ("embeddings", Origin::Model2Vec),
        };
        let scope = weights.below(&[""], name)?;
        let &[rows, dim] = scope.shape(name)? else { return Err(scope.wrong(name, "of two dimensions")) };
        if rows == 0 || dim == 0 {
            return Err(scope.wrong(name, "with values"));
        }
        if scope.has("weights") {
            return Err(ModelError::with_hint(
                "model.safetensors: it has `weights` of tokens beside their vectors, which are not read",
                "save the model without vocabulary quantization",
            ));
        }
        let numbers = scope.matrix(name, &[rows, dim])?.to_dtype(DType::F32).map_err(failed)?;
        let vectors = numbers.flatten_all().and_then(|numbers| numbers.to_vec1()).map_err(failed)?;
        Ok(Self { vectors, dim, origin })
    }

    fn rows(&self) -> usize {
        self.vectors.len() / self.dim
    }

    /// Writes the mean of the vectors of some tokens, or zeros if there are none.
    fn mean(&self, tokens: &[u32], out: &mut [f32]) {
        out.fill(0.0);
        for &token in tokens {
            let vector = &self.vectors[token as usize * self.dim..][..self.dim];
            out.iter_mut().zip(vector).for_each(|(out, value)| *out += value);
        }
        let count = tokens.len().max(1) as f32;
        out.iter_mut().for_each(|out| *out /= count);
    }
}

/// A tokenizer without special tokens.
#[derive(Debug)]
pub(super) struct Words {
    tokenizer: Tokenizer,
    prefix: String,
    /// The number of tokens to read.
    limit: Option<usize>,
    keep: TruncationDirection,
    /// The number of characters to read, so that a long text is not tokenized to its end.
    characters: Option<usize>,
    /// The token that stands for unknown words, if these do not count.
    unknown: Option<u32>,
}

impl Words {
    /// Opens the tokenizer of a folder, to read at most `asked` tokens of a text.
    pub(super) fn open(root: &Path, table: &Table, asked: Option<usize>, prefix: String) -> Result<Self> {
        let path = root.join("tokenizer.json");
        let mut tokenizer = tokens::read(&path)?;
        let truncation = tokenizer.get_truncation().cloned();
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|error| tokens::damaged(&path, &error))?;
        let vocabulary = tokenizer.get_vocab(true);
        let fits = vocabulary.values().all(|&token| (token as usize) < table.rows());
        if !fits || (table.origin == Origin::Model2Vec && vocabulary.len() != table.rows()) {
            let (vectors, count) = (table.rows(), vocabulary.len());
            return Err(ModelError::with_hint(
                format!("{}: {count} tokens, and model.safetensors has {vectors} vectors", path.display()),
                "a vector for each token is needed; save the model without vocabulary quantization",
            ));
        }
        let words = Self {
            tokenizer,
            prefix,
            limit: asked,
            keep: TruncationDirection::Right,
            characters: None,
            unknown: None,
        };
        match table.origin {
            Origin::SentenceTransformers => Ok(Self {
                limit: asked.or(truncation.as_ref().map(|truncation| truncation.max_length)),
                keep: truncation.map_or(TruncationDirection::Right, |truncation| truncation.direction),
                ..words
            }),
            Origin::Model2Vec => words.like_model2vec(root),
        }
    }

    /// Sets what model2vec sets: a limit on tokens, one on characters, and no unknown words.
    fn like_model2vec(mut self, root: &Path) -> Result<Self> {
        let config = Config::read_optional(&root.join("config.json"))?;
        self.limit = match (self.limit, &config) {
            (None, Some(config)) if config.value().get("max_length").is_some() => {
                config.has("max_length").then(|| config.count("max_length")).transpose()?
            }
            (limit, _) => Some(limit.unwrap_or(DEFAULT_MAX_TOKENS)),
        };
        let mut lengths: Vec<usize> =
            self.tokenizer.get_vocab(true).keys().map(|token| token.chars().count()).collect();
        lengths.sort_unstable();
        let middle = (lengths[(lengths.len() - 1) / 2] + lengths[lengths.len() / 2]) / 2;
        self.characters = self.limit.map(|limit| limit.saturating_mul(middle));
        let model = Config::read(&root.join("tokenizer.json"))?.section("model");
        self.unknown = match model {
            Some(model) if model.has("unk_token") => {
                self.tokenizer.token_to_id(model.text_or("unk_token", "")?)
            }
            Some(model) if model.has("unk_id") => u32::try_from(model.whole_or("unk_id", None)?).ok(),
            _ => None,
        };
        Ok(self)
    }

    /// Returns the limit on tokens and the prefix, for the fingerprint.
    pub(super) fn settings(&self) -> String {
        format!("{:?}/{:?}", self.limit, self.prefix)
    }

    /// Returns the tokens of a text that count, and whether the text has more.
    fn encode(&self, text: &str) -> Result<(Vec<u32>, bool)> {
        let text = match self.prefix.as_str() {
            "" => Cow::Borrowed(text),
            prefix => Cow::Owned(format!("{prefix}{text}")),
        };
        let end = self.characters.and_then(|most| text.char_indices().nth(most));
        let begin = end.map_or(&*text, |(end, _)| &text[..end]);
        let mut tokens = self.tokenizer.encode_fast(begin, false).map_err(tokens::failed)?;
        let mut truncated = end.is_some();
        if let Some(limit) = self.limit.filter(|&limit| tokens.len() > limit) {
            tokens.truncate(limit, 0, self.keep);
            truncated = true;
        }
        let known = tokens.get_ids().iter().copied().filter(|&token| Some(token) != self.unknown);
        Ok((known.collect(), truncated))
    }
}

/// A static model of texts.
pub(super) struct TableModel {
    pub(super) name: String,
    pub(super) fingerprint: String,
    pub(super) table: Table,
    pub(super) words: Words,
    pub(super) head: Head,
    pub(super) device: Device,
}

impl TextModel for TableModel {
    fn name(&self) -> &str {
        &self.name
    }

    fn dim(&self) -> usize {
        self.head.width(self.table.dim)
    }

    fn fingerprint(&self) -> String {
        self.fingerprint.clone()
    }

    fn embed(&self, texts: &[&str], out: &mut [f32]) -> Result<EmbedStats> {
        self.embed_each(texts, out).map(|embedded| embedded.stats)
    }

    fn embed_each(&self, texts: &[&str], out: &mut [f32]) -> Result<EmbeddedTexts> {
        let dim = self.dim();
        assert_eq!(out.len(), texts.len() * dim, "`out` needs {dim} values per text");
        let encoded: Vec<(Vec<u32>, bool)> = texts
            .par_iter()
            .map(|text| if text.is_empty() { Ok((Vec::new(), false)) } else { self.words.encode(text) })
            .collect::<Result<_>>()?;
        let mut means = vec![0.0; texts.len() * self.table.dim];
        let rows = means.par_chunks_exact_mut(self.table.dim).zip(&encoded);
        rows.for_each(|(mean, (tokens, _))| self.table.mean(tokens, mean));
        let means = Tensor::from_vec(means, (texts.len(), self.table.dim), &self.device);
        out.copy_from_slice(&means.and_then(|means| self.head.finish(means)).map_err(failed)?);
        let (mut stats, mut truncated) = (EmbedStats::default(), Vec::new());
        for (index, (out, (tokens, is_cut))) in out.chunks_exact_mut(dim).zip(&encoded).enumerate() {
            if tokens.is_empty() {
                out.fill(0.0);
            }
            truncated.extend(is_cut.then_some(index));
            stats.tokens += tokens.len() as u64;
        }
        stats.truncated = truncated.len();
        Ok(EmbeddedTexts { stats, truncated, refused: Vec::new() })
    }
}
