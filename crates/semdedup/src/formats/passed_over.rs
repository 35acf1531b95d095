//! What is passed over though its name is one that is read: results, files about others, links to what is read anyway.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::discover::Survey;
use super::names::{Argument, Found};
use super::{Compression, Format};

/// Whether a folder holds the result of a run: what it kept would be read beside what it was made from.
pub(super) fn is_result(folder: &Path) -> bool {
    let names = ["summary.json", "scores.parquet"];
    names.iter().all(|name| folder.join(name).is_file())
        && fs_err::read(folder.join(names[0])).is_ok_and(|bytes| {
            let summary: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
            summary.get("scores_fingerprint").is_some()
        })
}

/// Whether a file that lies in a folder is known to say something of the others: Hugging Face's `datasets` and img2dataset
/// write such ones.
pub(super) fn is_about_others(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    ["dataset_info.json", "dataset_dict.json", "state.json"].contains(&name)
        || name.ends_with("_stats.json")
        || name
            .strip_suffix(".parquet")
            .is_some_and(|stem| path.with_file_name(format!("{stem}.tar")).is_file())
}

impl Survey {
    /// Leaves out the links to files that are read themselves, as the same kind of rows. They would be duplicates of these; whoever
    /// then deletes the file because its link stays has neither.
    pub(super) fn leave_out_links(&mut self, arguments: &mut [Argument]) {
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
        let before: usize =
            arguments.iter().map(|argument| argument.files.len() + argument.members.len()).sum();
        for argument in arguments.iter_mut() {
            argument.files.retain(|Found { file, .. }| !is_read(&file.path, file.format, file.compression));
            if let Some((kind, base)) = &argument.tree {
                argument
                    .members
                    .retain(|member| !is_read(&base.join(&member.name), *kind, Compression::None));
            }
            argument.tree.take_if(|_| argument.members.is_empty());
        }
        let after: usize =
            arguments.iter().map(|argument| argument.files.len() + argument.members.len()).sum();
        self.skipped.links += before - after;
    }
}

/// Where folders really are, the last one remembered.
#[derive(Default)]
struct Folders {
    last: PathBuf,
    real: PathBuf,
}

impl Folders {
    /// A file's folder where it really is, and its name there; the file itself may be a link.
    fn real(&mut self, path: &Path) -> Option<PathBuf> {
        let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        if self.last != folder {
            self.real = fs_err::canonicalize(folder).ok()?;
            self.last = folder.to_path_buf();
        }
        Some(self.real.join(path.file_name()?))
    }
}
