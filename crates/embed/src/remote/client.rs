//! One request to a server, and the ways in which it can fail.

use std::io::{ErrorKind, Read};
use std::time::{Duration, Instant};

use reqwest::blocking::{Client, Response};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use reqwest::{StatusCode, Url};

use super::address::{ServerAddress, ServerKey, without_query};
use super::answer::{one_line, said};
use super::retry::{Blame, Failure, Next, asked_to_wait};
use crate::error::ModelError;
use crate::http::{self, causes};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// The number of bytes of an error that are read.
const ERROR_BYTES: u64 = 64 << 10;

/// The number of characters of a problem that are shown.
const SHOWN: usize = 600;

/// Sends requests to one address.
#[derive(Debug)]
pub(super) struct Connection {
    client: Client,
    url: Url,
    /// The URL as errors show it.
    place: String,
    key: Option<ServerKey>,
    timeout: Duration,
}

impl Connection {
    /// Prepares a client for an address. Nothing is sent yet.
    pub(super) fn new(
        address: &ServerAddress,
        key: Option<ServerKey>,
        timeout: Duration,
    ) -> Result<Self, ModelError> {
        let place = without_query(&address.url);
        let problem = |error: String| {
            ModelError::with_hint(
                format!("{place}: no connection can be made: {error}"),
                "see that this machine has its certificates installed",
            )
        };
        let https = address.url.scheme() == "https";
        let tls = if https { http::with_certificates() } else { http::without_certificates() };
        let mut builder = http::client(tls.map_err(|error| problem(error.to_string()))?)
            .connect_timeout(CONNECT_TIMEOUT.min(timeout))
            .timeout(timeout);
        if address.is_this_machine() {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| problem(causes(&error)))?;
        Ok(Self { client, url: address.url.clone(), place, key, timeout })
    }

    /// Returns the URL as errors show it.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Sends a body of JSON and reads an answer of at most `most` bytes.
    pub(super) fn post(&self, body: Vec<u8>, most: u64) -> Result<Vec<u8>, Failure> {
        let mut request =
            self.client.post(self.url.clone()).header(CONTENT_TYPE, "application/json").body(body);
        if let Some(key) = &self.key {
            request = request.header(AUTHORIZATION, key.header());
        }
        let deadline = Instant::now() + self.timeout;
        let response = request.send().map_err(|error| self.not_sent(&error))?;
        if response.status() != StatusCode::OK {
            return Err(self.refused(response, deadline));
        }
        let answer = read(response, most + 1, deadline).map_err(|problem| self.passing(problem))?;
        if answer.len() as u64 > most {
            return Err(self.lasting(format!("the answer has more than {most} bytes"), NO_SERVER));
        }
        Ok(answer)
    }

    fn not_sent(&self, error: &reqwest::Error) -> Failure {
        let causes = causes(error);
        if error.is_builder() {
            return self.lasting(causes, NO_SERVER);
        }
        if causes.contains("certificate") {
            let hint = "the certificates that this machine trusts count; add the server's authority to them";
            return self.lasting(causes, hint);
        }
        self.passing(if error.is_timeout() { TOO_SLOW.to_owned() } else { causes })
    }

    /// Returns the failure of an answer that is not 200.
    fn refused(&self, response: Response, deadline: Instant) -> Failure {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = read(response, ERROR_BYTES, deadline).unwrap_or_default();
        // The key is removed before the text is cut off, which could leave a part of the key.
        let said = said(self.without_key(&String::from_utf8_lossy(&body)).as_bytes());
        let number = status.as_u16();
        let problem = if said.is_empty() {
            format!("the server answered {status}")
        } else {
            format!("the server answered {number}: {said}")
        };
        match headers.get(LOCATION).and_then(|to| to.to_str().ok()) {
            Some(to) if status.is_redirection() => {
                let problem = format!("the server answered {status}, it is at {to}");
                self.lasting(problem, "name that address in --model")
            }
            _ => self.of_status(number.into(), &problem, asked_to_wait(&headers)),
        }
    }

    /// Returns the failure that a status stands for, in the head of an answer or in its body. A 500
    /// may be due to a text, such as one whose embedding is NaN; the statuses above it say that the
    /// server is out of order.
    pub(super) fn of_status(&self, status: u64, problem: &str, asked: Option<Duration>) -> Failure {
        let (blame, next) = match status {
            500 => (Blame::Texts, Next::Perhaps(asked)),
            408 | 429 | 501.. => (Blame::Server, Next::Perhaps(asked)),
            401 | 403 => (Blame::Server, Next::Fails(KEY)),
            400 | 413 | 422 => (Blame::Texts, Next::Fails(TOO_LONG)),
            _ => (Blame::Server, Next::Fails(NO_SERVER)),
        };
        Failure { problem: self.shown(problem), blame, next }
    }

    /// Returns a failure of the server that another attempt would not change.
    pub(super) fn lasting(&self, problem: String, hint: &'static str) -> Failure {
        Failure { problem: self.shown(&problem), blame: Blame::Server, next: Next::Fails(hint) }
    }

    /// Returns a failure of the server that another attempt may not have.
    pub(super) fn passing(&self, problem: String) -> Failure {
        Failure { problem: self.shown(&problem), blame: Blame::Server, next: Next::Perhaps(None) }
    }

    /// Returns a failure that is due to one of the texts, and would be the same again.
    pub(super) fn of_texts(&self, problem: &str) -> Failure {
        Failure { problem: self.shown(problem), blame: Blame::Texts, next: Next::Fails(UNUSABLE) }
    }

    /// Returns a problem in one short line without the key.
    fn shown(&self, problem: &str) -> String {
        one_line(&self.without_key(problem), SHOWN)
    }

    /// Returns a text without the key: a server may repeat what it was sent.
    fn without_key(&self, text: &str) -> String {
        self.key.as_ref().map_or_else(|| text.to_owned(), |key| key.blank_out(text))
    }
}

/// Reads an answer, at most `most` bytes of it. The client's own timeout counts for each read, so a
/// server that sends byte by byte could take forever; the deadline counts for the whole answer.
fn read(response: Response, most: u64, deadline: Instant) -> Result<Vec<u8>, String> {
    let (mut answer, mut response) = (Vec::new(), response.take(most));
    let mut buffer = [0; 1 << 14];
    loop {
        match response.read(&mut buffer) {
            Ok(0) => return Ok(answer),
            Ok(count) => answer.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(format!("the answer breaks off: {}", causes(&error))),
        }
        if Instant::now() > deadline {
            return Err(TOO_SLOW.to_owned());
        }
    }
}

const TOO_SLOW: &str = "the server takes too long to answer";
pub(super) const NO_SERVER: &str = "give the full address of an OpenAI-compatible server, and the model as the server calls it: http://host/v1/embeddings#name";
const UNUSABLE: &str = "see that the model is one for embeddings, and that the server serves it rightly";
const KEY: &str = "set the key in the environment variable SEMDEDUP_API_KEY (OPENAI_API_KEY counts for OpenAI's servers alone)";
const TOO_LONG: &str = "where texts are too long or too many, a smaller --server-batch or a field such as --server-fields \
                        '{\"truncate_prompt_tokens\": 512}' (vLLM) helps; what was embedded is kept";
