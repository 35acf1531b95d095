//! What turns rows into embeddings: names of models, their folders, or the address of a server.

use std::path::Path;
use std::time::Duration;

use clap::{Args, ValueEnum, value_parser};
use semdedup::formats::CompareBy;
use semdedup::models::{
    DEFAULT_MAX_TOKENS, ImageModel, LoadOptions, Loaded, MobileNet, ModelError, Place, Precision,
    RemoteModel, RemoteOptions, ServerAddress, ServerKey, StaticModel, TextModel, Towers, load,
};
use semdedup::{Embedder, Error, Result};
use serde_json::{Map, Value};

use crate::output;

/// The models inside the program.
const WORDLLAMA: &str = "wordllama-l2-supercat-256";
const MOBILENET: &str = "mobilenet-v1-1.0-224-quant";

/// All options of [`ModelArgs`], for what they do not go together with.
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

/// Waits that are shorter are not worth a line.
const WAIT_TOLD: Duration = Duration::from_secs(2);

/// What turns rows into embeddings.
#[derive(Debug, Args)]
#[command(next_help_heading = "Model options")]
pub struct ModelArgs {
    /// The model: one of the two inside the program; a pretrained one, as a folder in the Hugging Face layout, or as org/name or
    /// org/name@revision on the hub; or one behind an OpenAI-compatible server (vLLM, TEI, Ollama, OpenAI), as
    /// http://host/v1/embeddings#name with the name that it has there [default: wordllama-l2-supercat-256, which reads
    /// texts, or mobilenet-v1-1.0-224-quant, which reads images]
    #[arg(long, value_name = "NAME|FOLDER|URL")]
    model: Option<String>,
    /// The model of the images, where --model is that of the texts (--by both) [default: --model if it reads both, else
    /// mobilenet-v1-1.0-224-quant]
    #[arg(long, value_name = "NAME|FOLDER")]
    image_model: Option<String>,
    /// Read this many tokens of each text; the rest does not count [default: what the model was made for, or 512]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    max_tokens: Option<u32>,
    #[command(flatten)]
    pretrained: PretrainedArgs,
    #[command(flatten)]
    server: ServerArgs,
}

