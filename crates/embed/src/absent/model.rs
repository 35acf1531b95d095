//! A model behind a server in a build without the feature `server`: it cannot be made.

use std::convert::Infallible;

use crate::error::ModelError;
use crate::model::{EmbedStats, TextModel};
use crate::server_options::{Pause, RemoteOptions};

/// A model behind a server. This build has none: it lacks the feature `server`.
pub struct RemoteModel(Infallible);

impl RemoteModel {
    /// Connects to a server, of which this build has none.
    ///
    /// # Errors
    /// Never.
    pub fn connect(options: RemoteOptions) -> Result<Self, ModelError> {
        match options.address.0 {}
    }

    /// Connects to a server, of which this build has none.
    ///
    /// # Errors
    /// Never.
    pub fn connect_with(options: RemoteOptions, _pause: Pause) -> Result<Self, ModelError> {
        match options.address.0 {}
    }
}

impl TextModel for RemoteModel {
    fn name(&self) -> &str {
        match self.0 {}
    }

    fn dim(&self) -> usize {
        match self.0 {}
    }

    fn fingerprint(&self) -> String {
        match self.0 {}
    }

    fn embed(&self, _texts: &[&str], _out: &mut [f32]) -> Result<EmbedStats, ModelError> {
        match self.0 {}
    }
}
