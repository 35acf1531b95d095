//! Leaves out what describes the data among files that are named one by one. A shell turns `data/*`
//! into the names of all files there, also of those that say something about the others. What may
//! hold rows is read as it is named.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use crate::formats::discover::found_file::{FoundFile, layout, layout_by_content};
use crate::formats::discover::hidden::SpelledOut;
use crate::formats::discover::ignored::{Folders, about_others, is_document, is_mark, is_text_about_others};
use crate::formats::discover::left_out::{Cause, LeftFile};
use crate::formats::discover::survey::Survey;
use crate::formats::file::{Format, TextFiles};
use crate::storage::{Stamp, is_url, place};

/// The files in which writers of Parquet gather the footers of others. They hold no rows.
const GATHERED_FOOTERS: [&str; 2] = ["_metadata", "_common_metadata"];

/// The arguments of a run, of which some are left out.
pub(crate) struct NamedInputs {
    /// The arguments that are read.
    pub read: Vec<String>,
    /// What the others name.
    pub left: Vec<LeftFile>,
}

/// A file or a folder on the disk that arguments name.
struct Named {
    /// The numbers of the arguments.
    numbers: Vec<usize>,
    path: PathBuf,
    name: String,
    is_dir: bool,
}

impl Named {
    /// Returns what an argument names; none for a pattern, a URL, and what is not there.
    fn of(number: usize, path: PathBuf) -> Option<Self> {
        let is_dir = std::fs::metadata(&path).ok()?.is_dir();
        let name = path.file_name()?.to_str()?.to_owned();
        Some(Self { numbers: vec![number], path, name, is_dir })
    }

    /// Returns the file, if its name tells a format.
    fn found(&self) -> Option<FoundFile> {
        let layout = layout(&self.name).filter(|_| !self.is_dir)?;
        Some(FoundFile::new(self.path.clone(), self.name.clone(), layout, Stamp::of(&self.path).ok()?))
    }
}

/// What the arguments name on the disk.
#[derive(Default)]
struct NamedPlaces {
    /// The files and folders of each real folder, by where they really are.
    by_folder: BTreeMap<PathBuf, BTreeMap<PathBuf, Named>>,
    /// The folders that are named, by where they really are.
    folders: HashSet<PathBuf>,
}

impl NamedPlaces {
    fn of(inputs: &[String]) -> Self {
        let (mut places, mut folders) = (Self::default(), Folders::default());
        for (number, input) in inputs.iter().enumerate() {
            let Some(path) = place(input).ok().filter(|path| !is_url(path)) else { continue };
            places.folders.extend(fs_err::canonicalize(&path).ok().filter(|path| path.is_dir()));
            if let Some(real) = folders.real(&path)
                && let Some(folder) = real.parent()
                && let Some(named) = Named::of(number, path)
            {
                let in_folder = places.by_folder.entry(folder.to_path_buf()).or_default();
                match in_folder.get_mut(&real) {
                    Some(same) => same.numbers.push(number),
                    None => drop(in_folder.insert(real, named)),
                }
            }
        }
        places
    }
}

impl Survey<'_> {
    /// Returns the arguments without the files that are named beside others of their folder and that
    /// surely describe these or hold no rows: READMEs, licences, lists, marks. They stay where no others
    /// are named, and where their folder is named too. All arguments stay if the user names files of
    /// embeddings: those are paired with the files of rows by their order.
    pub(crate) fn without_descriptions(&self, inputs: &[String]) -> NamedInputs {
        let (mut out, mut left) = (HashSet::new(), Vec::new());
        let NamedPlaces { by_folder, folders } = NamedPlaces::of(inputs);
        for (folder, named) in by_folder.into_iter().filter(|_| !self.asked.embeddings) {
            if named.len() > 1 && !folder.ancestors().any(|around| folders.contains(around)) {
                let mut named: Vec<Named> = named.into_values().collect();
                named.sort_by(|a, b| a.numbers.cmp(&b.numbers));
                out.extend(self.leave_out_among(&named, &mut left));
            }
        }
        let stays = |(number, input): (usize, &String)| (!out.contains(&number)).then(|| input.clone());
        NamedInputs { read: inputs.iter().enumerate().filter_map(stays).collect(), left }
    }

    /// Finds what describes the data among the files of a folder; returns the numbers of their
    /// arguments.
    fn leave_out_among(&self, named: &[Named], left: &mut Vec<LeftFile>) -> Vec<usize> {
        let causes = self.causes_among(named);
        if causes.iter().all(Option::is_some) {
            return Vec::new();
        }
        let mut out = Vec::new();
        for (named, cause) in named.iter().zip(causes) {
            let Some(cause) = cause else { continue };
            out.extend(&named.numbers);
            let (path, name) = (named.path.clone(), named.name.clone());
            let base = path.parent().unwrap_or(Path::new(""));
            match named.is_dir {
                true => left.extend(self.hidden_files(&path, base, &SpelledOut::default())),
                false => left.push(LeftFile { cause, path, name }),
            }
        }
        out
    }

    /// Leaves out named files, except those that another argument found too.
    pub(crate) fn leave_unread(&mut self, left: Vec<LeftFile>) {
        let mut folders = Folders::default();
        for LeftFile { cause, path, name } in left {
            if !folders.real(&path).is_some_and(|real| self.seen.contains(&real)) {
                self.leave(cause, &path, &name);
            }
        }
    }

    /// Returns why each of some files of a folder is no data; `None` for data.
    fn causes_among(&self, named: &[Named]) -> Vec<Option<Cause>> {
        let mut causes: Vec<Option<Cause>> =
            named.iter().map(|named| self.hidden_among_named(&named.path, &named.name)).collect();
        let (mut places, mut files, mut others, mut markdown) = (Vec::new(), Vec::new(), 0, Vec::new());
        for (at, (named, cause)) in named.iter().zip(&mut causes).enumerate() {
            match (self.row_format(&named.name), named.found()) {
                _ if cause.is_some() => {}
                _ if named.is_dir => others += 1,
                (Some(Format::TextTree), _) => markdown.push(at),
                (Some(_), _) => others += 1,
                (None, Some(found)) => {
                    places.push(at);
                    files.push(found);
                }
                (None, None) => *cause = cause_of_unread(named),
            }
        }
        let about = about_others(&files, others + markdown.len());
        for (file, (at, found)) in places.into_iter().zip(&files).enumerate() {
            causes[at] = match found.file.format == Format::Text && is_document(&found.name) {
                true => Some(Cause::Document),
                false if about.contains(&file) || is_text_about_others(found) => Some(Cause::AboutOthers),
                false => None,
            };
            others += usize::from(causes[at].is_none());
        }
        // A folder of Markdown alone has its README as a row.
        if others > 0 && self.asked.text_files != TextFiles::Whole {
            let documents = markdown.into_iter().filter(|&at| is_document(&named[at].name));
            documents.for_each(|at| causes[at] = Some(Cause::Document));
        }
        causes
    }
}

/// Returns why a file whose name tells no format is no data, if its name says so.
fn cause_of_unread(named: &Named) -> Option<Cause> {
    let is_data = || layout_by_content(&named.path).is_some();
    match (is_document(&named.name), is_mark(&named.name)) {
        _ if GATHERED_FOOTERS.contains(&named.name.as_str()) => Some(Cause::AboutOthers),
        (true, _) if !is_data() => Some(Cause::Document),
        (_, true) if !is_data() => Some(Cause::AboutOthers),
        _ => None,
    }
}
