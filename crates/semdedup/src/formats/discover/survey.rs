//! The state of a search for files.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::formats::discover::asked::Asked;
use crate::formats::discover::found_file::KNOWN;
use crate::formats::discover::left_out::{Cause, Skipped};
use crate::formats::discover::names::InputArgument;
use crate::formats::file::{Format, Member, TextFiles};
use crate::formats::image_columns::is_image;

pub(crate) struct Survey<'a> {
    pub(crate) excluded: HashSet<PathBuf>,
    pub(crate) seen: HashSet<PathBuf>,
    /// Links that were taken, and where they lead.
    pub(crate) links: Vec<(PathBuf, PathBuf)>,
    pub(crate) skipped: Skipped,
    pub(crate) asked: &'a Asked,
    /// Files that are rows which the argument at hand has so far, with the folder that their names are relative to.
    pub(crate) members: Vec<(Format, PathBuf, Member)>,
    /// Files of extensions that are not read which the argument at hand has so far: their names, and where they lie.
    pub(crate) others: Vec<(String, PathBuf)>,
    /// Files of embeddings that nobody asked for.
    pub(crate) embeddings: Vec<(String, PathBuf)>,
}

impl<'a> Survey<'a> {
    pub(crate) fn new(excluded: HashSet<PathBuf>, asked: &'a Asked) -> Self {
        Self {
            excluded,
            asked,
            seen: HashSet::new(),
            links: Vec::new(),
            skipped: Skipped::default(),
            members: Vec::new(),
            others: Vec::new(),
            embeddings: Vec::new(),
        }
    }

    /// Makes the files that are rows the last argument's own, or those of an argument before it with the same folder: a shell
    /// turns `photos/*.jpg` into one argument for each.
    pub(crate) fn collect_members(&mut self, arguments: &mut Vec<InputArgument>) {
        let members = std::mem::take(&mut self.members);
        let Some((kind, base)) = members.first().map(|(kind, base, _)| (*kind, base.clone())) else { return };
        let members = members.into_iter().map(|(.., member)| member);
        let tree = Some((kind, base));
        if let Some(same) = arguments.iter_mut().rev().find(|argument| argument.tree == tree) {
            same.members.extend(members);
            arguments.pop_if(|last| last.is_empty());
        } else if let Some(last) = arguments.last_mut() {
            (last.tree, last.members) = (tree, members.collect());
        }
    }

    pub(crate) fn nothing_to_read(&self, inputs: &[String]) -> Error {
        let given = inputs.iter().map(|input| format!("`{input}`")).collect::<Vec<_>>().join(", ");
        let error = Error::new(crate::error::ErrorKind::Input, format!("no file to read in {given}"));
        let hidden = "hidden files and the output folders are left out";
        error.hint(match self.embeddings.is_empty() {
            true => format!("known extensions are {KNOWN}; {hidden}"),
            false => {
                format!("files of embeddings are named with --embeddings; extensions of rows are {KNOWN}; {hidden}")
            }
        })
    }

    /// The kind of rows that files of this name are, if such a file is a row.
    pub(crate) fn member_kind(&self, name: &str) -> Option<Format> {
        let extension = name.rsplit_once('.')?.1.to_ascii_lowercase();
        match extension.as_str() {
            "md" => Some(Format::TextTree),
            "txt" if self.asked.text_files == TextFiles::Whole => Some(Format::TextTree),
            extension => is_image(extension).then_some(Format::Tree),
        }
    }
}

/// The error of an input that the run would write over.
pub(crate) fn inside_output(path: &Path, folder: &Path) -> Error {
    Error::output(path, format!("this input lies inside {}, which the run writes", folder.display()))
        .hint("name another --out or --work: the results must not mix with what they are made from")
}

/// Why a hidden file is left out: what editors and other systems leave beside data is not worth a word.
pub(crate) fn hidden_cause(path: &str, is_known: bool) -> Cause {
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_litter = name.starts_with("._") || name.starts_with(".#") || name.starts_with(".~");
    if is_known && !is_litter { Cause::HiddenData } else { Cause::Hidden }
}
