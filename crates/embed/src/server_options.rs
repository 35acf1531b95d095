//! How a model behind a server is asked.

use std::time::Duration;

use serde_json::{Map, Value};

#[cfg(not(feature = "server"))]
use crate::absent::address::{ServerAddress, ServerKey};
#[cfg(feature = "server")]
use crate::remote::address::{ServerAddress, ServerKey};

/// A function that waits for the given time between attempts. Its second argument is the reason,
/// one line.
pub type Pause = Box<dyn Fn(Duration, &str) + Send + Sync>;

/// How a server is asked.
#[derive(Debug, Clone)]
pub struct RemoteOptions {
    /// The URL, and the name of the model there.
    pub address: ServerAddress,
    /// The key that the server asks for.
    pub key: Option<ServerKey>,
    /// Send the key even where others on the way can read it: over plain http to another machine.
    pub key_in_clear: bool,
    /// Additional fields of each request, such as `dimensions`.
    pub fields: Map<String, Value>,
    /// The largest number of texts of a request, at least 1.
    pub batch: usize,
    /// The largest number of requests at a time, at least 1.
    pub concurrency: usize,
    /// The time after which a request has failed.
    pub timeout: Duration,
    /// The number of attempts after which a request has failed, at least 1.
    pub attempts: u32,
}

impl RemoteOptions {
    /// Makes options that suit most servers: 32 texts a request (the most that TEI takes by
    /// default), 8 requests at a time, 5 minutes for each, 8 attempts (about a minute of waiting in
    /// all).
    pub fn new(address: ServerAddress) -> Self {
        Self {
            address,
            key: None,
            key_in_clear: false,
            fields: Map::new(),
            batch: 32,
            concurrency: 8,
            timeout: Duration::from_secs(300),
            attempts: 8,
        }
    }
}
