//! Addresses and keys of servers in a build without the feature `server`: neither can be made.

use std::convert::Infallible;
use std::fmt::{Display, Formatter};

use crate::error::ModelError;
use crate::scheme::is_server;

/// The URL of an embedding server. This build has none: it lacks the feature `server`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress(pub(super) Infallible);

impl ServerAddress {
    /// Whether a string is the address of a server, and not the name of a model or a folder.
    pub fn is_one(typed: &str) -> bool {
        is_server(typed)
    }

    /// Returns the error that this program knows no servers.
    ///
    /// # Errors
    /// Always.
    pub fn parse(typed: &str) -> Result<Self, ModelError> {
        let shown = typed.split(['?', '#']).next().unwrap_or_default();
        let shown = if shown.contains('@') { "the server" } else { shown };
        Err(ModelError::missing_feature(&format!("{shown}: a server cannot be asked"), "server"))
    }
}

impl Display for ServerAddress {
    fn fmt(&self, _: &mut Formatter<'_>) -> std::fmt::Result {
        match self.0 {}
    }
}

/// The key of a server. This build has none: it lacks the feature `server`.
#[derive(Debug, Clone)]
pub struct ServerKey(Infallible);

impl ServerKey {
    /// Returns the error that this program knows no servers.
    ///
    /// # Errors
    /// Always.
    pub fn new(_key: &str) -> Result<Self, ModelError> {
        Err(ModelError::missing_feature("a server cannot be asked", "server"))
    }

    /// Finds the key for a server, of which this build has none.
    ///
    /// # Errors
    /// Never.
    pub fn find(
        address: &ServerAddress,
        _environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, ModelError> {
        match address.0 {}
    }
}
