//! Errors in OpenAI's form: `{"error": {"message", "type", "param", "code"}}`.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// The error that answers a request.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    message: String,
    /// The field of the request that caused the error.
    param: Option<&'static str>,
    code: Option<&'static str>,
}

impl Refusal {
    /// Returns an error that no single field caused.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), param: None, code: None }
    }

    /// Returns an error about the value of a field.
    pub fn field(param: &'static str, message: impl Into<String>) -> Self {
        Self { param: Some(param), ..Self::new(StatusCode::BAD_REQUEST, message) }
    }

    /// Adds one of OpenAI's error codes.
    pub fn code(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self { status, message, param, code } = self;
        let kind = if status.is_server_error() { "server_error" } else { "invalid_request_error" };
        let body = json!({"error": {"message": message, "type": kind, "param": param, "code": code}});
        let mut response = (status, Json(body)).into_response();
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Answers a request for a path that the server does not have.
pub async fn unknown_path() -> Refusal {
    Refusal::new(
        StatusCode::NOT_FOUND,
        "unknown path; the server has POST /v1/embeddings, GET /v1/models and GET /health",
    )
}

/// Answers a request with a method that the path does not take.
pub async fn unknown_method() -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "/v1/embeddings takes POST, the other paths take GET")
}
