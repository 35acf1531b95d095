//! Looks into columns of bytes. Their type does not tell whether they hold texts, images or
//! something else, but their values do. Spark's `binaryAsString`, Druid, Pinot and old Hive write
//! texts as bytes.

use arrow_array::Array;
use semdedup_embed::looks_like_image;

use crate::error::{Error, Result};
use crate::formats::columns::{Column, Columns, Found};
use crate::formats::file::{InputFile, ReadLimits};
use crate::formats::read::Reader;

/// At most this many values of a column are looked at, without nulls and empty values…
const SAMPLES: usize = 20;

/// …in at most this many chunks of the file.
const MAX_CHUNKS: usize = 32;

/// The content of the first values of a column of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BytesContent {
    /// All of them are texts in UTF-8.
    Texts,
    /// Some of them begin as images do.
    Images,
    /// Something else.
    Other,
    /// There is no value to look at.
    Nothing,
}

/// Whether a column of bytes holds texts, judged by its first values.
pub(crate) fn holds_texts(file: &InputFile, column: &Column) -> Result<bool> {
    Ok(look(file, &column.name)? == BytesContent::Texts)
}

/// Whether the first values of a column of bytes are texts, or there are none to look at.
pub(crate) fn may_hold_texts(file: &InputFile, column: &Column) -> Result<bool> {
    Ok(matches!(look(file, &column.name)?, BytesContent::Texts | BytesContent::Nothing))
}

/// Fails where a column of bytes holds no texts. A column that the user asked for may hold anything
/// but images: its values that are not UTF-8 are bad rows.
pub(crate) fn check_text(file: &InputFile, column: &Column, found: Found) -> Result<()> {
    let name = &column.name;
    let kind = column.kind.as_deref().unwrap_or("binary");
    match look(file, name)? {
        BytesContent::Texts | BytesContent::Nothing => Ok(()),
        BytesContent::Other if found == Found::Asked => Ok(()),
        BytesContent::Other => {
            let problem = format!("column `{name}` is {kind}, and its first values are not all UTF-8");
            Err(Error::input(&file.path, problem).hint(format!(
                "--text-column {name} takes it as UTF-8 and skips the rows that are not; or choose another column"
            )))
        }
        BytesContent::Images => {
            let problem = format!("column `{name}` is {kind} and holds images, not texts");
            Err(Error::input(&file.path, problem)
                .hint("choose another with --text-column, or use --by image"))
        }
    }
}

/// Whether a column holds images, if its type allows them; `None` where there is no value to tell.
pub(crate) fn holds_images(file: &InputFile, column: &Column) -> Result<Option<bool>> {
    Ok(match look(file, &column.name)? {
        BytesContent::Images => Some(true),
        // A struct with bytes is for images or sounds, even if their bytes are elsewhere.
        BytesContent::Nothing => (!column.is_binary).then_some(true),
        BytesContent::Texts | BytesContent::Other => Some(false),
    })
}

/// Whether the values of a column of images are texts.
pub(crate) fn are_texts(file: &InputFile, images: &Columns) -> Result<bool> {
    Ok(look_at(file, images)? == BytesContent::Texts)
}

/// Whether one of the first rows has no bytes in a column of images.
pub(crate) fn lacks_images(file: &InputFile, columns: &Columns) -> Result<bool> {
    let mut reader = Reader::open(file, columns, &ReadLimits::default(), 0)?;
    let Some(chunk) = reader.next_chunk()? else { return Ok(false) };
    let images = chunk.parse(columns)?.images;
    Ok(images.is_some_and(|images| images.null_count() > 0))
}

/// Returns the first values of a column of bytes that are not empty, until they have `wanted` bytes
/// together. The list is empty if all of the first values are empty.
pub(crate) fn first_bytes(file: &InputFile, column: &str, wanted: usize) -> Result<Vec<Vec<u8>>> {
    let columns = Columns { image: Some(column.to_owned()), ..Columns::default() };
    let mut reader = Reader::open(file, &columns, &ReadLimits::default(), 0)?;
    let (mut first, mut bytes) = (Vec::new(), 0);
    for _ in 0..MAX_CHUNKS {
        let Some(chunk) = reader.next_chunk()? else { break };
        let values = chunk.parse(&columns)?.images;
        for value in values.iter().flatten().flatten().filter(|value| !value.is_empty()) {
            first.push(value.to_vec());
            bytes += value.len();
            if bytes >= wanted {
                return Ok(first);
            }
        }
    }
    Ok(first)
}

/// Looks at the first values of a column.
fn look(file: &InputFile, column: &str) -> Result<BytesContent> {
    look_at(file, &Columns { image: Some(column.to_owned()), ..Columns::default() })
}

/// Looks at the first images, which may be any bytes.
fn look_at(file: &InputFile, columns: &Columns) -> Result<BytesContent> {
    let mut reader = Reader::open(file, columns, &ReadLimits::default(), 0)?;
    let (mut seen, mut texts, mut images) = (0, 0, 0);
    for _ in 0..MAX_CHUNKS {
        let Some(chunk) = reader.next_chunk()? else { break };
        let values = chunk.parse(columns)?.images;
        let values = values.iter().flatten().flatten().filter(|value| !value.is_empty());
        for value in values.take(SAMPLES - seen) {
            seen += 1;
            if is_text(value) {
                texts += 1;
            } else if looks_like_image(value) {
                images += 1;
            }
        }
        if seen == SAMPLES {
            break;
        }
    }
    Ok(match () {
        () if seen == 0 => BytesContent::Nothing,
        () if images > 0 => BytesContent::Images,
        () if texts == seen => BytesContent::Texts,
        () => BytesContent::Other,
    })
}

/// Whether a value is a text. No image file is valid UTF-8 without a zero byte, but a text may
/// begin with the two letters of a BMP.
fn is_text(value: &[u8]) -> bool {
    !value.contains(&0) && std::str::from_utf8(value).is_ok()
}
