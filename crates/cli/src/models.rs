//! Loads the models that a command line names.

use std::path::Path;
use std::time::Duration;

use semdedup::formats::CompareBy;
use semdedup::models::{
    ImageModel, LoadOptions, Loaded, MobileNet, ModelError, Precision, RemoteModel, RemoteOptions,
    ServerAddress, ServerKey, StaticModel, TextModel, Towers, load,
};
use semdedup::{Embedder, Error, Result};

use crate::args::model::{ModelArgs, PretrainedArgs, ServerArgs};
use crate::output;

/// The built-in models.
const TEXT: &str = StaticModel::BUILT_IN;
const MOBILENET: &str = "mobilenet-v1-1.0-224-quant";

/// The shortest wait for a server that is worth a warning.
const SHORTEST_WARNED_WAIT: Duration = Duration::from_secs(2);

/// The value of `--model` or `--image-model`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ModelName<'a> {
    BuiltInText,
    BuiltInImage,
    /// A folder, or a name on the hub.
    Pretrained(&'a str),
    Server(&'a str),
}

impl<'a> ModelName<'a> {
    fn parse(option: &str, name: &'a str) -> Result<Self> {
        match name {
            TEXT => Ok(Self::BuiltInText),
            MOBILENET => Ok(Self::BuiltInImage),
            _ if ServerAddress::is_one(name) => Ok(Self::Server(name)),
            // A name on the hub has an owner; a word without one is more likely a typing error.
            _ if name.contains(['/', '\\']) || Path::new(name).is_dir() => Ok(Self::Pretrained(name)),
            _ => Err(Error::usage(format!(
                "{option} {name}: there is no such model; {TEXT} and {MOBILENET} are built in"
            ))
            .hint(
                "name a pretrained model by its folder or as org/name, and a model behind a server as \
                 http://host/v1/embeddings#name",
            )),
        }
    }
}

impl ModelName<'_> {
    /// Whether it is the folder of a model that `semdedup distill` made.
    fn is_distilled(self) -> bool {
        matches!(self, Self::Pretrained(folder) if StaticModel::is_in(Path::new(folder)))
    }
}

/// The models of a command: one for texts, one for images, both, or none.
#[derive(Default)]
pub struct Models {
    text: Option<Box<dyn TextModel>>,
    image: Option<Box<dyn ImageModel>>,
}

impl Models {
    /// Loads the models for what is compared. If `quiet`, waiting for a server prints no warning.
    ///
    /// # Errors
    /// Fails if a model cannot be loaded, reads something else, or does not take one of the options.
    pub fn load(args: &ModelArgs, by: CompareBy, quiet: bool) -> Result<Self> {
        if let Some(name) = args.image_model.as_ref().filter(|_| !by.image()) {
            return Err(Error::usage(format!("--image-model {name}: texts are compared, not images"))
                .hint("leave it out, or use --by image or --by both"));
        }
        let name = args.model.as_deref().map(|name| ModelName::parse("--model", name)).transpose()?;
        let mut models = match (name, by) {
            // One pretrained model may read both.
            (Some(name @ ModelName::Pretrained(source)), CompareBy::Both)
                if args.image_model.is_none() && !name.is_distilled() =>
            {
                let Loaded { text, image } =
                    load_pretrained(&args.pretrained, source, args.max_tokens, Towers::All)?;
                Self { text, image }
            }
            _ => Self::default(),
        };
        if by.image() && models.image.is_none() {
            models.image = Some(load_image(args, by)?);
        }
        if by.text() && models.text.is_none() {
            models.text = Some(load_text(args, quiet)?);
        }
        Ok(models)
    }

    /// Returns what embeds the rows: these models, or the input's own embeddings without any.
    pub fn embedder(&self) -> Embedder<'_> {
        match (&self.image, &self.text) {
            (Some(image), Some(text)) => Embedder::Both(image.as_ref(), text.as_ref()),
            (Some(image), None) => Embedder::Image(image.as_ref()),
            (None, Some(text)) => Embedder::Text(text.as_ref()),
            (None, None) => Embedder::Provided,
        }
    }
}

/// Loads the model for images: `--image-model`, or `--model` if only images are compared.
fn load_image(args: &ModelArgs, by: CompareBy) -> Result<Box<dyn ImageModel>> {
    let (option, name) = match (&args.image_model, &args.model) {
        (Some(name), _) => ("--image-model", name.as_str()),
        (None, Some(name)) if by == CompareBy::Image => ("--model", name.as_str()),
        _ => ("--image-model", MOBILENET),
    };
    match ModelName::parse(option, name)? {
        ModelName::BuiltInImage => Ok(Box::new(MobileNet::load().map_err(unusable)?)),
        ModelName::Pretrained(source) => {
            let loaded = load_pretrained(&args.pretrained, source, None, Towers::Images)?;
            loaded.image.ok_or_else(|| {
                Error::usage(format!("{option} {source}: reads texts, not images"))
                    .hint("name an image model, such as CLIP, SigLIP or DINOv2; or use --by text")
            })
        }
        ModelName::BuiltInText | ModelName::Server(_) => {
            Err(Error::usage(format!("{option} {name} reads texts, and images are compared"))
                .hint(format!("{MOBILENET} reads images; or use --by text")))
        }
    }
}

