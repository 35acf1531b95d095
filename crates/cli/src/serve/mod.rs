//! An embedding server: answers OpenAI's `POST /v1/embeddings` with a local model.
//!
//! `server` starts and stops the server, `signals` watches for the signals that stop it. `handlers`
//! answers requests, `embeddings` does the work of one request, `refusal` renders errors, `state`
//! is what all requests share. Requests are read and answered on the runtime's threads, and
//! embeddings are computed on other threads, so that a long request does not delay `/health`.

#[cfg(not(feature = "server"))]
mod absent;
#[cfg(feature = "server")]
pub mod embeddings;
#[cfg(feature = "server")]
pub mod handlers;
#[cfg(feature = "server")]
pub mod refusal;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "server")]
pub mod signals;
#[cfg(feature = "server")]
pub mod state;

#[cfg(not(feature = "server"))]
pub use absent::serve;
#[cfg(feature = "server")]
pub use server::serve;
