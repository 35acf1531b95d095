//! Tells by the content of a file whether it is about the images beside it: their names are in a
//! column, or the file is one object of labels.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::Array;
use arrow_cast::display::array_value_to_string;
use arrow_schema::DataType;
use serde_json::Value;

use crate::error::Result;
use crate::formats::arrow::types;
use crate::formats::choose::table::names_of;
use crate::formats::columns::Columns;
use crate::formats::discover::asked::Asked;
use crate::formats::discover::file_names::{extension, file_name, stem};
use crate::formats::discover::found_file::FoundFile;
use crate::formats::discover::one_object::{Beginning, OBJECT_BYTES, is_one_object};
use crate::formats::discover::pictures::Pictures;
use crate::formats::file::{Format, InputFile, ReadLimits};
use crate::formats::image_columns::is_image;
use crate::formats::loose_json;
use crate::formats::read::Reader;
use crate::formats::text::split::Splitter;

/// At most this many rows are searched for names.
const ROWS: usize = 100;
/// At most this many columns are searched for names.
const COLUMNS: usize = 64;
/// A name has at most this many bytes.
const MOST_NAME_BYTES: usize = 1024;
/// A caption has at most this many bytes; labels may have more.
const CAPTION_BYTES: u64 = 16 << 10;
/// A caption has at most this many lines.
const CAPTION_LINES: usize = 32;
/// A list of boxes of one image has at most this many bytes.
const SHORT_BYTES: u64 = 256 << 10;
/// Parts of the names of files in the COCO format.
const COCO: [&str; 5] = ["annotations", "instances_", "captions_", "person_keypoints_", "coco"];

/// A value of a row.
struct Cell {
    row: usize,
    column: String,
    value: String,
}

/// Whether the rows of a file, or its one object, name the images. A file that cannot be read does
/// not.
pub(crate) fn is_about(found: &FoundFile, pictures: &Pictures) -> bool {
    if found.file.bytes == 0 {
        return true;
    }
    let mut found = FoundFile { file: found.file.clone(), name: found.name.clone() };
    if found.sniff_format(&Asked::default()).is_err() {
        return false;
    }
    let cells = match found.file.format {
        Format::Jsonl if is_one_object(&found.file) => return is_object_about(&found, pictures),
        Format::Jsonl | Format::JsonArray => json_cells(&found.file),
        Format::Text => line_cells(&found.file),
        Format::Csv { .. } => table_cells(&found.file),
        format if format.rows().has_schema() => table_cells(&found.file),
        _ => return false,
    };
    cells.is_ok_and(|cells| name_images(&found, &cells, pictures))
}

/// Whether a column of these rows names the images. Some of the named images may be missing: people
/// download parts of large tables.
fn name_images(found: &FoundFile, cells: &[Cell], pictures: &Pictures) -> bool {
    let rows = cells.iter().map(|cell| cell.row).collect::<BTreeSet<_>>().len();
    let mut columns: BTreeMap<&str, Vec<(usize, &str)>> = BTreeMap::new();
    for Cell { row, column, value } in cells {
        columns.entry(column).or_default().push((*row, value));
    }
    let is_metadata = file_name(stem(&found.name)).eq_ignore_ascii_case("metadata");
    columns.iter().any(|(column, values)| {
        let rows_with = |is: &dyn Fn(&str) -> bool| {
            let picked = values.iter().filter(|(_, value)| is(value));
            let rows: BTreeSet<usize> = picked.clone().map(|(row, _)| *row).collect();
            let distinct: BTreeSet<&str> = picked.map(|(_, value)| *value).collect();
            (rows.len(), distinct.len())
        };
        let (images, distinct) = rows_with(&is_image_name);
        if rows > 0 && 2 * images >= rows {
            // Rows that all name the same picture (a logo) are not about it.
            let is_there = rows_with(&|value| is_image_name(value) && pictures.has_name(value)).0 > 0;
            if is_there && 10 * distinct >= rows || is_metadata && column.ends_with("file_name") {
                return true;
            }
        }
        // Ids that are names of images have to be distinct; otherwise they are classes.
        let (ids, _) = rows_with(&|value| pictures.has_stem(value));
        let (filled, distinct) = rows_with(&|_| true);
        // A table of the images has no more rows than there are images.
        ids >= 2 && 2 * ids >= rows && distinct == filled && rows <= pictures.len()
    })
}

fn is_image_name(value: &str) -> bool {
    is_image(&extension(value)) && !value.contains("://")
}

/// Whether the one object of a file names images, or is in the COCO format.
fn is_object_about(found: &FoundFile, pictures: &Pictures) -> bool {
    let Ok(Beginning { bytes, .. }) = Beginning::of(&found.file, OBJECT_BYTES) else { return false };
    let text = String::from_utf8_lossy(&bytes);
    let name = file_name(&found.name).to_ascii_lowercase();
    let is_coco = COCO.iter().any(|known| name.contains(known))
        && ["\"images\"", "\"image_id\""].iter().any(|key| text.contains(key));
    is_coco || text.split('"').any(|part| is_image_name(part) && pictures.has_name(part))
}

