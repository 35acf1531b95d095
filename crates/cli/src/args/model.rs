//! The options that name the embedding models and say how to load them.

use clap::{Args, ValueEnum, value_parser};
use semdedup::models::{Place, Precision};
use serde_json::{Map, Value};

/// The names of all options of [`ModelArgs`], for the options that exclude them.
pub const MODEL_OPTIONS: [&str; 12] = [
    "model",
    "image_model",
    "max_tokens",
    "text_prefix",
    "precision",
    "device",
    "server_batch",
    "server_concurrency",
    "server_timeout",
    "server_attempts",
    "server_fields",
    "server_key_in_clear",
];

/// The options that name the embedding models.
#[derive(Debug, Args)]
#[command(next_help_heading = "Model options")]
pub struct ModelArgs {
    /// The embedding model: a built-in one, a folder, org/name on the hub, or the URL of a server.
    ///
    /// Built-in: semdedup-text-v1, which reads texts, or mobilenet-v1-1.0-224-quant, which
    /// reads images.
    ///
    /// Pretrained: a folder in the Hugging Face layout, or org/name or org/name@revision on the
    /// hub.
    ///
    /// Behind an OpenAI-compatible server (vLLM, TEI, Ollama, OpenAI):
    /// http://host/v1/embeddings#name, with the name that the model has there.
    ///
    /// [default: semdedup-text-v1 for texts, mobilenet-v1-1.0-224-quant for images]
    #[arg(long, value_name = "NAME|FOLDER|URL")]
    pub model: Option<String>,
    /// The model for images, if --model is the one for texts (--by both) [default: --model if it
    /// reads both, else mobilenet-v1-1.0-224-quant]
    #[arg(long, value_name = "NAME|FOLDER")]
    pub image_model: Option<String>,
    /// Read this many tokens of each text and ignore the rest [default: what the model was made for,
    /// or 512; the built-in model and those of `semdedup distill` read texts whole]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    pub max_tokens: Option<u32>,
    #[command(flatten)]
    pub pretrained: PretrainedArgs,
    #[command(flatten)]
    pub server: ServerArgs,
}

/// The options of pretrained models.
#[derive(Debug, Args)]
#[command(next_help_heading = "Model options")]
pub struct PretrainedArgs {
    /// Put this before each text, for pretrained models that were trained with such a prefix.
    ///
    /// E5, for example, takes 'query: '.
    ///
    /// [default: what the model's files say, usually nothing]
    #[arg(long, value_name = "TEXT")]
    pub text_prefix: Option<String>,
    /// Keep the weights of a pretrained model in this precision; f16 and bf16 take half of the
    /// memory [default: f32]
    #[arg(long, value_enum, value_name = "PRECISION")]
    pub precision: Option<PrecisionArg>,
    /// Run a pretrained model on this device: cpu, or cuda, cuda:1 or metal if the program was
    /// built for it [default: cpu]
    #[arg(long, value_name = "DEVICE", value_parser = device)]
    pub device: Option<Place>,
}

/// The precision of the weights.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum PrecisionArg {
    F32,
    F16,
    Bf16,
}

impl From<PrecisionArg> for Precision {
    fn from(precision: PrecisionArg) -> Self {
        match precision {
            PrecisionArg::F32 => Self::F32,
            PrecisionArg::F16 => Self::F16,
            PrecisionArg::Bf16 => Self::Bf16,
        }
    }
}

/// Parses a device.
fn device(typed: &str) -> std::result::Result<Place, String> {
    let (kind, number) = typed.split_once(':').unwrap_or((typed, "0"));
    match (kind, number.parse::<u16>()) {
        ("cpu", _) if typed == "cpu" => Ok(Place::Cpu),
        ("cuda", Ok(number)) => Ok(Place::Cuda(number.into())),
        ("metal", Ok(number)) => Ok(Place::Metal(number.into())),
        _ => Err("must be cpu, cuda or metal; cuda and metal may have a number, such as cuda:1".to_owned()),
    }
}

/// The options of a model behind a server. The key comes from the environment, because others can
/// see the command line.
#[derive(Debug, Args)]
#[command(next_help_heading = "Model options")]
pub struct ServerArgs {
    /// Send this many texts to a server in one request [default: 32]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=2048))]
    pub server_batch: Option<u16>,
    /// Send this many requests at the same time [default: 8]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=512))]
    pub server_concurrency: Option<u16>,
    /// Wait this many seconds for an answer [default: 300]
    #[arg(long, value_name = "SECONDS", value_parser = value_parser!(u32).range(1..=86_400))]
    pub server_timeout: Option<u32>,
    /// Try a request this many times before the server counts as failed [default: 8, in about a
    /// minute]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=1000))]
    pub server_attempts: Option<u16>,
    /// Send these fields with each request, such as '{"dimensions": 256}'
    #[arg(long, value_name = "JSON", value_parser = fields)]
    pub server_fields: Option<Map<String, Value>>,
    /// Send the key in SEMDEDUP_API_KEY to another machine over plain http, where others can read
    /// it
    #[arg(long)]
    pub server_key_in_clear: bool,
}

/// Parses a JSON object.
fn fields(typed: &str) -> std::result::Result<Map<String, Value>, String> {
    serde_json::from_str(typed).map_err(|error| format!("not a JSON object: {error}"))
}

impl PretrainedArgs {
    /// Returns the first of these options that the command line has.
    pub fn first_given(&self) -> Option<&'static str> {
        [
            ("--text-prefix", self.text_prefix.is_some()),
            ("--precision", self.precision.is_some()),
            ("--device", self.device.is_some()),
        ]
        .into_iter()
        .find_map(|(option, given)| given.then_some(option))
    }
}

impl ServerArgs {
    /// Returns the first of these options that the command line has.
    pub fn first_given(&self) -> Option<&'static str> {
        [
            ("--server-batch", self.server_batch.is_some()),
            ("--server-concurrency", self.server_concurrency.is_some()),
            ("--server-timeout", self.server_timeout.is_some()),
            ("--server-attempts", self.server_attempts.is_some()),
            ("--server-fields", self.server_fields.is_some()),
            ("--server-key-in-clear", self.server_key_in_clear),
        ]
        .into_iter()
        .find_map(|(option, given)| given.then_some(option))
    }
}