/// How a pretrained model is loaded.
#[derive(Debug, Args)]
#[command(next_help_heading = "Model options")]
struct PretrainedArgs {
    /// Put this before each text, for pretrained models that were trained so, such as 'query: ' for E5 [default: what the
    /// model's files say, mostly nothing]
    #[arg(long, value_name = "TEXT")]
    text_prefix: Option<String>,
    /// Keep the weights of a pretrained model in this precision; half of it takes half of the memory [default: f32]
    #[arg(long, value_enum, value_name = "PRECISION")]
    precision: Option<PrecisionArg>,
    /// Compute a pretrained model here: cpu, or, if the program was built for it, cuda, cuda:1 or metal [default: cpu]
    #[arg(long, value_name = "DEVICE", value_parser = device)]
    device: Option<Place>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PrecisionArg {
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

fn device(typed: &str) -> std::result::Result<Place, String> {
    let (kind, number) = typed.split_once(':').unwrap_or((typed, "0"));
    match (kind, number.parse::<u16>()) {
        ("cpu", _) if typed == "cpu" => Ok(Place::Cpu),
        ("cuda", Ok(number)) => Ok(Place::Cuda(number.into())),
        ("metal", Ok(number)) => Ok(Place::Metal(number.into())),
        _ => Err("must be cpu, cuda or metal, the last two perhaps with a number: cuda:1".to_owned()),
    }
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice<'a> {
    BuiltInText,
    BuiltInImage,
    /// A folder, or a name on the hub.
    Pretrained(&'a str),
    Server(&'a str),
}

impl<'a> Choice<'a> {
    fn parse(option: &str, typed: &'a str) -> Result<Self> {
        match typed {
            WORDLLAMA => Ok(Self::BuiltInText),
            MOBILENET => Ok(Self::BuiltInImage),
            _ if ServerAddress::is_one(typed) => Ok(Self::Server(typed)),
            // A name of the hub has an owner; a word without one is more likely mistyped.
            _ if typed.contains(['/', '\\']) || Path::new(typed).is_dir() => Ok(Self::Pretrained(typed)),
            _ => Err(Error::usage(format!(
                "{option} {typed}: there is no such model; {WORDLLAMA} and {MOBILENET} are inside the program"
            ))
            .hint("a pretrained one is named by its folder or as org/name, one behind a server as http://host/v1/embeddings#name")),
        }
    }
}

/// The models of a run, as many as it needs.
#[derive(Default)]
pub struct Models {
    text: Option<Box<dyn TextModel>>,
    image: Option<Box<dyn ImageModel>>,
}

impl Models {
    /// What gives rows their embeddings: these, or the input where there is none.
    pub fn embedder(&self) -> Embedder<'_> {
        match (&self.image, &self.text) {
            (Some(image), Some(text)) => Embedder::Both(image.as_ref(), text.as_ref()),
            (Some(image), None) => Embedder::Image(image.as_ref()),
            (None, Some(text)) => Embedder::Text(text.as_ref()),
            (None, None) => Embedder::Provided,
        }
    }
}

impl ModelArgs {
    /// Loads the models that read what is compared. `quiet`: waiting for a server is not told.
    pub fn load(&self, by: CompareBy, quiet: bool) -> Result<Models> {
        if let (Some(typed), false) = (&self.image_model, by.image()) {
            return Err(Error::usage(format!("--image-model {typed}: texts are compared, not images"))
                .hint("leave it out, or use --by image or --by both"));
        }
        let choice = self.model.as_deref().map(|typed| Choice::parse("--model", typed)).transpose()?;
        let mut models = match (choice, by) {
            (Some(Choice::Pretrained(source)), CompareBy::Both) if self.image_model.is_none() => {
                let Loaded { text, image } = self.pretrained.load(source, self.max_tokens, Towers::All)?;
                Models { text, image }
            }
            _ => Models::default(),
        };
        if by.image() && models.image.is_none() {
            models.image = Some(self.load_image(by)?);
        }
        if by.text() && models.text.is_none() {
            models.text = Some(self.load_text(quiet)?);
        }
        Ok(models)
    }

    /// The model of the images: --image-model, or --model where only images are compared.
    fn load_image(&self, by: CompareBy) -> Result<Box<dyn ImageModel>> {
        let (option, typed) = match (&self.image_model, &self.model) {
            (Some(typed), _) => ("--image-model", typed.as_str()),
            (None, Some(typed)) if by == CompareBy::Image => ("--model", typed.as_str()),
            _ => ("--image-model", MOBILENET),
        };
        match Choice::parse(option, typed)? {
            Choice::BuiltInImage => Ok(Box::new(MobileNet::load().map_err(unusable)?)),
            Choice::Pretrained(source) => {
                let loaded = self.pretrained.load(source, None, Towers::Images)?;
                loaded.image.ok_or_else(|| {
                    Error::usage(format!("{option} {source}: reads texts, not images"))
                        .hint("name a model of images, such as CLIP, SigLIP or DINOv2; or --by text")
                })
            }
            Choice::BuiltInText | Choice::Server(_) => {
                Err(Error::usage(format!("{option} {typed} reads texts, and images are compared"))
                    .hint(format!("{MOBILENET} reads images; or --by text")))
            }
        }
    }

    /// The model of the texts. A server is asked for its dimension.
    pub fn load_text(&self, quiet: bool) -> Result<Box<dyn TextModel>> {
        let choice = Choice::parse("--model", self.model.as_deref().unwrap_or(WORDLLAMA))?;
        if let (false, Some(option)) = (matches!(choice, Choice::Server(_)), self.server.any()) {
            return Err(Error::usage(format!("{option} is for a model behind a server, --model is none"))
                .hint("name it: --model http://host/v1/embeddings#name"));
        }
        if let (false, Some(option)) = (matches!(choice, Choice::Pretrained(_)), self.pretrained.any()) {
            return Err(Error::usage(format!("{option} is for a pretrained model, --model is none"))
                .hint("name it: --model FOLDER, or --model org/name"));
        }
        match choice {
            Choice::Pretrained(source) => {
                let loaded = self.pretrained.load(source, self.max_tokens, Towers::Texts)?;
                loaded.text.ok_or_else(|| {
                    Error::usage(format!("--model {source}: reads images, not texts"))
                        .hint("name a model of texts; or --by image")
                })
            }
            Choice::BuiltInImage => {
                Err(Error::usage(format!("--model {MOBILENET} reads images, and texts are compared"))
                    .hint(format!("{WORDLLAMA} reads texts; or --by image")))
            }
            Choice::BuiltInText => {
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

impl PretrainedArgs {
    /// One of these options that was typed.
    fn any(&self) -> Option<&'static str> {
        [
            ("--text-prefix", self.text_prefix.is_some()),
            ("--precision", self.precision.is_some()),
            ("--device", self.device.is_some()),
        ]
        .into_iter()
        .find_map(|(option, typed)| typed.then_some(option))
    }

    fn load(&self, source: &str, max_tokens: Option<u32>, towers: Towers) -> Result<Loaded> {
        let options = LoadOptions {
            max_tokens: max_tokens.map(|count| count as usize),
            prefix: self.text_prefix.clone(),
            precision: self.precision.map_or(Precision::F32, Precision::from),
            place: self.device.unwrap_or_default(),
            towers,
        };
        load(source, &options).map_err(unusable)
    }
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
