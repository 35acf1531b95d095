//! WebDataset shards: tar archives whose consecutive files of one key are a sample, and a sample is a row.
//!
//! The key of `a/b.left.jpg` is `a/b`, what follows the first dot of the file name names the member: `left.jpg`
//! (<https://github.com/webdataset/webdataset>, `base_plus_ext`). What is no file, or has no such name, belongs to no
//! sample and stays in the archive. Links with such a name are refused: what they lead to may be in a sample that goes.

use std::collections::HashSet;
use std::path::Path;

use serde::de::IgnoredAny;
use xxhash_rust::xxh3::xxh3_128;

use crate::error::{Error, Result};
use crate::formats::columns::Columns;
use crate::formats::file::InputFile;
use crate::formats::image_columns::{ANY_IMAGE, is_image};
use crate::formats::rows::{Rows, RowsBuilder, join};
use crate::formats::stream::Sink;
use crate::formats::tar::archive::{Member, MemberKind, TarReader};
use crate::formats::text::json;
use crate::formats::turns;

/// The column of the keys.
pub(crate) const KEY: &str = "__key__";

/// A batch is at most this many samples…
const MAX_ROWS: usize = 256;
/// …and about this many bytes.
const BATCH_BYTES: usize = 4 << 20;

/// Reads the samples of a shard, those members that `columns` ask for.
pub(crate) struct Samples {
    tar: TarReader,
    columns: Columns,
    limit: usize,
    first_row: u64,
    next_row: u64,
    /// The sample that the archive is in the middle of.
    open: Option<Sample>,
    /// Hashes of the keys so far.
    keys: HashSet<u128>,
}

/// The members of a sample, as far as they are of interest.
struct Sample {
    key: Vec<u8>,
    row: u64,
    members: Vec<String>,
    image: Option<Vec<u8>>,
    /// The text of each column of texts.
    texts: Vec<Option<String>>,
    id: Option<String>,
    problem: Option<String>,
}

impl Samples {
    /// Opens a shard to read from row `first_row` on.
    pub fn open(file: &InputFile, columns: &Columns, limit: usize, first_row: u64) -> Result<Self> {
        let (tar, columns) = (TarReader::open(file)?, columns.clone());
        Ok(Self { tar, columns, limit, first_row, next_row: 0, open: None, keys: HashSet::new() })
    }

    /// Returns how many of the file's own bytes have been read.
    pub fn bytes_read(&self) -> u64 {
        self.tar.bytes_read()
    }

    /// Returns the next rows; `None` at the end.
    pub fn next_batch(&mut self) -> Result<Option<Rows>> {
        let mut rows: Option<RowsBuilder> = None;
        while let Some(member) = self.tar.next_member()? {
            let Some((key, extension)) = part_of_sample(&self.tar, &member)? else { continue };
            let same = self.open.as_ref().is_some_and(|open| open.key == key);
            let done = if same {
                None
            } else {
                // Without the samples in between, both would become one sample, of neither's members.
                let is_new = self.keys.insert(xxh3_128(key));
                let mut begun = self.begin(key);
                begun.problem = (!is_new).then(|| {
                    let key = String::from_utf8_lossy(key).escape_debug().to_string();
                    format!("the key `{key}` comes again behind other samples")
                });
                self.open.replace(begun)
            };
            if !same {
                self.tar.at_row(self.next_row);
                self.next_row += 1;
            }
            self.take(&extension, member.size)?;
            if let Some(done) = done {
                self.push(done, &mut rows);
            }
            if rows.as_ref().is_some_and(|rows| rows.len() >= MAX_ROWS || rows.bytes() >= BATCH_BYTES) {
                return Ok(rows.map(RowsBuilder::finish));
            }
        }
        if let Some(last) = self.open.take() {
            self.push(last, &mut rows);
        }
        Ok(rows.map(RowsBuilder::finish))
    }

