//! A model behind an OpenAI-compatible server: `POST /v1/embeddings`, as vLLM, TEI, Ollama and
//! OpenAI offer it.
//!
//! `model` sends each distinct text of a call once, in `batches` of which several are on their way
//! at a time. `address` says where, `client` makes one request, `retry` repeats it, and `answer`
//! checks what came back. `halving` finds the texts of a batch that the server cannot embed.
pub(crate) mod address;
pub(crate) mod answer;
mod batches;
mod client;
mod halving;
mod model;
mod retry;

pub use address::{ServerAddress, ServerKey};
pub use model::RemoteModel;
