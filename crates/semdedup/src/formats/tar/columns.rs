//! The columns of a shard: the members that its samples have.

use crate::error::{Error, Result};
use crate::formats::columns::{ColumnChoice, Columns, Found};
use crate::formats::file::{CompareBy, InputFile};
use crate::formats::image_columns::ANY_IMAGE;
use crate::formats::tar::samples;

/// How many samples of a shard are looked at to know its members.
pub(crate) const SAMPLES: usize = 100;

/// The columns of a shard: what follows the first dot of its members' names, with fields of JSON behind another dot.
pub(crate) fn sample_columns(file: &InputFile, choice: &ColumnChoice, by: CompareBy) -> Result<Columns> {
    let extensions = samples::extensions(file, SAMPLES)?;
    let column = |name: &String| {
        let is = |extension: &String| {
            name.strip_prefix(extension.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if extensions.is_empty() || extensions.iter().any(is) || name == samples::KEY {
            return Ok(name.clone());
        }
        let problem = format!("no member `{name}`; members are {}", extensions.join(", "));
        Err(Error::input(&file.path, problem)
            .hint("a member of `a/b.left.jpg` is `left.jpg`; fields of JSON are `json.name`"))
    };
    if choice.embedding.is_some() {
        return Err(Error::input(&file.path, "a tar archive has no column of embeddings")
            .hint("name files of embeddings with --embeddings"));
    }
    let mut texts = match &choice.text {
        Some(name) => match column(name) {
            Err(_) if name.contains(',') => {
                name.split(',').map(|name| column(&name.trim().to_owned())).collect::<Result<Vec<_>>>()?
            }
            found => vec![found?],
        },
        // A shard without samples has any member, as far as can be told.
        None if extensions.is_empty() => vec!["txt".to_owned()],
        None => extensions.iter().filter(|name| *name == "txt").cloned().collect(),
    }
    .into_iter();
    let (text, joined) = (texts.next(), texts.collect());
    let found = if choice.text.is_some() { Found::Asked } else { Found::Text };
    if text.is_none() && by.text() && !choice.text_optional {
        let problem = format!("no member `txt` with texts; members are {}", extensions.join(", "));
        return Err(Error::input(&file.path, problem)
            .hint("name the texts with --text-column, such as `json.caption`"));
    }
    let image = match &choice.image {
        Some(name) if name != ANY_IMAGE => Some(column(name)?),
        _ => Some(ANY_IMAGE.to_owned()),
    };
    let image = image.filter(|_| by.image() && !choice.text_optional);
    let id = choice.id.as_ref().map(column).transpose()?;
    Ok(Columns { text, id, image, joined, found, ..Columns::default() })
}
