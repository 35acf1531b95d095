//! Embeds the texts of one request to `/v1/embeddings`.

use axum::http::StatusCode;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rayon::prelude::*;
use semdedup::models::{EmbeddedTexts, TextModel};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::refusal::Refusal;

/// The largest number of texts in a request. OpenAI has the same limit.
const MAX_TEXTS: usize = 2048;
/// The number of texts that one thread embeds at a time.
const TEXTS_PER_TASK: usize = 64;

const FLOAT: &str = "float";
const BASE64: &str = "base64";

/// A request in OpenAI's form.
#[derive(Deserialize)]
struct EmbeddingsRequest {
    input: Value,
    model: Option<String>,
    encoding_format: Option<String>,
    dimensions: Option<usize>,
}

/// The answer in OpenAI's form.
#[derive(Serialize)]
pub struct EmbeddingsResponse {
    object: &'static str,
    data: Vec<Item>,
    model: String,
    usage: Usage,
}

/// The embedding of one text.
#[derive(Serialize)]
struct Item {
    object: &'static str,
    index: usize,
    embedding: Values,
    /// Whether the model did not read the end of the text. OpenAI's form has no such field.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
}

/// The values of an embedding.
#[derive(Serialize)]
#[serde(untagged)]
enum Values {
    Floats(Vec<f32>),
    /// Little-endian f32 values; OpenAI's own client asks for this form.
    Base64(String),
}

#[derive(Serialize)]
struct Usage {
    prompt_tokens: u64,
    total_tokens: u64,
}

/// Embeds the texts of a request.
///
/// # Errors
/// Refuses a request that is not in OpenAI's form, or that the model cannot serve.
pub fn embed(model: &dyn TextModel, body: &[u8]) -> Result<EmbeddingsResponse, Refusal> {
    let request: EmbeddingsRequest = serde_json::from_slice(body).map_err(|error| {
        Refusal::new(StatusCode::BAD_REQUEST, format!("the request cannot be read: {error}"))
    })?;
    check_options(&request, model)?;
    let texts = texts(&request.input)?;
    let dim = model.dim();
    let mut values = vec![0.0; texts.len() * dim];
    let parts: Vec<EmbeddedTexts> = texts
        .par_chunks(TEXTS_PER_TASK)
        .zip(values.par_chunks_mut(TEXTS_PER_TASK * dim))
        .map(|(texts, values)| embed_part(model, texts, values))
        .collect::<Result<_, _>>()?;
    let tokens = parts.iter().map(|part| part.stats.tokens).sum();
    let is_truncated =
        |index: usize| parts[index / TEXTS_PER_TASK].truncated.contains(&(index % TEXTS_PER_TASK));
    let encode: fn(&[f32]) -> Values = match request.encoding_format.as_deref() {
        Some(BASE64) => base64_values,
        _ => float_values,
    };
    let embeddings = values.chunks_exact(dim).enumerate();
    let data = embeddings.map(|(index, embedding)| Item {
        object: "embedding",
        index,
        embedding: encode(embedding),
        truncated: is_truncated(index),
    });
    Ok(EmbeddingsResponse {
        object: "list",
        data: data.collect(),
        model: model.name().to_owned(),
        usage: Usage { prompt_tokens: tokens, total_tokens: tokens },
    })
}

/// Embeds some texts, and refuses the request if the model refuses one of them.
fn embed_part(model: &dyn TextModel, texts: &[&str], values: &mut [f32]) -> Result<EmbeddedTexts, Refusal> {
    let refused = |reason: String| Refusal::new(StatusCode::BAD_GATEWAY, reason);
    let embedded = model.embed_each(texts, values).map_err(|error| refused(error.to_string()))?;
    match embedded.refused.first() {
        None => Ok(embedded),
        Some(text) => Err(refused(text.reason.clone())),
    }
}

fn float_values(embedding: &[f32]) -> Values {
    Values::Floats(embedding.to_vec())
}

fn base64_values(embedding: &[f32]) -> Values {
    let bytes: Vec<u8> = embedding.iter().flat_map(|value| value.to_le_bytes()).collect();
    Values::Base64(BASE64_STANDARD.encode(bytes))
}

/// Refuses a request for another model, another number of dimensions or an unknown encoding.
fn check_options(request: &EmbeddingsRequest, model: &dyn TextModel) -> Result<(), Refusal> {
    let (name, dim) = (model.name(), model.dim());
    if let Some(other) = request.model.as_ref().filter(|asked| *asked != name) {
        let message = format!("the server has no model `{other}`, only `{name}`");
        return Err(Refusal::new(StatusCode::NOT_FOUND, message).code("model_not_found"));
    }
    let is_unknown = |format: &&String| ![FLOAT, BASE64].contains(&format.as_str());
    if let Some(other) = request.encoding_format.as_ref().filter(is_unknown) {
        let message = format!("`{other}` is not supported; use `{FLOAT}` or `{BASE64}`");
        return Err(Refusal::field("encoding_format", message));
    }
    match request.dimensions {
        Some(other) if other != dim => {
            let message = format!("{other} dimensions are not supported; the model has {dim}");
            Err(Refusal::field("dimensions", message))
        }
        _ => Ok(()),
    }
}

/// Returns the texts of the field `input`.
fn texts(input: &Value) -> Result<Vec<&str>, Refusal> {
    let texts = match input {
        Value::String(text) => Some(vec![text.as_str()]),
        Value::Array(list) if list.len() > MAX_TEXTS => {
            let message = format!("`input` has {} texts; a request may have {MAX_TEXTS}", list.len());
            return Err(Refusal::field("input", message));
        }
        Value::Array(list) if !list.is_empty() => list.iter().map(Value::as_str).collect(),
        _ => None,
    };
    texts.ok_or_else(|| Refusal::field("input", "`input` must be a text or a list of texts"))
}
