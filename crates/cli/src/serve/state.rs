//! What all requests to the server share.

use std::sync::Arc;

use semdedup::models::TextModel;
use tokio::sync::Semaphore;

/// The number of requests that are embedded at a time, for each thread.
const REQUESTS_PER_THREAD: usize = 2;

/// The memory for request bodies that are being read or that wait, in KiB. Slow bodies block
/// others only once they fill this memory.
const BODY_MEMORY_KIB: usize = 512 << 10;

/// The model, the key and the limits of the server.
pub struct ServerState {
    pub model: Box<dyn TextModel>,
    /// The key that requests must send, if the server requires one.
    pub key: Option<String>,
    /// One permit for each request that may be embedded at a time.
    pub slots: Arc<Semaphore>,
    /// One permit for each KiB of the request bodies.
    pub body_memory: Arc<Semaphore>,
}

impl ServerState {
    /// Returns the state of a server without any requests.
    pub fn new(model: Box<dyn TextModel>, key: Option<String>) -> Self {
        let slots = REQUESTS_PER_THREAD * rayon::current_num_threads();
        Self {
            model,
            key,
            slots: Arc::new(Semaphore::new(slots)),
            body_memory: Arc::new(Semaphore::new(BODY_MEMORY_KIB)),
        }
    }
}
