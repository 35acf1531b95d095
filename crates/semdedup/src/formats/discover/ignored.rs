//! Recognises files that are left out although their extensions are read: files about others, marks
//! and documents.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::formats::discover::file_names::{extension, file_name};
use crate::formats::discover::found_file::FoundFile;
use crate::formats::discover::sidecars_content::is_one_object;

/// Returns the places in the list of the files that are known to describe the others. Hugging
/// Face's `datasets` and img2dataset write such files.
pub(crate) fn about_others(files: &[FoundFile]) -> HashSet<usize> {
    let shards: HashSet<&str> = files.iter().filter_map(|found| found.name.strip_suffix(".tar")).collect();
    let is_about = |found: &FoundFile| {
        let name = file_name(&found.name);
        ["dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "zarr.json"]
            .contains(&name)
            || name.ends_with("_stats.json")
            || found.name.strip_suffix(".parquet").is_some_and(|stem| shards.contains(stem))
            || ["metadata.json", "config.json"].contains(&name)
                && files.len() > 1
                && is_one_object(&found.file)
    };
    (0..files.len()).filter(|&number| is_about(&files[number])).collect()
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
