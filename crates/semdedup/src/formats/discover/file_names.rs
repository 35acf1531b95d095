//! The parts of a file's name.

pub(crate) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or_default()
}

/// Returns a path without the extension of its file and of its compression.
pub(crate) fn stem(path: &str) -> &str {
    let plain = [".gz", ".zst", ".bz2", ".xz"].iter().find_map(|end| path.strip_suffix(end)).unwrap_or(path);
    match plain.rsplit_once('.') {
        Some((stem, extension)) if !extension.contains('/') && !stem.is_empty() => stem,
        _ => plain,
    }
}

/// Returns the text behind the last dot, in lower case.
pub(crate) fn extension(path: &str) -> String {
    file_name(path).rsplit_once('.').map_or(String::new(), |(_, extension)| extension.to_ascii_lowercase())
}
