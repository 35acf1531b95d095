//! Leaves out what describes the data among files that are named one by one. A shell turns `data/*`
//! into the names of all files there, of which a run over `data/` would read fewer.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use crate::formats::discover::found_file::{FoundFile, layout, layout_by_content};
use crate::formats::discover::hidden::SpelledOut;
use crate::formats::discover::ignored::{Folders, about_others, is_document, is_mark, is_text_about_others};
use crate::formats::discover::left_out::Cause;
use crate::formats::discover::survey::Survey;
use crate::formats::file::{Format, TextFiles};
use crate::storage::{Stamp, is_url, place};

/// A file or a folder on the disk that an argument names.
struct Named {
    /// The number of the argument.
    number: usize,
    path: PathBuf,
    /// The path with the folder where it really is.
    real: PathBuf,
    name: String,
    is_dir: bool,
}

impl Named {
    /// Returns what an argument names; none for a pattern, a URL, and what is not there.
    fn of(number: usize, input: &str, folders: &mut Folders) -> Option<Self> {
        let path = place(input).ok().filter(|path| !is_url(path))?;
        let is_dir = std::fs::metadata(&path).ok()?.is_dir();
        let name = path.file_name()?.to_str()?.to_owned();
        let real = folders.real(&path)?;
        Some(Self { number, path, real, name, is_dir })
    }

    /// Returns the file, if its name tells a format.
    fn found(&self) -> Option<FoundFile> {
        let layout = layout(&self.name).filter(|_| !self.is_dir)?;
        Some(FoundFile::new(self.path.clone(), self.name.clone(), layout, Stamp::of(&self.path).ok()?))
    }
}

impl Survey<'_> {
    /// Returns the arguments without the files that are named beside others of their folder and that
    /// a run over the folder would leave out: hidden ones, READMEs, licences, and those that describe
    /// others. They stay where no others are named, and where their folder is named too.
    pub(crate) fn without_descriptions(&mut self, inputs: &[String]) -> Vec<String> {
        let (mut by_folder, mut listed) = (BTreeMap::<PathBuf, Vec<Named>>::new(), HashSet::new());
        let (mut folders, mut seen) = (Folders::default(), HashSet::new());
        for (number, input) in inputs.iter().enumerate() {
            listed.extend(fs_err::canonicalize(input).ok().filter(|path| path.is_dir()));
            if let Some(named) = Named::of(number, input, &mut folders)
                && seen.insert(named.real.clone())
                && let Some(folder) = named.real.parent()
            {
                by_folder.entry(folder.to_path_buf()).or_default().push(named);
            }
        }
        let mut out = HashSet::new();
        for (folder, named) in by_folder {
            if named.len() > 1 && !folder.ancestors().any(|around| listed.contains(around)) {
                out.extend(self.leave_out_among(&named));
            }
        }
        let stays = |(number, input): (usize, &String)| (!out.contains(&number)).then(|| input.clone());
        inputs.iter().enumerate().filter_map(stays).collect()
    }

    /// Leaves out what describes the data among the files of a folder; returns the numbers of their
    /// arguments.
    fn leave_out_among(&mut self, named: &[Named]) -> Vec<usize> {
        let causes = self.causes_among(named);
        if causes.iter().all(Option::is_some) {
            return Vec::new();
        }
        let mut out = Vec::new();
        for (named, cause) in named.iter().zip(causes) {
            let Some(cause) = cause else { continue };
            out.push(named.number);
            let base = named.path.parent().unwrap_or(Path::new(""));
            match named.is_dir {
                true => drop(self.leaves_out_hidden_folder(&named.path, base, &SpelledOut::default())),
                false => self.leave(cause, &named.path, &named.name),
            }
        }
        out
    }

    /// Returns why each of some files of a folder is no data; `None` for data.
    fn causes_among(&self, named: &[Named]) -> Vec<Option<Cause>> {
        let mut causes: Vec<Option<Cause>> =
            named.iter().map(|named| self.hidden_among_named(&named.name, named.is_dir)).collect();
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
        (true, _) if !is_data() => Some(Cause::Document),
        (_, true) if !is_data() => Some(Cause::AboutOthers),
        _ => None,
    }
}
