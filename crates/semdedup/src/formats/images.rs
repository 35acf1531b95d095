//! Which columns hold images: of shards, of folders, of Parquet and of Arrow.

use arrow::array::{Array, ArrayRef, AsArray, LargeBinaryArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use crate::error::{Error, Result};
use crate::formats::columns::{ColumnChoice, Columns, Found};
use crate::formats::file::{CompareBy, Format, InputFile};
use crate::formats::schema::{Table, Wanted};
use crate::formats::{binary, samples, tree};

/// How many samples of a shard are looked at to know its members.
const SAMPLES: usize = 100;

/// The column of a sample's only image, or of a file that is one.
pub(super) const ANY_IMAGE: &str = "image";

/// Whether files with this extension (lower case; of `left.jpg` the last part counts) are images that can be read.
pub(super) fn is_image(extension: &str) -> bool {
    let last = extension.rsplit('.').next().unwrap_or_default();
    matches!(last, "jpg" | "jpeg" | "png" | "webp" | "gif" | "bmp" | "tif" | "tiff")
}

/// Whether the values of a column of this type can be images: bytes, or a struct with `bytes` as Hugging Face writes it.
pub(super) fn is_image_type(kind: &DataType) -> bool {
    let is_bytes = |kind: &DataType| binary::is_binary(kind) && !matches!(kind, DataType::FixedSizeBinary(_));
    match kind {
        DataType::Struct(fields) => {
            fields.iter().any(|field| field.name() == "bytes" && is_bytes(field.data_type()))
        }
        kind => is_bytes(kind),
    }
}

/// What of a row is compared: what was asked for, else the images where the first file has images and no texts, or is a
/// folder or a shard of images, else the texts.
///
/// # Errors
/// A file whose columns cannot be read, and a first file that has images beside texts: it is not clear which are to be compared.
pub fn rows_by(files: &[InputFile], choice: &ColumnChoice) -> Result<CompareBy> {
    let named = match (choice.by, &choice.image, &choice.text) {
        (Some(by), ..) => Some(by),
        (None, Some(_), Some(_)) => Some(CompareBy::Both),
        (None, Some(_), None) => Some(CompareBy::Image),
        (None, None, Some(_)) => Some(CompareBy::Text),
        (None, None, None) => None,
    };
    if let Some(named) = named {
        return Ok(named);
    }
    for file in files {
        if let Some(has_images) = has_images(file, choice)? {
            return Ok(if has_images { CompareBy::Image } else { CompareBy::Text });
        }
    }
    Ok(CompareBy::default())
}

/// Whether a file is one of images; none for a shard without samples, which says nothing.
fn has_images(file: &InputFile, choice: &ColumnChoice) -> Result<Option<bool>> {
    Ok(Some(match file.format {
        Format::Tree => true,
        Format::Tar => {
            let extensions = samples::extensions(file, SAMPLES)?;
            if extensions.is_empty() {
                return Ok(None);
            }
            extensions.iter().any(|extension| is_image(extension))
        }
        Format::Parquet | Format::Arrow => {
            let wanted = Wanted { text: None, id: choice.id.as_deref(), embedding: None };
            let Some(table) = Table::of(file, &wanted)? else { return Ok(Some(false)) };
            return table.is_of_images(&wanted, choice.text_optional);
        }
        _ => false,
    }))
}

/// The columns of a shard: what follows the first dot of its members' names, with fields of JSON behind another dot.
pub(super) fn sample_columns(file: &InputFile, choice: &ColumnChoice, by: CompareBy) -> Result<Columns> {
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

/// The columns of a folder of images: `image`, and `path`, which names the rows where nothing else does.
pub(super) fn file_columns(
    file: &InputFile,
    choice: &ColumnChoice,
    (by, only_trees): (CompareBy, bool),
) -> Result<Columns> {
    let given = choice.text_optional;
    let wrong = [(&choice.text, "text"), (&choice.embedding, "embedding")];
    if let Some((Some(name), what)) = wrong.into_iter().find(|(name, _)| name.is_some()) {
        let problem = format!("no {what} column `{name}`: this is a folder of images");
        return Err(Error::input(&file.path, problem).hint(format!("leave out --{what}-column")));
    }
    if by.text() && !given {
        return Err(Error::input(&file.path, "this is a folder of images, which have no texts")
            .hint("use --by image"));
    }
    let checked = |chosen: &Option<String>, known: &str| match chosen {
        Some(name) if name != known => Err(Error::input(
            &file.path,
            format!("no column `{name}`: a folder of images has `{ANY_IMAGE}` and `{}`", tree::PATH),
        )),
        _ => Ok(()),
    };
    checked(&choice.image, ANY_IMAGE)?;
    checked(&choice.id, tree::PATH)?;
    let id = (choice.id.is_some() || only_trees).then(|| tree::PATH.to_owned());
    Ok(Columns { id, image: (!given).then(|| ANY_IMAGE.to_owned()), ..Columns::default() })
}

pub(super) fn no_images(file: &InputFile) -> Error {
    Error::input(&file.path, "this format has no images")
        .hint("images come in folders, in WebDataset shards (.tar) and in columns of Parquet and Arrow")
}

/// A column of images as bytes; `bad` is told of rows that have none.
pub(super) fn images_of(
    column: &ArrayRef,
    bad: &mut dyn FnMut(usize, &str),
) -> std::result::Result<LargeBinaryArray, ArrowError> {
    let bytes = match column.as_struct_opt() {
        Some(parts) => parts.column_by_name("bytes").unwrap_or(column),
        None => column,
    };
    let images = binary::values_of(bytes)?;
    // A value below a null struct is not to be relied on.
    let nulls = NullBuffer::union(images.nulls(), column.nulls());
    let (offsets, values, _) = images.into_parts();
    let images = LargeBinaryArray::try_new(offsets, values, nulls)?;
    for row in (0..images.len()).filter(|&row| images.is_null(row)) {
        bad(row, if column.is_null(row) { "is null" } else { "has no bytes" });
    }
    Ok(images)
}
