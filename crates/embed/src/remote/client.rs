//! One request to a server, and how it can fail.

use std::io::{ErrorKind, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::blocking::{Client, Response};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{StatusCode, Url};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt;

use super::address::{ServerAddress, ServerKey, without_query};
use super::answer::{one_line, said};
use super::retry::{Failure, asked_to_wait};
use crate::ModelError;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// The most bytes of an error that are read.
const ERROR_BYTES: u64 = 64 << 10;

/// Characters of a problem that are shown.
const SHOWN: usize = 600;

/// Sends requests to one address.
#[derive(Debug)]
pub(super) struct Connection {
    client: Client,
    url: Url,
    /// The address as it is shown.
    place: String,
    key: Option<ServerKey>,
    timeout: Duration,
}

impl Connection {
    pub(super) fn new(
        address: &ServerAddress,
        key: Option<ServerKey>,
        timeout: Duration,
    ) -> Result<Self, ModelError> {
        let place = without_query(&address.url);
        let problem = |error: String| {
            ModelError::new(
                format!("{place}: no connection can be made: {error}"),
                "see that this machine has its certificates installed",
            )
        };
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls(address).map_err(|error| problem(error.to_string()))?)
            // Another host would get the texts, and the key too.
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .user_agent(concat!("semdedup/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT.min(timeout))
            .timeout(timeout);
        if address.is_this_machine() {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| problem(causes(&error)))?;
        Ok(Self { client, url: address.url.clone(), place, key, timeout })
    }

    /// Where the requests go, as it may be shown.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Sends a body of JSON and reads an answer of at most so many bytes.
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
        let answer = read(response, (most + 1, deadline)).map_err(|problem| self.passing(problem))?;
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

    /// Any answer but 200.
    fn refused(&self, response: Response, deadline: Instant) -> Failure {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = read(response, (ERROR_BYTES, deadline)).unwrap_or_default();
        // Before it is cut off, which could leave a part of the key.
        let said = said(self.without_key(&String::from_utf8_lossy(&body)).as_bytes());
        let number = status.as_u16();
        let problem = if said.is_empty() {
            format!("the server answered {status}")
        } else {
            format!("the server answered {number}: {said}")
        };
        match number {
            408 | 429 | 500.. => {
                Failure::Passing { problem: self.shown(&problem), asked: asked_to_wait(&headers) }
            }
            300..400 => {
                let to = headers.get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("nowhere");
                self.lasting(
                    format!("the server answered {status}, it is at {to}"),
                    "name that address in --model",
                )
            }
            401 | 403 => self.lasting(problem, KEY),
            404 | 405 => self.lasting(problem, NO_SERVER),
            400 | 413 | 422 => self.lasting(problem, TOO_LONG),
            _ => self.lasting(problem, NO_SERVER),
        }
    }

    /// A failure that asking again does not change.
    pub(super) fn lasting(&self, problem: String, hint: &'static str) -> Failure {
        Failure::Lasting(ModelError::new(format!("{}: {}", self.place, self.shown(&problem)), hint))
    }

    /// A failure that may have passed when asked again.
    pub(super) fn passing(&self, problem: String) -> Failure {
        Failure::Passing { problem: self.shown(&problem), asked: None }
    }

    /// A line of bearable length without the key.
    fn shown(&self, problem: &str) -> String {
        one_line(&self.without_key(problem), SHOWN)
    }

    /// Whatever a server says may hold what it was sent.
    fn without_key(&self, text: &str) -> String {
        self.key.as_ref().map_or_else(|| text.to_owned(), |key| key.blank_out(text))
    }
}

/// Reads an answer up to so many bytes. The client's own limit on time counts for each read, so that a server could take
/// forever byte by byte.
fn read(response: Response, (most, deadline): (u64, Instant)) -> Result<Vec<u8>, String> {
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
const KEY: &str = "set the key in the environment variable SEMDEDUP_API_KEY (OPENAI_API_KEY counts for OpenAI's servers alone)";
const TOO_LONG: &str = "where texts are too long or too many, a smaller --server-batch or a field such as --server-fields \
                        '{\"truncate_prompt_tokens\": 512}' (vLLM) helps; what was embedded is kept";

/// Ring, and the certificates that this machine trusts; none are looked for where none are needed.
fn tls(address: &ServerAddress) -> Result<ClientConfig, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?;
    let builder = if address.url.scheme() == "https" {
        builder.with_platform_verifier()?
    } else {
        builder.with_root_certificates(RootCertStore::empty())
    };
    Ok(builder.with_no_client_auth())
}

/// An error and what is behind it, in one line: the outermost says the least. No URL, it is in the place.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = match error.downcast_ref::<reqwest::Error>() {
            Some(_) => String::new(),
            None => error.to_string(),
        };
        if !text.is_empty() && !said.iter().any(|said| said.contains(&text)) {
            said.push(text);
        }
        next = error.source();
    }
    if said.is_empty() { error.to_string() } else { said.join(": ") }
}
