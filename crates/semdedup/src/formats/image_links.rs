//! Images that a string names by a path or holds in base64.

use std::borrow::Cow;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use semdedup_embed::looks_like_image;
use xxhash_rust::xxh3::Xxh3;

use crate::error::{Error, Result};
use crate::formats::columns::Columns;
use crate::formats::file::{InputFile, ReadLimits};
use crate::formats::image_columns::is_image;
use crate::formats::read::Reader;
use crate::storage::{self, FileUrl, Stamp, is_url};

/// Standard base64, with padding or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How many characters of a path or an address are shown.
const SHOWN: usize = 200;

/// The characters of base64 that tell whether it holds an image.
const BASE64_BEGINNING: usize = 64;

/// What a string says of an image.
enum Link<'a> {
    /// The image itself, in base64.
    Held(&'a str),
    /// The place of its file, relative to the file of the rows.
    File(Cow<'a, str>),
    /// An address on the web.
    Address,
    Nothing,
}

impl<'a> Link<'a> {
    /// Reads a string.
    ///
    /// # Errors
    /// A data URI that is damaged, in words.
    fn of(link: &'a str) -> std::result::Result<Self, String> {
        let link = link.trim();
        if link.is_empty() {
            return Ok(Self::Nothing);
        }
        if let Some(data) = link.strip_prefix("data:") {
            let (_, encoded) = data.split_once(";base64,").ok_or("is a data URI, but not in base64")?;
            return Ok(Self::Held(encoded));
        }
        if is_base64(link) {
            return Ok(Self::Held(link));
        }
        Ok(match FileUrl::of(link) {
            // A path that is not UTF-8 is tried as it is written, and is not found.
            Some(FileUrl::Here(path)) => {
                Self::File(path.into_os_string().into_string().map_or(link.into(), Cow::Owned))
            }
            // Some programs write `file://` before a relative path.
            Some(FileUrl::Elsewhere(path)) => Self::File(path.into()),
            None if link.contains("://") => Self::Address,
            None => Self::File(link.into()),
        })
    }
}

/// Whether a string is meant to stand for an image: it is base64 or an address, has the name of an
/// image, or is the path of a file.
pub(crate) fn is_image_link(link: &str, folder: &Path) -> bool {
    match Link::of(link) {
        Ok(Link::Nothing) => false,
        Ok(Link::File(path)) => {
            has_image_name(&path) || (!is_url(folder) && place_of(&path, folder).is_file())
        }
        Ok(Link::Held(_) | Link::Address) | Err(_) => true,
    }
}

/// Whether a string certainly stands for an image: it is base64, or ends as names of images do.
pub(crate) fn has_image_name(link: &str) -> bool {
    let extension = link.trim().rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    is_image(&extension) || matches!(Link::of(link), Ok(Link::Held(_)))
}

/// Whether a string is base64 that begins as an image does. (Some of it looks like a path:
/// `/9j/4AAQ…`.)
fn is_base64(link: &str) -> bool {
    let beginning: Vec<u8> =
        link.bytes().filter(|byte| !byte.is_ascii_whitespace()).take(BASE64_BEGINNING).collect();
    let whole = beginning.len() / 4 * 4;
    BASE64.decode(&beginning[..whole]).is_ok_and(|decoded| looks_like_image(&decoded))
}

/// Decodes base64, which some programs break into lines.
fn decoded(encoded: &str) -> std::result::Result<Vec<u8>, String> {
    let encoded: Vec<u8> = encoded.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64.decode(encoded).map_err(|error| format!("has damaged base64: {error}"))
}

/// Reads the image that a string stands for. The inner error says why it is none.
///
/// # Errors
/// A file that is there but cannot be read this time.
pub(crate) fn read_image(
    link: &str,
    folder: &Path,
    limit: u64,
) -> Result<std::result::Result<Vec<u8>, String>> {
    let path = match Link::of(link) {
        Err(reason) => return Ok(Err(reason)),
        Ok(Link::Held(encoded)) => return Ok(decoded(encoded)),
        Ok(Link::Nothing) => return Ok(Err("has no image".to_owned())),
        Ok(Link::Address) => {
            let shown = shortened_link(link);
            return Ok(Err(format!(
                "its image is at {shown}, and images are not downloaded: img2dataset downloads them into shards"
            )));
        }
        Ok(Link::File(path)) => path,
    };
    let is_elsewhere = matches!(FileUrl::of(link.trim()), Some(FileUrl::Elsewhere(_)));
    let shown = shortened_link(if is_elsewhere { link.trim() } else { &path });
    let problem = |problem: String| match is_elsewhere {
        true => {
            format!("its image is at {shown}, which is no file of this machine, as file:///folder/file is")
        }
        false => format!("its image {shown} cannot be read: {problem}"),
    };
    Ok(read_file(&place_of(&path, folder), limit)?.map_err(problem))
}

/// Reads a whole file of at most `limit` bytes. The inner error says why there is no such file.
fn read_file(path: &Path, limit: u64) -> Result<std::result::Result<Vec<u8>, String>> {
    let too_long = |bytes: u64| Err(format!("{bytes} bytes are over the limit of {limit} (--max-row-bytes)"));
    if is_url(path) {
        return match storage::read(path) {
            Ok(image) if image.len() as u64 > limit => Ok(too_long(image.len() as u64)),
            Ok(image) => Ok(Ok(image.to_vec())),
            Err(error) => absent(path, error),
        };
    }
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => return absent(path, error),
    };
    // A device or a pipe may have no end.
    if !metadata.is_file() {
        return Ok(Err("it is no file".to_owned()));
    }
    if metadata.len() > limit {
        return Ok(too_long(metadata.len()));
    }
    let mut image = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut image));
    match read {
        Ok(bytes) if bytes as u64 > limit => Ok(too_long(bytes as u64)),
        Ok(_) => Ok(Ok(image)),
        Err(error) => absent(path, error),
    }
}

