//! Settles the columns of a shard: the members of its samples.

use crate::error::{Error, Result};
use crate::formats::columns::{ColumnChoice, Columns, Found};
use crate::formats::embedding_form::EmbeddingForm;
use crate::formats::file::{CompareBy, InputFile};
use crate::formats::image_columns::ANY_IMAGE;
use crate::formats::list_path::ListPath;
use crate::formats::tar::first_members::{FirstMembers, first_members};
use crate::formats::tar::sample::KEY;

/// The number of samples that tell which members a shard has.
pub(crate) const SAMPLES: usize = 100;

/// Returns the columns of a shard. A column is the extension of a member, or a field of a JSON
/// member behind another dot (`json.caption`).
///
/// # Errors
/// A member that is asked for but not there; embeddings that are no `.npy` members; texts that are
/// compared but not there.
pub(crate) fn sample_columns(file: &InputFile, choice: &ColumnChoice, by: CompareBy) -> Result<Columns> {
    let FirstMembers { extensions, mut beside_image } = first_members(file, SAMPLES)?;
    let members = Extensions { file, extensions };
    let embedding = choice.embedding.as_deref().map(|name| members.embedding(name, choice)).transpose()?;
    let embedding_form = if embedding.is_some() { EmbeddingForm::Npy } else { EmbeddingForm::default() };
    let mut texts = members.texts(choice.text.as_deref())?.into_iter();
    let (text, joined) = (texts.next(), texts.collect());
    let found = if choice.text.is_some() { Found::Asked } else { Found::Text };
    if text.is_none() && by.text() && !choice.text_optional {
        let problem = format!("no member `txt` with texts; members are {}", members.extensions.join(", "));
        return Err(Error::input(&file.path, problem)
            .hint("name the texts with --text-column, such as `json.caption`"));
    }
    let image = match &choice.image {
        Some(name) if name != ANY_IMAGE => Some(members.image(name)?),
        _ => Some(ANY_IMAGE.to_owned()),
    };
    let image = image.filter(|_| by.image() && !choice.text_optional);
    let id = choice.id.as_deref().map(|name| members.column(name)).transpose()?;
    beside_image.retain(|_| image.as_deref() == Some(ANY_IMAGE));
    let columns = Columns { text, id, embedding, embedding_form, image, joined, found, ..Columns::default() };
    Ok(Columns { beside_image, ..columns })
}

/// The extension of members that hold arrays of numpy.
const NPY: &str = "npy";

/// The extensions of the members that the first samples of a shard have.
struct Extensions<'a> {
    file: &'a InputFile,
    extensions: Vec<String>,
}

impl Extensions<'_> {
    /// Returns a column, if a member has it.
    fn column(&self, name: &str) -> Result<String> {
        let is = |extension: &String| {
            name.strip_prefix(extension.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if self.extensions.is_empty() || self.extensions.iter().any(is) || name == KEY {
            return Ok(name.to_owned());
        }
        Err(self.missing(name))
    }

    /// Returns the member that is the image.
    fn image(&self, name: &str) -> Result<String> {
        self.column(name).map_err(|error| match ListPath::of(name) {
            Some(_) => {
                let members = self.extensions.join(", ");
                let problem =
                    format!("`{name}` names an element of a list, and shards have members: {members}");
                Error::input(&self.file.path, problem)
                    .hint("name the member that is the image, such as --image-column jpg")
            }
            None => error,
        })
    }

    /// The error for a member that the shard does not have.
    fn missing(&self, name: &str) -> Error {
        let problem = format!("no member `{name}`; members are {}", self.extensions.join(", "));
        Error::input(&self.file.path, problem)
            .hint("a member of `a/b.left.jpg` is `left.jpg`; fields of JSON are `json.name`")
    }

    /// Returns the column of the embeddings: the extension of `.npy` members.
    fn embedding(&self, name: &str, choice: &ColumnChoice) -> Result<String> {
        if name != NPY && !name.ends_with(&format!(".{NPY}")) {
            let members = self.extensions.join(", ");
            let problem = format!("`{name}` is no .npy member with an embedding; members are {members}");
            return Err(Error::input(&self.file.path, problem).hint(
                "name .npy members, such as --embedding-column npy or emb.npy, or files of embeddings with --embeddings",
            ));
        }
        if let Some(float) = choice.embedding_type {
            let problem = format!("--dtype {}: an .npy member says what its numbers are", float.name());
            return Err(Error::input(&self.file.path, problem).hint("leave out --dtype"));
        }
        let is_there = self.extensions.is_empty() || self.extensions.iter().any(|member| member == name);
        if is_there { Ok(name.to_owned()) } else { Err(self.missing(name)) }
    }

    /// Returns the columns of the texts: those that are asked for, or else `txt`.
    fn texts(&self, asked: Option<&str>) -> Result<Vec<String>> {
        match asked {
            Some(name) => match self.column(name) {
                Err(_) if name.contains(',') => {
                    name.split(',').map(|name| self.column(name.trim())).collect()
                }
                found => Ok(vec![found?]),
            },
            // A shard without samples may have any member.
            None if self.extensions.is_empty() => Ok(vec!["txt".to_owned()]),
            None => Ok(self.extensions.iter().filter(|name| *name == "txt").cloned().collect()),
        }
    }
}
