//! An answer of the hub, and why there is none.

use std::io;

use reqwest::blocking::Response;
use reqwest::header::HeaderMap;

/// An answer after redirections.
pub(super) struct Answer {
    /// The headers of the last answer of the hub's own host.
    pub(super) own: HeaderMap,
    pub(super) last: Response,
}

/// Why the hub gives nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// The hub answers with an error.
    Status(u16),
    /// The hub cannot be reached, or its answer breaks off.
    Unanswered(String),
    /// The answer is not one of a hub.
    Odd(String),
    /// The content of a file is not what the hub names or what was asked for.
    Altered(String),
    /// The cache cannot be written.
    Unwritable(io::Error),
}
