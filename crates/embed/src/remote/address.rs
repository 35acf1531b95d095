//! Where a server is, and what the model there is called: `http://host/v1/embeddings#name`.

use std::fmt::{Display, Formatter};

use reqwest::Url;
use reqwest::header::HeaderValue;

use crate::ModelError;

const FORM: &str = "name both, the full path and the model: http://localhost:8000/v1/embeddings#BAAI/bge-m3";

/// The URL of an embedding server and the name of the model there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress {
    pub(super) url: Url,
    pub(super) model: String,
}

impl ServerAddress {
    /// Whether this is the address of a server, and no name of a model or of a folder.
    pub fn is_one(typed: &str) -> bool {
        let scheme = typed.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        scheme.is_some_and(|scheme| scheme == "http" || scheme == "https")
    }

    /// Parses `http://host/v1/embeddings#name`; everything behind the first `#` is the name.
    ///
    /// # Errors
    /// If it is no URL of http or https, has no name, or has a user or password in it.
    pub fn parse(typed: &str) -> Result<Self, ModelError> {
        let (url, model) = typed.split_once('#').unwrap_or((typed, ""));
        let url = Url::parse(url)
            .map_err(|error| ModelError::new(format!("`{url}` is not a URL: {error}"), FORM))?;
        if !url.username().is_empty() || url.password().is_some() {
            // It would end up in summaries and in the shell's history.
            return Err(ModelError::new(
                "the URL of the server has a user or a password in it",
                "give the key in the environment variable SEMDEDUP_API_KEY instead",
            ));
        }
        if !["http", "https"].contains(&url.scheme()) {
            let problem = format!("`{}://` is not a server's URL", url.scheme());
            return Err(ModelError::new(problem, "http:// and https:// are possible"));
        }
        if model.trim().is_empty() {
            return Err(ModelError::new(format!("{} names no model", without_query(&url)), FORM));
        }
        Ok(Self { url, model: model.to_owned() })
    }

    /// Whether what is sent can be read on the way by others: plain http, beyond this machine.
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

    /// Whether it is OpenAI's own, the only one that OpenAI's key belongs to.
    fn is_openai(&self) -> bool {
        let host = self.url.host_str().unwrap_or_default();
        self.url.scheme() == "https" && (host == "openai.com" || host.ends_with(".openai.com"))
    }
}

/// As it may be shown: a query, where some services want a key, is left out.
impl Display for ServerAddress {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}#{}", without_query(&self.url), self.model)
    }
}

pub(super) fn without_query(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.to_string()
}

/// The key that a server asks for. It is never shown.
#[derive(Clone)]
pub struct ServerKey(HeaderValue);

impl ServerKey {
    /// A key of printable ASCII.
    ///
    /// # Errors
    /// If it is empty or has other characters, such as a line end; the error does not show it.
    pub fn new(key: &str) -> Result<Self, ModelError> {
        let plain = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
        let header = HeaderValue::from_str(&format!("Bearer {key}")).ok().filter(|_| plain);
        let mut header = header.ok_or_else(|| {
            ModelError::new(
                "the key for the server is not one word of printable ASCII",
                "see that the environment variable holds the key and nothing else, no line end either",
            )
        })?;
        header.set_sensitive(true);
        Ok(Self(header))
    }

    /// The key for a server, by what the environment says: `SEMDEDUP_API_KEY` for any, `OPENAI_API_KEY` for OpenAI's
    /// alone, since it lies in many environments and is nobody else's business.
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

    /// A message of a server in which it does not occur.
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
