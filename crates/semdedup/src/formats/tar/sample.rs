//! One sample of a shard: the members that a run reads, and the row that they make.

use serde::de::IgnoredAny;

use crate::arrays::row_bytes::npy_row;
use crate::error::Result;
use crate::formats::columns::Columns;
use crate::formats::image_columns::{ANY_IMAGE, is_image, is_usual_image};
use crate::formats::list_path::ListPath;
use crate::formats::loose_json::{self, NO_NUMBERS};
use crate::formats::rows::{RowsBuilder, join, not_utf8};
use crate::formats::tar::archive::TarReader;
use crate::formats::text::json;
use crate::formats::turns;

/// The column of the keys.
pub(crate) const KEY: &str = "__key__";

/// A message lists at most this many members.
const LISTED: usize = 5;

/// The members of a sample, as far as the columns ask for them.
pub(crate) struct Sample {
    pub key: Vec<u8>,
    /// The number of the row in the file.
    pub row: u64,
    /// The extensions of all members so far.
    members: Vec<String>,
    image: Option<SampleImage>,
    /// The text of each column of texts.
    texts: Vec<Option<String>>,
    id: Option<String>,
    vector: Option<Vec<f32>>,
    /// Why the row is a bad row.
    pub problem: Option<String>,
}

/// The image of a sample.
struct SampleImage {
    data: Vec<u8>,
    /// Whether it counts before images with a rare extension.
    is_usual: bool,
    /// Whether another image of the sample may be meant.
    is_unclear: bool,
}

/// The values that a member has for the columns.
struct Uses<'c> {
    /// Whether the member is the image.
    image: bool,
    /// The path of each text in the member; `None` where the text is in another member.
    texts: Vec<Option<&'c str>>,
    /// The path of the id in the member.
    id: Option<&'c str>,
    /// Whether the member is the embedding.
    embedding: bool,
}

impl<'c> Uses<'c> {
    fn of(columns: &'c Columns, extension: &str) -> Self {
        let image = columns.image.as_deref().is_some_and(|wanted| match wanted {
            ANY_IMAGE => is_image(extension),
            wanted => wanted == extension,
        });
        let texts = columns.texts().map(|name| inside(name, extension)).collect();
        let id = columns.id.as_deref().and_then(|name| inside(name, extension));
        let embedding = columns.embedding.as_deref() == Some(extension);
        Self { image, texts, id, embedding }
    }

    fn are_none(&self) -> bool {
        !self.image && !self.embedding && self.texts.iter().all(Option::is_none) && self.id.is_none()
    }
}

impl Sample {
    /// Begins the sample of a key.
    pub fn new(key: &[u8], row: u64, columns: &Columns) -> Self {
        Self {
            row,
            id: (columns.id.as_deref() == Some(KEY)).then(|| String::from_utf8_lossy(key).into_owned()),
            key: key.to_vec(),
            members: Vec::new(),
            image: None,
            texts: vec![None; columns.texts().count()],
            vector: None,
            problem: None,
        }
    }

    /// Takes the current member of the archive, of `size` bytes. Its data is read only if a column
    /// asks for it; a member of more than `limit` bytes makes the row a bad row.
    pub fn take(&mut self, tar: &mut TarReader, member: &SampleMember, columns: &Columns) -> Result<()> {
        let &SampleMember { extension, size, limit } = member;
        if self.members.iter().any(|member| member == extension) {
            self.problem = Some(format!("the sample `{}` has two members `{extension}`", shown(&self.key)));
            return Ok(());
        }
        self.members.push(extension.to_owned());
        let uses = Uses::of(columns, extension);
        if uses.are_none() {
            return Ok(());
        }
        if size > limit as u64 {
            let problem = format!(
                "member `{extension}` of {size} bytes is over the limit of {limit} (--max-row-bytes)"
            );
            self.problem = Some(problem);
            return Ok(());
        }
        let mut data = Vec::new();
        tar.read(&mut data)?;
        let values = self.texts.iter_mut().zip(uses.texts).chain([(&mut self.id, uses.id)]);
        for (value, path) in values {
            let Some(path) = path else { continue };
            match text_of(&data, path, &columns.roles) {
                Ok(found) => *value = found,
                Err(problem) => self.problem = Some(format!("member `{extension}`: {problem}")),
            }
        }
        if uses.embedding {
            match npy_row(data) {
                Ok(vector) => self.vector = Some(vector),
                Err(problem) => self.problem = Some(format!("member `{extension}` {problem}")),
            }
        } else if uses.image {
            self.take_image(data, is_usual_image(extension));
        }
        Ok(())
    }

    fn has_usual_image(&self) -> bool {
        self.members.iter().any(|member| is_usual_image(member))
    }

    /// Takes an image. One with a rare extension counts only if there is none with a usual one.
    fn take_image(&mut self, data: Vec<u8>, is_usual: bool) {
        match &mut self.image {
            Some(image) if image.is_usual && !is_usual => {}
            Some(image) if image.is_usual == is_usual => {
                image.is_unclear = true;
            }
            image => *image = Some(SampleImage { data, is_usual, is_unclear: false }),
        }
    }

    /// Returns the member that is no image although it is alone: in other samples it stands beside the
    /// image.
    fn mask_alone(&self, columns: &Columns) -> Option<&String> {
        if columns.image.as_deref() != Some(ANY_IMAGE) || self.has_usual_image() {
            return None;
        }
        self.members.iter().find(|member| columns.beside_image.contains(member))
    }

