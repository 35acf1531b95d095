//! Answers the requests to the server.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use super::embeddings::{EmbeddingsResponse, embed};
use super::refusal::Refusal;
use super::state::ServerState;

const MAX_BODY_BYTES: usize = 32 << 20;
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// Answers `GET /health`.
pub async fn health() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// Answers `GET /v1/models`.
pub async fn models(
    State(state): State<Arc<ServerState>>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    check_key(&state, &headers)?;
    let model = json!({"id": state.model.name(), "object": "model", "created": 0, "owned_by": "semdedup"});
    Ok(Json(json!({"object": "list", "data": [model]})))
}

/// Answers `POST /v1/embeddings`.
pub async fn embeddings(
    State(state): State<Arc<ServerState>>,
    request: Request,
) -> Result<Json<EmbeddingsResponse>, Refusal> {
    let (parts, body) = request.into_parts();
    check_key(&state, &parts.headers)?;
    let closed = |_| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the server is shutting down");
    // Both permits are held until the answer is ready, so neither bodies nor work pile up.
    let kib = body_length(&parts.headers)?.div_ceil(1 << 10) as u32;
    let memory = Arc::clone(&state.body_memory).acquire_many_owned(kib).await.map_err(closed)?;
    let body = read(body).await?;
    let slot = Arc::clone(&state.slots).acquire_owned().await.map_err(closed)?;
    let work = move || {
        let response = embed(state.model.as_ref(), &body);
        drop((slot, memory));
        response
    };
    let panicked = |_| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error");
    tokio::task::spawn_blocking(work).await.map_err(panicked)?.map(Json)
}

/// Returns the announced length of the body, or the longest possible one.
fn body_length(headers: &HeaderMap) -> Result<usize, Refusal> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    match length.unwrap_or(MAX_BODY_BYTES) {
        length if length > MAX_BODY_BYTES => Err(too_large()),
        length => Ok(length),
    }
}

fn too_large() -> Refusal {
    let message = format!("the request has more than {MAX_BODY_BYTES} bytes");
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message)
}

/// Reads the body, within the limits of size and time.
async fn read(body: Body) -> Result<Bytes, Refusal> {
    match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, MAX_BODY_BYTES)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(too_large()),
        Err(_) => Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "the request did not arrive in time")),
    }
}

/// Fails if the server requires a key and the request has a wrong key or none.
fn check_key(state: &ServerState, headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(key) = &state.key else { return Ok(()) };
    let sent = headers.get(header::AUTHORIZATION).map_or(&[][..], |value| value.as_bytes());
    if sent.strip_prefix(b"Bearer ").is_some_and(|sent| is_same_key(sent, key.as_bytes())) {
        return Ok(());
    }
    Err(Refusal::new(StatusCode::UNAUTHORIZED, "the key is missing or wrong; send Authorization: Bearer KEY")
        .code("invalid_api_key"))
}

/// Compares two keys in a time that does not depend on where they differ: that time would reveal
/// the key byte by byte.
fn is_same_key(sent: &[u8], key: &[u8]) -> bool {
    let differing = sent.iter().zip(key).fold(0, |all, (a, b)| std::hint::black_box(all | (a ^ b)));
    sent.len() == key.len() && differing == 0
}

#[cfg(test)]
mod tests {
    use super::is_same_key;

    #[test]
    fn keys_are_the_same_only_if_every_byte_is() {
        assert!(is_same_key(b"key", b"key"));
        for other in [&b"kez"[..], b"ke", b"keyy", b"", b"\0ey"] {
            assert!(!is_same_key(other, b"key"));
        }
    }
}