pub(crate) fn is_short(file: &InputFile) -> bool {
    file.bytes <= SHORT_BYTES
}

/// Whether a text is as short as a caption, or has the lines of numbers that labels have.
pub(crate) fn is_caption(file: &InputFile) -> bool {
    let Ok(Beginning { bytes, is_whole }) = Beginning::of(file, CAPTION_BYTES) else { return false };
    let text = String::from_utf8_lossy(&bytes);
    let lines = || text.lines().filter(|line| !line.trim().is_empty());
    let is_label =
        |line: &&str| line.split([' ', '\t', ',']).filter(|word| word.parse::<f64>().is_ok()).count() >= 4;
    is_whole && lines().count() <= CAPTION_LINES || lines().skip(1).all(|line| is_label(&line))
}

/// Calls `each` with the numbers and the bytes of the first rows of a file.
fn first_rows(file: &InputFile, mut each: impl FnMut(usize, &[u8])) -> Result<()> {
    let limits = ReadLimits::default();
    let mut splitter = Splitter::open(file, &limits)?;
    let mut row = 0;
    while row < ROWS
        && let Some(mut records) = splitter.next_records()?
    {
        records.spans.truncate(ROWS - row);
        records.for_each(limits.max_row_bytes, |line| {
            if let Ok(line) = line {
                each(row, line);
            }
            row += 1;
        });
    }
    Ok(())
}

/// Returns the strings and numbers of JSON rows, by their paths.
fn json_cells(file: &InputFile) -> Result<Vec<Cell>> {
    fn add(value: &Value, column: &str, row: usize, cells: &mut Vec<Cell>) {
        let mut push = |value: &str| {
            if value.len() <= MOST_NAME_BYTES {
                cells.push(Cell { row, column: column.to_owned(), value: value.to_owned() });
            }
        };
        match value {
            Value::String(value) => push(value),
            Value::Number(value) => push(&value.to_string()),
            Value::Array(values) => {
                values.iter().take(COLUMNS).for_each(|value| add(value, &format!("{column}[]"), row, cells));
            }
            Value::Object(fields) => {
                for (name, value) in fields.iter().take(COLUMNS) {
                    add(value, &format!("{column}.{name}"), row, cells);
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }
    let mut cells = Vec::new();
    first_rows(file, |row, line| {
        let value = std::str::from_utf8(line).map(loose_json::from_str);
        if let Ok(Ok(value)) = value {
            add(&value, "", row, &mut cells);
        }
    })?;
    Ok(cells)
}

/// Returns the words of each line, by their places, and the whole line.
fn line_cells(file: &InputFile) -> Result<Vec<Cell>> {
    let mut cells = Vec::new();
    first_rows(file, |row, line| {
        let line = String::from_utf8_lossy(line);
        let line = line.trim();
        if line.is_empty() || line.len() > MOST_NAME_BYTES {
            return;
        }
        cells.push(Cell { row, column: "line".to_owned(), value: line.to_owned() });
        let words = line.split([' ', '\t', ',', ';', '|', '#']).filter(|word| !word.is_empty());
        let word =
            |(number, word): (usize, &str)| Cell { row, column: number.to_string(), value: word.to_owned() };
        cells.extend(words.take(8).enumerate().map(word));
    })?;
    Ok(cells)
}

/// Returns the first values of the columns of strings and integers.
fn table_cells(file: &InputFile) -> Result<Vec<Cell>> {
    let mut names = names_of(file)?.unwrap_or_default();
    // Only some of very many columns are read; those that sound like names of files come first.
    let sounds_like = |name: &String| {
        let name = name.to_ascii_lowercase();
        !["file", "image", "img", "path", "name", "key", "id"].iter().any(|part| name.contains(part))
    };
    names.sort_by_key(sounds_like);
    let mut cells = Vec::new();
    for name in names.into_iter().take(COLUMNS) {
        let columns = Columns { id: Some(name.clone()), ..Columns::default() };
        // A column that cannot be read, such as one that is there twice, is skipped.
        let Ok(mut reader) = Reader::open(file, &columns, &ReadLimits::default(), 0) else { continue };
        let Ok(Some(chunk)) = reader.next_chunk() else { continue };
        let Some(ids) = chunk.parse(&columns).ok().and_then(|rows| rows.ids) else { continue };
        if !is_name_type(ids.data_type()) {
            continue;
        }
        for row in (0..ids.len().min(ROWS)).filter(|&row| ids.is_valid(row)) {
            if let Ok(value) = array_value_to_string(&ids, row)
                && value.len() <= MOST_NAME_BYTES
            {
                cells.push(Cell { row, column: name.clone(), value });
            }
        }
    }
    Ok(cells)
}

fn is_name_type(kind: &DataType) -> bool {
    types::is_text(kind) || kind.is_integer()
}
