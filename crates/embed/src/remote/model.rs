//! The text model that asks a server.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;

use super::answer::{Answer, BadAnswer, one_line};
use super::batches::{self, Distinct, Slots};
use super::client::{Connection, NO_SERVER};
use super::retry::{Failure, Retries};
use crate::error::ModelError;
use crate::model::{EmbedStats, TextModel};
use crate::server_options::{Pause, RemoteOptions};

/// The version of the requests. Raise it when the same text is sent in another form.
const REVISION: u32 = 1;
/// Rows between saves: about a minute of a small server, a few cents of a paid one.
const ROWS_PER_SAVE: usize = 1 << 13;
/// No model has more dimensions.
const MAX_DIM: usize = 65_536;
/// The largest size of an answer: these bytes…
const ANSWER_BYTES: u64 = 1 << 20;
/// …and these for each number, which takes at most 25 in JSON.
const NUMBER_BYTES: u64 = 64;
/// The attempts of the first request. They are few, so that a wrong address shows soon.
const FIRST_ATTEMPTS: u32 = 4;
/// The text of the first request, which learns the dimension.
const FIRST_TEXT: &str = "semdedup";

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
    /// Connects to a server, and asks it for the embedding of one word to learn the dimension.
    ///
    /// # Errors
    /// If the options cannot work, or the server cannot be reached, refuses, or answers something
    /// else.
    pub fn connect(options: RemoteOptions) -> Result<Self, ModelError> {
        Self::connect_with(options, Box::new(|time, _| std::thread::sleep(time)))
    }

    /// Connects as [`RemoteModel::connect`] does. `pause` waits between attempts, and is told why.
    ///
    /// # Errors
    /// As [`RemoteModel::connect`].
    pub fn connect_with(options: RemoteOptions, pause: Pause) -> Result<Self, ModelError> {
        check(&options)?;
        let connection = Connection::new(&options.address, options.key.clone(), options.timeout)?;
        let (name, slots) = (options.address.to_string(), Slots::new(options.concurrency.max(1)));
        let mut model = Self { connection, options, name, dim: 0, slots, pause, requests: AtomicU64::new(0) };
        model.dim = model.ask(&[FIRST_TEXT], FIRST_ATTEMPTS)?.dim;
        Ok(model)
    }

    /// Asks for the embeddings of some texts by one request, which is repeated if it fails.
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
        serde_json::to_vec(&body).map_err(|error| ModelError::with_hint(error.to_string(), NO_SERVER))
    }

    fn ask_once(&self, body: Vec<u8>, texts: &[&str]) -> Result<Answer, Failure> {
        let known = (self.dim > 0).then_some(self.dim);
        let most = (texts.len() * known.unwrap_or(MAX_DIM)) as u64 * NUMBER_BYTES + ANSWER_BYTES;
        let answer = Answer::parse(&self.connection.post(body, most)?, texts.len(), known);
        let answer = answer.map_err(|bad| match bad {
            BadAnswer::CutOff => self.connection.passing("the answer breaks off".to_owned()),
            BadAnswer::Wrong(problem) => {
                let text = one_line(texts[0], 40);
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

/// Fails for options that cannot work, or that would show the key to others.
fn check(options: &RemoteOptions) -> Result<(), ModelError> {
    if let Some(name) = ["model", "input"].into_iter().find(|name| options.fields.contains_key(*name)) {
        let hint = "the model is named behind the # of the URL, the texts come from the input";
        return Err(ModelError::with_hint(format!("`{name}` is not a field of one's own"), hint));
    }
    if options.key.is_some() && !options.key_in_clear && options.address.is_open_to_others() {
        return Err(ModelError::with_hint(
            format!("{}: others on the way could read the key, this is plain http", options.address),
            "use https://, or unset SEMDEDUP_API_KEY, or, in a network that you trust, --server-key-in-clear",
        ));
    }
    Ok(())
}

impl TextModel for RemoteModel {
    fn name(&self) -> &str {
        &self.name
    }

    fn dim(&self) -> usize {
        self.dim
    }

    /// The key is no part of it: the embeddings do not depend on who pays.
    fn fingerprint(&self) -> String {
        let RemoteOptions { address, fields, .. } = &self.options;
        // Sorted by name, because the order in which they were typed does not matter.
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
