//! What the server says to a request.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rayon::prelude::*;
use semdedup::models::TextModel;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Shared;
use super::refusal::Refusal;

/// The most texts of a request, as OpenAI has it.
const MOST_TEXTS: usize = 2048;
const MOST_BYTES: usize = 32 << 20;
const BODY_TIMEOUT: Duration = Duration::from_secs(60);
/// Texts that one thread embeds at a time.
const TEXTS_TOGETHER: usize = 64;

const FLOAT: &str = "float";
const BASE64: &str = "base64";

type Answer<T> = Result<T, Refusal>;

pub async fn health() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

pub async fn models(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Answer<Json<Value>> {
    check_key(&shared, &headers)?;
    let model = json!({"id": shared.model.name(), "object": "model", "created": 0, "owned_by": "semdedup"});
    Ok(Json(json!({"object": "list", "data": [model]})))
}

pub async fn embeddings(State(shared): State<Arc<Shared>>, request: Request) -> Answer<Json<Embedded>> {
    let (parts, body) = request.into_parts();
    check_key(&shared, &parts.headers)?;
    let gone = |_| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the server is ending");
    // Both are held until the answer is made: neither bodies nor work pile up.
    let kibibytes = announced(&parts.headers)?.div_ceil(1 << 10) as u32;
    let memory = Arc::clone(&shared.bodies).acquire_many_owned(kibibytes).await.map_err(gone)?;
    let body = read(body).await?;
    let room = Arc::clone(&shared.room).acquire_owned().await.map_err(gone)?;
    let work = move || {
        let answer = answer(shared.model.as_ref(), &body);
        drop((room, memory));
        answer
    };
    let failed = |_| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the server has a fault");
    tokio::task::spawn_blocking(work).await.map_err(failed)?.map(Json)
}

fn too_large() -> Refusal {
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the request has more than {MOST_BYTES} bytes"))
}

/// How long the body may be.
fn announced(headers: &HeaderMap) -> Answer<usize> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    match length.unwrap_or(MOST_BYTES) {
        length if length > MOST_BYTES => Err(too_large()),
        length => Ok(length),
    }
}

async fn read(body: Body) -> Answer<Bytes> {
    match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, MOST_BYTES)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(too_large()),
        Err(_) => Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "the request does not come to its end")),
    }
}

/// Fails where a key is asked for and another one, or none, was sent.
fn check_key(shared: &Shared, headers: &HeaderMap) -> Answer<()> {
    let Some(key) = &shared.key else { return Ok(()) };
    let sent = headers.get(header::AUTHORIZATION).map_or(&[][..], |value| value.as_bytes());
    if sent.strip_prefix(b"Bearer ").is_some_and(|sent| same(sent, key.as_bytes())) {
        return Ok(());
    }
    Err(Refusal::new(StatusCode::UNAUTHORIZED, "the key is missing or wrong: Authorization: Bearer KEY")
        .code("invalid_api_key"))
}

/// Compares in a time that does not depend on where two keys differ, since that would tell them byte by byte.
fn same(sent: &[u8], key: &[u8]) -> bool {
    let differing = sent.iter().zip(key).fold(0, |all, (a, b)| std::hint::black_box(all | (a ^ b)));
    sent.len() == key.len() && differing == 0
}

#[derive(Deserialize)]
struct Asked {
    input: Value,
    model: Option<String>,
    encoding_format: Option<String>,
    dimensions: Option<usize>,
}

/// The answer, in OpenAI's form.
#[derive(Serialize)]
pub struct Embedded {
    object: &'static str,
    data: Vec<Item>,
    model: String,
    usage: Usage,
}

#[derive(Serialize)]
struct Item {
    object: &'static str,
    index: usize,
    embedding: Values,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Values {
    Floats(Vec<f32>),
    /// Little-endian; OpenAI's own client asks for it.
    Base64(String),
}

#[derive(Serialize)]
struct Usage {
    prompt_tokens: u64,
    total_tokens: u64,
}

fn answer(model: &dyn TextModel, body: &[u8]) -> Answer<Embedded> {
    let asked: Asked = serde_json::from_slice(body).map_err(|error| {
        Refusal::new(StatusCode::BAD_REQUEST, format!("the request cannot be read: {error}"))
    })?;
    let texts = texts(&asked, model)?;
    let dim = model.dim();
    let mut values = vec![0.0; texts.len() * dim];
    let tokens = texts
        .par_chunks(TEXTS_TOGETHER)
        .zip(values.par_chunks_mut(TEXTS_TOGETHER * dim))
        .map(|(texts, values)| model.embed(texts, values).map(|stats| stats.tokens))
        .try_reduce(|| 0, |a, b| Ok(a + b))
        .map_err(|error| Refusal::new(StatusCode::BAD_GATEWAY, error.to_string()))?;
    let in_base64 = asked.encoding_format.as_deref() == Some(BASE64);
    let item = |(index, embedding): (usize, &[f32])| Item {
        object: "embedding",
        index,
        embedding: if in_base64 { base64_of(embedding) } else { Values::Floats(embedding.to_vec()) },
    };
    Ok(Embedded {
        object: "list",
        data: values.chunks_exact(dim).enumerate().map(item).collect(),
        model: model.name().to_owned(),
        usage: Usage { prompt_tokens: tokens, total_tokens: tokens },
    })
}

fn base64_of(embedding: &[f32]) -> Values {
    let bytes: Vec<u8> = embedding.iter().flat_map(|value| value.to_le_bytes()).collect();
    Values::Base64(BASE64_STANDARD.encode(bytes))
}

/// The texts, if all else that was asked for can be done.
fn texts<'a>(asked: &'a Asked, model: &dyn TextModel) -> Answer<Vec<&'a str>> {
    let (name, dim) = (model.name(), model.dim());
    if let Some(other) = asked.model.as_ref().filter(|asked| *asked != name) {
        return Err(Refusal::new(
            StatusCode::NOT_FOUND,
            format!("there is no model `{other}`, there is `{name}`"),
        )
        .code("model_not_found"));
    }
    if let Some(other) =
        asked.encoding_format.as_ref().filter(|format| ![FLOAT, BASE64].contains(&format.as_str()))
    {
        let message = format!("`{other}` is not possible, `{FLOAT}` and `{BASE64}` are");
        return Err(Refusal::field("encoding_format", message));
    }
    if let Some(other) = asked.dimensions.filter(|&asked| asked != dim) {
        return Err(Refusal::field("dimensions", format!("{other} is not possible, the model has {dim}")));
    }
    const FORM: &str = "it must be a text or a list of texts";
    let texts: Option<Vec<&str>> = match &asked.input {
        Value::String(text) => Some(vec![text]),
        Value::Array(list) if list.len() > MOST_TEXTS => {
            let message = format!("{} texts, at most {MOST_TEXTS} are taken at a time", list.len());
            return Err(Refusal::field("input", message));
        }
        Value::Array(list) if !list.is_empty() => list.iter().map(Value::as_str).collect(),
        _ => None,
    };
    texts.ok_or_else(|| Refusal::field("input", FORM))
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn keys_are_the_same_only_if_every_byte_is() {
        assert!(same(b"key", b"key"));
        for other in [&b"kez"[..], b"ke", b"keyy", b"", b"\0ey"] {
            assert!(!same(other, b"key"));
        }
    }
}
