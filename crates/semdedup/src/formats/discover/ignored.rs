//! What is left out though its name is one that is read: results, files about others, documents, links to what is read anyway.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::formats::discover::file_names::{extension, file_name};
use crate::formats::discover::left_out::Cause;
use crate::formats::discover::names::{Found, InputArgument};
use crate::formats::discover::sidecars_content::is_one_object;
use crate::formats::discover::survey::Survey;
use crate::formats::file::{Compression, Format};

/// Which files of a folder, by their places in the list, are known to say something of the others: Hugging Face's `datasets` and
/// img2dataset write such ones.
pub(crate) fn about_others(files: &[Found]) -> HashSet<usize> {
    let shards: HashSet<&str> = files.iter().filter_map(|found| found.name.strip_suffix(".tar")).collect();
    let is_about = |found: &Found| {
        let name = file_name(&found.name);
        ["dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json"].contains(&name)
            || name.ends_with("_stats.json")
            || found.name.strip_suffix(".parquet").is_some_and(|stem| shards.contains(stem))
            || ["metadata.json", "config.json"].contains(&name)
                && files.len() > 1
                && is_one_object(&found.file)
    };
    (0..files.len()).filter(|&number| is_about(&files[number])).collect()
}

/// Whether a file that has no rows belongs to others: marks that a job is done, sums of bytes, what `semdedup cluster` writes.
pub(crate) fn is_mark(name: &str) -> bool {
    let name = file_name(name);
    (name.starts_with('_') && !name.contains('.'))
        || ["crc", "md5", "sha256", "lock"].contains(&extension(name).as_str())
        || ["centroids.npy", "assignments.npy", "probes.npy"].contains(&name)
}

/// Whether a file has the name of a document that people put beside data, such as a README.
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
    // `LICENSE-MIT.txt` and `requirements-dev.txt` are, `notice_board.txt` and `license_plates.txt` are not.
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

impl Survey<'_> {
    /// Leaves out the links to files that are read themselves, as the same kind of rows. They would be duplicates of these; whoever
    /// then deletes the file because its link stays has neither.
    pub(crate) fn leave_out_links(&mut self, arguments: &mut [InputArgument]) {
        if self.links.is_empty() {
            return;
        }
        let mut folders = Folders::default();
        let mut read = HashSet::new();
        for argument in arguments.iter() {
            for Found { file, .. } in &argument.files {
                read.extend(folders.real(&file.path).map(|path| (path, file.format, file.compression)));
            }
            if let Some((kind, base)) = &argument.tree {
                let paths = argument.members.iter().map(|member| base.join(&member.name));
                let real = paths.filter_map(|path| folders.real(&path));
                read.extend(real.map(|path| (path, *kind, Compression::None)));
            }
        }
        let links: HashMap<PathBuf, PathBuf> = self.links.drain(..).collect();
        let is_read = |path: &Path, kind: Format, compression: Compression| {
            let target = links.get(path);
            target.is_some_and(|target| read.contains(&(target.clone(), kind, compression)))
        };
        let skipped = &mut self.skipped;
        let mut stays = |is_read: bool, name: &str| {
            if is_read {
                skipped.add(Cause::Link, name);
            }
            !is_read
        };
        for argument in arguments.iter_mut() {
            argument.files.retain(|Found { file, name }| {
                stays(is_read(&file.path, file.format, file.compression), name)
            });
            if let Some((kind, base)) = &argument.tree {
                argument.members.retain(|member| {
                    stays(is_read(&base.join(&member.name), *kind, Compression::None), &member.name)
                });
            }
            argument.tree.take_if(|_| argument.members.is_empty());
        }
    }
}

/// Where folders really are, the last one remembered.
#[derive(Default)]
pub(crate) struct Folders {
    last: PathBuf,
    real: PathBuf,
}

impl Folders {
    /// A file's folder where it really is, and its name there; the file itself may be a link.
    pub fn real(&mut self, path: &Path) -> Option<PathBuf> {
        let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        if self.last != folder {
            self.real = fs_err::canonicalize(folder).ok()?;
            self.last = folder.to_path_buf();
        }
        Some(self.real.join(path.file_name()?))
    }
}
