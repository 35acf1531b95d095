//! Recognises files that are left out although their extensions are read: files about others, marks
//! and documents.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::formats::compression::Compression;
use crate::formats::discover::file_names::{extension, file_name, stem};
use crate::formats::discover::found_file::FoundFile;
use crate::formats::discover::one_object::{FEW, is_one_object};
use crate::formats::file::Format;

/// The files of Hugging Face's `datasets`, of Zarr and of `semdedup cluster`.
const DESCRIPTIONS: [&str; 6] = [
    "dataset_info.json",
    "dataset_infos.json",
    "dataset_dict.json",
    "state.json",
    "zarr.json",
    "clustered.json",
];

/// The names that tools give to JSON of one object about a data set or a model, in lower case.
const ABOUT: [&str; 24] = [
    "metadata",
    "manifest",
    "datapackage",
    "croissant",
    "schema",
    "info",
    "stats",
    "statistics",
    "config",
    "checksums",
    "labels",
    "classes",
    "class_names",
    "label_map",
    "id2label",
    "label2id",
    "vocab",
    "tokenizer",
    "tokenizer_config",
    "special_tokens_map",
    "added_tokens",
    "generation_config",
    "preprocessor_config",
    "package",
];

/// The names of plain texts whose lines are names, sums, classes or tokens, in lower case.
const LISTS: [&str; 32] = [
    "md5",
    "md5sum",
    "md5sums",
    "sha1",
    "sha1sum",
    "sha1sums",
    "sha256",
    "sha256sum",
    "sha256sums",
    "sha512sum",
    "sha512sums",
    "checksum",
    "checksums",
    "filelist",
    "file_list",
    "file-list",
    "files",
    "filenames",
    "manifest",
    "urls",
    "url_list",
    "ids",
    "labels",
    "label_map",
    "classes",
    "class_names",
    "categories",
    "synsets",
    "robots",
    "vocab",
    "vocabulary",
    "merges",
];

/// The ends of the names of checksums of a file, such as `train.sha256.txt`.
const SUMS: [&str; 5] = [".md5", ".sha1", ".sha256", ".sha512", ".md5sum"];

/// Returns the places in the list of the files that are known to describe the others, of which
/// `beside` are in no list. Hugging Face's `datasets`, img2dataset and other tools write such files.
pub(crate) fn about_others(files: &[FoundFile], beside: usize) -> HashSet<usize> {
    let shards: HashSet<&str> = files.iter().filter_map(|found| found.name.strip_suffix(".tar")).collect();
    let mut named: HashMap<&str, usize> = HashMap::new();
    for found in files.iter().filter(|found| is_named(&found.name, ".json", &ABOUT)) {
        *named.entry(file_name(&found.name)).or_default() += 1;
    }
    let others = files.len() + beside - named.values().sum::<usize>();
    // An `info.json` in each of many folders may be a row.
    let is_few = |name: &str| named.get(name).is_some_and(|&count| count <= FEW || count <= others);
    let is_about = |found: &FoundFile| {
        let name = file_name(&found.name);
        DESCRIPTIONS.contains(&name)
            || name.ends_with("_stats.json")
            || found.name.strip_suffix(".parquet").is_some_and(|stem| shards.contains(stem))
            || is_few(name) && files.len() + beside > 1 && is_one_object(&found.file)
    };
    (0..files.len()).filter(|&number| is_about(&files[number])).collect()
}

/// Returns the places in the list of the plain texts that are about the others by their names, such
/// as checksums; none where there are no others.
pub(crate) fn texts_about_others(files: &[FoundFile]) -> HashSet<usize> {
    let about: HashSet<usize> =
        (0..files.len()).filter(|&number| is_text_about_others(&files[number])).collect();
    if about.len() < files.len() { about } else { HashSet::new() }
}

/// Whether a plain text has the name of a list of names, sums, classes or tokens.
pub(crate) fn is_text_about_others(found: &FoundFile) -> bool {
    let is_sum = || SUMS.iter().any(|end| stem(&found.name).to_ascii_lowercase().ends_with(end));
    found.file.format == Format::Text && (is_named(&found.name, ".txt", &LISTS) || is_sum())
}

/// Whether a file has one of these names, in any case, and this extension.
fn is_named(name: &str, extension: &str, names: &[&str]) -> bool {
    let name = file_name(name).to_ascii_lowercase();
    let (plain, _) = Compression::of_name(&name);
    plain.strip_suffix(extension).is_some_and(|stem| names.contains(&stem))
}

/// Whether a file without rows belongs to others: a mark that a job is done, a checksum, a file of
/// `semdedup cluster`.
pub(crate) fn is_mark(name: &str) -> bool {
    let name = file_name(name);
    (name.starts_with('_') && !name.contains('.'))
        || ["crc", "md5", "sha256", "lock"].contains(&extension(name).as_str())
        || ["centroids.npy", "assignments.npy", "probes.npy"].contains(&name)
}

/// Whether a file has the name of a document beside data, such as a README.
pub(crate) fn is_document(name: &str) -> bool {
    const NAMES: [&str; 13] = [
        "readme",
        "license",
        "licence",
        "copying",
        "copyright",
        "notice",
        "authors",
        "contributors",
        "contributing",
        "changelog",
        "requirements",
        "citation",
        "code_of_conduct",
    ];
    // `LICENSE-MIT.txt` and `requirements-dev.txt` are documents, `notice_board.txt` and
    // `license_plates.txt` are not.
    const VARIANTS: [&str; 12] =
        ["mit", "apache", "apache-2.0", "bsd", "gpl", "dev", "test", "tests", "docs", "en", "zh", "data"];
    let name = file_name(name).to_ascii_lowercase();
    let stem = [".txt", ".md", ".rst"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
    // Roboflow writes `README.dataset.txt`.
    if stem != name && stem.starts_with("readme.") {
        return true;
    }
    NAMES.iter().any(|known| {
        let rest = stem.strip_prefix(known);
        rest.is_some_and(|rest| {
            rest.is_empty() || VARIANTS.iter().any(|v| rest.strip_prefix(['-', '_', '.']) == Some(v))
        })
    })
}

/// Finds where folders really are, and remembers the last one.
#[derive(Default)]
pub(crate) struct Folders {
    last: PathBuf,
    real: PathBuf,
}

impl Folders {
    /// Returns the path of a file in the real folder; the file itself may be a link.
    pub fn real(&mut self, path: &Path) -> Option<PathBuf> {
        let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        if self.last != folder {
            self.real = fs_err::canonicalize(folder).ok()?;
            self.last = folder.to_path_buf();
        }
        Some(self.real.join(path.file_name()?))
    }
}
