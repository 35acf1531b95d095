//! The text model that asks a server.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;

use super::answer::{Answer, BadAnswer, one_line};
use super::batches::{self, Distinct, Slots};
use super::client::{Connection, NO_SERVER};
use super::halving::{Halving, Outcome};
use super::retry::{Attempts, Blame, Failed, Failure, Retries};
use crate::error::ModelError;
use crate::model::{EmbedStats, EmbeddedTexts, RefusedText, TextLimit, TextModel};
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
/// The attempts of a request whose failure may be due to a text. They are few where the texts can be
/// divided, and where a text is alone they take some seconds, so that a server that stumbles does
/// not cost a row.
const BATCH_ATTEMPTS: u32 = 2;
const SINGLE_ATTEMPTS: u32 = 5;
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
        let attempts = Attempts { server: FIRST_ATTEMPTS, texts: FIRST_ATTEMPTS };
        model.dim = model.ask(&[FIRST_TEXT], attempts).map_err(|failed| failed.error)?.dim;
        Ok(model)
    }

    /// Asks for the embeddings of some texts by one request, which is repeated if it fails.
    fn ask(&self, texts: &[&str], attempts: Attempts) -> Result<Answer, Failed> {
        let _slot = self.slots.take();
        let request = self.requests.fetch_add(1, Ordering::Relaxed);
        let most = self.options.attempts;
        let attempts = Attempts { server: attempts.server.min(most), texts: attempts.texts.min(most) };
        let body = self.body(texts)?;
        Retries { attempts, pause: &self.pause, request }
            .run(self.connection.place(), || self.ask_once(body.clone(), texts))
    }

    /// Fails if the server does not embed the first text once more.
    fn check(&self) -> Result<(), ModelError> {
        let attempts = Attempts { server: u32::MAX, texts: u32::MAX };
        self.ask(&[FIRST_TEXT], attempts).map(drop).map_err(|failed| failed.error)
    }

    fn body(&self, texts: &[&str]) -> Result<Vec<u8>, Failed> {
        let mut body =
            json!({"model": self.options.address.model, "encoding_format": "float", "input": texts});
        for (name, value) in &self.options.fields {
            body[name.as_str()] = value.clone();
        }
        serde_json::to_vec(&body).map_err(|error| {
            let (problem, blame) = (error.to_string(), Blame::Server);
            Failed { error: ModelError::with_hint(problem.clone(), NO_SERVER), problem, blame }
        })
    }

    fn ask_once(&self, body: Vec<u8>, texts: &[&str]) -> Result<Answer, Failure> {
        let known = (self.dim > 0).then_some(self.dim);
        let most = (texts.len() * known.unwrap_or(MAX_DIM)) as u64 * NUMBER_BYTES + ANSWER_BYTES;
        let answer = Answer::parse(&self.connection.post(body, most)?, texts.len(), known);
        let answer = answer.map_err(|bad| self.bad_answer(bad, texts))?;
        if !(1..=MAX_DIM).contains(&answer.dim) {
            let problem = format!("embeddings of dimension {}, it must be from 1 to {MAX_DIM}", answer.dim);
            return Err(self.connection.lasting(problem, NO_SERVER));
        }
        if answer.values.chunks_exact(answer.dim).any(|row| row.iter().all(|&value| value == 0.0)) {
            return Err(self.connection.of_texts("an embedding of zeros"));
        }
        Ok(answer)
    }

    fn bad_answer(&self, bad: BadAnswer, texts: &[&str]) -> Failure {
        match bad {
            BadAnswer::CutOff => self.connection.passing("the answer breaks off".to_owned()),
            BadAnswer::Error { words, status } => {
                let problem = format!("the server answered 200 with an error: {words}");
                match status.filter(|status| (400..600).contains(status)) {
                    Some(status) => self.connection.of_status(status, &problem, None),
                    None => self.connection.of_texts(&problem),
                }
            }
            BadAnswer::Unusable(problem) => self.connection.of_texts(&problem),
            BadAnswer::Unclear(problem) => self.connection.lasting(about(&problem, texts), ONE_BY_ONE),
            BadAnswer::Misnumbered(problem) => self.connection.lasting(about(&problem, texts), FROM_ZERO),
        }
    }
}

/// Adds to a problem which texts were asked for.
fn about(problem: &str, texts: &[&str]) -> String {
    let text = one_line(texts[0], 40);
    format!("{problem} (asked for {}, the first of them `{text}`)", texts.len())
}

const FROM_ZERO: &str =
    "each text needs one embedding, numbered by `index` from 0 or not at all; correct the server";

const ONE_BY_ONE: &str = "each text needs one embedding, numbered by `index` from 0 or not at all; correct the server, or \
                          ask for one text at a time with --server-batch 1";

/// Returns the attempts of a request for some texts, within what the user allows.
fn attempts(texts: &[&str]) -> Attempts {
    let texts = if texts.len() == 1 { SINGLE_ATTEMPTS } else { BATCH_ATTEMPTS };
    Attempts { server: u32::MAX, texts }
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

    fn text_limit(&self) -> TextLimit {
        TextLimit::Server
    }

    fn embed(&self, texts: &[&str], out: &mut [f32]) -> Result<EmbedStats, ModelError> {
        let EmbeddedTexts { stats, refused, .. } = self.embed_each(texts, out)?;
        match refused.first() {
            None => Ok(stats),
            Some(RefusedText { index, reason }) => Err(ModelError::with_hint(
                format!("{}: `{}`: {reason}", self.connection.place(), one_line(texts[*index], 40)),
                "leave this text out, or let the server cut off texts that are too long",
            )),
        }
    }

    fn embed_each(&self, texts: &[&str], out: &mut [f32]) -> Result<EmbeddedTexts, ModelError> {
        assert_eq!(out.len(), texts.len() * self.dim, "`out` needs {} values per text", self.dim);
        let distinct = Distinct::of(texts);
        let batches = distinct.batches(self.options.batch.max(1));
        let ask = |batch: &[&str]| self.ask(batch, attempts(batch));
        let halving = Halving { ask: &ask, check: &|| self.check(), dim: self.dim };
        let outcomes = batches::all(&batches, self.options.concurrency.max(1), |batch| halving.embed(batch))?;
        let mut all = Outcome::default();
        for outcome in outcomes {
            all.extend(all.values.len() / self.dim, outcome);
        }
        let reasons: HashMap<usize, String> = all.refused.into_iter().collect();
        let cut: HashSet<usize> = all.truncated.into_iter().collect();
        let (mut refused, mut truncated) = (Vec::new(), Vec::new());
        for (index, (number, out)) in distinct.numbers.iter().zip(out.chunks_exact_mut(self.dim)).enumerate()
        {
            let Some(number) = number else {
                out.fill(0.0);
                continue;
            };
            out.copy_from_slice(&all.values[number * self.dim..][..self.dim]);
            truncated.extend(cut.contains(number).then_some(index));
            let reason = reasons.get(number).cloned();
            refused.extend(reason.map(|reason| RefusedText { index, reason }));
        }
        let stats = EmbedStats { tokens: all.tokens, truncated: truncated.len(), ..EmbedStats::default() };
        Ok(EmbeddedTexts { stats, refused, truncated })
    }
}
