//! JSON files of one object: what they are about, and whether they can be rows.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use serde::de::IgnoredAny;
use serde_json::Deserializer;

use crate::error::Result;
use crate::formats::choose::table::names_of;
use crate::formats::discover::asked::Asked;
use crate::formats::discover::file_names::stem;
use crate::formats::discover::found_file::FoundFile;
use crate::formats::file::{Format, InputFile};
use crate::formats::loose_json;
use crate::formats::stream;
use crate::formats::text::json_columns::members_of;
use crate::formats::text::json_object::Shape;

/// So many bytes tell that most files are not one object.
const FIRST_BYTES: u64 = 1 << 10;
/// At most this many bytes are read of a file that is one object.
pub(crate) const OBJECT_BYTES: u64 = 1 << 20;
/// The columns of at most this many files of rows are looked at.
const ROWS_LOOKED_AT: usize = 8;
/// More objects than this, and more than files of rows, may be rows themselves.
pub(crate) const FEW: usize = 3;

/// The first decompressed bytes of a file.
pub(crate) struct Beginning {
    pub bytes: Vec<u8>,
    /// Whether the file has no more bytes.
    pub is_whole: bool,
}

impl Beginning {
    /// Reads at most `most` bytes of a file.
    pub fn of(file: &InputFile, most: u64) -> Result<Self> {
        let stream = stream::open(file)?.stream;
        let mut bytes = Vec::new();
        stream.take(most + 1).read_to_end(&mut bytes).map_err(|error| stream::damaged(file, 0, &error))?;
        let is_whole = bytes.len() as u64 <= most;
        bytes.truncate(most as usize);
        Ok(Self { bytes, is_whole })
    }

    /// Reads the beginning of a file that may be one object, in steps: most other files are known by
    /// their first bytes. None for other files and for those that cannot be read.
    fn of_object(file: &InputFile) -> Option<Self> {
        let mut stream = stream::open(file).ok()?.stream;
        let mut found = Self { bytes: Vec::new(), is_whole: false };
        for most in [FIRST_BYTES, 64 * FIRST_BYTES, OBJECT_BYTES] {
            let more = most + 1 - found.bytes.len() as u64;
            stream.by_ref().take(more).read_to_end(&mut found.bytes).ok()?;
            found.is_whole = found.bytes.len() as u64 <= most;
            if found.is_whole || !found.is_one_object(&found.json()) {
                break;
            }
        }
        found.bytes.truncate(OBJECT_BYTES as usize);
        Some(found).filter(|found| found.is_one_object(&found.json()))
    }

    /// Returns the bytes as JSON that the parser takes.
    fn json(&self) -> String {
        let text = String::from_utf8_lossy(self.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.bytes));
        loose_json::strict(&text).unwrap_or_else(|| text.into_owned())
    }

    /// Whether the bytes are one object, or the beginning of one if there are more.
    fn is_one_object(&self, json: &str) -> bool {
        if !json.trim_ascii_start().starts_with('{') {
            return false;
        }
        let mut values = Deserializer::from_str(json).into_iter::<IgnoredAny>();
        match values.next() {
            Some(Ok(_)) => self.is_whole && json[values.byte_offset()..].trim_ascii().is_empty(),
            Some(Err(error)) => error.is_eof() && !self.is_whole,
            None => false,
        }
    }
}

/// Whether a file is one object and nothing else.
pub(crate) fn is_one_object(file: &InputFile) -> bool {
    Beginning::of_object(file).is_some()
}

/// Returns the keys of a file that is one object and holds no list of rows. An object that is too
/// long to tell holds one.
fn keys_of_object(file: &InputFile) -> Option<Vec<String>> {
    let beginning = Beginning::of_object(file).filter(|beginning| beginning.is_whole)?;
    let json = beginning.json();
    let members = members_of(&json).ok()?;
    Shape::of(&members).is_none().then(|| members.into_iter().map(|(key, _)| key).collect())
}

/// Finds the JSON files that hold one object and lie beside files of rows; returns their places in the
/// list. A file stays if its object may be a row: if it has half of the columns of the rows, or if
/// there are more than three such files, and more than files of rows. A file that has the name of a
/// file of rows describes that one, however many there are.
pub(crate) fn objects_beside_rows(files: &[FoundFile]) -> HashSet<usize> {
    let keys_of = |(place, found): (usize, &FoundFile)| {
        let is_json = found.file.format == Format::JsonArray;
        is_json.then(|| keys_of_object(&found.file)).flatten().map(|keys| (place, keys))
    };
    let objects: HashMap<usize, Vec<String>> = files.iter().enumerate().filter_map(keys_of).collect();
    let is_row = |(place, _): &(usize, &FoundFile)| !objects.contains_key(place);
    let rows = || files.iter().enumerate().filter(is_row).map(|(_, found)| found);
    let tables: Vec<&FoundFile> = rows().filter(|found| found.file.format != Format::Text).collect();
    if tables.is_empty() {
        // One object beside texts is not what is meant if the texts are larger.
        let bytes = rows().map(|found| found.file.bytes).sum::<u64>();
        let places = objects.keys().copied().filter(|&place| files[place].file.bytes < bytes);
        return if objects.len() == 1 { places.collect() } else { HashSet::new() };
    }
    let columns: Vec<Vec<String>> = tables.iter().take(ROWS_LOOKED_AT).filter_map(columns_of).collect();
    let others = objects.iter().filter(|(_, keys)| !columns.iter().any(|columns| has_half_of(keys, columns)));
    let stems: HashSet<&str> = tables.iter().map(|found| stem(&found.name)).collect();
    let (of_rows, alone): (HashSet<usize>, HashSet<usize>) =
        others.map(|(&place, _)| place).partition(|&place| stems.contains(stem(&files[place].name)));
    match alone.len() > FEW && alone.len() > tables.len() {
        true => of_rows,
        false => of_rows.into_iter().chain(alone).collect(),
    }
}

/// Returns the columns of a file of rows, if it can be read and has some.
fn columns_of(found: &&FoundFile) -> Option<Vec<String>> {
    let mut found = FoundFile { file: found.file.clone(), name: found.name.clone() };
    found.sniff_format(&Asked::default()).ok()?;
    names_of(&found.file).ok()?.filter(|columns| !columns.is_empty())
}

/// Whether at least half of the columns are keys of an object.
fn has_half_of(keys: &[String], columns: &[String]) -> bool {
    let shared = columns.iter().filter(|column| keys.contains(column)).count();
    2 * shared >= columns.len()
}