/// Loads the model for texts. A server is asked for the dimension of its embeddings.
///
/// # Errors
/// Fails if the model cannot be loaded, reads images, or does not take one of the options.
pub fn load_text(args: &ModelArgs, quiet: bool) -> Result<Box<dyn TextModel>> {
    let name = ModelName::parse("--model", args.model.as_deref().unwrap_or(TEXT))?;
    check_text_options(args, name)?;
    let max_tokens = args.max_tokens.map(|count| count as usize);
    match name {
        ModelName::Pretrained(folder) if name.is_distilled() => {
            Ok(Box::new(StaticModel::open(Path::new(folder), max_tokens).map_err(unusable)?))
        }
        ModelName::Pretrained(source) => {
            let loaded = load_pretrained(&args.pretrained, source, args.max_tokens, Towers::Texts)?;
            loaded.text.ok_or_else(|| {
                Error::usage(format!("--model {source}: reads images, not texts"))
                    .hint("name a text model; `semdedup run --by image` compares images")
            })
        }
        ModelName::BuiltInImage => {
            Err(Error::usage(format!("--model {MOBILENET} reads images, and texts are compared"))
                .hint(format!("{TEXT} reads texts; or use --by image")))
        }
        ModelName::BuiltInText => Ok(Box::new(StaticModel::built_in(max_tokens).map_err(unusable)?)),
        ModelName::Server(address) => Ok(Box::new(connect(&args.server, address, quiet)?)),
    }
}

/// Loads the model that another one learns from.
///
/// # Errors
/// Fails if it cannot be loaded, or reads images.
#[cfg(feature = "transformers")]
pub fn load_teacher(args: &PretrainedArgs, source: &str) -> Result<Box<dyn TextModel>> {
    if source == TEXT || StaticModel::is_in(Path::new(source)) {
        return Err(Error::usage(format!("--teacher {source}: it is a static model itself"))
            .hint("name a transformer, which knows more than a static model can"));
    }
    let loaded = load(source, &load_options(args, None, Towers::Texts))
        .map_err(|error| Error::usage(format!("--teacher: {error}")).hint(error.hint()))?;
    loaded.text.ok_or_else(|| {
        Error::usage(format!("--teacher {source}: reads images, not texts")).hint("name a text model")
    })
}

/// Refuses options that this kind of model does not take.
fn check_text_options(args: &ModelArgs, name: ModelName) -> Result<()> {
    let is_server = matches!(name, ModelName::Server(_));
    let is_pretrained = matches!(name, ModelName::Pretrained(_)) && !name.is_distilled();
    if let Some(option) = args.server.first_given().filter(|_| !is_server) {
        return Err(Error::usage(format!("{option} needs a model behind a server, and --model names none"))
            .hint("name one: --model http://host/v1/embeddings#name"));
    }
    if let Some(option) = args.pretrained.first_given().filter(|_| !is_pretrained) {
        return Err(Error::usage(format!("{option} needs a pretrained model, and --model names none"))
            .hint("name one: --model FOLDER, or --model org/name"));
    }
    if is_server && args.max_tokens.is_some() {
        return Err(Error::usage(
            "--max-tokens has no effect on a model behind a server, which sets its own limit",
        )
        .hint(
            "some servers take a field for it: --server-fields '{\"truncate_prompt_tokens\": 512}' (vLLM)",
        ));
    }
    Ok(())
}

fn unusable(error: ModelError) -> Error {
    Error::usage(format!("--model: {error}")).hint(error.hint())
}

fn load_pretrained(
    args: &PretrainedArgs,
    source: &str,
    max_tokens: Option<u32>,
    towers: Towers,
) -> Result<Loaded> {
    load(source, &load_options(args, max_tokens, towers)).map_err(unusable)
}

fn load_options(args: &PretrainedArgs, max_tokens: Option<u32>, towers: Towers) -> LoadOptions {
    LoadOptions {
        max_tokens: max_tokens.map(|count| count as usize),
        prefix: args.text_prefix.clone(),
        precision: args.precision.map_or(Precision::F32, Precision::from),
        place: args.device.unwrap_or_default(),
        towers,
    }
}

/// Connects to a server and asks it for the dimension of its embeddings.
fn connect(args: &ServerArgs, address: &str, quiet: bool) -> Result<RemoteModel> {
    let mut options = RemoteOptions::new(ServerAddress::parse(address).map_err(unusable)?);
    options.key = ServerKey::find(&options.address, |name| std::env::var(name).ok()).map_err(unusable)?;
    options.key_in_clear = args.server_key_in_clear;
    options.batch = args.server_batch.map_or(options.batch, usize::from);
    options.concurrency = args.server_concurrency.map_or(options.concurrency, usize::from);
    options.timeout =
        args.server_timeout.map_or(options.timeout, |seconds| Duration::from_secs(seconds.into()));
    options.attempts = args.server_attempts.map_or(options.attempts, u32::from);
    options.fields = args.server_fields.clone().unwrap_or_default();
    let pause = move |time: Duration, why: &str| {
        if !quiet && time >= SHORTEST_WARNED_WAIT {
            output::warning(&format!("{why}; trying again in {} s", time.as_secs()));
        }
        std::thread::sleep(time);
    };
    RemoteModel::connect_with(options, Box::new(pause)).map_err(Error::model)
}