    fn begin(&self, key: &[u8]) -> Sample {
        Sample {
            row: self.next_row,
            id: (self.columns.id.as_deref() == Some(KEY)).then(|| String::from_utf8_lossy(key).into_owned()),
            key: key.to_vec(),
            members: Vec::new(),
            image: None,
            texts: vec![None; self.columns.texts().count()],
            problem: None,
        }
    }

    fn push(&self, sample: Sample, rows: &mut Option<RowsBuilder>) {
        if sample.row < self.first_row {
            return;
        }
        let rows = rows.get_or_insert_with(|| RowsBuilder::new(sample.row, self.limit, &self.columns));
        let members = || sample.members.join(", ");
        match (sample.problem, sample.image) {
            (Some(problem), _) => rows.push_bad(problem),
            (None, None) if self.columns.image.is_some() => {
                rows.push_bad(format!("no image in the sample; its members are {}", members()));
            }
            (None, image) => {
                rows.push_image(image.as_deref().unwrap_or_default());
                let mut text = String::new();
                sample.texts.iter().flatten().for_each(|more| join(&mut text, more));
                rows.push(&text, sample.id.as_deref());
            }
        }
    }

    /// Reads a member of the open sample if it is of interest.
    fn take(&mut self, extension: &str, size: u64) -> Result<()> {
        let Some(sample) = self.open.as_mut().filter(|sample| sample.row >= self.first_row) else {
            return Ok(());
        };
        if sample.members.iter().any(|member| member == extension) {
            sample.problem = Some(format!("the sample has two members `{extension}`"));
            return Ok(());
        }
        sample.members.push(extension.to_owned());
        let is_image = self.columns.image.as_deref().is_some_and(|wanted| match wanted {
            ANY_IMAGE => is_image(extension),
            wanted => wanted == extension,
        });
        let texts = self.columns.texts().map(|name| inside(name, extension));
        let texts: Vec<Option<&str>> = texts.collect();
        let id = self.columns.id.as_deref().and_then(|name| inside(name, extension));
        if !is_image && texts.iter().all(Option::is_none) && id.is_none() {
            return Ok(());
        }
        if size > self.limit as u64 {
            let limit = self.limit;
            let problem = format!(
                "member `{extension}` of {size} bytes is over the limit of {limit} (--max-row-bytes)"
            );
            sample.problem = Some(problem);
            return Ok(());
        }
        let mut data = Vec::new();
        self.tar.read(&mut data)?;
        let places = sample.texts.iter_mut().zip(texts).chain([(&mut sample.id, id)]);
        for (place, path) in places {
            if let Some(path) = path {
                match text_of(&data, path, &self.columns.roles) {
                    Ok(found) => *place = found,
                    Err(problem) => sample.problem = Some(format!("member `{extension}`: {problem}")),
                }
            }
        }
        if is_image && sample.image.replace(data).is_some() {
            let problem = format!("the sample has several images: {}; name one", sample.members.join(", "));
            sample.problem = Some(format!("{problem} with --image-column"));
        }
        Ok(())
    }
}

/// The key and the extension in lower case, if the member is part of a sample.
///
/// # Errors
/// A link that would be part of one.
fn part_of_sample<'m>(tar: &TarReader, member: &'m Member) -> Result<Option<(&'m [u8], String)>> {
    let name = member.name.as_slice();
    let base = name.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
    let dot = name[base..].iter().position(|&byte| byte == b'.').map(|dot| base + dot);
    let Some(dot) = dot.filter(|&dot| dot > base) else { return Ok(None) };
    match member.kind {
        MemberKind::File => {
            Ok(Some((&name[..dot], String::from_utf8_lossy(&name[dot + 1..]).to_lowercase())))
        }
        MemberKind::Link => {
            Err(tar.refused(name, "is a link; it would lead nowhere if what it leads to were removed").hint(
                "pack the shard again with `tar --dereference --hard-dereference`: files instead of links",
            ))
        }
        MemberKind::Other => Ok(None),
    }
}

