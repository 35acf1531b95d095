//! The URL of a server and the name of the model there: `http://host/v1/embeddings#name`.

use std::fmt::{Display, Formatter};

use reqwest::Url;
use reqwest::header::HeaderValue;

use crate::error::ModelError;
use crate::scheme::is_server;

const FORM: &str = "name both, the full path and the model: http://localhost:8000/v1/embeddings#BAAI/bge-m3";

/// The URL of an embedding server and the name of the model there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress {
    pub(super) url: Url,
    pub(super) model: String,
}

impl ServerAddress {
    /// Whether a string is the address of a server, and not the name of a model or a folder.
    pub fn is_one(typed: &str) -> bool {
        is_server(typed)
    }

    /// Parses `http://host/v1/embeddings#name`. Everything after the first `#` is the name.
    ///
    /// # Errors
    /// If it is not a URL of http or https, has no name, or contains a user or a password.
    pub fn parse(typed: &str) -> Result<Self, ModelError> {
        let (url, model) = typed.split_once('#').unwrap_or((typed, ""));
        let url = Url::parse(url)
            .map_err(|error| ModelError::with_hint(format!("`{url}` is not a URL: {error}"), FORM))?;
        if !url.username().is_empty() || url.password().is_some() {
            // The password would end up in summaries and in the shell's history.
            return Err(ModelError::with_hint(
                "the URL of the server has a user or a password in it",
                "give the key in the environment variable SEMDEDUP_API_KEY instead",
            ));
        }
        if !["http", "https"].contains(&url.scheme()) {
            let problem = format!("`{}://` is not a server's URL", url.scheme());
            return Err(ModelError::with_hint(problem, "http:// and https:// are possible"));
        }
        if model.trim().is_empty() {
            return Err(ModelError::with_hint(format!("{} names no model", without_query(&url)), FORM));
        }
        Ok(Self { url, model: model.to_owned() })
    }

    /// Whether others on the way can read what is sent: over plain http to another machine.
    pub(super) fn is_open_to_others(&self) -> bool {
        self.url.scheme() == "http" && !self.is_this_machine()
    }

    pub(super) fn is_this_machine(&self) -> bool {
        match self.url.host() {
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            None => false,
        }
    }

    /// Whether it is a server of OpenAI, the only kind that gets OpenAI's key.
    fn is_openai(&self) -> bool {
        let host = self.url.host_str().unwrap_or_default();
        self.url.scheme() == "https" && (host == "openai.com" || host.ends_with(".openai.com"))
    }
}

/// Shows the address without its query, where some services want a key.
impl Display for ServerAddress {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}#{}", without_query(&self.url), self.model)
    }
}

/// Returns a URL as it may be shown: its query may hold a key.
pub(super) fn without_query(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.to_string()
}

/// The key that a server asks for. Nothing shows it.
#[derive(Clone)]
pub struct ServerKey(HeaderValue);

impl ServerKey {
    /// Makes a key of printable ASCII.
    ///
    /// # Errors
    /// If it is empty or has other characters, such as a line end. The error does not show the key.
    pub fn new(key: &str) -> Result<Self, ModelError> {
        let plain = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
        let header = HeaderValue::from_str(&format!("Bearer {key}")).ok().filter(|_| plain);
        let mut header = header.ok_or_else(|| {
            ModelError::with_hint(
                "the key for the server is not one word of printable ASCII",
                "see that the environment variable holds the key and nothing else, no line end either",
            )
        })?;
        header.set_sensitive(true);
        Ok(Self(header))
    }

    /// Finds the key for a server in the environment: `SEMDEDUP_API_KEY` counts for any server,
    /// `OPENAI_API_KEY` for OpenAI's alone, because many environments hold it and other servers
    /// must not see it.
    ///
    /// # Errors
    /// As [`ServerKey::new`].
    pub fn find(
        address: &ServerAddress,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, ModelError> {
        let set = |name: &str| environment(name).filter(|key| !key.is_empty());
        let openai = || set("OPENAI_API_KEY").filter(|_| address.is_openai());
        set("SEMDEDUP_API_KEY").or_else(openai).map(|key| Self::new(&key)).transpose()
    }

    pub(super) fn header(&self) -> &HeaderValue {
        &self.0
    }

    /// Returns a server's message with the key replaced by `***`.
    pub(super) fn blank_out(&self, message: &str) -> String {
        match self.0.to_str().ok().and_then(|header| header.strip_prefix("Bearer ")) {
            Some(key) => message.replace(key, "***"),
            None => message.to_owned(),
        }
    }
}

impl std::fmt::Debug for ServerKey {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServerKey(***)")
    }
}
