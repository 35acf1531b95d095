//! What turns texts into embeddings: a name, or the address of a server.

use std::time::Duration;

use clap::{Args, value_parser};
use semdedup::models::{
    DEFAULT_MAX_TOKENS, ModelError, RemoteModel, RemoteOptions, ServerAddress, ServerKey, StaticModel,
    TextModel,
};
use semdedup::{Error, Result};
use serde_json::{Map, Value};

use crate::output;

/// The model inside the program.
const WORDLLAMA: &str = "wordllama-l2-supercat-256";

/// All options of [`ModelArgs`], for what they do not go together with.
pub const MODEL_OPTIONS: [&str; 8] = [
    "model",
    "max_tokens",
    "server_batch",
    "server_concurrency",
    "server_timeout",
    "server_attempts",
    "server_fields",
    "server_key_in_clear",
];

/// Waits that are shorter are not worth a line.
const WAIT_TOLD: Duration = Duration::from_secs(2);

/// What turns texts into embeddings.
#[derive(Debug, Args)]
#[command(next_help_heading = "Model options")]
pub struct ModelArgs {
    /// The model: the one inside the program, or one behind an OpenAI-compatible server (vLLM, TEI, Ollama, OpenAI), as
    /// http://host/v1/embeddings#name with the name that it has there [default: wordllama-l2-supercat-256]
    #[arg(long, value_name = "NAME|URL")]
    model: Option<String>,
    /// Read this many tokens of each text; the rest does not count [default: 512]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    max_tokens: Option<u32>,
    #[command(flatten)]
    server: ServerArgs,
}

/// How a server is asked. The key comes from the environment: command lines are seen by others.
#[derive(Debug, Args)]
#[command(next_help_heading = "Model options")]
struct ServerArgs {
    /// Send a server this many texts at a time [default: 32]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=2048))]
    server_batch: Option<u16>,
    /// Have this many requests on their way at a time [default: 8]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=512))]
    server_concurrency: Option<u16>,
    /// Wait this many seconds for an answer [default: 300]
    #[arg(long, value_name = "SECONDS", value_parser = value_parser!(u32).range(1..=86_400))]
    server_timeout: Option<u32>,
    /// Ask this often before a server counts as failed [default: 8, in about a minute]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=1000))]
    server_attempts: Option<u16>,
    /// Send these fields with each request, such as '{"dimensions": 256}'
    #[arg(long, value_name = "JSON", value_parser = fields)]
    server_fields: Option<Map<String, Value>>,
    /// Send the key of SEMDEDUP_API_KEY to another machine over plain http, where others can read it
    #[arg(long)]
    server_key_in_clear: bool,
}

fn fields(typed: &str) -> std::result::Result<Map<String, Value>, String> {
    serde_json::from_str(typed).map_err(|error| format!("not an object of JSON: {error}"))
}

/// What a model is called by.
enum Choice<'a> {
    BuiltIn,
    Server(&'a str),
}

impl<'a> Choice<'a> {
    fn parse(typed: &'a str) -> Result<Self> {
        match typed {
            WORDLLAMA => Ok(Self::BuiltIn),
            _ if ServerAddress::is_one(typed) => Ok(Self::Server(typed)),
            _ => Err(Error::usage(format!(
                "--model {typed}: there is no such model; {WORDLLAMA} is inside the program"
            ))
            .hint("a model behind a server is named http://host/v1/embeddings#name")),
        }
    }
}

impl ModelArgs {
    /// Loads the model, or asks the server for its dimension. `quiet`: waiting for a server is not told.
    pub fn load(&self, quiet: bool) -> Result<Box<dyn TextModel>> {
        let choice = Choice::parse(self.model.as_deref().unwrap_or(WORDLLAMA))?;
        if let (false, Some(option)) = (matches!(choice, Choice::Server(_)), self.server.any()) {
            return Err(Error::usage(format!("{option} is for a model behind a server, --model is none"))
                .hint("name it: --model http://host/v1/embeddings#name"));
        }
        match choice {
            Choice::BuiltIn => {
                let max_tokens = self.max_tokens.map_or(DEFAULT_MAX_TOKENS, |count| count as usize);
                Ok(Box::new(StaticModel::wordllama(max_tokens).map_err(unusable)?))
            }
            Choice::Server(_) if self.max_tokens.is_some() => Err(Error::usage(
                "--max-tokens is not for a model behind a server, which decides by itself",
            )
            .hint("some take a field for it: --server-fields '{\"truncate_prompt_tokens\": 512}' (vLLM)")),
            Choice::Server(address) => Ok(Box::new(self.server.connect(address, quiet)?)),
        }
    }
}

fn unusable(error: ModelError) -> Error {
    Error::usage(format!("--model: {error}")).hint(error.hint())
}

impl ServerArgs {
    /// One of these options that was typed.
    fn any(&self) -> Option<&'static str> {
        [
            ("--server-batch", self.server_batch.is_some()),
            ("--server-concurrency", self.server_concurrency.is_some()),
            ("--server-timeout", self.server_timeout.is_some()),
            ("--server-attempts", self.server_attempts.is_some()),
            ("--server-fields", self.server_fields.is_some()),
            ("--server-key-in-clear", self.server_key_in_clear),
        ]
        .into_iter()
        .find_map(|(option, typed)| typed.then_some(option))
    }

    fn connect(&self, address: &str, quiet: bool) -> Result<RemoteModel> {
        let mut options = RemoteOptions::new(ServerAddress::parse(address).map_err(unusable)?);
        options.key = ServerKey::find(&options.address, |name| std::env::var(name).ok()).map_err(unusable)?;
        options.key_in_clear = self.server_key_in_clear;
        options.batch = self.server_batch.map_or(options.batch, usize::from);
        options.concurrency = self.server_concurrency.map_or(options.concurrency, usize::from);
        options.timeout =
            self.server_timeout.map_or(options.timeout, |seconds| Duration::from_secs(seconds.into()));
        options.attempts = self.server_attempts.map_or(options.attempts, u32::from);
        options.fields = self.server_fields.clone().unwrap_or_default();
        let pause = move |time: Duration, why: &str| {
            if !quiet && time >= WAIT_TOLD {
                output::warning(&format!("{why}; asking again in {} s", time.as_secs()));
            }
            std::thread::sleep(time);
        };
        RemoteModel::connect_with(options, Box::new(pause)).map_err(Error::model)
    }
}
