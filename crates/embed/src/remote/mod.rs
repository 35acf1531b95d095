//! A model behind an OpenAI-compatible server: `POST /v1/embeddings`, as vLLM, TEI, Ollama and OpenAI have it.
//!
//! `embed` sends each different text of a call once, in batches, several at a time. `address` says where, `client` makes
//! one request, `retry` makes it again, `answer` checks what came.
mod address;
pub(crate) mod answer;
mod batches;
mod client;
mod retry;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Map, Value, json};

pub use address::{ServerAddress, ServerKey};
pub use retry::Pause;

use crate::{EmbedStats, ModelError, TextModel};
use answer::{Answer, BadAnswer};
use batches::{Distinct, Slots};
use client::{Connection, NO_SERVER};
use retry::{Failure, Retries};

/// Counts changes of this code that change what is asked of a server for the same text.
const REVISION: u32 = 1;
/// Rows between saves: a minute or so of a small server, a few cents of a paid one.
const ROWS_PER_SAVE: usize = 1 << 13;
/// More than any model has.
const MAX_DIM: usize = 65_536;
/// An answer may have so many bytes and these for each number, which takes at most 25 in JSON.
const ANSWER_BYTES: u64 = 1 << 20;
const NUMBER_BYTES: u64 = 64;
/// The first request is made so often: a wrong address should show soon.
const FIRST_ATTEMPTS: u32 = 4;
/// What the first request asks for.
const FIRST_TEXT: &str = "semdedup";

/// How a server is asked.
#[derive(Debug, Clone)]
pub struct RemoteOptions {
    /// Where it is, and the name of the model.
    pub address: ServerAddress,
    /// The key that it asks for.
    pub key: Option<ServerKey>,
    /// Send the key although others on the way can read it: plain http to another machine.
    pub key_in_clear: bool,
    /// More fields of each request, such as `dimensions`.
    pub fields: Map<String, Value>,
    /// The most texts of a request, at least 1.
    pub batch: usize,
    /// The most requests at a time, at least 1.
    pub concurrency: usize,
    /// The most time that a request may take.
    pub timeout: Duration,
    /// How often a request is made before it counts as failed, at least 1.
    pub attempts: u32,
}

impl RemoteOptions {
    /// For a server, with what suits most: 32 texts a request (the most that TEI takes unless told otherwise), 8 requests
    /// at a time, 5 minutes for each, 8 attempts (a minute or so in all).
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

    fn check(&self) -> Result<(), ModelError> {
        if let Some(name) = ["model", "input"].into_iter().find(|name| self.fields.contains_key(*name)) {
            let hint = "the model is named behind the # of the URL, the texts come from the input";
            return Err(ModelError::new(format!("`{name}` is not a field of one's own"), hint));
        }
        if self.key.is_some() && !self.key_in_clear && self.address.is_open_to_others() {
            return Err(ModelError::new(
                format!("{}: others on the way could read the key, this is plain http", self.address),
                "use https://, or unset SEMDEDUP_API_KEY, or, in a network that you trust, --server-key-in-clear",
            ));
        }
        Ok(())
    }
}

/// A model behind a server.
pub struct RemoteModel {
    connection: Connection,
    options: RemoteOptions,
    name: String,
    dim: usize,
    slots: Slots,
    pause: Pause,
    requests: AtomicU64,
}

impl RemoteModel {
    /// Asks the server for the embedding of one word, to learn its dimension.
    ///
    /// # Errors
    /// Options that cannot work; a server that cannot be reached, refuses, or answers something else.
    pub fn connect(options: RemoteOptions) -> Result<Self, ModelError> {
        Self::connect_with(options, Box::new(|time, _| std::thread::sleep(time)))
    }

    /// The same, where `pause` does the waiting between attempts and hears why.
    ///
    /// # Errors
    /// As [`RemoteModel::connect`].
    pub fn connect_with(options: RemoteOptions, pause: Pause) -> Result<Self, ModelError> {
        options.check()?;
        let connection = Connection::new(&options.address, options.key.clone(), options.timeout)?;
        let (name, slots) = (options.address.to_string(), Slots::new(options.concurrency.max(1)));
        let mut model = Self { connection, options, name, dim: 0, slots, pause, requests: AtomicU64::new(0) };
        model.dim = model.ask(&[FIRST_TEXT], FIRST_ATTEMPTS)?.dim;
        Ok(model)
    }