/// Where in a member a column lies: `txt` is the whole of `txt`, `json.a.b` is `a.b` in `json`; none in another member.
fn inside<'a>(column: &'a str, extension: &str) -> Option<&'a str> {
    match column.strip_prefix(extension)? {
        "" => Some(""),
        rest => rest.strip_prefix('.'),
    }
}

/// The text of a member, or of a field of it: none where there is no such field. A list of turns has that of some roles.
fn text_of(data: &[u8], path: &str, roles: &[String]) -> std::result::Result<Option<String>, String> {
    let text = std::str::from_utf8(data).map_err(|error| crate::formats::rows::not_utf8(&error))?;
    if path.is_empty() {
        return Ok(Some(text.to_owned()));
    }
    if !text.trim_start().starts_with('{') {
        let valid = serde_json::from_str::<IgnoredAny>(text);
        return valid.map(|_| None).map_err(|error| format!("is not JSON: {error}"));
    }
    let Some(token) = json::token_of(text, path)? else { return Ok(None) };
    match token.as_bytes().first() {
        Some(b'"') => serde_json::from_str(token).map(Some).map_err(|error| format!("`{path}`: {error}")),
        Some(b'[') if turns::is_turns(token) => {
            turns::text_of_json(token, roles).map(Some).map_err(|problem| format!("`{path}` {problem}"))
        }
        // A chat without turns says as little as null.
        Some(b'[') if token[1..].trim_start().starts_with(']') => Ok(None),
        Some(b'[' | b'{') => Err(format!("`{path}` is a list or an object, not a string")),
        // A number as it is written: digits that floating point does not hold tell ids apart.
        _ => Ok(Some(token.to_owned())),
    }
}

/// The extensions of the members of the first samples, in the order in which they come.
pub(crate) fn extensions(file: &InputFile, samples: usize) -> Result<Vec<String>> {
    let mut tar = TarReader::open(file)?;
    let (mut found, mut keys, mut last) = (Vec::new(), 0, Vec::new());
    while let Some(member) = tar.next_member()? {
        let Some((key, extension)) = part_of_sample(&tar, &member)? else { continue };
        if key != last {
            (keys, last) = (keys + 1, key.to_vec());
        }
        if keys > samples {
            break;
        }
        if !found.contains(&extension) {
            found.push(extension);
        }
    }
    Ok(found)
}

/// How many samples a shard has.
pub(crate) fn count(file: &InputFile) -> Result<u64> {
    let mut tar = TarReader::open(file)?;
    let (mut rows, mut last) = (0, None);
    while let Some(member) = tar.next_member()? {
        if let Some((key, _)) = part_of_sample(&tar, &member)?
            && last.as_deref() != Some(key)
        {
            last = Some(key.to_vec());
            tar.at_row(rows);
            rows += 1;
        }
    }
    Ok(rows)
}

/// Writes the samples that `keep` picks, with every byte of their members; see [`crate::formats::write::write_kept`].
pub(crate) fn write_kept(
    file: &InputFile,
    destination: &Path,
    keep: &mut dyn FnMut(u64) -> bool,
) -> Result<u64> {
    let unwritable = |error| Error::output(destination, error);
    let mut tar = TarReader::open(file)?;
    let mut sink = Sink::create(destination, file.compression).map_err(unwritable)?;
    let (mut rows, mut written, mut last, mut keeps) = (0, 0, None, true);
    while let Some(member) = tar.next_member()? {
        let part = part_of_sample(&tar, &member)?;
        if let Some((key, _)) = &part
            && last.as_deref() != Some(*key)
        {
            last = Some(key.to_vec());
            tar.at_row(rows);
            keeps = keep(rows);
            rows += 1;
            written += u64::from(keeps);
        }
        if part.is_none() || keeps {
            tar.copy(&mut sink)?.map_err(unwritable)?;
        }
    }
    tar.copy_end(&mut sink).map_err(unwritable)?;
    sink.finish().map_err(unwritable)?;
    Ok(written)
}