    /// Returns why the row is a bad row, if it is.
    fn problem_in(&self, columns: &Columns) -> Option<String> {
        let mask = self.mask_alone(columns);
        match &self.image {
            _ if self.problem.is_some() => self.problem.clone(),
            Some(image) if image.is_unclear => Some(format!(
                "the sample `{}` has several images: {}; keys end at the first dot of a name; \
                 --image-column names one of several",
                shown(&self.key),
                listed(&self.members, is_image)
            )),
            Some(_) if mask.is_some() => mask.map(|mask| {
                let members = listed(&self.members, |_| true);
                format!(
                    "no image in the sample: `{mask}` stands beside the image in others; its members are {members}; \
                     --image-column {mask} compares it"
                )
            }),
            None if columns.image.is_some() => {
                Some(format!("no image in the sample; its members are {}", listed(&self.members, |_| true)))
            }
            _ if columns.embedding.is_some() && self.vector.is_none() => {
                let name = columns.embedding.as_deref().unwrap_or_default();
                let members = listed(&self.members, |_| true);
                Some(format!("no member `{name}` in the sample; its members are {members}"))
            }
            _ => None,
        }
    }

    /// Appends the sample as a row.
    pub fn push_to(self, rows: &mut RowsBuilder, columns: &Columns) {
        match (self.problem_in(columns), self.image) {
            (Some(problem), _) => rows.push_bad(problem),
            (None, image) => {
                self.vector.iter().for_each(|vector| rows.push_vector(vector));
                rows.push_image(image.as_ref().map_or(&[], |image| &image.data));
                let mut text = String::new();
                self.texts.iter().flatten().for_each(|more| join(&mut text, more));
                rows.push(&text, self.id.as_deref());
            }
        }
    }
}

/// Returns a key as messages show it.
pub(crate) fn shown(key: &[u8]) -> String {
    String::from_utf8_lossy(key).escape_debug().to_string()
}

/// Lists the first members of a kind.
fn listed(members: &[String], is_listed: impl Fn(&str) -> bool) -> String {
    let members: Vec<&String> = members.iter().filter(|member| is_listed(member)).collect();
    let listed = members.iter().take(LISTED).map(|member| member.as_str()).collect::<Vec<_>>().join(", ");
    match members.len() {
        count if count > LISTED => format!("{listed} and {} more", count - LISTED),
        _ => listed,
    }
}

/// The current member of the archive, as a part of a sample.
pub(crate) struct SampleMember<'a> {
    pub extension: &'a str,
    /// The size of its data in bytes.
    pub size: u64,
    /// The largest size that is read, in bytes.
    pub limit: usize,
}

/// Returns the path of a column in a member: `txt` is the whole of `txt`, with an empty path, and
/// `json.a.b` is `a.b` in `json`. `None` if the column is in another member.
fn inside<'a>(column: &'a str, extension: &str) -> Option<&'a str> {
    match column.strip_prefix(extension)? {
        "" => Some(""),
        rest => rest.strip_prefix('.'),
    }
}

/// Returns the text of a member, or of a field of it; `None` where there is no such field. The text
/// of a list of turns is that of the turns in some roles.
fn text_of(data: &[u8], path: &str, roles: &[String]) -> std::result::Result<Option<String>, String> {
    let text = std::str::from_utf8(data).map_err(|error| not_utf8(&error))?;
    if path.is_empty() {
        return Ok(Some(text.to_owned()));
    }
    if !text.trim_start().starts_with('{') {
        let valid = loose_json::from_str::<IgnoredAny>(text);
        return valid.map(|_| None).map_err(|error| format!("is not JSON: {error}"));
    }
    loose_json::read_row(text, |row| {
        if let Some(token) = json::token_of(row.strict, path)? {
            return text_of_token(token, row.original(token), path, roles);
        }
        let Some(list) = ListPath::of(path) else { return Ok(None) };
        let Some(token) = json::token_of(row.strict, list.column)? else { return Ok(None) };
        let value = loose_json::from_str(token).map_err(|error| format!("`{path}`: {error}"))?;
        let mut texts = String::new();
        let read = list.each_text(&value, &mut |text| join(&mut texts, text));
        read.map(|()| Some(texts)).map_err(|problem| format!("`{path}` {problem}"))
    })
}

/// Returns the text of a token of JSON, which is also given as it is in the member.
fn text_of_token(
    token: &str,
    original: &str,
    path: &str,
    roles: &[String],
) -> std::result::Result<Option<String>, String> {
    match token.as_bytes().first() {
        Some(b'"') => loose_json::from_str(token).map(Some).map_err(|error| format!("`{path}`: {error}")),
        Some(b'[') if turns::is_turns(token) => {
            turns::text_of_json(token, roles).map(Some).map_err(|problem| format!("`{path}` {problem}"))
        }
        // A chat without turns says as little as null.
        Some(b'[') if token[1..].trim_start().starts_with(']') => Ok(None),
        Some(b'[' | b'{') => Err(format!("`{path}` is a list or an object, not a string")),
        // A caption or an id that is NaN is missing, as one that is null.
        _ if original == NO_NUMBERS[0] => Ok(None),
        // A number stays as it is written: floating point would drop digits that tell ids apart.
        _ => Ok(Some(original.to_owned())),
    }
}