    /// The embeddings of some texts, by one request that is repeated if need be.
    fn ask(&self, texts: &[&str], attempts: u32) -> Result<Answer, ModelError> {
        let _slot = self.slots.take();
        let request = self.requests.fetch_add(1, Ordering::Relaxed);
        let attempts = attempts.min(self.options.attempts);
        let body = self.body(texts)?;
        Retries { attempts, pause: &self.pause, request }
            .run(self.connection.place(), || self.ask_once(body.clone(), texts))
    }

    fn body(&self, texts: &[&str]) -> Result<Vec<u8>, ModelError> {
        let mut body =
            json!({"model": self.options.address.model, "encoding_format": "float", "input": texts});
        for (name, value) in &self.options.fields {
            body[name.as_str()] = value.clone();
        }
        serde_json::to_vec(&body).map_err(|error| ModelError::new(error.to_string(), NO_SERVER))
    }

    fn ask_once(&self, body: Vec<u8>, texts: &[&str]) -> Result<Answer, Failure> {
        let known = (self.dim > 0).then_some(self.dim);
        let most = (texts.len() * known.unwrap_or(MAX_DIM)) as u64 * NUMBER_BYTES + ANSWER_BYTES;
        let answer = Answer::parse(&self.connection.post(body, most)?, texts.len(), known);
        let answer = answer.map_err(|bad| match bad {
            BadAnswer::CutOff => self.connection.passing("the answer breaks off".to_owned()),
            BadAnswer::Wrong(problem) => {
                let text = answer::one_line(texts[0], 40);
                let problem = format!("{problem} (asked for {}, the first of them `{text}`)", texts.len());
                self.connection.lasting(problem, NO_SERVER)
            }
        })?;
        if !(1..=MAX_DIM).contains(&answer.dim) {
            let problem = format!("embeddings of dimension {}, it must be from 1 to {MAX_DIM}", answer.dim);
            return Err(self.connection.lasting(problem, NO_SERVER));
        }
        Ok(answer)
    }
}

impl TextModel for RemoteModel {
    fn name(&self) -> &str {
        &self.name
    }

    fn dim(&self) -> usize {
        self.dim
    }

    /// The key is not in it: what a server answers does not depend on who pays.
    fn fingerprint(&self) -> String {
        let RemoteOptions { address, fields, .. } = &self.options;
        // Sorted by name, whatever order they were typed in.
        let fields: std::collections::BTreeMap<_, _> = fields.iter().collect();
        format!("server/r{REVISION}/{}#{}/{}/{}", address.url, address.model, json!(fields), self.dim)
    }

    fn rows_per_save(&self) -> Option<usize> {
        Some(ROWS_PER_SAVE)
    }

    fn rows_per_call(&self) -> Option<usize> {
        Some(self.options.batch.max(1) * self.options.concurrency.max(1))
    }

    fn embed(&self, texts: &[&str], out: &mut [f32]) -> Result<EmbedStats, ModelError> {
        assert_eq!(out.len(), texts.len() * self.dim, "`out` needs {} values per text", self.dim);
        let distinct = Distinct::of(texts);
        let batches = distinct.batches(self.options.batch.max(1));
        let ask = |batch: &[&str]| self.ask(batch, self.options.attempts);
        let answers = batches::all(&batches, self.options.concurrency.max(1), ask)?;
        let rows: Vec<&[f32]> = answers.iter().flat_map(|a| a.values.chunks_exact(self.dim)).collect();
        for (number, out) in distinct.numbers.iter().zip(out.chunks_exact_mut(self.dim)) {
            match number {
                Some(number) => out.copy_from_slice(rows[*number]),
                None => out.fill(0.0),
            }
        }
        let tokens = answers.iter().fold(0u64, |sum, answer| sum.saturating_add(answer.tokens));
        Ok(EmbedStats { tokens, ..EmbedStats::default() })
    }
}
