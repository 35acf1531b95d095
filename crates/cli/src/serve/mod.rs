//! An embedding server: answers OpenAI's `POST /v1/embeddings` with a local model.
//!
//! `server` starts and stops the server, `signals` watches for the signals that stop it. `handlers`
//! answers requests, `embeddings` does the work of one request, `refusal` renders errors, `state`
//! is what all requests share. Requests are read and answered on the runtime's threads, and
//! embeddings are computed on other threads, so that a long request does not delay `/health`.

pub mod embeddings;
pub mod handlers;
pub mod refusal;
pub mod server;
pub mod signals;
pub mod state;
