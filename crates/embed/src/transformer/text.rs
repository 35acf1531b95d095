//! The text model: texts are tokenized, ordered by length, computed in batches without padding, and
//! pooled.

use rayon::prelude::*;

use super::batch::{rows_per_save, tokens_per_batch};
use super::encoder::{Batch, Encoder};
use super::failure::failed;
use super::pooling::Head;
use super::tokens::{Encoded, Tokens};
use crate::error::ModelError;
use crate::model::{EmbedStats, EmbeddedTexts, TextModel};

/// The number of texts of a call on a CPU: about a second for a small model, so that progress
/// shows.
const TEXTS_PER_CALL: usize = 128;

/// An estimate of the number of tokens of a text.
const USUAL_TOKENS: usize = 128;

/// A pretrained text model.
pub(crate) struct Transformer {
    pub(crate) name: String,
    pub(crate) fingerprint: String,
    pub(crate) tokens: Tokens,
    pub(crate) encoder: Encoder,
    pub(crate) head: Head,
    /// The number of tokens at the start of each text that are not pooled.
    pub(crate) skip: usize,
}

impl TextModel for Transformer {
    fn name(&self) -> &str {
        &self.name
    }

    fn dim(&self) -> usize {
        self.head.width(self.encoder.width)
    }

    fn fingerprint(&self) -> String {
        self.fingerprint.clone()
    }

    fn rows_per_save(&self) -> Option<usize> {
        Some(rows_per_save(&self.encoder.blocks, USUAL_TOKENS))
    }

    fn rows_per_call(&self) -> Option<usize> {
        Some(if self.encoder.device.is_cpu() { TEXTS_PER_CALL } else { usize::MAX })
    }

    fn embed(&self, texts: &[&str], out: &mut [f32]) -> Result<EmbedStats, ModelError> {
        self.embed_each(texts, out).map(|embedded| embedded.stats)
    }

    fn embed_each(&self, texts: &[&str], out: &mut [f32]) -> Result<EmbeddedTexts, ModelError> {
        let dim = self.dim();
        assert_eq!(out.len(), texts.len() * dim, "`out` needs {dim} values per text");
        let encoded: Vec<Option<Encoded>> = texts
            .par_iter()
            .map(|text| if text.is_empty() { Ok(None) } else { self.tokens.encode(text).map(Some) })
            .collect::<Result<_, _>>()?;
        let batches = self.batches(&encoded);
        let compute = |batch: &Vec<usize>| self.compute(&encoded, batch);
        let done: Vec<Vec<f32>> = if self.encoder.device.is_cpu() {
            batches.par_iter().map(compute).collect::<Result<_, _>>()?
        } else {
            batches.iter().map(compute).collect::<Result<_, _>>()?
        };
        out.fill(0.0);
        for (batch, values) in batches.iter().zip(done) {
            for (&text, values) in batch.iter().zip(values.chunks_exact(dim)) {
                out[text * dim..][..dim].copy_from_slice(values);
            }
        }
        let is_truncated = |index: &usize| encoded[*index].as_ref().is_some_and(|text| text.truncated);
        let truncated: Vec<usize> = (0..encoded.len()).filter(is_truncated).collect();
        let tokens = encoded.iter().flatten().map(|text| text.read as u64).sum();
        let stats = EmbedStats { truncated: truncated.len(), tokens, ..EmbedStats::default() };
        Ok(EmbeddedTexts { stats, truncated, refused: Vec::new() })
    }
}

impl Transformer {
    /// Returns the indices of the texts that have tokens, in batches of similar length, the longest
    /// first.
    fn batches(&self, encoded: &[Option<Encoded>]) -> Vec<Vec<usize>> {
        let length = |text: usize| encoded[text].as_ref().map_or(0, |text| text.tokens.len());
        let mut order: Vec<usize> = (0..encoded.len()).filter(|&text| length(text) > 0).collect();
        order.sort_by_key(|&text| std::cmp::Reverse(length(text)));
        let mut batches: Vec<Vec<usize>> = Vec::new();
        let mut room = 0;
        for text in order {
            match batches.last_mut() {
                Some(batch) if length(text) <= room => batch.push(text),
                _ => {
                    batches.push(vec![text]);
                    room = tokens_per_batch(&self.encoder.device);
                }
            }
            room = room.saturating_sub(length(text));
        }
        batches
    }

    /// Computes the embeddings of a batch, `[texts, dim]`.
    fn compute(&self, encoded: &[Option<Encoded>], texts: &[usize]) -> Result<Vec<f32>, ModelError> {
        let mut batch = Batch::default();
        for text in texts.iter().filter_map(|&text| encoded[text].as_ref()) {
            batch.tokens.extend_from_slice(&text.tokens);
            batch.lengths.push(text.tokens.len());
        }
        let hidden = self.encoder.forward(&batch).map_err(failed)?;
        let hidden = hidden
            .to_dtype(candle_core::DType::F32)
            .and_then(|hidden| hidden.flatten_all()?.to_vec1::<f32>());
        let hidden = hidden.map_err(failed)?;
        let width = self.encoder.width;
        let mut pooled = vec![0.0; texts.len() * width * self.head.modes.len()];
        let mut start = 0;
        for (&length, pooled) in
            batch.lengths.iter().zip(pooled.chunks_exact_mut(width * self.head.modes.len()))
        {
            let end = start + length;
            self.head.pool(&hidden[start * width..end * width], &batch.tokens[start..end], self.skip, pooled);
            start = end;
        }
        let pooled = self.encoder.to_device(pooled, width * self.head.modes.len()).map_err(failed)?;
        self.head.finish(pooled).map_err(failed)
    }
}
