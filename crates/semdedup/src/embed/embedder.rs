//! Says where the embeddings of rows come from: from models of texts and images, or from the input.

use semdedup_embed::{ImageModel, TextLimit, TextModel};

use crate::error::{Error, ErrorKind, Result};
use crate::formats::{CompareBy, Format};
use crate::input::find::Input;
use crate::input::provided::ProvidedEmbeddings;
use crate::workdir::fingerprint::Fingerprint;

/// The origin of the embeddings of rows.
#[derive(Clone, Copy)]
pub enum Embedder<'a> {
    /// A model reads the texts.
    Text(&'a dyn TextModel),
    /// A model reads the images.
    Image(&'a dyn ImageModel),
    /// One model reads the images and one the texts. The similarity of two rows is the mean of
    /// both.
    Both(&'a dyn ImageModel, &'a dyn TextModel),
    /// The input has them, in a column ([`crate::formats::ColumnChoice::embedding`]) or in files
    /// beside it ([`crate::InputOptions::embeddings`]).
    Provided,
}

impl Embedder<'_> {
    /// Returns which content of the rows the models read, or none if the input has embeddings.
    fn by(self) -> Option<CompareBy> {
        match self {
            Self::Text(_) => Some(CompareBy::Text),
            Self::Image(_) => Some(CompareBy::Image),
            Self::Both(..) => Some(CompareBy::Both),
            Self::Provided => None,
        }
    }

    /// Fails unless either the input has embeddings or a model makes them, and unless the model
    /// reads the content that is compared.
    pub(crate) fn check(self, input: &Input) -> Result<()> {
        match (self.by(), &input.given) {
            (None, Some(_)) => Ok(()),
            (Some(by), None) if by == input.by => Ok(()),
            (Some(_), None) => {
                let problem =
                    format!("rows are compared by {}, and the model reads other things", input.by.name());
                Err(Error::usage(problem).hint("give a model that reads what is compared"))
            }
            (Some(_), Some(_)) => {
                Err(Error::new(ErrorKind::Usage, "the input has embeddings, a model would make others")
                    .hint("give a model or embeddings, not both"))
            }
            (None, None) => Err(Error::new(ErrorKind::Usage, "neither a model nor embeddings are given")
                .hint("name a column or files of embeddings")),
        }
    }

    /// Returns the name for reports.
    pub(crate) fn name(self, input: &Input) -> String {
        match (self, &input.given) {
            (Self::Text(model), _) => model.name().to_owned(),
            (Self::Image(model), _) => model.name().to_owned(),
            (Self::Both(image, text), _) => format!("{} and {}", image.name(), text.name()),
            (Self::Provided, Some(ProvidedEmbeddings::Column { name, .. })) => column_name(name, input),
            (Self::Provided, _) => "embeddings in files".to_owned(),
        }
    }

    /// Returns who decides how much of a long text is read.
    pub fn text_limit(self) -> TextLimit {
        match self {
            Self::Text(model) | Self::Both(_, model) => model.text_limit(),
            Self::Image(_) | Self::Provided => TextLimit::default(),
        }
    }

    /// The number of values of an embedding.
    pub(crate) fn dim(self, input: &Input) -> usize {
        match self {
            Self::Text(model) => model.dim(),
            Self::Image(model) => model.dim(),
            Self::Both(image, text) => image.dim() + text.dim(),
            Self::Provided => input.given.as_ref().map_or(1, ProvidedEmbeddings::dim),
        }
    }

    /// Returns the fingerprint of the models; none for provided embeddings.
    pub(crate) fn model(self) -> Option<String> {
        self.by().map(|_| self.fingerprint())
    }

    /// Returns a text that changes whenever the embeddings may change. Provided embeddings are part
    /// of the fingerprint of the input.
    pub(crate) fn fingerprint(self) -> String {
        match self {
            Self::Text(model) => model.fingerprint(),
            Self::Image(model) => model.fingerprint(),
            Self::Both(image, text) => format!("both {} {}", image.fingerprint(), text.fingerprint()),
            Self::Provided => "given".to_owned(),
        }
    }
}

/// Describes the column of the embeddings, and what it holds where that is not lists.
fn column_name(name: &str, input: &Input) -> String {
    let mut forms: Vec<String> = Vec::new();
    for (file, columns) in input.files.iter().zip(&input.columns) {
        let form = match file.format {
            Format::Tar => "members".to_owned(),
            _ => columns.embedding_form.to_string(),
        };
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    match forms.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] | ["lists"] => format!("column {name}"),
        ["members"] => format!("member {name}"),
        _ => format!("column {name} of {}", forms.join(" and ")),
    }
}

/// Returns the fingerprint of the embedding stage.
pub(crate) fn embed_fingerprint(input: &Input, embedder: Embedder) -> Result<Fingerprint> {
    Fingerprint::of(&("embed", input, embedder.fingerprint()), None)
}