/// Tells a file that is not there, which is the row's fault, from one that may be read the next time.
fn absent(path: &Path, error: io::Error) -> Result<std::result::Result<Vec<u8>, String>> {
    use io::ErrorKind::{InvalidFilename, InvalidInput, NotADirectory, NotFound};
    match error.kind() {
        NotFound | NotADirectory | InvalidFilename | InvalidInput => Ok(Err(error.to_string())),
        _ if is_link_loop(&error) => Ok(Err(error.to_string())),
        _ => Err(Error::input(path, error)),
    }
}

/// Whether links lead in a circle.
fn is_link_loop(error: &io::Error) -> bool {
    #[cfg(unix)]
    return error.raw_os_error() == Some(nix::errno::Errno::ELOOP as i32);
    #[cfg(not(unix))]
    return false;
}

/// Returns the beginning of a path or an address.
pub(crate) fn shortened_link(link: &str) -> String {
    match link.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &link[..end]),
        None => link.to_owned(),
    }
}

/// Returns where the file of an image is.
fn place_of(path: &str, folder: &Path) -> PathBuf {
    match is_url(folder) {
        // An absolute path would leave the bucket.
        true => folder.join(path.trim_start_matches('/')),
        false => folder.join(path),
    }
}

/// Hashes the sizes, times and identities of all files that the rows name as their images: if one of
/// them changes, its row has another embedding. None if no row names a file. Of tables in a bucket the
/// names alone count: to ask for each object would take hours.
///
/// # Errors
/// Fails if a file of rows cannot be read.
pub(crate) fn linked_files(
    files: &[InputFile],
    columns: &[Columns],
    limits: &ReadLimits,
) -> Result<Option<String>> {
    let (mut hash, mut count) = (Xxh3::new(), 0_u64);
    for (file, columns) in files.iter().zip(columns) {
        let Some(strings) = columns.links_as_texts() else { continue };
        let folder = folder_of(file);
        let mut reader = Reader::open(file, &strings, limits, 0)?;
        while let Some(chunk) = reader.next_chunk()? {
            for link in chunk.parse(&strings)?.texts.iter().flatten() {
                let Ok(Link::File(path)) = Link::of(link) else { continue };
                count += 1;
                hash.update(path.as_bytes());
                // A file that is not there may come later.
                let place = place_of(&path, &folder);
                // Our own results may change a folder.
                let is_watched = !is_url(&folder) && place.is_file();
                let stamp = if is_watched { Stamp::of(&place).ok() } else { None };
                let stamp = stamp.map(|stamp| (stamp.bytes, stamp.modified_ns, stamp.identity));
                hash.update(format!("{stamp:?}").as_bytes());
            }
        }
    }
    Ok((count > 0).then(|| format!("{count} files, {:032x}", hash.digest128())))
}

/// Returns the folder of a file of rows.
pub(crate) fn folder_of(file: &InputFile) -> PathBuf {
    file.path.parent().map(Path::to_path_buf).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn strings_are_images_paths_or_addresses() {
        let gif = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\0\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
        let encoded = BASE64.encode(gif);
        let lines = format!("{}\n{}\r\n", &encoded[..20], &encoded[20..]);
        let uri = format!("data:image/gif;base64,{encoded}");
        for held in [&encoded, encoded.trim_end_matches('='), &uri, &lines] {
            let Ok(Link::Held(encoded)) = Link::of(held) else { panic!("{held}") };
            assert_eq!(decoded(encoded).unwrap(), gif);
        }
        for (link, path) in [
            ("a/b.jpg", "a/b.jpg"),
            ("/9j/4AAQ/x.jpg", "/9j/4AAQ/x.jpg"),
            ("file:///tmp/a.png", "/tmp/a.png"),
            ("file:///tmp/a%20b.png", "/tmp/a b.png"),
            ("file://localhost/tmp/a.png", "/tmp/a.png"),
            ("file:/tmp/a.png", "/tmp/a.png"),
            ("file://images/a.png", "images/a.png"),
            ("a%20b.png", "a%20b.png"),
            (" 000001.jpg ", "000001.jpg"),
            ("AAAA", "AAAA"),
        ] {
            assert!(matches!(Link::of(link), Ok(Link::File(found)) if found == path), "{link}");
        }
        assert!(matches!(Link::of("https://x.org/a.jpg"), Ok(Link::Address)));
        assert!(matches!(Link::of(" "), Ok(Link::Nothing)));
        assert!(Link::of("data:image/svg+xml,<svg>").is_err());
        let read = |link: &str| read_image(link, Path::new("/"), 100).unwrap().unwrap_err();
        assert!(read("data:image/png;base64,%%").contains("damaged base64"));
        assert!(read(&format!("{encoded}%")).contains("damaged base64"), "not taken for a path");
        let elsewhere = read("file://host/a.png");
        assert!(
            elsewhere.starts_with("its image is at file://host/a.png, which is no file of"),
            "{elsewhere}"
        );
        assert!(read("/dev/zero").contains("no file") || cfg!(not(unix)));
        assert!(read(&format!("/{}", "x".repeat(100_000))).len() < 500);
    }
}
